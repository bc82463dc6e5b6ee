"""The words of the catalogue, and which of them are like another."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from shared.search import text
from shared.search.local.schema import word_schema
from shared.search.models import Word
from shared.search.planning import MIN_SOUND_CHARS, SOUND_COST

NEIGHBOURS_LOOKED_AT = 60  # the most popular ones that the automaton finds
ANSWERS_KEPT = 20_000
MAX_WORD_CHARS = 40  # longer ones are no words
# What a well-known word is worth in edits: at 100 half a typo, so that of two words as near the
# one that people play is meant.
POPULARITY_WORTH = 0.5
FOLDER = "words"


def write(folder: Path, words: Mapping[str, int], heap: int) -> None:
    """Writes the index of `words`, each with its popularity (0..100), to `folder`."""
    import tantivy

    where = folder / FOLDER
    where.mkdir()
    writer = tantivy.Index(word_schema(), path=str(where)).writer(heap, 1)
    for word, popularity in sorted(words.items(), key=lambda pair: (-pair[1], pair[0])):
        made = tantivy.Document()
        made.add_text("word", word)
        sound = text.phonetic(word) if len(word) >= MIN_SOUND_CHARS else ""
        if sound:
            made.add_text("sound", sound)
        made.add_unsigned("popularity", popularity)
        writer.add_document(made)
    writer.commit()
    writer.wait_merging_threads()


class Vocabulary:
    """The words that `write` wrote."""

    def __init__(self, folder: Path) -> None:
        """Raises OSError or ValueError."""
        import tantivy

        index = tantivy.Index.open(str(folder / FOLDER))
        index.config_reader("Manual")
        self._searcher = index.searcher()
        # Safe for several threads, unlike a cache of cachetools.
        self._similar = lru_cache(ANSWERS_KEPT)(self._find)

    def similar(self, word: str, edits: int) -> tuple[tuple[Word, int], ...]:
        """As `Engine.similar_words`, likeliest first."""
        if not word or len(word) > MAX_WORD_CHARS:
            return ()
        return self._similar(word, edits)

    def _find(self, word: str, edits: int) -> tuple[tuple[Word, int], ...]:
        from tantivy import Query

        schema = word_schema()
        near = (
            Query.fuzzy_term_query(
                schema, "word", word, distance=edits, transposition_cost_one=True
            )
            if edits
            else Query.term_query(schema, "word", word)
        )
        found = self._words(Query.const_score_query(near, 1.0))
        sound = text.phonetic(word) if edits and len(word) >= MIN_SOUND_CHARS else ""
        if sound:
            found |= self._words(
                Query.const_score_query(Query.term_query(schema, "sound", sound), 1.0)
            )
        costed = [
            (Word(other, cost), popularity)
            for other, popularity in found.items()
            if (cost := cost_of(word, other, edits, sound)) is not None
        ]
        costed.sort(key=lambda one: (one[0].cost - POPULARITY_WORTH * one[1] / 100, one[0].text))
        return tuple(costed)

    def _words(self, query: Any) -> dict[str, int]:
        hits = self._searcher.search(query, limit=NEIGHBOURS_LOOKED_AT, count=False).hits
        addresses = [address for _, address in hits]
        popularity: Any = self._searcher.fast_field_values("popularity", addresses)
        words = (str(self._searcher.doc(address).get_first("word")) for address in addresses)
        return dict(zip(words, popularity, strict=True))


def cost_of(word: str, other: str, edits: int, sound: str) -> float | None:
    """What `other` costs in place of `word`, in edits (Damerau-Levenshtein); None where it is
    neither near enough nor sounds the same."""
    from jellyfish import damerau_levenshtein_distance

    distance = damerau_levenshtein_distance(word, other)
    if distance <= edits:
        return float(distance)
    if sound and text.phonetic(other) == sound:
        return SOUND_COST + 0.25 * min(distance, 4)
    return None
