"""Documents in tiers by popularity, and how a plan is asked of them.

Each tier is an index of its own, the first of the 50,000 most popular documents, the next five
times as many, and so on (F189). A question goes down the tiers only until it has found all that
can be paged through: a short prefix or a common word is answered from the first tier, and only
what is rare there is worth looking for among the many that hardly anybody plays. Within a tier
documents are in the order of their popularity too, so of equal scores the most popular comes
first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.search.local import schema
from shared.search.local.queries import Queries
from shared.search.models import Candidate, Card, ItemType, Plan, Retrieved, SearchDocument

if TYPE_CHECKING:
    import tantivy

FIRST_TIER, NEXT_TIER = 50_000, 5  # documents; times as many
REACHABLE = 1_050  # F164: an offset of at most 1,000 and a page of 50
EXACT_TAKEN = 50  # documents whose whole name is asked for
DENSE_TAKEN = 50  # documents in whose names the words weigh most (BM25)
LIVE_HEAP_BYTES = 15_000_000  # tantivy's least


def tiers(count: int) -> list[int]:
    """How many documents each tier has, of `count` in all."""
    sizes: list[int] = []
    while count > 0:
        sizes.append(min(tier_size(len(sizes)), count))
        count -= sizes[-1]
    return sizes


def tier_size(number: int) -> int:
    """How many documents the tier `number` (0 is the first) takes."""
    return int(FIRST_TIER * NEXT_TIER**number)


class Shard:
    """The documents of one type, or of all for the suggest index."""

    def __init__(self, indexes: Sequence[tantivy.Index], cards: Sequence[Card]) -> None:
        self._cards = cards
        self._searchers: list[tantivy.Searcher] = []
        for index in indexes:
            index.config_reader("Manual")
            self._searchers.append(index.searcher())

    @classmethod
    def open(cls, folder: Path, cards: Sequence[Card]) -> Shard:
        """The shard that `building` wrote to `folder`. Raises OSError or ValueError."""
        import tantivy

        numbers = range(len(tiers(len(cards))))
        return cls([tantivy.Index.open(str(folder / f"tier-{one}")) for one in numbers], cards)

    @classmethod
    def in_memory(cls, documents: Iterable[SearchDocument], *, suggest: bool = False) -> Shard:
        """A shard of a few thousand documents, each key once."""
        import tantivy

        from shared.search import analysis

        ranked = sorted(documents, key=by_popularity)
        cards = [analysis.card(one) for one in ranked]
        index = tantivy.Index(schema.document_schema())
        writer = index.writer(LIVE_HEAP_BYTES, 1)
        for row, (document, card) in enumerate(zip(ranked, cards, strict=True)):
            found = analysis.terms(document)
            writer.add_document(
                schema.filled(document, found, row, card.release_day, suggest=suggest)
            )
        writer.commit()
        writer.wait_merging_threads()
        index.reload()
        return cls([index], cards)

    def __len__(self) -> int:
        return len(self._cards)

    def retrieve(self, plan: Plan) -> Retrieved:
        """What `plan` asks for: whole names first, then the names in which the words weigh most,
        then by popularity; the beginning does not depend on `plan.limit`."""
        queries = Queries(plan)
        by_name, by_weight, all_of_it = queries.exact(), queries.dense(), queries.matching()
        exact: list[int] = []
        dense: list[tuple[int, float]] = []
        popular: list[int] = []
        total = 0
        for searcher in self._searchers:
            if by_name is not None and len(exact) < EXACT_TAKEN:
                exact += self._rows(searcher, by_name, EXACT_TAKEN - len(exact))
            if total >= REACHABLE:
                continue
            if by_weight is not None and len(dense) < DENSE_TAKEN:
                dense += self._scored(searcher, by_weight, DENSE_TAKEN - len(dense))
            matching: Any = searcher.search(all_of_it, limit=plan.limit, count=True)
            total += matching.count or 0
            if len(popular) < plan.limit:
                popular += self._numbers(searcher, matching.hits)[: plan.limit - len(popular)]
        relevance = dict(dense)
        rows = dict.fromkeys([*exact, *relevance, *popular])
        candidates = tuple(Candidate(self._cards[row], relevance.get(row, 0.0)) for row in rows)
        return Retrieved(candidates, max(total, len(candidates)))

    def complete(self, plan: Plan, kinds: Sequence[ItemType]) -> tuple[Candidate, ...]:
        """The most popular of `kinds` that match `plan`."""
        query = Queries(plan).matching(kinds)
        rows: list[int] = []
        for searcher in self._searchers:
            rows += self._rows(searcher, query, plan.limit - len(rows))
            if len(rows) >= plan.limit:
                break
        return tuple(Candidate(self._cards[row], 0.0) for row in rows)

    def _rows(self, searcher: tantivy.Searcher, query: tantivy.Query, limit: int) -> list[int]:
        return self._numbers(searcher, searcher.search(query, limit=limit, count=False).hits)

    def _scored(
        self, searcher: tantivy.Searcher, query: tantivy.Query, limit: int
    ) -> Iterator[tuple[int, float]]:
        hits = searcher.search(query, limit=limit, count=False).hits
        return zip(self._numbers(searcher, hits), (float(score) for score, _ in hits), strict=True)

    @staticmethod
    def _numbers(searcher: tantivy.Searcher, hits: Sequence[Any]) -> list[int]:
        # Every document has a row: none of the values is None.
        numbers: Any = searcher.fast_field_values("row", [address for _, address in hits])
        return list(numbers)


def by_popularity(document: SearchDocument) -> tuple[int, str]:
    """The order of documents in a shard."""
    return -document.popularity, document.key
