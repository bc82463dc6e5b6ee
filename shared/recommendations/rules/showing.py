"""What may be shown of a list that was made earlier, or for everybody. Pure.

A list keeps the rules when it is made. What is hidden, withdrawn or filtered since is left out when
it is shown, and what follows moves up, into windows that it was not counted in.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from typing import Protocol, TypeVar

from shared.recommendations.items import Taste
from shared.recommendations.rules.policy import MAX_PER_ALBUM, MAX_PER_ARTIST, WINDOW


class Credited(Protocol):
    """A track with whom it is by and what it is on."""

    @property
    def artist_ids(self) -> tuple[str, ...]:
        """Each counts."""

    @property
    def album_id(self) -> str:
        """Empty: on none."""


T = TypeVar("T", bound=Credited)


def is_wanted(taste: Taste, is_explicit: bool, *ids: str) -> bool:
    """Whether the person wants to see something that goes by these ids."""
    return taste.hidden.isdisjoint(ids) and (taste.allows_explicit or not is_explicit)


def uncrowded(tracks: Iterable[T]) -> list[T]:
    """`tracks` in order, without those that would be one too many of an artist (`MAX_PER_ARTIST`)
    or of an album (`MAX_PER_ALBUM`) in any `WINDOW` places on end."""
    kept: list[T] = []
    window: deque[list[tuple[str, str]]] = deque()
    taken: Counter[tuple[str, str]] = Counter()
    for track in tracks:
        keys = [("artist", one) for one in dict.fromkeys(track.artist_ids)]
        if any(taken[key] >= MAX_PER_ARTIST for key in keys):
            continue
        album = ("album", track.album_id)
        if track.album_id:
            if taken[album] >= MAX_PER_ALBUM:
                continue
            keys.append(album)
        kept.append(track)
        window.append(keys)
        taken.update(keys)
        if len(window) == WINDOW:
            taken.subtract(window.popleft())
    return kept
