"""What Bigtable keeps of signals."""

from __future__ import annotations

import asyncio
import hashlib
import random

import pytest
from google.cloud.bigtable.data import ReadRowsQuery

from shared import topology
from shared.platform import clients
from shared.platform.ids import random_id
from shared.signals import service
from shared.signals.counting import COUNTED, DAYS_KEPT, TrackCounts
from shared.signals.features import track_features
from shared.signals.log import LIFE_MS
from shared.signals.models import Signal
from shared.signals.preferences import hidden
from shared.signals.store import counts, people
from tests.emulator.signals.conftest import NOW, Make

NOW_MS = int(NOW.timestamp()) * 1000
DAY_S = 24 * 3600


@pytest.fixture(autouse=True)
def stores(bigtable: str) -> None:
    """What recording a signal needs."""


async def stored(track_id: str) -> TrackCounts:
    return (await counts.read([track_id]))[track_id]


def is_folded_at_once(signal: Signal) -> bool:
    """Whether its addition puts what is pending into the total, too: some do, by their ids."""
    digest = hashlib.sha256(f"{signal.user_id}#{signal.event_id}".encode()).digest()
    return digest[9] % counts.FOLD_ONE_IN == 0


async def pending(track_id: str) -> int:
    rows = [
        await clients.table(topology.ONLINE_FEATURES).read_row(f"track#{track_id}#{shard}")
        for shard in range(counts.SHARDS)
    ]
    cells = [cell for row in rows if row for cell in row.get_cells(counts.COUNT)]
    return sum(cell.qualifier.startswith(counts.PENDING) for cell in cells)


# --- people -----------------------------------------------------------------------------------


async def test_signals_are_read_back_newest_first_whatever_the_order_they_came_in(
    made: Make, user_id: str
) -> None:
    signals = [
        made("play", 50.123, session_id="s", device_id="d", country="DE", context_uri="a:b:c"),
        made("skip", 40, session_id="s", position_ms=9_000),
        made("save", 30),
        made("follow", 20, track_id=None, subject_uri="spotify:artist:x"),
        made("hide", 10, suspected=True),
    ]
    shuffled = [*signals, *signals]
    random.Random(1).shuffle(shuffled)
    for signal in shuffled:
        await service.record(signal)
    assert await service.signals_of(user_id) == signals[::-1]


async def test_two_signals_of_one_millisecond_are_both_there(made: Make, user_id: str) -> None:
    await asyncio.gather(*(service.record(made("play", 5)) for _ in range(3)))
    assert len(await service.signals_of(user_id)) == 3


@pytest.mark.parametrize("kind", ["play", "search"])
async def test_plays_and_searches_crowd_out_nothing_that_was_said_outright(
    made: Make, user_id: str, kind: str
) -> None:
    saved, hide = made("save", 100), made("hide", 200)
    others = [made(kind, ago_s) for ago_s in range(10)]
    await asyncio.gather(*map(service.record, [hide, saved, *others]))
    assert await service.signals_of(user_id, 3) == [*others[:3], saved, hide]


async def test_what_is_too_old_is_not_read_though_it_is_still_there(
    made: Make, user_id: str
) -> None:
    old, young = made("play", LIFE_MS / 1000 + 3600), made("play", LIFE_MS / 1000 - 3600)
    for signal in (old, young):
        await service.record(signal)
    assert await service.signals_of(user_id) == [young]


async def test_what_was_hidden_stays_hidden_until_it_is_taken_back(
    made: Make, user_id: str
) -> None:
    year_s = 365 * DAY_S
    hides = [made("hide", ago * year_s, track_id=one) for ago, one in ((3, "a"), (2, "b"))]
    plays = [made("play", ago_s) for ago_s in (5, year_s)]
    for signal in (*hides, *plays):
        await service.record(signal)
    assert await service.signals_of(user_id) == [plays[0], *hides[::-1]]
    assert hidden(await service.signals_of(user_id)) == {"a", "b"}
    await service.record(made("unhide", year_s, track_id="a"))
    assert hidden(await service.signals_of(user_id)) == {"b"}
    table = topology.ONLINE_FEATURES
    lives = {family.name: family.max_age_s for family in table.families}
    (row,) = await clients.table(table).read_rows(ReadRowsQuery([f"user#{user_id}#h"]))
    assert [lives[cell.family] for cell in row] == [None] * 3  # nothing collects them


async def test_what_was_heard_is_known_for_longer_than_signals_count(
    made: Make, user_id: str
) -> None:
    old = made("play", LIFE_MS / 1000 - 3600, track_id="old")
    lost = made("play", LIFE_MS / 1000 + 3600, track_id="lost")
    twice = [made("play", ago_s, track_id="twice") for ago_s in (50, 40)]
    save = made("save", 30, track_id="saved")
    for signal in (save, *twice, old, lost, twice[0]):
        await service.record(signal)
    known = await service.known_of(user_id, limit=1)
    assert known.signals == [save, twice[1]]
    assert known.heard == {"old": old.ts_ms, "twice": twice[1].ts_ms}


async def test_what_is_hidden_is_read_alone_too(made: Make, user_id: str) -> None:
    assert await service.hidden_by(user_id) == frozenset()
    for number in range(300):  # of more than one chunk
        await service.record(made("hide", 10 + number, track_id=f"{number:022d}"))
    await service.record(made("unhide", 5, track_id=f"{7:022d}"))
    await service.record(made("hide", 900, track_id=None, subject_uri="spotify:artist:a"))
    assert await service.hidden_by(user_id) == hidden(await service.signals_of(user_id))
    assert len(await service.hidden_by(user_id)) == 300


@pytest.mark.parametrize(("kind", "row_name"), [("play", "p"), ("hide", "h")])
async def test_a_row_does_not_grow_without_end(
    made: Make, user_id: str, monkeypatch: pytest.MonkeyPatch, kind: str, row_name: str
) -> None:
    monkeypatch.setattr(people, "KEPT", 5)
    monkeypatch.setattr(people, "TRIM_ONE_IN", 1)
    signals = [made(kind, ago_s) for ago_s in range(12)]
    random.Random(2).shuffle(signals)
    for signal in signals:
        await service.record(signal)
    row = await clients.table(topology.ONLINE_FEATURES).read_row(f"user#{user_id}#{row_name}")
    assert row is not None
    assert len(row) == 5
    newest = sorted(signals, key=lambda one: -one.ts_ms)[:5]
    assert await service.signals_of(user_id) == newest


async def test_everybody_with_signals_is_listed_with_their_newest(made: Make) -> None:
    prefix = random_id()
    people_ids = [f"{prefix}{letter}" for letter in "abcd"]
    for number, one in enumerate(people_ids):
        await service.record(made("play", 100 + number, user_id=one))
        await service.record(made("play", 200, user_id=one))
    await service.record(made("save", 1, user_id=people_ids[1]))
    await service.record(made("save", 500, user_id=people_ids[2]))
    everybody = [one async for one in service.listeners(people_ids[0], f"{prefix}d")]
    assert everybody == [
        (people_ids[0], NOW_MS - 100_000),
        (people_ids[1], NOW_MS - 1_000),
        (people_ids[2], NOW_MS - 102_000),
    ]
    assert people_ids[3] in [one async for one, _ in service.listeners()]


async def test_whoever_only_hid_something_long_ago_is_nobodys_listener(made: Make) -> None:
    hid_long_ago, hid_lately = (f"{random_id()}{letter}" for letter in "ab")
    await service.record(made("hide", LIFE_MS / 1000 + 3600, user_id=hid_long_ago))
    await service.record(made("play", LIFE_MS / 1000 + 3600, user_id=hid_long_ago))
    await service.record(made("hide", 5, user_id=hid_lately))
    everybody = dict([one async for one in service.listeners()])
    assert hid_long_ago not in everybody
    assert everybody[hid_lately] == NOW_MS - 5_000


# --- tracks -----------------------------------------------------------------------------------


def features(signals: list[Signal]) -> dict[str, float]:
    return track_features(TrackCounts.of(signals), NOW_MS)


async def test_a_signal_is_counted_once_however_often_it_is_delivered(
    made: Make, track_id: str
) -> None:
    chance = random.Random(3)
    signals = [
        made(chance.choice(COUNTED), chance.uniform(0, 27 * DAY_S), user_id=random_id())
        for _ in range(60)
    ]
    for _ in range(2):
        deliveries = signals * 2
        chance.shuffle(deliveries)
        await asyncio.gather(*map(service.record, deliveries))
    assert (await stored(track_id)).last_days(28, NOW_MS) == TrackCounts.of(signals).last_days(
        28, NOW_MS
    )
    found = await service.track_counts([track_id, "b" * 22])
    assert track_features(found[track_id], NOW_MS) == features(signals)
    assert found["b" * 22] == TrackCounts()


async def test_event_ids_are_told_apart_by_person(made: Make, track_id: str) -> None:
    for user in ("ada", "ben"):
        await service.record(made("skip", 1, user_id=user, event_id="the-same"))
    assert (await stored(track_id)).last_hours(1, NOW_MS).skips == 2


async def test_what_is_suspected_or_says_nothing_of_a_track_is_in_no_count(
    made: Make, track_id: str, user_id: str
) -> None:
    for signal in (made("play", 1, suspected=True), made("stop", 1), made("share", 1)):
        await service.record(signal)
    assert await stored(track_id) == TrackCounts()
    assert len(await service.signals_of(user_id)) == 3


async def test_what_no_window_reaches_is_not_counted(made: Make, track_id: str) -> None:
    await service.record(made("play", (DAYS_KEPT + 1) * DAY_S))
    assert await stored(track_id) == TrackCounts()


async def test_folding_moves_counts_into_the_total_and_counts_none_twice(
    made: Make, track_id: str
) -> None:
    rows = [f"track#{track_id}#{shard}".encode() for shard in range(counts.SHARDS)]
    signals = [made("play", number * 7_000, user_id=random_id()) for number in range(40)]
    for end in (20, 40):
        await asyncio.gather(*(counts.add(one, NOW_MS) for one in signals[end - 20 : end]))
        await asyncio.gather(*(counts.fold(row, NOW_MS) for row in rows for _ in range(3)))
        assert await pending(track_id) == 0
        assert (await stored(track_id)).last_days(28, NOW_MS) == TrackCounts.of(
            signals[:end]
        ).last_days(28, NOW_MS)
    await asyncio.gather(
        *(counts.add(one, NOW_MS) for one in signals)
    )  # redelivered after they were folded
    assert features(signals) == track_features(await stored(track_id), NOW_MS)


async def test_signals_that_arrive_while_others_are_folded_are_kept(
    made: Make, track_id: str
) -> None:
    rows = [f"track#{track_id}#{shard}".encode() for shard in range(counts.SHARDS)]
    signals = [made("play", 60, user_id=random_id()) for _ in range(60)]
    await asyncio.gather(
        *(counts.add(one, NOW_MS) for one in signals),
        *(counts.fold(row, NOW_MS) for row in rows for _ in range(4)),
    )
    assert (await stored(track_id)).last_days(7, NOW_MS).plays == 60


async def test_a_total_forgets_what_no_window_reaches(made: Make, track_id: str) -> None:
    signal = made("play", 60)
    while is_folded_at_once(signal):
        signal = made("play", 60)
    await counts.add(signal, NOW_MS)
    later_ms = NOW_MS + (DAYS_KEPT + 1) * DAY_S * 1000
    for shard in range(counts.SHARDS):
        await counts.fold(f"track#{track_id}#{shard}".encode(), later_ms)
    assert await stored(track_id) == TrackCounts()
    await counts.add(signal, NOW_MS)
    assert await stored(track_id) == TrackCounts()
