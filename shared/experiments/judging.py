"""What `jobs/experiment_report` does every hour: judge what runs, stop what harms, write pages."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from shared.experiments import pages, service, warehouse
from shared.experiments.analysis import Analysis, analyse
from shared.experiments.models import Experiment
from shared.platform import objects
from shared.platform.errors import Conflict
from shared.topology import REPORTS

FOLDER = "experiments"
SETTLED = timedelta(days=1)  # after its end an experiment's page is written for so long
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Judged:
    """What a run did, by names of experiments."""

    reported: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


async def judge(only: Iterable[str] = (), now: datetime | None = None) -> Judged:
    """Judges every experiment (or `only` those) as of `now`. One that fails is logged and does not
    keep the others from being judged. The same again writes the same pages."""
    now = now or datetime.now(UTC)
    names, judged = frozenset(only), Judged()
    for experiment in (await service.everything()).values():
        if (names and experiment.name not in names) or not _is_due(experiment, now):
            continue
        try:
            analysis = await _stopped_if_harmful(await _analysed(experiment, now), judged)
            await _write(analysis)
        except Exception:
            _log.exception("%s is not judged", experiment.name)
            judged.failed.append(experiment.name)
        else:
            judged.reported.append(experiment.name)
    await _put("index.html", pages.index_page((await service.everything()).values(), now))
    return judged


def _is_due(experiment: Experiment, now: datetime) -> bool:
    if experiment.is_flag or experiment.started_at is None:
        return False
    return experiment.ended_at is None or now - experiment.ended_at < SETTLED


async def _analysed(experiment: Experiment, now: datetime) -> Analysis:
    people = await warehouse.people(experiment, now)
    return analyse(experiment, people, await warehouse.assigned(experiment, now), now)


async def _stopped_if_harmful(analysis: Analysis, judged: Judged) -> Analysis:
    """The experiment ends before its page is drawn: harm does not wait for a picture."""
    experiment, harm = analysis.experiment, analysis.harm
    if harm is None or experiment.status != "running":
        return analysis
    try:
        ended = await service.stop(experiment.name, harm, "by experiment_report")
    except Conflict:  # an operator was faster
        ended = (await service.everything())[experiment.name]
    else:
        judged.stopped.append(experiment.name)
        _log.error("experiment %s is stopped: %s", experiment.name, harm)
    return analysis.of(ended)


async def _write(analysis: Analysis) -> None:
    page, name = pages.experiment_page(analysis), analysis.experiment.name
    await _put(f"{name}/{analysis.as_of:%Y%m%dT%H%MZ}.html", page)
    await _put(f"{name}/index.html", page)


async def _put(name: str, page: str) -> None:
    await objects.write(REPORTS, f"{FOLDER}/{name}", page.encode(), "text/html; charset=utf-8")
