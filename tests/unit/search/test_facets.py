"""What results have in common."""

from __future__ import annotations

from shared.search.analysis import card
from shared.search.facets import MOST_GENRES, facets
from shared.search.models import Explanation, Found, SearchDocument


def found(item_id: str, genres: tuple[str, ...] = (), release_date: str = "") -> Found:
    document = SearchDocument(
        type="track", id=item_id, name=item_id, genres=genres, release_date=release_date
    )
    return Found(card(document), Explanation("name", 1.0, {}))


def test_genres_decades_and_types_are_counted_most_first() -> None:
    counted = facets(
        [
            found("a", ("rock", "pop"), "1999-12-31"),
            found("b", ("pop",), "1990"),
            found("c", (), "2001-05"),
            found("d", ("pop",)),
        ],
        {"artist": 2, "track": 900, "show": 0},
    )
    assert list(counted.types.items()) == [("track", 900), ("artist", 2)]
    assert list(counted.genres.items()) == [("pop", 3), ("rock", 1)]
    assert counted.decades == {"1990s": 2, "2000s": 1}


def test_only_the_most_frequent_genres_are_told() -> None:
    many = [found(str(n), (f"genre {n:03}",)) for n in range(100)]
    assert len(facets(many, {}).genres) == MOST_GENRES
