"""The best-known documents of a stream, by which a finished index is tried. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator

from shared.search.models import ItemType, SearchDocument
from shared.search.text import squash

KEPT = 5  # of each type


class Popular:
    """Lets documents pass and keeps the most popular of each type that anybody may see."""

    def __init__(self) -> None:
        self._kept: dict[ItemType, list[tuple[int, str, SearchDocument]]] = {}

    def passing(self, documents: Iterable[SearchDocument]) -> Iterator[SearchDocument]:
        """`documents`, one by one."""
        for document in documents:
            if document.is_in(None) and squash(document.name):
                entry = (document.popularity, document.id, document)
                kept = self._kept.setdefault(document.type, [])
                if len(kept) < KEPT:
                    heapq.heappush(kept, entry)
                elif entry[:2] > kept[0][:2]:
                    heapq.heapreplace(kept, entry)
            yield document

    @property
    def documents(self) -> list[SearchDocument]:
        """The most popular first."""
        entries = [entry for kept in self._kept.values() for entry in kept]
        return [document for *_, document in sorted(entries, key=_rank)]


def _rank(entry: tuple[int, str, SearchDocument]) -> tuple[int, str]:
    return -entry[0], entry[1]
