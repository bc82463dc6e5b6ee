"""The peers: SQLite FTS5 and plain tantivy, each in its simplest good use.

Both index name, artists and album of every document, AND the words of a query, take the last one
of a suggestion as a beginning, and order by BM25. Neither folds titles' qualifiers, ranks by
popularity, removes repeated recordings or says what was meant. FTS5 knows no typos: there it is
asked the misspelt words as they are.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

from shared.search.models import SearchDocument
from tests.bench.search_queries import Asked, Made

SHOWN = 20
_WORD = re.compile(r"\w+")
_HEAP_BYTES = 1_000_000_000


class Peer(Protocol):
    """An index of documents below a folder, opened for reading."""

    def find(self, kind: str, asked: Asked) -> Sequence[Made]:
        """The first page; `kind` as in `search_queries.queries`."""


def _year(one: SearchDocument) -> int:
    return int(one.release_date[:4] or 0)


# --- SQLite ---------------------------------------------------------------------------------


def build_fts5(documents: Iterable[SearchDocument], folder: Path) -> None:
    """One FTS5 table with prefix indexes of two and three characters, optimised, beside a table of
    what is filtered by."""
    database = sqlite3.connect(folder / "fts5.db")
    database.executescript(
        """
        PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -500000;
        CREATE TABLE items (rowid INTEGER PRIMARY KEY, type TEXT, year INTEGER, genres TEXT,
                            markets TEXT, explicit INTEGER);
        CREATE VIRTUAL TABLE words USING fts5(
            name, artists, album, prefix = '2 3', tokenize = 'unicode61 remove_diacritics 2');
        """
    )
    for number, one in enumerate(documents):
        database.execute(
            "INSERT INTO items VALUES (?, ?, ?, ?, ?, ?)",
            (
                number,
                one.type,
                _year(one),
                f"|{'|'.join(one.genres)}|",
                f"|{'|'.join(one.territories) or '*'}|",
                one.explicit,
            ),
        )
        database.execute(
            "INSERT INTO words (rowid, name, artists, album) VALUES (?, ?, ?, ?)",
            (number, one.name, " · ".join(one.artists), one.album),
        )
    database.execute("INSERT INTO words (words) VALUES ('optimize')")
    database.commit()
    database.close()


class Fts5:
    """Asks what `build_fts5` wrote."""

    def __init__(self, folder: Path) -> None:
        self._database = sqlite3.connect(f"file:{folder / 'fts5.db'}?mode=ro", uri=True)

    def find(self, kind: str, asked: Asked) -> Sequence[Made]:
        """As `Peer.find`."""
        words = [f'"{word}"' for word in _WORD.findall(asked.words)]
        if not words:
            return ()
        if kind == "suggest":
            words[-1] += "*"
        types = ", ".join(f"'{one}'" for one in asked.types)
        condition, values = "", []
        if asked.filter is not None:
            condition = (
                "AND items.year BETWEEN ? AND ? AND items.genres LIKE ? AND NOT items.explicit "
                "AND (items.markets = '|*|' OR items.markets LIKE ?)"
            )
            values = [
                asked.filter.first,
                asked.filter.last,
                f"%|{asked.filter.genre}|%",
                f"%|{asked.filter.market}|%",
            ]
        rows = self._database.execute(
            "SELECT words.name, words.artists FROM words JOIN items ON items.rowid = words.rowid "
            f"WHERE words MATCH ? AND items.type IN ({types}) {condition} "
            f"ORDER BY words.rank LIMIT {10 if kind == 'suggest' else SHOWN}",
            (" ".join(words), *values),
        )
        return [(name, tuple(artists.split(" · ")) if artists else ()) for name, artists in rows]


# --- tantivy --------------------------------------------------------------------------------


def _schema() -> Any:
    from tantivy import SchemaBuilder

    builder = SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
    for name in ("name", "artists", "album"):
        builder.add_text_field(name, stored=name != "album")
    for name in ("type", "genre", "market"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    builder.add_boolean_field("explicit", indexed=True)
    builder.add_integer_field("year", fast=True)
    return builder.build()


def build_tantivy(documents: Iterable[SearchDocument], folder: Path) -> None:
    """One index with the default tokenizer, written by one thread."""
    from tantivy import Document, Index

    where = folder / "tantivy"
    where.mkdir()
    writer = Index(_schema(), path=str(where)).writer(_HEAP_BYTES, 1)
    for one in documents:
        writer.add_document(
            Document(
                id=one.id,
                type=one.type,
                name=one.name,
                artists=list(one.artists),
                album=one.album,
                genre=list(one.genres),
                market=list(one.territories) or ["*"],
                explicit=one.explicit,
                year=_year(one),
            )
        )
    writer.commit()
    writer.wait_merging_threads()


class Tantivy:
    """Asks what `build_tantivy` wrote."""

    def __init__(self, folder: Path) -> None:
        from tantivy import Index

        self._index = Index.open(str(folder / "tantivy"))
        self._searcher = self._index.searcher()

    def find(self, kind: str, asked: Asked) -> Sequence[Made]:
        """As `Peer.find`."""
        words = [word.lower() for word in _WORD.findall(asked.words)]
        if not words:
            return ()
        limit = 10 if kind == "suggest" else SHOWN
        hits = self._searcher.search(self._query(kind, asked, words), limit=limit).hits
        found = [self._searcher.doc(address) for _, address in hits]
        return [(str(one.get_first("name")), tuple(one.get_all("artists"))) for one in found]

    def _query(self, kind: str, asked: Asked, words: Sequence[str]) -> Any:
        from tantivy import FieldType, Occur, Query

        schema = self._index.schema
        fields = ["name", "artists", "album"]
        parts = []
        whole = words[:-1] if kind == "suggest" else words
        if whole:
            slips = dict.fromkeys(fields, (False, 1, True)) if kind == "typo" else {}
            text = " ".join(whole)
            parts.append(
                self._index.parse_query(
                    text, fields, fuzzy_fields=slips, conjunction_by_default=True
                )
            )
        if kind == "suggest":
            begins = [
                (Occur.Should, Query.regex_query(schema, field, f"{words[-1]}.*"))
                for field in fields
            ]
            parts.append(Query.boolean_query(begins))
        parts.append(Query.term_set_query(schema, "type", list(asked.types)))
        if asked.filter is not None:
            own = asked.filter
            parts += [
                Query.range_query(schema, "year", FieldType.Integer, own.first, own.last),
                Query.term_query(schema, "genre", own.genre),
                Query.term_set_query(schema, "market", ["*", own.market]),
                Query.term_query(schema, "explicit", False),
            ]
        return Query.boolean_query([(Occur.Must, part) for part in parts])
