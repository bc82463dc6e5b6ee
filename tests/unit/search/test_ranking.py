"""What matches, and in what order."""

from __future__ import annotations

from shared.search.documents import album_document, artist_document, track_document
from shared.search.models import SearchDocument
from shared.search.normalise import query_tokens
from shared.search.ranking import lookup_prefix, rank
from tests.unit.catalog.samples import a_track, an_album, an_artist

ARTIST = an_artist("Daft Punk", aliases=("Darlin'",))
ALBUM = an_album(ARTIST, "Discovery")


def a_document(name: str, popularity: int = 0, **changes: object) -> SearchDocument:
    return track_document(a_track(ALBUM, name, popularity=popularity, **changes))


def found(query: str, *documents: SearchDocument, market: str | None = None) -> list[str]:
    return [one.name for one in rank(query_tokens(query), documents, market)]


def test_a_track_is_found_by_its_artist_and_its_name_together() -> None:
    assert found("daft one more", a_document("One More Time")) == ["one more time"]
    assert found("daft two more", a_document("One More Time")) == []


def test_exactness_comes_before_popularity() -> None:
    exact = a_document("One", 1)
    begins = a_document("One More Time", 50)
    inside = a_document("The One", 90)
    context = a_document("Voyager", 100, artists=(an_artist("One").ref(),))
    assert found("one", context, inside, begins, exact) == [
        "one",
        "one more time",
        "the one",
        "voyager",
    ]


def test_among_equals_the_more_popular_comes_first() -> None:
    assert found("time", a_document("Time A", 3), a_document("Time B", 9)) == ["time b", "time a"]


def test_a_whole_word_beats_the_beginning_of_one() -> None:
    assert found("my time", a_document("All Timeless My", 99), a_document("In My Time", 1)) == [
        "in my time",
        "all timeless my",
    ]


def test_a_market_hides_what_is_not_released_there() -> None:
    local = a_document("Time", territories=("SE",))
    assert found("time", local, market="DE") == []
    assert found("time", local, market="SE") == found("time", local) == ["time"]


def test_an_artist_is_found_by_an_alias_and_an_album_by_its_artist() -> None:
    assert "darl" in artist_document(ARTIST).prefixes
    assert found("darlin", artist_document(ARTIST)) == ["daft punk"]
    assert found("punk disc", album_document(ALBUM)) == ["discovery"]


def test_the_longest_word_is_looked_up_and_at_most_twenty_of_its_letters() -> None:
    assert lookup_prefix(["of", "supercalifragilisticexpialidocious"], 20) == "supercalifragilistic"
