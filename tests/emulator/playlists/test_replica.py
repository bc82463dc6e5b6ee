"""What an instance holds of playlists, against Firestore: old snapshots, small memories, answers
that were lost, other instances."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.api_core.exceptions import Aborted

from shared.platform.errors import Forbidden, InvalidInput, NotFound
from shared.platform.ids import random_id
from shared.playlists import loading, store
from shared.playlists.edits import Add, Change, Details, Edit, Remove, Reorder, Replace
from shared.playlists.models import LoadedItem, LoadedPlaylist, Playlist, Removals
from shared.playlists.replica import HEAD_ITEMS, LONG_ITEMS, Replica
from shared.playlists.views import View
from tests.unit.playlists.samples import NOW, a_playlist, new_items, uri_of

pytestmark = pytest.mark.usefixtures("firestore")


def anybody(_: Playlist) -> None:
    pass


async def made(count: int, **fields: Any) -> str:
    """Id of a stored playlist with the URIs 0 .. `count` - 1."""
    playlist_id = random_id()
    items = tuple(LoadedItem(uri_of(number), NOW) for number in range(count))
    one = LoadedPlaylist(playlist_id, "ada", "Mornings", items, NOW, **fields)
    await loading.store_all(Replica(), [one])
    return playlist_id


async def edit(replica: Replica, playlist_id: str, one: Edit) -> int:
    return (await replica.edit(playlist_id, one, anybody)).version


def shown(view: View) -> list[str]:
    return [item.uri for item in view.items]


async def uris(replica: Replica, playlist_id: str) -> list[str]:
    return shown(await replica.view(playlist_id))


async def test_a_snapshot_from_before_an_instance_started_can_be_named() -> None:
    playlist_id = await made(6)
    first = Replica()
    await edit(first, playlist_id, Remove(frozenset([uri_of(0)])))
    await edit(first, playlist_id, Reorder(0, 1, 5))
    await edit(first, playlist_id, Remove(occurrences=((uri_of(3), 1),)))
    # Version 1 was 0 1 2 3 4 5; now it is 2 4 5 1.
    for one in (
        Remove(occurrences=((uri_of(1), 1),), base=1),
        Reorder(4, 2, 3, 1),
    ):
        await edit(Replica(), playlist_id, one)
    assert await uris(Replica(), playlist_id) == [uri_of(2), uri_of(4), uri_of(5)]
    assert await uris(first, playlist_id) == [uri_of(2), uri_of(4), uri_of(5)]


async def test_a_snapshot_that_is_too_old_or_yet_to_come_is_refused() -> None:
    playlist_id = await made(3)
    replica = Replica()
    await edit(replica, playlist_id, Remove(frozenset([uri_of(0)])))
    expired = Removals(version=2, expires_at=datetime.now(UTC) - timedelta(seconds=1))
    await edit(replica, playlist_id, Details({"removals": (expired,)}))
    with pytest.raises(InvalidInput, match="too old"):
        await edit(replica, playlist_id, Reorder(0, 1, 2, 1))
    with pytest.raises(InvalidInput, match="Invalid snapshot"):
        await edit(replica, playlist_id, Remove(frozenset([uri_of(1)]), base=99))
    # By URI nothing needs to be rebuilt, so an old snapshot will do.
    await edit(replica, playlist_id, Remove(frozenset([uri_of(1)]), base=1))
    assert await uris(replica, playlist_id) == [uri_of(2)]


async def test_a_snapshot_that_another_instance_gave_out_is_known_at_once() -> None:
    playlist_id = await made(3)
    here, there = Replica(), Replica()
    await uris(here, playlist_id)
    version = await edit(there, playlist_id, Add(new_items(uri_of(9)), 0))
    await edit(here, playlist_id, Remove(occurrences=((uri_of(9), 0),), base=version))
    assert await uris(there, playlist_id) == [uri_of(number) for number in range(3)]


async def test_an_instance_with_a_small_memory_reads_the_same() -> None:
    ids = [await made(30) for _ in range(4)]
    small = Replica(items_held=70)
    for number in range(3):
        for playlist_id in ids:
            await edit(small, playlist_id, Add(new_items(uri_of(90 + number)), 0))
    for playlist_id in ids:
        found = await uris(small, playlist_id)
        assert found[:4] == [uri_of(92), uri_of(91), uri_of(90), uri_of(0)]


@pytest.mark.parametrize(
    ("one", "left"),
    [
        (Add(new_items(uri_of(7), uri_of(8)), 1), [0, 7, 8, 1, 2]),
        (Replace(new_items(uri_of(7))), [7]),
        (Remove(frozenset([uri_of(1)])), [0, 2]),
        (Reorder(0, 1, 3), [1, 2, 0]),
    ],
)
async def test_a_commit_whose_answer_was_lost_is_not_made_twice(
    one: Edit, left: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    playlist_id = await made(3)
    commit, lost = store.commit, []

    async def losing(before: Playlist, update_time: datetime, change: Change) -> datetime:
        written = await commit(before, update_time, change)
        if not lost:
            lost.append(change)
            raise Aborted("the connection broke after the commit")
        return written

    monkeypatch.setattr(store, "commit", losing)
    replica = Replica()
    await uris(replica, playlist_id)
    await edit(replica, playlist_id, one)
    assert lost
    expected = [uri_of(number) for number in left]
    assert await uris(replica, playlist_id) == expected
    assert await uris(Replica(), playlist_id) == expected


async def test_permission_is_asked_of_the_playlist_that_is_edited() -> None:
    playlist_id = await made(1, public=False, collaborative=True)
    replica, owner = Replica(), Replica()

    def collaborator(playlist: Playlist) -> None:
        if not playlist.collaborative:
            raise Forbidden("no longer")

    await replica.edit(playlist_id, Add(new_items(uri_of(1))), collaborator)
    await edit(owner, playlist_id, Details({"collaborative": False}))
    with pytest.raises(Forbidden):  # though the view that is held says otherwise
        await replica.edit(playlist_id, Add(new_items(uri_of(2))), collaborator)
    await edit(owner, playlist_id, Details({"collaborative": True}))
    await replica.edit(playlist_id, Add(new_items(uri_of(3))), collaborator)
    assert await uris(owner, playlist_id) == [uri_of(0), uri_of(1), uri_of(3)]


async def test_what_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFound, match="Non existing id"):
        await Replica().view("0" * 22)
    with pytest.raises(NotFound):
        await edit(Replica(), "0" * 22, Add(new_items(uri_of(1))))


async def test_readers_always_see_one_version_whole() -> None:
    playlist_id = await made(5)
    writer, reader = Replica(), Replica()
    done = asyncio.Event()

    async def write() -> None:
        for number in range(40):
            await edit(writer, playlist_id, Add(new_items(uri_of(number), uri_of(number)), 0))
            await edit(writer, playlist_id, Remove(frozenset([uri_of(number)])))
            await edit(writer, playlist_id, Details({"name": str(number)}))
        done.set()

    async def read() -> None:
        while not done.is_set():
            view = await reader.view(playlist_id)
            assert len(view.items) == view.playlist.item_count

    await asyncio.gather(write(), *(read() for _ in range(4)))
    assert await uris(reader, playlist_id) == await uris(Replica(), playlist_id) == []


async def test_large_playlists_are_loaded_and_changed_in_steps() -> None:
    playlist_id = await made(1_300)
    replica = Replica()
    numbers = list(range(1_300))
    assert await uris(replica, playlist_id) == [uri_of(number) for number in numbers]
    await edit(replica, playlist_id, Reorder(0, 200, 1_300))
    await edit(replica, playlist_id, Remove(frozenset(uri_of(number) for number in range(600))))
    expected = [uri_of(number) for number in range(600, 1_300)]
    assert await uris(Replica(), playlist_id) == expected
    await edit(replica, playlist_id, Replace(new_items(uri_of(1))))
    assert await uris(Replica(), playlist_id) == [uri_of(1)]


async def test_loading_again_changes_what_is_other_and_nothing_else() -> None:
    playlist_id = await made(150)
    items = tuple(LoadedItem(uri_of(number), NOW, "bob") for number in range(150))
    same = LoadedPlaylist(playlist_id, "ada", "Mornings", items, NOW)
    (playlist,) = await loading.store_all(Replica(), [same])
    assert playlist.version == 1
    other = LoadedPlaylist(playlist_id, "ada", "Evenings", tuple(reversed(items)), NOW)
    (playlist,) = await loading.store_all(Replica(), [other])
    assert (playlist.name, playlist.item_count) == ("Evenings", 150)
    view = await Replica().view(playlist_id)
    assert shown(view) == [uri_of(number) for number in reversed(range(150))]
    assert {item.added_by for item in view.items} == {"bob"}


async def test_what_a_load_that_was_cut_off_left_is_cleared() -> None:
    playlist = a_playlist()
    one = LoadedPlaylist(playlist.id, "ada", "M", (LoadedItem(uri_of(1), NOW),) * 3, NOW)
    await loading.store_all(Replica(), [one])
    from shared import topology
    from shared.platform import clients

    await clients.collection(topology.PLAYLISTS).document(playlist.id).delete()
    fewer = LoadedPlaylist(playlist.id, "ada", "M", (LoadedItem(uri_of(2), NOW),), NOW)
    await loading.store_all(Replica(), [fewer])
    assert await uris(Replica(), playlist.id) == [uri_of(2)]


async def test_the_beginning_of_a_long_playlist_is_read_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    playlist_id = await made(LONG_ITEMS + 1)
    limits, read_items = [], store.read_items

    async def counted(one: store.Held, limit: int | None = None) -> Any:
        limits.append(limit)
        return await read_items(one, limit)

    monkeypatch.setattr(store, "read_items", counted)
    reader, writer = Replica(), Replica()

    async def page(offset: int, limit: int = 3) -> list[str]:
        found = await reader.page(playlist_id, limit, offset)
        assert found.playlist.item_count > LONG_ITEMS
        return [item.uri for item in found.items]

    expected = [uri_of(number) for number in range(LONG_ITEMS + 1)]
    assert await page(0) == expected[:3]
    assert await page(197) == expected[197:200]
    assert limits == [HEAD_ITEMS]
    await edit(writer, playlist_id, Add(new_items(uri_of(7)), 1))
    assert await page(0) == [expected[0], uri_of(7), expected[1]]
    assert limits == [HEAD_ITEMS, None, HEAD_ITEMS]  # the writer read it whole
    assert await page(198) == expected[197:200]
    assert limits[-1] is None
    await edit(writer, playlist_id, Add(new_items(uri_of(8)), 0))
    assert await page(0) == [uri_of(8), expected[0], uri_of(7)]
    assert len(limits) == 4
