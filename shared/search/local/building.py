"""Writes a complete index: a folder of files that are never changed again.

index.json              version, when it was built, how many documents of each type
<type>/cards.{bin,idx}  what ranking knows of each document
<type>/tier-<n>/        tantivy's files
suggest/tier-<n>/       the same documents in one prefix index (F171), by the cards above
words/                  the vocabulary
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING

from shared.search import analysis
from shared.search.artifact import FORMAT
from shared.search.local import schema, vocabulary
from shared.search.local.cards import CardWriter
from shared.search.local.shard import tier_size
from shared.search.models import ITEM_TYPES, ItemType, SearchDocument

if TYPE_CHECKING:
    import tantivy

DESCRIPTION = "index.json"
SUGGEST = "suggest"
# Each writer's; more than a tier needs, since what it writes in one piece stays in its order.
HEAP_BYTES = 1_000_000_000
TYPE_BITS = 32  # a row of the suggest index is its type's number above the row within the type


@dataclass(frozen=True, slots=True)
class Built:
    """What an index holds."""

    version: str
    built_at: datetime
    documents: dict[str, int]  # by type
    words: int
    size_bytes: int


def build(
    documents: Iterable[SearchDocument], folder: Path, version: str, built_at: datetime
) -> Built:
    """Writes the index of `documents` to `folder`, which it makes and which must not exist. They
    may come in any order and more than once: the last one with a key counts. Takes about 200 bytes
    of memory for each, and as much disk below the temporary folder as they are long in JSON.

    Raises FileExistsError.
    """
    folder.mkdir(parents=True)
    with TemporaryFile() as spool:
        where = _spooled(documents, spool)
        words: dict[str, int] = {}
        counts = _write(folder, _read(spool, where), words)
    vocabulary.write(folder, words, HEAP_BYTES)
    description = {
        "format": FORMAT,
        "version": version,
        "built_at": built_at.isoformat(),
        "documents": counts,
        "words": len(words),
    }
    (folder / DESCRIPTION).write_text(json.dumps(description))
    size = sum(one.stat().st_size for one in folder.rglob("*") if one.is_file())
    return Built(version, built_at, counts, len(words), size)


def _spooled(documents: Iterable[SearchDocument], spool: IO[bytes]) -> list[tuple[int, str, int]]:
    """Where each document begins in `spool`, the most popular first."""
    begins: dict[str, tuple[int, int]] = {}
    at = 0
    for document in documents:
        begins[document.key] = (-document.popularity, at)
        at += spool.write(document.model_dump_json(exclude_defaults=True).encode() + b"\n")
    return sorted((popularity, key, start) for key, (popularity, start) in begins.items())


def _read(spool: IO[bytes], where: list[tuple[int, str, int]]) -> Iterator[SearchDocument]:
    for _, _, start in where:
        spool.seek(start)
        yield SearchDocument.model_validate_json(spool.readline())


def _write(
    folder: Path, documents: Iterable[SearchDocument], words: dict[str, int]
) -> dict[str, int]:
    cards = {}
    shards = {}
    for kind in ITEM_TYPES:
        (folder / kind).mkdir()
        cards[kind] = CardWriter(folder / kind)
        shards[kind] = _Tiers(folder / kind)
    suggest = _Tiers(folder / SUGGEST)
    for document in documents:
        card = analysis.card(document)
        found = analysis.terms(document)
        row = cards[document.type].add(card)
        shards[document.type].add(
            schema.filled(document, found, row, card.release_day, suggest=False)
        )
        suggest.add(
            schema.filled(
                document, found, numbered(document.type, row), card.release_day, suggest=True
            )
        )
        for word in (*found.name, *found.artists, *found.album):
            # Documents come by popularity: the first one with a word is the best known.
            if len(word) <= vocabulary.MAX_WORD_CHARS:
                words.setdefault(word, document.popularity)
    for writer in cards.values():
        writer.close()
    for tiers in (*shards.values(), suggest):
        tiers.close()
    return {kind: shards[kind].count for kind in ITEM_TYPES}


def numbered(kind: ItemType, row: int) -> int:
    """The row of the suggest index for the row of a type."""
    return ITEM_TYPES.index(kind) << TYPE_BITS | row


class _Tiers:
    """Writes documents, the most popular first, into tier after tier."""

    def __init__(self, folder: Path) -> None:
        self.count = 0
        self._folder = folder
        self._tier = 0
        self._left = 0
        self._writer: tantivy.IndexWriter | None = None

    def add(self, document: tantivy.Document) -> None:
        """Writes the next one."""
        import tantivy

        if self._left == 0:
            self.close()
            where = self._folder / f"tier-{self._tier}"
            where.mkdir(parents=True)
            index = tantivy.Index(schema.document_schema(), path=str(where))
            self._writer = index.writer(HEAP_BYTES, 1)
            self._left = tier_size(self._tier)
            self._tier += 1
        assert self._writer is not None
        self._writer.add_document(document)
        self._left -= 1
        self.count += 1

    def close(self) -> None:
        """Writes what is not yet on disk."""
        if self._writer is not None:
            self._writer.commit()
            self._writer.wait_merging_threads()
            self._writer = None
