from __future__ import annotations

import itertools
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from shared import topology
from shared.abuse.slices import Slice, slice_of
from shared.catalog.models import AlbumRef, ArtistRef, Track
from shared.history import keys
from shared.history import service as history
from shared.platform import clients
from shared.platform.ids import random_id

SECOND_MS = 1000
HOUR_MS = 3_600_000
_numbers = itertools.count()

Play = Callable[..., Awaitable[None]]


@pytest.fixture
async def songs(firestore: str) -> list[str]:
    """Ids of eight songs of 200 s by two artists."""
    return [await _song(f"{number % 2}" * 22) for number in range(8)]


async def _song(artist_id: str) -> str:
    artist = ArtistRef(id=artist_id, name="An Artist")
    track = Track(
        id=random_id(),
        name="A Song",
        artists=(artist,),
        album_id="a" * 22,
        album=AlbumRef(
            id="a" * 22,
            name="An Album",
            artists=(artist,),
            release_date="2026",
            release_date_precision="year",
            album_type="album",
            total_tracks=1,
            images=(),
        ),
        disc_number=1,
        track_number=1,
        duration_ms=200_000,
        explicit=False,
        isrc=None,
        image_id=None,
        asset_version="",
        content_hash="",
        encodings=(),
        published_at=datetime.now(UTC),
    )
    await clients.collection(topology.TRACKS).document(track.id).set(track.model_dump())
    return track.id


@pytest.fixture
async def own_slice(bigtable: str, firestore: str) -> Slice:
    """A slice of people in which there is nobody yet, and no other test will be."""
    for number in _numbers:
        of = slice_of(number)  # there are 64, and a folder's tests take a dozen
        if not [one async for one in history.listeners(of.start, of.end)]:
            return of
    raise AssertionError("unreachable")


@pytest.fixture
def somebody(own_slice: Slice) -> Callable[[], str]:
    """Ids of people in the test's slice."""
    return lambda: f"{own_slice.start or '000000'}{random_id()}"[:22]


@pytest.fixture
def play(bigtable: str, songs: list[str]) -> Play:
    """Writes plays of somebody into the history: one every `gap_ms`, the last `ms_ago`."""

    async def write(
        user_id: str, count: int, gap_ms: int | Sequence[int], ms_ago: int = 60_000
    ) -> None:
        from google.cloud.bigtable.data import RowMutationEntry, SetCell

        gaps = itertools.cycle([gap_ms] if isinstance(gap_ms, int) else gap_ms)
        at_ms = time.time_ns() // 1_000_000 - ms_ago
        entries = []
        for number in range(count):
            cells = [("track_id", songs[number % len(songs)]), ("device_id", "phone")]
            mutations: list[Any] = [
                SetCell("play", name.encode(), value.encode(), at_ms * 1000)
                for name, value in cells
            ]
            entries.append(RowMutationEntry(keys.row_key(user_id, at_ms, f"e{number}"), mutations))
            at_ms -= next(gaps)
        await clients.table(topology.LISTENING_HISTORY).bulk_mutate_rows(entries)

    return write


@pytest.fixture
def play_as_a_machine(play: Play) -> Callable[[str], Awaitable[None]]:
    """Three hours of songs, each left as soon as it counts."""
    return lambda user_id: play(user_id, 330, 32 * SECOND_MS)


@pytest.fixture
def play_as_a_person(play: Play) -> Callable[[str], Awaitable[None]]:
    """Songs to their end, with some skipped."""
    return lambda user_id: play(user_id, 60, [201_000, 202_000, 8_000, 201_500, 95_000])


async def ledger(user_id: str) -> list[dict[str, Any]]:
    """What the audit ledger says of somebody, in the order of time."""
    from google.cloud.firestore_v1.base_query import FieldFilter

    query = clients.collection(topology.AUDIT_LEDGER).where(
        filter=FieldFilter("user_id", "==", user_id)
    )
    found = [snapshot.to_dict() or {} async for snapshot in query.stream()]
    return sorted(found, key=lambda one: one["decided_at"])


async def document(user_id: str) -> dict[str, Any] | None:
    """The stored verdict."""
    snapshot = await clients.collection(topology.BOT_VERDICTS).document(user_id).get()
    found: dict[str, Any] | None = snapshot.to_dict()
    return found


async def by_hand(user_id: str, /, **fields: Any) -> None:
    """What an operator does in the console."""
    await clients.collection(topology.BOT_VERDICTS).document(user_id).set(fields, merge=True)
