"""A plan in tantivy's terms.

Everything that must merely hold is asked at a constant score: what ranks is decided behind the
engine, and a score that is the same for all leaves documents in the order of their popularity.
Terms are asked for one by one, never as a set: tantivy answers a set by an automaton over the
dictionary, which takes 0.2 ms however few documents there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from shared.search.local.schema import EXPLICIT, LISTED, document_schema
from shared.search.models import EVERYWHERE, ITEM_TYPES, Filters, ItemType, Plan, Scope, Slot
from shared.search.planning import HIPSTER_POPULARITY, NEW_DAYS

if TYPE_CHECKING:
    from tantivy import Occur, Query

MAX_PREFIX_CHARS = 20  # F169
_FIELDS: dict[Scope, str] = {
    "any": "every",
    "name": "name",
    "artist": "artists",
    "album": "album",
}


class Queries:
    """The questions that a plan puts to an index."""

    def __init__(self, plan: Plan, today: date | None = None) -> None:
        self._plan = plan
        self._today = today or datetime.now(UTC).date()

    def exact(self) -> Query | None:
        """Documents whose whole name is one of `plan.exact`."""
        if not self._plan.exact:
            return None
        return self._filtered(self._any(_terms("exact", self._plan.exact)))

    def dense(self) -> Query | None:
        """Documents with all words in their names, scored by BM25; None for a plan without such
        words, or that looks elsewhere for them."""
        from tantivy import Occur, Query

        slots = self._plan.branches[0] if self._plan.branches else ()
        if not slots or any(slot.scope not in ("any", "name") or slot.phrase for slot in slots):
            return None
        named = [
            (Occur.Must, self._any(_terms("name", (form.text for form in slot.forms))))
            for slot in slots
        ]
        filters = [(Occur.Must, self._filter)] if self._filter is not None else []
        return Query.boolean_query([*named, *filters, *self._excluded])

    def matching(self, kinds: Sequence[ItemType] = ()) -> Query:
        """All documents that `plan` asks for; of `kinds`, where there are several in the index."""
        from tantivy import Query

        branches = [self._branch(slots) for slots in self._plan.branches if slots]
        query = self._any(branches) if branches else Query.all_query()
        others = sorted(set(ITEM_TYPES).difference(kinds)) if kinds else []
        return self._filtered(query, _terms("type", others))

    def _filtered(self, query: Query, excluded: Iterable[Query] = ()) -> Query:
        from tantivy import Occur, Query

        parts = [(Occur.Must, query), *((Occur.MustNot, one) for one in excluded)]
        if self._filter is not None:
            parts.append((Occur.Must, self._filter))
        return Query.const_score_query(Query.boolean_query([*parts, *self._excluded]), 1.0)

    def _branch(self, slots: Sequence[Slot]) -> Query:
        filled = [self._slot(slot) for slot in slots]
        missing = min(self._plan.missing, len(filled) - 1)
        if not missing:
            return self._all(filled)
        # One left out at a time: queries have few words, and tantivy's own minimum is not offered.
        return self._any(
            self._all([*filled[:left_out], *filled[left_out + 1 :]])
            for left_out in range(len(filled))
        )

    def _slot(self, slot: Slot) -> Query:
        from tantivy import Query

        field = _FIELDS[slot.scope]
        if slot.phrase:
            fields = [field] if slot.scope != "any" else ["name", "artists", "album"]
            words: list[str | tuple[int, str]] = [slot.forms[0].text, *slot.phrase]
            return self._any(Query.phrase_query(document_schema(), one, words) for one in fields)
        found = _terms(field, (form.text for form in slot.forms))
        if slot.prefix:
            found += _terms("grams", [slot.prefix[:MAX_PREFIX_CHARS]])
        found += [one for locale, stem in slot.stems for one in _terms(f"stem_{locale}", [stem])]
        if slot.sound:
            found += _terms("phonetic", [slot.sound])
        return self._any(found)

    @cached_property
    def _excluded(self) -> list[tuple[Occur, Query]]:
        from tantivy import Occur, Query

        excluded = [self._slot(slot) for slot in self._plan.excluded]
        if not self._plan.allow_explicit:
            excluded += _terms("flag", [EXPLICIT])
        excluded += _terms("market", [f"-{EVERYWHERE}"])
        if self._plan.market:
            # Most documents are released everywhere: it costs less to leave out the others than to
            # look each one up among those.
            here, elsewhere = _terms("market", [self._plan.market, LISTED])
            excluded.append(Query.boolean_query([(Occur.Must, elsewhere), (Occur.MustNot, here)]))
            excluded += _terms("market", [f"-{self._plan.market}"])
        return [(Occur.MustNot, one) for one in excluded]

    @cached_property
    def _filter(self) -> Query | None:
        from tantivy import Query

        parts = list(self._of_item(self._plan.filters))
        # Scored by nothing: it must hold, and says nothing of how well.
        return Query.const_score_query(self._all(parts), 0.0) if parts else None

    def _of_item(self, filters: Filters) -> Iterable[Query]:
        from tantivy import FieldType, Query

        schema = document_schema()
        if filters.years:
            first = date(filters.years[0], 1, 1).toordinal()
            last = date(filters.years[1], 12, 31).toordinal()
            yield Query.range_query(schema, "release_day", FieldType.Integer, first, last)
        if filters.new:
            today = self._today.toordinal()
            yield Query.range_query(
                schema, "release_day", FieldType.Integer, today - NEW_DAYS, today
            )
        if filters.hipster:
            yield Query.range_query(schema, "popularity", FieldType.Unsigned, 0, HIPSTER_POPULARITY)
        for field, value in (("isrc", filters.isrc), ("upc", filters.upc)):
            if value:
                yield from _terms(field, [value])
        for genre in filters.genres:
            yield from _terms("genre", [genre])

    @staticmethod
    def _any(queries: Iterable[Query]) -> Query:
        from tantivy import Occur, Query

        parts = list(queries)
        if len(parts) == 1:
            return parts[0]
        return Query.boolean_query([(Occur.Should, one) for one in parts])

    @staticmethod
    def _all(queries: Sequence[Query]) -> Query:
        from tantivy import Occur, Query

        if len(queries) == 1:
            return queries[0]
        return Query.boolean_query([(Occur.Must, one) for one in queries])


def _terms(field: str, words: Iterable[str]) -> list[Query]:
    from tantivy import Query

    return [Query.term_query(document_schema(), field, one) for one in words]
