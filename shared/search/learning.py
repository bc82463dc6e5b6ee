"""Learns an order from the warehouse, and has it used where it is better than the weights."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np

from shared.platform import objects
from shared.search import reranking, warehouse
from shared.search.position_bias import BEGINNINGS
from shared.search.ranking import FEATURES
from shared.search.training import METRICS, MIN_SEARCHES, Difference, Search, Trained, train
from shared.topology import MODELS

DAYS = 28
SEED = 182  # another one is another split of the queries; F182

Outcome = Literal["too few searches", "not better", "better"]


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a training. `searches` led to a play and could be read, `unreadable` could not
    (they are of another version's features); a `version` is stored unless there were too few."""

    outcome: Outcome
    trained_at: datetime
    days: int
    seed: int
    searches: int
    unreadable: int
    version: str | None = None
    trained: Trained | None = None
    reason: str = ""

    def to_json(self) -> bytes:
        """`report.json`: all of it but the model, which it names by its checksum."""
        fields = asdict(self)
        trained = fields.pop("trained") or {}
        model = trained.pop("model", "")
        fields |= trained
        fields["trained_at"] = self.trained_at.isoformat()
        fields["features"] = FEATURES
        fields["model_sha256"] = hashlib.sha256(model.encode()).hexdigest()
        return json.dumps(fields, indent=2).encode()

    def to_markdown(self) -> str:
        """`report.md`, for people."""
        lines = [
            f"# Search ranker {self.version or '(none)'}: {self.outcome}",
            "",
            f"{self.searches:,} searches of {self.days} days led to a play"
            f" ({self.unreadable:,} more cannot be read); seed {self.seed}.",
        ]
        if self.trained is None:
            return "\n".join([*lines, "", f"Nothing was changed: {self.reason}.", ""])
        trained = self.trained
        lines += [
            f"Measured on {trained.held_out:,} of them, for {trained.queries:,} queries of which"
            f" training saw none; {trained.rounds} trees.",
            "",
            "| | weights | learned | gain | 95 % interval |",
            "|---|---|---|---|---|",
            *(_row(name, trained.differences[name]) for name in METRICS),
            *(_row(f"{name}, as played", trained.unweighted[name]) for name in METRICS),
            "",
            "The first rows correct for position bias; the others take plays as they are, which"
            " lean towards the order that was shown.",
            "",
            "Propensities: " + _shares([f"place {one + 1}" for one in BEGINNINGS], trained),
            "",
            "Gain by feature: "
            + ", ".join(
                f"{name} {share:.0%}"
                for name, share in sorted(trained.importance.items(), key=lambda pair: -pair[1])
            ),
            "",
        ]
        verdict = "is used" if self.outcome == "better" else "is not used"
        why = "above" if self.outcome == "better" else "not above"
        lines.append(f"It {verdict}: the lower end of the interval of {METRICS[0]} is {why} 0.")
        return "\n".join([*lines, ""])


def _row(name: str, one: Difference) -> str:
    interval = f"{one.low:+.4f} … {one.high:+.4f}"
    return f"| {name} | {one.weighted:.4f} | {one.learned:.4f} | {one.gain:+.4f} | {interval} |"


def _shares(names: Sequence[str], trained: Trained) -> str:
    pairs = zip(names, trained.propensities, strict=True)
    return ", ".join(f"{name} {value:.2f}" for name, value in pairs)


async def learn(
    *, days: int = DAYS, seed: int = SEED, dry_run: bool = False, now: datetime | None = None
) -> Report:
    """Trains on the last `days` and stores the model with its report; has it used if it is better
    than the weights. With `dry_run` nothing is stored. Raises Unavailable where the warehouse does
    not answer."""
    now = now or datetime.now(UTC)
    pages = await warehouse.pages_with_a_play(now, days, read_page)
    searches = [page for page in pages if page is not None]
    report = conclude(searches, len(pages) - len(searches), days, seed, now)
    if report.trained is not None and not dry_run:
        await _store(report, report.trained)
        if report.outcome == "better":
            await reranking.choice.use(report.version)
    return report


def conclude(
    searches: Sequence[Search], unreadable: int, days: int, seed: int, now: datetime
) -> Report:
    """What `searches` teach. Pure."""
    counted = len(searches)
    if counted < MIN_SEARCHES:
        reason = f"it takes {MIN_SEARCHES:,} searches to conclude anything"
        return Report("too few searches", now, days, seed, counted, unreadable, reason=reason)
    try:
        trained = train(searches, FEATURES, seed)
    except ValueError as error:
        reason = str(error)
        return Report("too few searches", now, days, seed, counted, unreadable, reason=reason)
    digest = hashlib.sha256(trained.model.encode()).hexdigest()
    version = f"{now:%Y%m%dT%H%M%SZ}-{digest[:8]}"
    outcome: Outcome = "better" if trained.is_better else "not better"
    return Report(outcome, now, days, seed, counted, unreadable, version, trained)


async def _store(report: Report, trained: Trained) -> None:
    folder = f"{reranking.FOLDER}/{report.version}"
    for name, content, content_type in (
        ("model.txt", trained.model.encode(), "text/plain"),
        ("report.md", report.to_markdown().encode(), "text/markdown; charset=utf-8"),
        ("report.json", report.to_json(), "application/json"),  # last: it makes the version whole
    ):
        await objects.write(MODELS, f"{folder}/{name}", content, content_type)


def read_page(row: Mapping[str, Any]) -> Search | None:
    """The page of a row of `warehouse.pages_with_a_play`; None where its event is not whole or of
    other features than are ranked by now."""
    try:
        shown, known = json.loads(row["shown"]), json.loads(row["features"])
        columns = [known["names"].index(name) for name in FEATURES]
        values = np.array(known["values"], dtype=np.float64)
        weighted = np.array(known["score"], dtype=np.float64)
        matches = tuple(map(str, known["match"]))
    except (ValueError, KeyError, TypeError):
        return None
    count = len(shown)
    if values.shape != (count, len(known["names"])) or len(matches) != count:
        return None
    if weighted.shape != (count,) or not np.isfinite(values).all():
        return None
    keys = set(row["played"])
    played = np.array([key in keys for key in shown], dtype=np.bool_)
    if not played.any():
        return None
    return Search(row["query"], matches, weighted, values[:, columns], played)
