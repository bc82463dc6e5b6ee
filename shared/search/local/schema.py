"""The fields of the index, and how a document and a plan fill them.

Words are made by `shared.search.analysis`, so every text field takes them as they are, between
white space; what is one value (a key, a genre) is one raw term.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from shared.search.analysis import Terms, folded_genre
from shared.search.models import EVERYWHERE, SearchDocument
from shared.search.text import STEMMED_LOCALES

if TYPE_CHECKING:
    import tantivy

# Positions where phrases are asked for, frequencies nowhere: no name says a word for its weight.
_WORDS = {
    "name": "position",
    "artists": "position",
    "album": "position",
    "every": "basic",
    "grams": "basic",
    "phonetic": "basic",
    **{f"stem_{locale}": "basic" for locale in STEMMED_LOCALES},
}
_VALUES = ("key", "type", "exact", "genre", "isrc", "upc", "market", "flag")
EXPLICIT = "explicit"  # a flag
_genre = lru_cache(4_096)(folded_genre)  # there are few, and each comes with many documents
LISTED = "listed"  # a market's term of documents that are released in some markets alone
NOWHERE_BUT = 92  # markets, half of them all: a longer list is written as what it leaves out


@cache
def document_schema() -> tantivy.Schema:
    """Of the indexes of documents; `suggest` has the same and fills less of it."""
    from tantivy import SchemaBuilder

    builder = SchemaBuilder()
    for name, recorded in _WORDS.items():
        builder.add_text_field(name, tokenizer_name="whitespace", index_option=recorded)
    for name in _VALUES:
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    builder.add_unsigned_field("row", fast=True)  # of the document's card
    builder.add_unsigned_field("popularity", fast=True)
    builder.add_integer_field("release_day", fast=True)
    return builder.build()


@cache
def word_schema() -> tantivy.Schema:
    """Of the catalogue's vocabulary, a document for each word."""
    from tantivy import SchemaBuilder

    builder = SchemaBuilder()
    builder.add_text_field("word", tokenizer_name="raw", index_option="basic", stored=True)
    builder.add_text_field("sound", tokenizer_name="raw", index_option="basic")
    builder.add_unsigned_field("popularity", fast=True)
    return builder.build()


def filled(
    document: SearchDocument, found: Terms, row: int, release_day: int, *, suggest: bool
) -> tantivy.Document:
    """`document` with the words `found` in it, as an index takes it."""
    from tantivy import Document

    made = Document()
    for name, words in _words(found, suggest=suggest).items():
        if words:
            made.add_text(name, " ".join(words))
    for name, values in _values(document, found).items():
        for value in values:
            made.add_text(name, value)
    made.add_unsigned("row", row)
    made.add_unsigned("popularity", document.popularity)
    if release_day:
        made.add_integer("release_day", release_day)
    return made


def _words(found: Terms, *, suggest: bool) -> dict[str, tuple[str, ...]]:
    own: dict[str, tuple[str, ...]] = {"every": found.every, "grams": found.grams}
    if not suggest:
        own |= {"name": found.name, "artists": found.artists, "album": found.album}
        own |= {"phonetic": found.phonetic}
        own |= {f"stem_{locale}": words for locale, words in found.stems.items()}
    return own


def _values(document: SearchDocument, found: Terms) -> dict[str, Any]:
    return {
        "key": (document.key,),
        "type": (document.type,),
        "exact": found.exact,
        "genre": tuple(dict.fromkeys(map(_genre, document.genres))),
        "isrc": (document.isrc,) if document.isrc else (),
        "upc": (document.upc,) if document.upc else (),
        "market": markets(document),
        "flag": (EXPLICIT,) if document.explicit else (),
    }


def markets(document: SearchDocument) -> tuple[str, ...]:
    """Where a document may be shown, in few terms: none for everywhere; `LISTED` with the markets
    where it is listed; with a minus a market where it is not although the others say so."""
    from shared.platform.markets import MARKETS

    if EVERYWHERE in document.blocked_in:
        return (f"-{EVERYWHERE}",)
    blocked = tuple(f"-{market}" for market in document.blocked_in)
    listed = set(document.territories)
    if not listed:
        return blocked
    if len(listed) > NOWHERE_BUT:
        left_out = sorted(set(MARKETS) - listed)
        return (*(f"-{market}" for market in left_out), *blocked)
    return (LISTED, *sorted(listed), *blocked)
