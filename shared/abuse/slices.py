"""How the search through all people is divided: 64 slices of their ids, which tasks share.

Ids that we make are 128 random bits in base62, so equal steps through the numbers are equal shares
of the people. Ids chosen by hand sort among them or behind, into the last slice.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.platform.ids import encode

SLICES = 64
_PREFIX = 6  # characters of a boundary: no id needs to be told more exactly


@dataclass(frozen=True, slots=True)
class Slice:
    """The people from `start` to before `end` (None: to the last); `name` stays the same as long
    as `SLICES` does."""

    name: str
    start: str
    end: str | None


def _boundary(number: int) -> str:
    return encode(number * 2**128 // SLICES)[:_PREFIX] if number else ""


def slice_of(number: int) -> Slice:
    """The slice `number` (0..63)."""
    end = _boundary(number + 1) if number + 1 < SLICES else None
    return Slice(f"{number:02d}of{SLICES}", _boundary(number), end)


def slices_of_task(index: int, count: int) -> list[Slice]:
    """The slices of task `index` of `count` (from 0); with more tasks than slices, some have none.

    Raises ValueError for an index that is not among `count`.
    """
    if not 0 <= index < count:
        raise ValueError(f"task {index} of {count} does not exist")
    return [slice_of(number) for number in range(index, SLICES, count)]
