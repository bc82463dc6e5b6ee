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
from shared.platform.errors import Conflict, Unavailable
from shared.topology import REPORTS

FOLDER = "experiments"
SETTLED = timedelta(days=1)  # after its end an experiment's page is written for so long
STREAMS_DAYS = 28  # on the page of all
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Judged:
    """What a run did, by names of experiments."""

    reported: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


async def judge(only: Iterable[str] = (), now: datetime | None = None) -> Judged:
    """Judges every experiment (or `only` those) as of `now`, one at a time, those with the fewest
    people first: one that fails is logged, and one that takes the job down has the others judged
    before. The same again writes the same pages."""
    now = now or datetime.now(UTC)
    names, judged = frozenset(only), Judged()
    due = [
        one
        for one in (await service.everything()).values()
        if (not names or one.name in names) and _is_due(one, now)
    ]
    for experiment, assigned in await _smallest_first(due, judged, now):
        try:
            analysis = analyse(experiment, await warehouse.people(experiment, now), assigned, now)
            await _write(await _stopped_if_harmful(analysis, judged))
        except Exception:
            _log.exception("%s is not judged", experiment.name)
            judged.failed.append(experiment.name)
        else:
            judged.reported.append(experiment.name)
    experiments = (await service.everything()).values()
    await _put("index.html", pages.index_page(experiments, now, await _streams(now)))
    return judged


async def _smallest_first(
    due: Iterable[Experiment], judged: Judged, now: datetime
) -> list[tuple[Experiment, dict[str, int]]]:
    """With the number of people who were given each variant."""
    found = []
    for experiment in due:
        try:
            found.append((experiment, await warehouse.assigned(experiment, now)))
        except Exception:
            _log.exception("%s is not judged", experiment.name)
            judged.failed.append(experiment.name)
    return sorted(found, key=lambda one: sum(one[1].values()))


async def _streams(now: datetime) -> list[warehouse.Streams] | None:
    """None where the warehouse does not answer: the page of all is there without them."""
    try:
        return await warehouse.streams(now, STREAMS_DAYS)
    except Unavailable:
        _log.exception("what is played of recommendations is not known")
        return None


def _is_due(experiment: Experiment, now: datetime) -> bool:
    if experiment.is_flag or experiment.started_at is None:
        return False
    return experiment.ended_at is None or now - experiment.ended_at < SETTLED


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
