"""Many people edit one playlist on several instances: nothing acknowledged is lost, and the order
is that of a serial history."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from shared.platform.errors import InvalidInput
from shared.platform.ids import random_id
from shared.playlists import store
from shared.playlists.edits import Add, Edit, NewItem, Remove, Reorder
from shared.playlists.models import Playlist
from shared.playlists.replica import Replica
from shared.playlists.snapshots import snapshot_id, version_of
from tests.unit.playlists.samples import a_playlist, uri_of
from tests.unit.playlists.serial_history import Operation, replay

pytestmark = pytest.mark.usefixtures("firestore")

WRITERS = 10
INSTANCES = 3
OPERATIONS = 1_000


def anybody(_: Playlist) -> None:
    pass


@dataclass
class Writer:
    """Edits at random, now and then against what it saw a while ago."""

    replica: Replica
    playlist_id: str
    random: random.Random
    acknowledged: list[tuple[str, Operation]] = field(default_factory=list)
    seen: list[tuple[str, list[str]]] = field(default_factory=list)
    refused: int = 0

    async def look(self) -> None:
        """Reads the playlist as a client would: the order and its snapshot id."""
        view = await self.replica.view(self.playlist_id)
        uris = [item.uri for item in view.items]
        self.seen.append((snapshot_id(self.playlist_id, view.playlist.version), uris))

    async def edit(self) -> None:
        """One operation; what is acknowledged is noted with the snapshot that it returned."""
        kind = self.random.choices(
            ("add", "remove", "remove_at", "reorder"), weights=(50, 5, 20, 25)
        )[0]
        if self.random.random() < 0.15 or not self.seen:
            await self.look()
        # A fresh snapshot, or one of those held for long.
        snapshot, then = self.random.choice(self.seen[-4:])
        base = version_of(self.playlist_id, snapshot)
        if kind != "add" and not then:
            kind = "add"
        uris = tuple(uri_of(self.random.randrange(200)) for _ in range(self.random.randint(1, 3)))
        edit: Edit
        if kind == "add":
            position = self.random.choice((None, 0, self.random.randint(0, len(then))))
            edit, made = Add(self.items(uris), position), {"uris": uris, "position": position}
            base_named = None
        elif kind == "remove":
            base_named = self.random.choice((None, base))
            edit, made = Remove(frozenset(uris), base=base_named), {"uris": uris}
        elif kind == "remove_at":
            base_named = base
            places = tuple({self.random.randrange(len(then)) for _ in range(2)})
            edit = Remove(occurrences=tuple((then[one], one) for one in places), base=base)
            made = {"positions": places}
        else:
            base_named = base
            start = self.random.randrange(len(then))
            length = self.random.randint(1, min(3, len(then) - start))
            before = self.random.randint(0, len(then))
            edit = Reorder(start, length, before, base)
            made = {"start": start, "length": length, "before": before}
        try:
            version = (await self.replica.edit(self.playlist_id, edit, anybody)).version
        except InvalidInput:
            self.refused += 1
            return
        operation = Operation(version, kind, base=base_named, **made)
        self.acknowledged.append((snapshot_id(self.playlist_id, version), operation))

    def items(self, uris: tuple[str, ...]) -> tuple[NewItem, ...]:
        now = datetime.now(UTC)
        return tuple(NewItem(random_id(), uri, now, "ada") for uri in uris)


async def test_ten_writers_and_a_thousand_operations_leave_a_serial_history() -> None:
    playlist = a_playlist()
    await store.create(playlist)
    instances = [Replica() for _ in range(INSTANCES)]
    writers = [
        Writer(instances[number % INSTANCES], playlist.id, random.Random(number))
        for number in range(WRITERS)
    ]
    started = time.monotonic()

    async def work(writer: Writer) -> None:
        while len(writer.acknowledged) < OPERATIONS // WRITERS:
            await writer.edit()

    await asyncio.gather(*(work(writer) for writer in writers))
    took = time.monotonic() - started
    made = [pair for writer in writers for pair in writer.acknowledged]
    stale = sum(
        operation.base is not None and operation.base < operation.version - 1
        for _, operation in made
    )
    print(f"{took:.1f} s, {stale} stale, {sum(w.refused for w in writers)} refused")

    assert len(made) == OPERATIONS
    assert len({snapshot for snapshot, _ in made}) == OPERATIONS
    assert stale > OPERATIONS // 4
    history = replay([operation for _, operation in made])
    for snapshot, operation in made:
        assert snapshot == snapshot_id(playlist.id, operation.version)
    # What anybody was shown meanwhile was a true moment of that history.
    for writer in writers:
        for snapshot, uris in writer.seen:
            assert uris == history.uris(version_of(playlist.id, snapshot))
    # What is stored is its end, for the instances that wrote and for one that comes anew.
    for instance in (*instances, Replica()):
        view = await instance.view(playlist.id)
        assert [item.uri for item in view.items] == history.uris(OPERATIONS + 1)
        assert view.playlist.version == OPERATIONS + 1
        assert view.playlist.item_count == len(view.items)
    assert len(history.uris(OPERATIONS + 1)) > 100
