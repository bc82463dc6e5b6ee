"""Learns the chances from the warehouse, and has them used where they help (F201)."""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from shared.platform import objects, warehouse
from shared.recommendations.items import Bundle
from shared.recommendations.ranking import serving
from shared.recommendations.ranking.chances import TARGETS
from shared.recommendations.ranking.examples import Example, Examples, example_of
from shared.recommendations.ranking.features import RANKING_FEATURES, items_of
from shared.recommendations.ranking.impressions import CREDITED_MS, Impression, Screens
from shared.recommendations.ranking.training import (
    MAX_CALIBRATION_ERROR,
    Gain,
    Trained,
    train,
)
from shared.signals.training import training_rows
from shared.topology import EXPOSURES_VIEW, MODELS

DAYS = 28
SEED = 201  # another one is another split of the people; F201
MOST_OF_A_PERSON = 50  # plays: nobody's taste is everybody's
MAX_PLAYS = 200_000  # some 120 MB, and far more than six dozen features need

Outcome = Literal["too few plays", "not better", "better"]

_IMPRESSIONS = f"""
SELECT user_id, ts, items
FROM `{{{EXPOSURES_VIEW.name}}}`
WHERE kind = 'impression' AND user_id IS NOT NULL AND items IS NOT NULL
  AND ts >= @since AND ts < @until
ORDER BY user_id, ts
"""


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a training on `plays` judged ones; a `version` is stored unless there were too
    few."""

    outcome: Outcome
    trained_at: datetime
    days: int
    seed: int
    plays: int
    version: str | None = None
    trained: Trained | None = None
    reason: str = ""

    def to_json(self) -> bytes:
        """`report.json`: all of it but the models, which it names by their checksums."""
        fields = asdict(self)
        trained = fields.pop("trained") or {"models": {}}
        for one in trained["models"].values():
            one["model_sha256"] = hashlib.sha256(one.pop("model").encode()).hexdigest()
        fields = trained | fields
        fields["trained_at"] = self.trained_at.isoformat()
        fields["features"] = RANKING_FEATURES
        return json.dumps(fields, indent=2).encode()

    def to_markdown(self) -> str:
        """`report.md`, for people."""
        lines = [
            f"# Recommendation ranker {self.version or '(none)'}: {self.outcome}",
            "",
            f"{self.plays:,} judged plays of {self.days} days; seed {self.seed}.",
        ]
        if self.trained is None:
            return "\n".join([*lines, "", f"Nothing was changed: {self.reason}.", ""])
        trained = self.trained
        lines += [
            f"Measured on {trained.held_out:,} later ones by people of whom training saw nothing;"
            f" {trained.sessions:,} of their sessions, of {trained.people:,} people, have both"
            " ends.",
            "",
            "| | before | learned | gain | 95 % interval |",
            "|---|---|---|---|---|",
            _row("NDCG, against the guess", trained.ndcg),
        ]
        if trained.retrieval_ndcg is not None:
            lines.append(_row("NDCG, against retrieval", trained.retrieval_ndcg))
        for target in TARGETS:
            lines.append(_row(f"-log loss, {target}", trained.models[target].log_loss))
        lines += [
            "",
            "| | base rate | AUC | calibration error | of which luck | trees |",
            "|---|---|---|---|---|---|",
            *(
                f"| {target} | {one.base_rate:.3f} | {one.auc:.3f} | {one.calibration_error:.3f}"
                f" | {one.calibration_luck:.3f} | {one.rounds} |"
                for target, one in trained.models.items()
            ),
            "",
            *(
                f"Gain by feature, {target}: {_most_important(one.importance)}"
                for target, one in trained.models.items()
            ),
            "",
        ]
        if trained.ablation:
            lines += [
                "| without | NDCG lost | log loss added |",
                "|---|---|---|",
                *(
                    f"| {group} | {ndcg:+.4f} | {loss:+.4f} |"
                    for group, (ndcg, loss) in trained.ablation.items()
                ),
                "",
            ]
        verdict = "is used" if self.outcome == "better" else "is not used"
        lines.append(
            f"It {verdict}: it takes lower ends above 0 against the guess and the base rates,"
            f" and calibration errors of at most {MAX_CALIBRATION_ERROR} beyond luck."
        )
        return "\n".join([*lines, ""])


def _row(name: str, one: Gain) -> str:
    interval = f"{one.low:+.4f} … {one.high:+.4f}"
    return f"| {name} | {one.before:.4f} | {one.after:.4f} | {one.gain:+.4f} | {interval} |"


def _most_important(importance: Mapping[str, float], count: int = 12) -> str:
    most = sorted(importance.items(), key=lambda pair: -pair[1])[:count]
    return ", ".join(f"{name} {share:.0%}" for name, share in most)


async def learn(
    bundle: Bundle,
    *,
    days: int = DAYS,
    seed: int = SEED,
    dry_run: bool = False,
    now: datetime | None = None,
) -> Report:
    """Trains on the last `days` and stores the models with their report; has them used if they are
    better than the guess. `bundle` tells what is known of tracks. With `dry_run` nothing is stored.
    Raises Unavailable where the warehouse does not answer."""
    now = now or datetime.now(UTC)
    examples = Examples.of([one async for one in read(bundle, days=days, seed=seed, until=now)])
    report = conclude(examples, days, seed, now)
    if report.trained is not None and report.version is not None and not dry_run:
        await _store(report.version, report, report.trained)
        if report.outcome == "better":
            await serving.choice.use(report.version)
    return report


def conclude(examples: Examples, days: int, seed: int, now: datetime) -> Report:
    """What `examples` teach. Pure."""
    try:
        trained = train(examples, seed)
    except ValueError as error:
        return Report("too few plays", now, days, seed, len(examples), reason=str(error))
    digest = hashlib.sha256("".join(one.model for one in trained.models.values()).encode())
    version = f"{now:%Y%m%dT%H%M%SZ}-{digest.hexdigest()[:8]}"
    outcome: Outcome = "better" if trained.is_better else "not better"
    return Report(outcome, now, days, seed, len(examples), version, trained)


async def read(bundle: Bundle, *, days: int, seed: int, until: datetime) -> AsyncIterator[Example]:
    """The judged plays of the `days` before `until`, person by person, at most `MAX_PLAYS`."""
    item_of = items_of(bundle)
    artists_of = _artists_of(bundle)
    impressions = _Impressions(days, until)
    count = 0
    rows = training_rows(days, until, artists_of, most_of_a_person=MOST_OF_A_PERSON, seed=seed)
    async for row in rows:
        example = example_of(row, await impressions.of(row.listen.play.user_id), item_of)
        if example is not None:
            yield example
            count += 1
            if count == MAX_PLAYS:
                return


def _artists_of(bundle: Bundle) -> dict[str, tuple[str, ...]]:
    items = map(bundle.item, range(len(bundle)))
    return {item.track_id: item.artist_ids for item in items}


class _Impressions:
    """What each person was shown, for people who come in the order of their ids."""

    def __init__(self, days: int, until: datetime) -> None:
        since = until - timedelta(days=days, milliseconds=CREDITED_MS)
        self._pages = warehouse.pages(
            _IMPRESSIONS, (EXPOSURES_VIEW,), {"since": since, "until": until}, _impression
        )
        self._waiting: deque[tuple[str, Impression]] = deque()
        self._present = "", Screens()

    async def of(self, user_id: str) -> Screens:
        """What `user_id` was shown."""
        if self._present[0] != user_id:
            own = []
            while await self._fill() and self._waiting[0][0] <= user_id:
                shown_to, impression = self._waiting.popleft()
                if shown_to == user_id:
                    own.append(impression)
            self._present = user_id, Screens(own)
        return self._present[1]

    async def _fill(self) -> bool:
        """Whether anything is waiting, or could be fetched."""
        while not self._waiting:
            try:
                self._waiting.extend(await anext(self._pages))
            except StopAsyncIteration:
                return False
        return True


def _impression(row: Mapping[str, Any]) -> tuple[str, Impression]:
    ts: datetime = row["ts"]
    return row["user_id"], Impression.parse(int(ts.timestamp() * 1000), row["items"])


async def _store(version: str, report: Report, trained: Trained) -> None:
    folder = f"{serving.FOLDER}/{version}"
    for name, content, content_type in (
        *((f"{one}.txt", trained.models[one].model.encode(), "text/plain") for one in TARGETS),
        ("report.md", report.to_markdown().encode(), "text/markdown; charset=utf-8"),
        ("report.json", report.to_json(), "application/json"),  # last: it makes the version whole
    ):
        await objects.write(MODELS, f"{folder}/{name}", content, content_type)
