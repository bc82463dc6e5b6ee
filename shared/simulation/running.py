"""A population at the Web API: reads the catalogue, makes the world, and visits for everybody."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import httpx

from shared.signals.models import Signal
from shared.simulation.api import Api, ApiFailed
from shared.simulation.policies import NOTHING
from shared.simulation.reading import read_catalogue
from shared.simulation.signals import listen
from shared.simulation.signing_in import Account, App, SignInFailed, sign_in
from shared.simulation.visiting import Did, look_at_home, visit
from shared.simulation.world import World, user_id

MOST_DAYS = 89  # events may be 90 days old (F159), and a day's morning is older than its evening
COUNTRIES = ("US", "DE", "GB", "FR", "BR", "SE", "ES", "JP", "CA", "NL")
REPORTED_EVERY_S = 5.0
TIMEOUT_S = 60.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be simulated: `people` of `seed`, on the `days` before `until` (UTC), who know
    `most_tracks` at most. `joined` are accounts that are there already: the first of the people."""

    url: str
    app: App
    people: int
    days: int
    seed: int
    until: date
    password: str
    concurrency: int = 4
    most_tracks: int = 2_000
    joined: tuple[Account, ...] = ()
    home_only: bool = False  # nothing but to look at their home pages

    def account(self, person: int) -> Account:
        """Whose account a person has."""
        if person < len(self.joined):
            return self.joined[person]
        country = COUNTRIES[person % len(COUNTRIES)]
        name = user_id(self.seed, person)
        return Account(name, self.password, country, f"Listener {person}")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it, and why some people failed."""

    did: Did
    failed: tuple[str, ...]


async def run(plan: Plan) -> Outcome:
    """Simulates `plan`. Raises SignInFailed, ApiFailed, ValueError or httpx.HTTPError where not
    even the catalogue can be read; what befalls one person ends that person's visit alone."""
    limits = httpx.Limits(max_connections=plan.concurrency + 2)
    async with httpx.AsyncClient(
        base_url=plan.url, timeout=TIMEOUT_S, limits=limits, trust_env=False
    ) as http:
        first = _api(http, plan, 0)
        catalogue = await read_catalogue(first, plan.most_tracks)
        world = await asyncio.to_thread(World.make, catalogue, plan.people, plan.seed)
        signals = [] if plan.home_only else await asyncio.to_thread(_by_person, world, plan)
        return await _Visits(http, plan, world, signals).make()


def _by_person(world: World, plan: Plan) -> list[list[Signal]]:
    """What each person does on the days before `until`, by time."""
    days = [plan.until - timedelta(days=ago) for ago in range(plan.days, 0, -1)]
    person_of = {world.user_id(person): person for person in range(len(world))}
    found: list[list[Signal]] = [[] for _ in range(len(world))]
    for signal in listen(world, NOTHING, days):
        found[person_of[signal.user_id]].append(signal)
    return found


def _api(http: httpx.AsyncClient, plan: Plan, person: int) -> Api:
    return Api(http, lambda: sign_in(plan.app, plan.account(person)))


class _Visits:
    """Everybody's visits, `concurrency` at a time, with progress in the log."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        plan: Plan,
        world: World,
        signals: Sequence[Sequence[Signal]],
    ) -> None:
        self._http, self._plan, self._world, self._signals = http, plan, world, signals
        self._left = iter(range(len(world)))
        self._did, self._failed = Did(), list[str]()
        self._reported_s = time.monotonic()

    async def make(self) -> Outcome:
        """Visits for all."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._plan.concurrency):
                group.create_task(self._work())
        return Outcome(self._did, tuple(self._failed))

    async def _work(self) -> None:
        for person in self._left:
            api = _api(self._http, self._plan, person)
            try:
                if self._plan.home_only:
                    did = Did(people=1)
                    await look_at_home(api, self._world, person, did)
                else:
                    did = await visit(api, self._world, person, self._signals[person])
            except (SignInFailed, ApiFailed, httpx.HTTPError) as error:
                told = f"{self._world.user_id(person)}: {type(error).__name__}: {error}"
                _log.warning("%s", told)
                self._failed.append(told)
            else:
                self._did.add(did)
            self._report()

    def _report(self) -> None:
        now_s = time.monotonic()
        done = self._did.people + len(self._failed)
        if now_s - self._reported_s > REPORTED_EVERY_S or done == len(self._world):
            self._reported_s = now_s
            _log.info("%d of %d people, %d events", done, len(self._world), self._did.events)
