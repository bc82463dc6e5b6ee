"""What is indexed of an item."""

from __future__ import annotations

from shared.catalog.models import Album, AlbumRef, Artist, ArtistRef, Track
from shared.search.documents import (
    album_document,
    artist_document,
    playlist_document,
    track_document,
)
from shared.search.models import SearchDocument

PINK = Artist(id="a" * 22, name="P!nk", aliases=("Alecia Moore",), genres=("pop",), popularity=80)
ALBUM = Album(
    id="b" * 22, name="Funhouse", artists=(PINK.ref(),), release_date="2008-10-24", upc="886971"
)
TRACK = Track(
    id="t" * 22,
    name="So What",
    artists=(PINK.ref(), ArtistRef(id="g" * 22, name="Guest")),
    album_id=ALBUM.id,
    album=ALBUM.ref(),
    duration_ms=1,
    isrc="uslf20800001",
    popularity=77,
    territories=("DE",),
)


def test_a_track_is_found_by_its_artists_under_all_their_names() -> None:
    found = track_document(TRACK, {PINK.id: PINK})
    assert (found.key, found.name, found.album) == (f"track:{'t' * 22}", "So What", "Funhouse")
    assert found.artists == ("P!nk", "Guest")
    assert found.artist_ids == (PINK.id, "g" * 22)
    assert (found.aliases, found.genres) == (("Alecia Moore",), ("pop",))
    assert (found.isrc, found.release_date) == ("USLF20800001", "2008-10-24")
    assert track_document(TRACK).aliases == ()


def test_the_same_sound_on_several_albums_is_one_recording() -> None:
    other = TRACK.model_copy(update={"id": "u" * 22, "isrc": None, "content_hash": "ff"})
    assert track_document(TRACK).recording == "USLF20800001"
    assert track_document(other).recording == "FF"
    assert track_document(other.model_copy(update={"content_hash": ""})).recording == ""


def test_a_date_that_is_not_known_is_none() -> None:
    ref = AlbumRef(id=ALBUM.id, name="Funhouse")
    assert track_document(TRACK.model_copy(update={"album": ref})).release_date == ""


def test_albums_and_artists_say_what_they_are_found_by() -> None:
    album = album_document(ALBUM, {PINK.id: PINK})
    assert (album.type, album.upc, album.genres) == ("album", "886971", ("pop",))
    artist = artist_document(PINK)
    assert (artist.type, artist.aliases, artist.popularity) == ("artist", PINK.aliases, 80)


def test_what_is_withdrawn_says_where() -> None:
    withdrawn = TRACK.model_copy(update={"blocked_in": ("*",)})
    assert track_document(withdrawn).blocked_in == ("*",)
    assert not track_document(withdrawn).is_in("DE")


def test_a_playlist_is_found_by_its_name_its_owner_and_its_description() -> None:
    found = playlist_document("p" * 22, "Rainy Days", "for the window", "Ada")
    assert found == SearchDocument(
        type="playlist",
        id="p" * 22,
        name="Rainy Days",
        artists=("Ada",),
        description="for the window",
    )


def test_the_more_follow_a_playlist_the_more_popular_it_is() -> None:
    of = [playlist_document("p", "P", "", "", n).popularity for n in (0, 1, 10, 10**4, 10**9)]
    assert of == sorted(of)
    assert (of[0], of[-1]) == (0, 100)


def test_where_something_may_be_shown() -> None:
    def shown(market: str | None, **fields: object) -> bool:
        given = {"type": "track", "id": "x", "name": "X"} | fields
        return SearchDocument.model_validate(given).is_in(market)

    assert shown("DE")
    assert shown(None)
    assert shown("DE", territories=("DE", "AT"))
    assert not shown("FR", territories=("DE", "AT"))
    assert shown(None, territories=("DE",))
    assert not shown("DE", blocked_in=("DE",))
    assert not shown("DE", territories=("DE",), blocked_in=("DE",))
    assert shown("FR", blocked_in=("DE",))
    assert not shown(None, blocked_in=("*",))
