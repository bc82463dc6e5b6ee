"""The same recording once (F183). Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

from shared.search.models import Card


class _Carded(Protocol):
    @property
    def card(self) -> Card: ...


T = TypeVar("T", bound=_Carded)


def deduplicated(ranked: Iterable[T]) -> list[T]:
    """`ranked` without what has the recording, or the key, of something before it: a song that is
    on a single, an album and three compilations stands where the best of them does."""
    seen: set[str] = set()
    kept = []
    for one in ranked:
        names = {one.card.key}
        if one.card.recording:
            names.add(f"{one.card.type}/{one.card.recording}")
        if seen.isdisjoint(names):
            kept.append(one)
            seen |= names
    return kept
