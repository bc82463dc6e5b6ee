"""The job's search: who played since the last one, and how?

What it costs. The history has no list of who is active, and a filter on time would read every play
of 90 days. But a person's rows lie together, the newest first, so one row tells whether they are
active and where the next person begins: a sweep reads one row for each person with any history,
and then up to `MAX_PLAYS` rows for each who played since the last sweep. To read one costs the
client 0.9 ms of CPU, so a task passes about a thousand people a second (walkers hide the waiting):
a million are a quarter of an hour of one task, and up to 64 tasks divide that. Beyond some ten
million a stream of who is active would be cheaper.

What bounds it. A run stops when its budget is used up; where each slice is, is stored every
`PEOPLE_PER_NOTE` people, and the next run, or another try after a crash, goes on from there.
Whoever is visited twice is judged twice, with the same outcome.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.abuse import service, store
from shared.abuse.behaviour import MIN_PLAYS, SUSPECT_AT, WINDOW_MS, assess
from shared.abuse.measures import HOUR_MS
from shared.abuse.models import Change, History, Listen, Played, Sweep
from shared.abuse.slices import Slice, slices_of_task
from shared.catalog import service as catalog

WALKERS = 8  # slices that a task searches at the same time
PEOPLE_PER_NOTE = 200
MAX_PLAYS = 3_000  # of a person and day: 125 an hour, and whoever made more shows it in these
LATE_MS = HOUR_MS  # plays that a device was so late to report still make a person active
BUDGET_S = 720.0  # of the schedule's quarter of an hour


@dataclass(slots=True)
class Swept:
    """What a run did: people seen, people who had played, suspicions started and ended; slices
    that are left in the middle for the next run."""

    people: int = 0
    active: int = 0
    started: int = 0
    ended: int = 0
    unfinished: int = 0

    def count(self, change: Change | None) -> None:
        """Counts what became of one verdict."""
        self.started += change == "started"
        self.ended += change == "ended"


async def sweep(
    history: History, task: int = 0, tasks: int = 1, budget_s: float = BUDGET_S
) -> Swept:
    """Judges everybody in the slices of task `task` of `tasks` who has played since those were
    last searched. Raises what the stores raise, with everything up to then kept."""
    swept = Swept()
    deadline_s = time.monotonic() + budget_s
    slices = slices_of_task(task, tasks)
    first = Sweep(since_ms=_now_ms() - WINDOW_MS)
    found = [sweep or first for sweep in await asyncio.gather(*map(store.sweep, slices))]
    # Those first that have waited longest, or a short budget would never reach the last ones.
    waiting = iter(sorted(zip(slices, found, strict=True), key=lambda pair: pair[1].since_ms))

    async def walk() -> None:
        for of, so_far in waiting:
            await _walk(history, of, so_far.begun(_now_ms()), swept, deadline_s)

    async with asyncio.TaskGroup() as group:
        for _ in range(WALKERS):
            group.create_task(walk())
    return swept


async def _walk(history: History, of: Slice, sweep: Sweep, swept: Swept, deadline_s: float) -> None:
    """Searches one slice until everybody is visited or the time is over."""
    for change in await service.settle_with_time(of, datetime.now(UTC)):
        swept.count(change)
    visited = 0
    async for person in history.listeners(sweep.position or of.start, of.end):
        is_over = time.monotonic() > deadline_s
        if is_over or visited == PEOPLE_PER_NOTE:
            await store.put_sweep(of, sweep.at(person.user_id))
            visited = 0
        if is_over:
            swept.unfinished += 1
            return
        visited += 1
        swept.people += 1
        if person.last_played_ms >= sweep.since_ms - LATE_MS:
            swept.active += 1
            swept.count(await _judge(history, person.user_id))
    await store.put_sweep(of, sweep.finished())


async def _judge(history: History, user_id: str) -> Change | None:
    plays = await history.plays_since(user_id, _now_ms() - WINDOW_MS, MAX_PLAYS)
    if len(plays) < MIN_PLAYS:
        return None
    assessment = assess(await _listens(plays))
    if assessment.score < SUSPECT_AT:  # of almost everybody: not worth a read each
        return None
    return await service.judge(user_id, assessment, datetime.now(UTC))


async def _listens(plays: Sequence[Played]) -> list[Listen]:
    ids = list(dict.fromkeys(play.track_id for play in plays))
    tracks = dict(zip(ids, await catalog.get_tracks(ids), strict=True))
    listens = []
    for play in plays:
        track = tracks[play.track_id]
        artist = track.artists[0].id if track and track.artists else ""
        listens.append(
            Listen(
                started_at_ms=play.played_at_ms,
                track_id=play.track_id,
                artist_id=artist,
                duration_ms=track.duration_ms if track else 0,
                device_id=play.device_id or "",
            )
        )
    return listens


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
