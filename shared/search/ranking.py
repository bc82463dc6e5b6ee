"""Which documents match a query, and in what order (F170). Pure.

Every word of the query must be found: the last as a prefix, since it may still be being typed,
the others whole or as a prefix. Order: how exactly the name is what was asked, then how many of
the words are whole words of the name, then popularity.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import IntEnum

from shared.search.models import SearchDocument


class Exactness(IntEnum):
    """How near a name is to the query; higher is nearer."""

    CONTEXT = 0  # some word was found in the artist or album only
    WORDS = 1  # all words are in the name
    BEGINNING = 2  # the name begins with the query
    NAME = 3  # the name is the query


def lookup_prefix(words: Sequence[str], max_chars: int) -> str:
    """The word of the query to look up: the longest, as it leaves the fewest candidates."""
    return max(words, key=len)[:max_chars]


def rank(
    words: Sequence[str], candidates: Iterable[SearchDocument], market: str | None
) -> list[SearchDocument]:
    """Those of `candidates` that match, best first; with `market` only what is released there."""
    scored = [
        (score, one)
        for one in candidates
        if (not market or not one.territories or market in one.territories)
        and (score := _score(words, one)) is not None
    ]
    scored.sort(key=lambda pair: (*(-part for part in pair[0]), pair[1].name, pair[1].id))
    return [one for _, one in scored]


def _score(words: Sequence[str], one: SearchDocument) -> tuple[int, int, int] | None:
    """(exactness, whole words of the name, popularity), or None where a word is missing."""
    in_name = whole = 0
    for word in words:
        if word in one.words:
            in_name += 1
            whole += 1
        elif any(own.startswith(word) for own in one.words):
            in_name += 1
        elif not any(other.startswith(word) for other in one.context):
            return None
    query = " ".join(words)
    if one.name == query:
        exactness = Exactness.NAME
    elif one.name.startswith(query):
        exactness = Exactness.BEGINNING
    elif in_name == len(words):
        exactness = Exactness.WORDS
    else:
        exactness = Exactness.CONTEXT
    return exactness, whole, one.popularity
