"""The making of lists against the real stores: what is due, once each, whatever happens."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.platform.ids import random_id
from shared.recommendations import making, store
from shared.recommendations.making import Maker
from shared.recommendations.products.choosing import as_retrieved
from shared.signals import service as signals
from shared.signals.models import Signal
from tests.unit.recommendations.bundles import PlainBundle, a_world, track_id

_TODAY = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
# The last Wednesday before today: an hour at which no next week's list is due.
NOW = _TODAY - timedelta(days=(_TODAY.weekday() - 2) % 7 or 7)
BUNDLE = a_world()


@pytest.fixture(autouse=True)
def _stores(bigtable: str, firestore: str) -> None:
    """Every test here needs both."""


@pytest.fixture
def apart() -> str:
    """How the ids of this test's people begin, and nobody else's."""
    return random_id()[:12]


def somebody(apart: str) -> str:
    """One of those people."""
    return apart + random_id()[12:]


async def listen(user_id: str, rows: range, at: datetime = NOW - timedelta(days=1)) -> None:
    for place, row in enumerate(rows):
        moment = at - timedelta(minutes=5 * place)
        for kind in ("play", "complete"):
            await signals.record(
                Signal(
                    event_id=f"{kind}-{row}",
                    user_id=user_id,
                    kind=kind,  # type: ignore[arg-type]
                    ts=moment,
                    track_id=track_id(row),
                    session_id=f"s{row}",
                    position_ms=180_000 if kind == "complete" else None,
                )
            )


async def run(apart: str, maker: Maker, budget_s: float = 60) -> making.Progress:
    """A run that sees this test's people alone: other tests have theirs."""

    def people(start: str) -> AsyncIterator[tuple[str, int]]:
        return signals.listeners(max(start, apart), f"{apart}~")

    return await replace(maker, people=people).run(budget_s=budget_s)


def a_maker(now: datetime = NOW, **changes: object) -> Maker:
    return replace(Maker(BUNDLE, clock=lambda: now), **changes)  # type: ignore[arg-type]


def at_ms(now: datetime) -> int:
    return int(now.timestamp() * 1000)


async def test_everybody_gets_their_lists_once(apart: str) -> None:
    people = [somebody(apart) for _ in range(5)]
    for number, one in enumerate(people):
        await listen(one, range(number, number + 40, 4))
    first = await run(apart, a_maker())
    assert first.people == 5
    assert first.made["discover-weekly"] == 5
    assert first.made["daily-mix"] == 5
    assert first.failed == first.stood == 0
    assert json.loads(json.dumps(first.summary()))["made"]["discover-weekly"] == 5
    kept = {one: await store.read_shelved(one, at_ms(NOW)) for one in people}
    for shelved in kept.values():
        assert len(shelved.made["discover-weekly"].lists[0].tracks) == 30
    again = await run(apart, a_maker())
    assert again.people == 5
    assert not again.made
    assert {one: await store.read_shelved(one, at_ms(NOW)) for one in people} == kept


async def test_tasks_share_the_people_whatever_their_ids_are_like(apart: str) -> None:
    people = [f"{apart}-listener-{number:05d}" for number in range(120)]
    for one in people:
        await listen(one, range(0, 8, 4))
    maker = a_maker(products=("release-radar",))

    def own(start_at: str) -> AsyncIterator[tuple[str, int]]:
        return signals.listeners(max(start_at, f"{apart}-"), f"{apart}.")

    shares = [await replace(maker, people=own).run(task, 3) for task in range(3)]
    assert sum(one.people for one in shares) == 120
    assert all(25 < one.people < 55 for one in shares)


async def test_two_runs_at_once_make_no_list_twice(apart: str) -> None:
    people = [somebody(apart) for _ in range(6)]
    for one in people:
        await listen(one, range(0, 40, 4))
    makers = [a_maker(products=("discover-weekly",)) for _ in range(2)]
    found = await asyncio.gather(*(run(apart, maker) for maker in makers))
    assert sum(one.made["discover-weekly"] for one in found) == 6
    for one in people:
        stands = await store.read_made(one, "discover-weekly", at_ms(NOW))
        assert stands is not None


async def test_a_run_that_died_is_begun_again_and_ends_with_one_list_each(apart: str) -> None:
    people = sorted(somebody(apart) for _ in range(8))
    for one in people:
        await listen(one, range(0, 40, 4))
    dying = asyncio.create_task(run(apart, a_maker(products=("discover-weekly",))))

    async def made() -> list[str]:
        states = await store.states(people, ["discover-weekly"])
        return [one for one in people if states[one]]

    while len(await made()) < 3:  # noqa: ASYNC110 - it is the store that is waited for
        await asyncio.sleep(0.01)
    dying.cancel()
    with pytest.raises((asyncio.CancelledError, BaseExceptionGroup)):
        await dying
    before = await made()
    kept = [await store.read_newest(one, "discover-weekly") for one in before]
    assert 3 <= len(before) < 8
    rest = await run(apart, a_maker(products=("discover-weekly",)))
    assert rest.made["discover-weekly"] == 8 - len(before)
    assert await made() == people
    assert [await store.read_newest(one, "discover-weekly") for one in before] == kept


async def test_next_week_repeats_nothing_and_starts_on_monday(apart: str) -> None:
    user_id = somebody(apart)
    await listen(user_id, range(0, 40, 4))
    only = ("discover-weekly",)
    week = timedelta(days=7)
    listed: list[set[str]] = []
    for number in range(5):
        maker = a_maker(NOW + number * week, products=only)
        assert (await run(apart, maker)).made["discover-weekly"] == 1
        newest = await store.read_newest(user_id, "discover-weekly")
        assert newest is not None
        listed.append(set(newest.track_ids))
        assert len(newest.before) == min(number, 3)
    for number, ids in enumerate(listed):
        for earlier in listed[max(number - 4, 0) : number]:
            assert not ids & earlier


async def test_one_persons_fault_is_not_the_others(
    apart: str, caplog: pytest.LogCaptureFixture
) -> None:
    people = sorted(somebody(apart) for _ in range(3))
    for number, one in enumerate(people):
        await listen(one, range(number * 60, number * 60 + 40, 4))
    unlucky = people[1]

    def ordering(bundle: object, listener: object) -> object:
        if listener.taste.user_id == unlucky:  # type: ignore[attr-defined]
            raise RuntimeError("a fault of ours")
        return as_retrieved

    found = await run(apart, a_maker(ordering=ordering, products=("discover-weekly",)))
    assert (found.made["discover-weekly"], found.failed) == (2, 1)
    assert (await run(apart, a_maker(products=("discover-weekly",)))).made == {"discover-weekly": 1}


async def test_who_has_done_nothing_since_keeps_the_mixes_until_they_are_old(
    apart: str,
) -> None:
    user_id = somebody(apart)
    await listen(user_id, range(0, 40, 4))
    only = ("daily-mix",)
    assert (await run(apart, a_maker(products=only))).made["daily-mix"] == 1
    for hours, made in ((13, 0), (24, 0), (7 * 24 - 1, 0), (7 * 24, 1)):
        later = a_maker(NOW + timedelta(hours=hours), products=only)
        assert (await run(apart, later)).made["daily-mix"] == made, hours


async def test_what_says_nothing_new_of_a_taste_makes_no_mixes(apart: str) -> None:
    user_id = somebody(apart)
    await listen(user_id, range(0, 40, 4))
    only = ("daily-mix",)
    begun = NOW - timedelta(hours=13)
    await run(apart, a_maker(begun, products=only))
    search = Signal(event_id="q", user_id=user_id, kind="search", ts=NOW, query="jazz")
    await signals.record(search)
    found = await run(apart, a_maker(products=only))
    assert (found.unchanged, found.made["daily-mix"]) == (1, 0)
    await listen(user_id, range(120, 140, 4), NOW)
    found = await run(apart, a_maker(products=only))
    assert found.made["daily-mix"] == 1


async def test_a_budget_ends_the_run_and_the_next_goes_on(apart: str) -> None:
    people = [somebody(apart) for _ in range(making.BATCH + 1)]
    for one in people:
        await listen(one, range(0, 8, 4))
    only = ("release-radar",)
    cut = await run(apart, a_maker(products=only), budget_s=0)
    assert cut.unfinished
    assert cut.people == 0
    assert (await run(apart, a_maker(products=only))).people == len(people)


async def test_by_hand_one_persons_list_is_made_again(apart: str) -> None:
    user_id = somebody(apart)
    await listen(user_id, range(0, 40, 4))
    only = ("discover-weekly",)
    assert (await a_maker(products=only).run_for(user_id)).made["discover-weekly"] == 1
    first = await store.read_newest(user_id, "discover-weekly")
    assert not (await a_maker(products=only).run_for(user_id)).made
    newer = PlainBundle(BUNDLE.items, BUNDLE.vectors, version="newer")
    forced = a_maker(products=only, bundle=newer, force=True)
    assert (await forced.run_for(user_id)).made["discover-weekly"] == 1
    second = await store.read_newest(user_id, "discover-weekly")
    assert first is not None
    assert second is not None
    assert (first.period, second.version) == (second.period, "newer")
    assert second.before == first.before


async def test_who_becomes_known_gets_a_list_within_the_week(apart: str) -> None:
    user_id = somebody(apart)
    begun = NOW - timedelta(minutes=1)
    search = Signal(event_id="q", user_id=user_id, kind="search", ts=begun, query="jazz")
    await signals.record(search)
    only = ("discover-weekly",)
    assert not (await run(apart, a_maker(products=only))).made["discover-weekly"]
    await listen(user_id, range(0, 40, 4), NOW + timedelta(seconds=1))
    found = await run(apart, a_maker(NOW + timedelta(seconds=2), products=only))
    assert found.made["discover-weekly"] == 1
