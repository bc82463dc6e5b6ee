"""The same recording once (F183). Pure."""

from __future__ import annotations

from collections.abc import Iterable

from shared.search.models import Found


def deduplicated(ranked: Iterable[Found]) -> list[Found]:
    """`ranked` without what has the recording, or the key, of something before it: a song that is
    on a single, an album and three compilations stands where the best of them does."""
    seen: set[str] = set()
    kept = []
    for found in ranked:
        names = {found.card.key}
        if found.card.recording:
            names.add(f"{found.card.type}/{found.card.recording}")
        if seen.isdisjoint(names):
            kept.append(found)
            seen |= names
    return kept
