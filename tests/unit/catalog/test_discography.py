"""Which albums are an artist's, and which artists are like them."""

from __future__ import annotations

from shared.catalog.discography import discography, group_of
from shared.catalog.merging import merged_album, united
from shared.catalog.models import Album, Artist
from shared.catalog.related import MAX_RELATED, related
from tests.unit.catalog.samples import a_track, an_album, an_artist

ARTIST = an_artist("Nina Simone", genres=("jazz", "soul"))
OTHER = an_artist("Emil Latimer")


def test_an_album_on_which_one_is_a_guest_is_one_that_they_appear_on() -> None:
    own = an_album(ARTIST, album_type="single")
    assert group_of(own, ARTIST.id) == "single"
    assert group_of(own, OTHER.id) == "appears_on"


def test_albums_come_group_by_group_and_newest_first() -> None:
    def album(name: str, date: str, **changes: object) -> Album:
        return an_album(ARTIST, name, release_date=date, **changes)

    albums = [
        album("old single", "1959", album_type="single"),
        album("old", "1958-06"),
        an_album(OTHER, "theirs", release_date="2020-01-01"),
        album("new", "1965-10-01"),
        album("new single", "1964-01-01", album_type="single"),
    ]
    found = discography(albums, ARTIST.id)
    assert [one.name for one, _ in found] == ["new", "old", "new single", "old single", "theirs"]
    some = discography(albums, ARTIST.id, ["appears_on", "single"])
    assert [group for _, group in some] == ["single", "single", "appears_on"]


def test_loaded_albums_and_tracks_agree_about_each_other() -> None:
    album = an_album(ARTIST)
    stale = album.model_copy(update={"name": "another name"})
    tracks = [
        a_track(stale, "One"),
        a_track(stale, "Two", artists=(ARTIST.ref(), OTHER.ref())),
        a_track(an_album(OTHER), "Elsewhere"),
    ]
    agreed, (whole,) = united(tracks, [album], {})
    assert (whole.guest_ids, whole.total_tracks) == ((OTHER.id,), 2)
    assert whole.artist_ids == (ARTIST.id, OTHER.id)
    first, second, elsewhere = agreed
    assert first.album == second.album == whole.ref()
    assert elsewhere == tracks[2]
    _, (stated,) = united(tracks, [album.model_copy(update={"total_tracks": 9})], {})
    assert stated.total_tracks == 9


def test_a_published_guest_is_one_of_the_album() -> None:
    album = an_album(ARTIST)
    track = a_track(album, artists=(ARTIST.ref(), OTHER.ref()))
    first = merged_album(album, None, track, 1)
    assert first.guest_ids == (OTHER.id,)
    third = an_artist("Third")
    again = merged_album(album, first, a_track(album, artists=(third.ref(),)), 1)
    assert again.guest_ids == (OTHER.id, third.id)


def test_stored_artist_ids_are_those_of_the_artists() -> None:
    album = an_album(ARTIST, guest_ids=(OTHER.id,))
    assert album.to_document()["artist_ids"] == (ARTIST.id, OTHER.id)
    assert Album.model_validate(album.to_document()) == album
    assert a_track(album).to_document()["artist_ids"] == (ARTIST.id,)


def test_related_are_those_who_play_together_and_then_those_who_play_the_same() -> None:
    partner = an_artist("Partner")
    twin = an_artist("Twin", genres=("jazz", "soul"), popularity=1)
    distant = an_artist("Distant", genres=("jazz", "rock", "pop"), popularity=90)
    stranger = an_artist("Stranger", genres=("metal",), popularity=99)
    together = [(ARTIST.id, partner.id)] * 6 + [(ARTIST.id,)]
    found = related(ARTIST, together, [stranger, distant, twin, partner, twin, ARTIST])
    assert [one.artist.name for one in found] == ["Partner", "Twin", "Distant"]
    assert (found[0].tracks_together, found[1].genres_shared) == (6, 1.0)


def test_equals_are_related_by_popularity_and_at_most_twenty() -> None:
    many = [an_artist(f"{n}", genres=("jazz", "soul"), popularity=n) for n in range(40)]
    found = related(ARTIST, [], many)
    assert [one.artist.popularity for one in found] == list(range(39, 39 - MAX_RELATED, -1))


def test_an_artist_without_genres_and_company_has_no_relations() -> None:
    assert related(Artist(id="a", name="A"), [("a",)], [OTHER]) == []
