"""Request preconditions of the Cloud Storage API, as a pure decision.

Source: cloud.google.com/storage/docs/request-preconditions. `ifGenerationMatch=0` holds when no
live object has the name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


class PreconditionFailed(Exception):
    """A stated precondition does not hold: 412 (304 for the `Not` forms of a read)."""

    def __init__(self, condition: str, *, negative: bool = False) -> None:
        super().__init__(
            "At least one of the pre-conditions you specified did not hold: " + condition
        )
        self.negative = negative


@dataclass(frozen=True, slots=True)
class Preconditions:
    """The four conditions; None where a request does not state one."""

    generation: int | None = None
    not_generation: int | None = None
    metageneration: int | None = None
    not_metageneration: int | None = None

    def check(self, current: Mapping[str, Any] | None) -> None:
        """Hold them against the live object (None: there is none); raises PreconditionFailed."""
        generation = int(current["generation"]) if current else 0
        metageneration = int(current["metageneration"]) if current else 0
        if self.generation is not None and self.generation != generation:
            raise PreconditionFailed("ifGenerationMatch")
        if self.metageneration is not None and self.metageneration != metageneration:
            raise PreconditionFailed("ifMetagenerationMatch")
        if self.not_generation is not None and self.not_generation == generation:
            raise PreconditionFailed("ifGenerationNotMatch", negative=True)
        if self.not_metageneration is not None and self.not_metageneration == metageneration:
            raise PreconditionFailed("ifMetagenerationNotMatch", negative=True)


NONE = Preconditions()


def from_query(query: Mapping[str, Sequence[str]], source: bool = False) -> Preconditions:
    """JSON API: `ifGenerationMatch` and its kin (with `source`, `ifSourceGenerationMatch` …)."""
    kind = "ifSource" if source else "if"

    def number(name: str) -> int | None:
        values = query.get(kind + name)
        return int(values[0]) if values else None

    return Preconditions(
        number("GenerationMatch"),
        number("GenerationNotMatch"),
        number("MetagenerationMatch"),
        number("MetagenerationNotMatch"),
    )


def from_headers(headers: Mapping[str, str]) -> Preconditions:
    """XML API: `x-goog-if-generation-match` and `x-goog-if-metageneration-match`."""

    def number(name: str) -> int | None:
        value = headers.get(name)
        return int(value) if value is not None else None

    return Preconditions(
        generation=number("x-goog-if-generation-match"),
        metageneration=number("x-goog-if-metageneration-match"),
    )
