"""The job against Bigtable and Firestore: who is found, what is written, what a crash leaves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from shared import topology
from shared.abuse import service, store, sweeping
from shared.abuse.models import History, Listener, Played
from shared.abuse.slices import SLICES, Slice
from shared.abuse.sweeping import Swept, sweep
from shared.abuse.verdicts import KEPT, LIFE
from shared.history import service as history
from shared.platform import clients
from tests.emulator.abuse.conftest import HOUR_MS, Play, by_hand, document, ledger

Somebody = Callable[[], str]
PlayAll = Callable[[str], Awaitable[None]]


@dataclass
class Watched:
    """The real history, and whose plays were read; it fails when it comes to `fails_at`."""

    fails_at: str | None = None
    read: list[str] = field(default_factory=list)

    def listeners(self, start: str, end: str | None) -> AsyncIterator[Listener]:
        return history.listeners(start, end)

    async def plays_since(self, user_id: str, since_ms: int, limit: int) -> Sequence[Played]:
        if user_id == self.fails_at:
            raise ConnectionError("the store is gone")
        self.read.append(user_id)
        return await history.plays_since(user_id, since_ms, limit)


async def search(own_slice: Slice, of: History = history, **more: float) -> Swept:
    """One run of the task that has the test's slice, and no other."""
    return await sweep(of, int(own_slice.name[:2]), SLICES, **more)


async def test_a_machine_is_found_among_people_and_the_ledger_says_why(
    own_slice: Slice, somebody: Somebody, play_as_a_machine: PlayAll, play_as_a_person: PlayAll
) -> None:
    machine, person = somebody(), somebody()
    await play_as_a_machine(machine)
    await play_as_a_person(person)
    swept = await search(own_slice)
    assert (swept.people, swept.active, swept.started, swept.unfinished) == (2, 2, 1, 0)
    assert await service.is_suspected(machine)
    assert not await service.is_suspected(person)
    assert await document(person) is None
    stored = await document(machine)
    assert stored is not None
    assert stored["suspected_until"] - stored["suspected_since"] == LIFE
    assert stored["expires_at"] == stored["suspected_until"] + KEPT
    (entry,) = await ledger(machine)
    assert (entry["kind"], entry["outcome"], entry["reason"]) == (
        "bot_verdict",
        "started",
        "BEHAVIOUR",
    )
    assert entry["score"] == stored["score"] >= 0.65
    assert entry["findings"]["cut_once_counted"] == 1
    assert entry["findings"]["clockwork"] == 0
    assert await ledger(person) == []


async def test_what_has_not_changed_is_not_written(
    own_slice: Slice, somebody: Somebody, play_as_a_machine: PlayAll
) -> None:
    machine = somebody()
    await play_as_a_machine(machine)
    await search(own_slice)
    reference = clients.collection(topology.BOT_VERDICTS).document(machine)
    before = (await reference.get()).update_time
    swept = await search(own_slice)
    assert (swept.active, swept.started) == (1, 0)
    assert (await reference.get()).update_time == before
    assert len(await ledger(machine)) == 1


async def test_who_has_not_played_since_is_not_read(
    own_slice: Slice, somebody: Somebody, play: Play
) -> None:
    user_id, watched = somebody(), Watched()
    await play(user_id, 40, 32_000, ms_ago=26 * HOUR_MS)
    swept = await search(own_slice, watched)
    assert (swept.people, swept.active, watched.read) == (1, 0, [])


async def test_a_suspicion_lapses_without_any_play(own_slice: Slice, somebody: Somebody) -> None:
    user_id, now = somebody(), datetime.now(UTC)
    over = {"suspected_since": now - LIFE, "suspected_until": now - timedelta(seconds=1)}
    await by_hand(user_id, user_id=user_id, expires_at=now + KEPT, score=0.9, **over)
    assert not await service.is_suspected(user_id)
    assert (await search(own_slice)).ended == 1
    assert (await search(own_slice)).ended == 0
    assert [(one["outcome"], one["reason"]) for one in await ledger(user_id)] == [
        ("ended", "LAPSED")
    ]


async def test_a_word_in_the_console_takes_effect_at_once_and_lasts(
    own_slice: Slice, somebody: Somebody, play_as_a_machine: PlayAll
) -> None:
    machine = somebody()
    await play_as_a_machine(machine)
    await search(own_slice)
    await by_hand(machine, override="Cleared", note="a radio show")
    assert not await service.is_suspected(machine)
    swept = await search(own_slice)
    assert (swept.started, swept.ended) == (0, 1)
    stored = await document(machine)
    assert stored is not None
    assert stored["override"] == "cleared"
    assert stored["expires_at"] is None
    entries = await ledger(machine)
    assert [(one["outcome"], one["note"]) for one in entries] == [
        ("started", ""),
        ("ended", "a radio show"),
    ]


async def test_a_document_that_nobody_can_read_suspects_nobody_and_stops_nothing(
    own_slice: Slice, somebody: Somebody, play_as_a_machine: PlayAll
) -> None:
    broken, machine = somebody(), somebody()
    await by_hand(broken, user_id=broken, suspected_until="next week")
    await play_as_a_machine(broken)
    await play_as_a_machine(machine)
    assert not await service.is_suspected(broken)
    assert (await search(own_slice)).started == 1
    assert await service.is_suspected(machine)
    assert (await document(broken) or {})["suspected_until"] == "next week"


async def test_two_who_write_at_once_lose_nothing(own_slice: Slice, somebody: Somebody) -> None:
    user_id = somebody()
    await service.overrule(user_id, "suspected", "first")
    decided = await store.verdict(user_id)
    assert decided is not None

    async def while_another_writes(present: object) -> object:
        if present == decided:
            await by_hand(user_id, note="second")
        return present.model_copy(update={"score": 0.5})  # type: ignore[attr-defined]

    await store.revise(user_id, while_another_writes)  # type: ignore[arg-type]
    stored = await store.verdict(user_id)
    assert stored is not None
    assert (stored.note, stored.score, stored.override) == ("second", 0.5, "suspected")


async def test_a_run_without_time_leaves_the_rest_to_the_next(
    own_slice: Slice, somebody: Somebody, play_as_a_machine: PlayAll
) -> None:
    machine = somebody()
    await play_as_a_machine(machine)
    swept = await search(own_slice, budget_s=0)
    assert (swept.people, swept.unfinished) == (0, 1)
    assert (await search(own_slice)).started == 1


async def test_after_a_crash_the_search_goes_on_behind_the_last_note(
    own_slice: Slice,
    somebody: Somebody,
    play: Play,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sweeping, "PEOPLE_PER_NOTE", 2)
    people = sorted(somebody() for _ in range(6))
    for user_id in people:
        await play(user_id, 2, 200_000)
    watched = Watched(fails_at=people[4])
    with pytest.raises(ExceptionGroup) as crash:
        await search(own_slice, watched)
    assert crash.group_contains(ConnectionError)
    assert watched.read == people[:4]
    again = Watched()
    await search(own_slice, again)
    assert again.read == people[4:]  # noted in front of the fifth
    everybody = Watched()
    await search(own_slice, everybody)
    assert everybody.read == people


async def test_everybody_is_told_once_with_their_newest_play(
    own_slice: Slice, somebody: Somebody, play: Play
) -> None:
    people = {somebody(): ms_ago for ms_ago in (50_000, 5 * HOUR_MS, 40 * HOUR_MS)}
    prefix = next(iter(people))
    people[prefix[:21]] = 70_000  # an id that another begins with
    for user_id, ms_ago in people.items():
        await play(user_id, 3, 1000, ms_ago=ms_ago)
    told = [one async for one in history.listeners(own_slice.start, own_slice.end)]
    assert [one.user_id for one in told] == sorted(people)
    now_ms = datetime.now(UTC).timestamp() * 1000
    for one in told:
        ago_ms = now_ms - one.last_played_ms
        assert ago_ms == pytest.approx(people[one.user_id], abs=30_000)
    later = sorted(people)[2]
    assert [one.user_id async for one in history.listeners(later, own_slice.end)] == sorted(people)[
        2:
    ]


def run_job(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """The job as Cloud Run starts it, held to what its entry declares."""
    return subprocess.run(
        [sys.executable, "-m", "emulators.job_host", "detect_bots", *arguments],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


async def test_the_job_searches_its_tasks_share_within_what_it_declares(
    own_slice: Slice, somebody: Somebody, play_as_a_machine: PlayAll
) -> None:
    machine = somebody()
    await play_as_a_machine(machine)
    task = {"CLOUD_RUN_TASK_INDEX": own_slice.name[:2], "CLOUD_RUN_TASK_COUNT": str(SLICES)}
    ended = run_job(**task)
    assert ended.returncode == 0, ended.stderr
    (line,) = [json.loads(line) for line in ended.stderr.splitlines() if "is done" in line]
    assert (line["people"], line["started"]) == (1, 1)
    assert await service.is_suspected(machine)


async def test_an_operator_clears_somebody_with_a_note(
    own_slice: Slice, somebody: Somebody
) -> None:
    user_id = somebody()
    await service.overrule(user_id, "suspected", "bought plays")
    cleared = run_job("--clear", user_id, "--note", "ticket 7")
    assert cleared.returncode == 0, cleared.stderr
    assert not await service.is_suspected(user_id)
    assert [one["note"] for one in await ledger(user_id)] == ["bought plays", "ticket 7"]
