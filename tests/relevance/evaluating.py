"""How well a finder answers the judged queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from time import perf_counter

from shared.search.models import ItemType, SearchDocument
from tests.relevance.finders import Finder
from tests.relevance.judging import Query, first_right


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one query found. `place` (1..10) of the first right answer; None: none was found."""

    query: Query
    type: ItemType
    found: Sequence[SearchDocument]
    place: int | None
    took_ms: float

    @property
    def kind(self) -> str:
        """The query's, and the type where it is not tracks."""
        return self.query.kind if self.type == "track" else f"{self.query.kind} → {self.type}"


@dataclass(frozen=True, slots=True)
class Score:
    """Of some outcomes."""

    places: Sequence[int | None]

    def success(self, at: int) -> float:
        """The share (0..1) of queries with a right answer among the first `at` (1..10)."""
        return sum(1 for place in self.places if place and place <= at) / len(self.places)

    @property
    def mrr(self) -> float:
        """Mean reciprocal rank, 0..1; what is not among the ten counts 0."""
        return sum(1 / place for place in self.places if place) / len(self.places)


async def outcomes(finder: Finder, queries: Iterable[Query]) -> list[Outcome]:
    """Asks `finder` each query, once for each type that it is meant for."""
    found = []
    for query in queries:
        for kind in query.types:
            start = perf_counter()
            answer = await finder.find(query.text, kind)
            took_ms = (perf_counter() - start) * 1_000
            found.append(Outcome(query, kind, answer, first_right(query, answer), took_ms))
    return found


def scores(of: Iterable[Outcome]) -> dict[str, Score]:
    """By kind, in the order in which the kinds come first."""
    places: defaultdict[str, list[int | None]] = defaultdict(list)
    for one in of:
        places[one.kind].append(one.place)
    return {kind: Score(them) for kind, them in places.items()}
