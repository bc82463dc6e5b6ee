"""What results have in common (F176). Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date

from shared.search.models import Facets, Found, ItemType

MOST_GENRES = 20


def facets(found: Iterable[Found], totals: Mapping[ItemType, int]) -> Facets:
    """Counts over the ranked results; `totals` by type, of all that match."""
    genres: Counter[str] = Counter()
    decades: Counter[str] = Counter()
    for one in found:
        genres.update(one.card.genres)
        if one.card.release_day:
            year = date.fromordinal(one.card.release_day).year
            decades[f"{year // 10 * 10}s"] += 1
    types = {str(kind): total for kind, total in totals.items() if total}
    return Facets(
        types=dict(sorted(types.items(), key=lambda pair: (-pair[1], pair[0]))),
        genres=_counted(genres, MOST_GENRES),
        decades=_counted(decades, None),
    )


def _counted(counts: Counter[str], most: int | None) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:most])
