"""Whatever comes first, the catalog ends the same."""

from __future__ import annotations

from datetime import UTC, datetime

from shared.catalog.merging import merged_album, merged_artist, merged_track
from tests.unit.catalog.samples import a_track, an_album, an_artist

ARTIST = an_artist()
ALBUM = an_album(ARTIST)


def test_the_first_track_makes_the_album_one_track_long() -> None:
    assert merged_album(ALBUM, None, a_track(ALBUM), 1).total_tracks == 1


def test_the_same_track_again_leaves_the_album_as_it_was() -> None:
    track = a_track(ALBUM, territories=("SE", "DE"))
    once = merged_album(ALBUM, None, track, 1)
    assert merged_album(ALBUM, once, track, 0) == once


def test_an_album_is_available_wherever_one_of_its_tracks_is() -> None:
    once = merged_album(ALBUM, None, a_track(ALBUM, territories=("SE",)), 1)
    twice = merged_album(ALBUM, once, a_track(ALBUM, territories=("DE",)), 1)
    assert twice.territories == ("DE", "SE")
    assert merged_album(ALBUM, twice, a_track(ALBUM), 1).territories == ()


def test_what_is_unknown_never_replaces_what_is_known() -> None:
    known = ALBUM.model_copy(update={"upc": "0602438979127", "label": "Philips"})
    vague = ALBUM.model_copy(
        update={"images": (), "release_date": "0000", "release_date_precision": "year"}
    )
    merged = merged_album(vague, known, a_track(ALBUM), 0)
    assert (merged.upc, merged.label, merged.images) == (known.upc, known.label, known.images)
    assert (merged.release_date, merged.release_date_precision) == ("1965-10-01", "day")


def test_a_republished_track_keeps_its_popularity_and_its_first_date() -> None:
    held = a_track(ALBUM, popularity=71)
    again = a_track(ALBUM, id=held.id, published_at=datetime(2026, 5, 5, tzinfo=UTC))
    merged = merged_track(again, held, ALBUM)
    assert (merged.popularity, merged.published_at) == (71, held.published_at)


def test_another_spelling_of_an_artist_becomes_an_alias_and_a_verification_stays() -> None:
    held = an_artist("Nina  Simone", id=ARTIST.id, verified=True, popularity=80, genres=("jazz",))
    merged = merged_artist(an_artist(id=ARTIST.id, genres=("soul",)), held)
    assert merged.name == "Nina Simone"
    assert merged.aliases == ("Nina  Simone",)
    assert (merged.verified, merged.popularity, merged.genres) == (True, 80, ("jazz", "soul"))
