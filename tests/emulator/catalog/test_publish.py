"""Publishing against Firestore."""

from __future__ import annotations

import asyncio

import pytest

from shared import topology
from shared.catalog import service, store
from shared.platform import clients
from shared.platform.errors import InvalidInput, NotFound
from tests.unit.catalog.samples import a_track, an_album, an_artist

pytestmark = pytest.mark.usefixtures("firestore")


async def test_what_is_published_can_be_read() -> None:
    artist = an_artist()
    album = an_album(artist)
    published = await service.publish_track(a_track(album), album, [artist])
    assert await service.get_track(published.track.id) == published.track
    assert (await service.get_album(album.id)).total_tracks == 1
    assert await service.get_artist(artist.id) == artist
    assert await service.all_album_tracks(album.id) == (published.track,)


async def test_an_unknown_id_is_not_found_and_a_malformed_one_is_invalid() -> None:
    for get in (service.get_track, service.get_album, service.get_artist):
        with pytest.raises(NotFound, match="Non existing id"):
            await get("0" * 22)
        with pytest.raises(InvalidInput, match="Invalid base62 id"):
            await get("../etc/passwd")


async def test_tracks_published_together_agree_on_their_album() -> None:
    artist, guest = an_artist(), an_artist("Guest")
    album = an_album(artist)
    tracks = [
        a_track(album, f"Part {number}", track_number=number, territories=(market,))
        for number, market in enumerate(("SE", "DE", "US", "FR", "JP", "BR", "GB", "PL"), 1)
    ]
    both = album.model_copy(update={"artists": (artist.ref(), guest.ref())})

    async def publish(number: int) -> None:
        seen_album = both if number % 2 else album
        await service.publish_track(tracks[number], seen_album, [artist, guest])

    await asyncio.gather(*(publish(number) for number in range(len(tracks))))
    held = await service.get_album(album.id)
    assert held.total_tracks == 8
    assert {one.id for one in held.artists} == {artist.id, guest.id}
    assert held.territories == ("BR", "DE", "FR", "GB", "JP", "PL", "SE", "US")
    listed = await service.all_album_tracks(album.id)
    assert [one.track_number for one in listed] == [1, 2, 3, 4, 5, 6, 7, 8]
    every = await store.read_tracks([track.id for track in tracks])
    assert {one.album.total_tracks for one in every.values()} == {8}
    assert {len(one.album.artists) for one in every.values()} == {2}


async def test_publishing_again_changes_nothing() -> None:
    artist = an_artist()
    album = an_album(artist)
    track = a_track(album)
    first = await service.publish_track(track, album, [artist])
    document = clients.collection(topology.TRACKS).document(track.id)
    before = (await document.get()).update_time
    again = await asyncio.gather(*(service.publish_track(track, album, [artist]) for _ in range(3)))
    assert [one == first for one in again] == [True] * 3
    assert (await document.get()).update_time == before


async def test_a_track_that_moves_is_counted_where_it_is() -> None:
    artist = an_artist()
    old, new = an_album(artist, "Single"), an_album(artist, "Album")
    track = a_track(old)
    await service.publish_track(track, old, [artist])
    moved = track.model_copy(update={"album_id": new.id, "album": new.ref()})
    await service.publish_track(moved, new, [artist])
    held = await store.read_albums([old.id, new.id])
    assert (held[old.id].total_tracks, held[new.id].total_tracks) == (0, 1)


async def test_many_tracks_come_in_the_order_asked_with_gaps() -> None:
    artist = an_artist()
    album = an_album(artist)
    one, two = a_track(album), a_track(album, track_number=2)
    for track in (one, two):
        await service.publish_track(track, album, [artist])
    found = await service.get_tracks([two.id, "1" * 22, one.id, two.id])
    assert [track and track.id for track in found] == [two.id, None, one.id, two.id]
