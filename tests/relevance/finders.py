"""Ours and two baselines behind one question: the ten best documents of a type.

The baselines are the best simple use of their engines: the same documents, every word of them
searched, the engine's own ranking, ties by popularity.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

import tantivy

from shared.search import pipeline
from shared.search.local.building import build
from shared.search.local.engine import LocalEngine
from shared.search.models import ItemType, SearchDocument, SearchRequest
from tests.relevance import catalogue

TYPES: tuple[ItemType, ...] = ("track", "artist", "album")
LIMIT = 10
_WORD = re.compile(r"\w+")


class Finder(Protocol):
    """Answers queries."""

    name: str

    async def find(self, text: str, kind: ItemType) -> Sequence[SearchDocument]:
        """At most `LIMIT` documents of a type, best first."""


class Ours:
    """`shared.search.pipeline` over the engine in this process."""

    name = "ours"

    def __init__(self, engine: LocalEngine) -> None:
        self.engine = engine
        self.documents = {one.key: one for kind in TYPES for one in catalogue.documents()[kind]}

    async def find(self, text: str, kind: ItemType) -> Sequence[SearchDocument]:
        request = SearchRequest(query=text, types=(kind,), limit=LIMIT)
        results = await pipeline.search(self.engine, request, self.engine.version)
        return [self.documents[found.card.key] for found in results.pages[kind].items]


class Fts5:
    """SQLite FTS5: every word, the last one as a beginning, by bm25."""

    name = "FTS5"

    def __init__(self) -> None:
        self.database = sqlite3.connect(":memory:")
        for kind in TYPES:
            self.database.execute(
                f"CREATE VIRTUAL TABLE {kind}_index USING fts5(name, artists, album, "
                "tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3 4')"
            )
            self.database.executemany(
                f"INSERT INTO {kind}_index(rowid, name, artists, album) VALUES (?, ?, ?, ?)",
                (
                    (row, one.name, " ".join(one.artists), one.album)
                    for row, one in enumerate(_by_popularity(kind))
                ),
            )

    async def find(self, text: str, kind: ItemType) -> Sequence[SearchDocument]:
        words = " ".join(f'"{word}"' for word in _WORD.findall(text))
        if not words:
            return []
        found = self.database.execute(
            f"SELECT rowid FROM {kind}_index(?) ORDER BY rank, rowid LIMIT ?", (words + "*", LIMIT)
        )
        return [_by_popularity(kind)[row] for (row,) in found]


class PlainTantivy:
    """tantivy with its default tokeniser and query parser."""

    name = "tantivy"

    def __init__(self) -> None:
        self.indexes = {kind: self._index(kind) for kind in TYPES}

    def _index(self, kind: ItemType) -> tantivy.Index:
        builder = tantivy.SchemaBuilder()
        for field in ("name", "artists", "album"):
            builder.add_text_field(field)
        builder.add_unsigned_field("row", stored=True)
        index = tantivy.Index(builder.build())
        writer = index.writer(num_threads=1)
        for row, one in enumerate(_by_popularity(kind)):
            fields = {"name": one.name, "artists": " ".join(one.artists), "album": one.album}
            writer.add_document(tantivy.Document(row=row, **fields))
        writer.commit()
        writer.wait_merging_threads()
        index.reload()
        return index

    async def find(self, text: str, kind: ItemType) -> Sequence[SearchDocument]:
        index = self.indexes[kind]
        query, _ = index.parse_query_lenient(
            " ".join(_WORD.findall(text)).lower(), ["name", "artists", "album"]
        )
        searcher = index.searcher()
        rows = [searcher.doc(where)["row"][0] for _, where in searcher.search(query, LIMIT).hits]
        return [_by_popularity(kind)[row] for row in rows]


_ordered: dict[ItemType, list[SearchDocument]] = {}


def _by_popularity(kind: ItemType) -> list[SearchDocument]:
    """Most popular first, which both engines keep among equal scores."""
    if kind not in _ordered:
        documents = catalogue.documents()[kind]
        _ordered[kind] = sorted(documents, key=lambda one: (-one.popularity, one.id))
    return _ordered[kind]


@contextmanager
def ours() -> Iterator[Ours]:
    """Our engine on an index that is built now and gone afterwards."""
    with TemporaryDirectory(prefix="segue-relevance-") as folder:
        place = Path(folder) / "index"
        documents = (one for kind in TYPES for one in catalogue.documents()[kind])
        build(documents, place, "relevance", datetime.now(UTC))
        yield Ours(LocalEngine.open(place))


def baselines() -> list[Finder]:
    """Indexed now, in memory."""
    return [Fts5(), PlainTantivy()]
