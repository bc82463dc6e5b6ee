"""From the text of a query to its results, whichever engine finds them.

parse → plan → retrieve → rank → deduplicate → cut the page, in up to three passes
(`shared.search.planning`), each made only where those before found too little.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from shared.search import planning
from shared.search.deduplication import deduplicated
from shared.search.facets import facets
from shared.search.matching import Asked, Match
from shared.search.models import (
    Candidate,
    Engine,
    Filters,
    Found,
    Hits,
    ItemType,
    ParsedQuery,
    Plan,
    Results,
    SearchRequest,
    Suggestions,
    Word,
)
from shared.search.parsing import parse
from shared.search.ranking import Reranker, ranked

WINDOW = 200  # candidates of a type that are ranked; behind them the engine's own order holds
ENOUGH = 10  # results with which a weak answer needs no other spelling
COMPLETIONS_RANKED = 60
_Find = Callable[[Plan], Awaitable[tuple[tuple[Candidate, ...], int]]]
REACHABLE = 1_050  # F164: an offset of at most 1,000 and a page of 50


async def search(
    engine: Engine, request: SearchRequest, view: str, reranker: Reranker | None = None
) -> Results:
    """The pages that `request` asks for; `view` names what `engine` answers from. Raises
    InvalidInput for a blank query."""
    asking = _Asking(engine, request, parse(request.query), reranker)
    answers = {kind: await asking.answer(kind) for kind in request.types}
    pages = {kind: asking.page(answer) for kind, answer in answers.items()}
    counted = None
    if request.with_facets:
        totals = {kind: answer.total for kind, answer in answers.items()}
        counted = facets((one for a in answers.values() for one in a.ranked), totals)
    return Results(pages, view, _suggested(answers.values(), asking), counted)


async def suggest(engine: Engine, request: SearchRequest, view: str) -> Suggestions:
    """What may be meant by what is typed so far, at most `request.limit`. Raises InvalidInput for
    a blank query."""
    asking = _Asking(engine, request, parse(request.query), None)
    answer = await asking.completions()
    return Suggestions(tuple(answer.ranked[: request.limit]), view, _suggested([answer], asking))


@dataclass(frozen=True, slots=True)
class _Answer:
    ranked: list[Found]  # of the window
    rest: list[Candidate]  # behind it, in the engine's order
    total: int
    asked: Asked

    @property
    def best(self) -> Match:
        """How well the first one answers."""
        return Match[self.ranked[0].explanation.match.upper()] if self.ranked else Match.PARTIAL

    def is_enough(self, doubted: Match) -> bool:
        """Whether no other spelling need be tried: the first answer is better than `doubted`, or
        there are many."""
        return bool(self.ranked) and (self.best > doubted or len(self.ranked) >= ENOUGH)


class _Asking:
    """One request on its way; what it learns of its words serves all types."""

    def __init__(
        self, engine: Engine, request: SearchRequest, parsed: ParsedQuery, reranker: Reranker | None
    ) -> None:
        self.engine = engine
        self.request = request
        self.parsed = parsed
        self.reranker = reranker
        self.today = datetime.now(UTC).date()
        self._widened: dict[bool, Plan] = {}

    async def answer(self, kind: ItemType) -> _Answer:
        """All that was found of a type, as far as the page that is asked for."""
        limit = max(WINDOW, min(self.request.offset + self.request.limit, REACHABLE) + WINDOW)

        async def find(plan: Plan) -> tuple[tuple[Candidate, ...], int]:
            retrieved = await self.engine.retrieve(kind, plan)
            return retrieved.candidates, retrieved.total

        return await self._in_passes(limit, find)

    async def completions(self) -> _Answer:
        """The suggestions, best first."""

        async def find(plan: Plan) -> tuple[tuple[Candidate, ...], int]:
            found = await self.engine.complete(planning.anywhere(plan), self.request.types)
            return found, len(found)

        return await self._in_passes(COMPLETIONS_RANKED, find)

    async def _in_passes(self, limit: int, find: _Find) -> _Answer:
        first = planning.typed(self.parsed, self.request, limit)
        candidates, total = await find(first)
        asked = _asked(first)
        answer = self._ranked(candidates, total, asked)
        if not self.parsed.is_plain or answer.is_enough(Match.CONTEXT):
            return answer
        for loose in (False, True):
            plan = replace(await self._plan(first, loose), limit=limit)
            more, more_total = await find(plan)
            known = {one.card.key for one in candidates}
            candidates = (*candidates, *(one for one in more if one.card.key not in known))
            asked = _asked(first, plan)
            answer = self._ranked(candidates, max(total, more_total), asked)
            if answer.is_enough(Match.CORRECTED):
                break
        return answer

    async def _plan(self, first: Plan, loose: bool) -> Plan:
        if loose not in self._widened:
            similar = {
                word: await self.engine.similar_words(
                    word, planning.edits_allowed(word, loose=loose)
                )
                for word in planning.doubted(first)
            }
            joined = planning.joined(first)
            for word in planning.compounds(first, similar):
                if word not in similar:
                    edits = planning.joined_edits(word) if word in joined else 0
                    similar[word] = await self.engine.similar_words(word, edits)
            self._widened[loose] = planning.corrected(first, similar, loose=loose)
        return self._widened[loose]

    def _ranked(self, candidates: Sequence[Candidate], total: int, asked: Asked) -> _Answer:
        visible = [
            one
            for one in candidates
            if one.card.is_in(self.request.market)
            and (self.request.allow_explicit or not one.card.explicit)
        ]
        window = self.explained(visible[:WINDOW], asked, self.reranker)
        kept = deduplicated(window)
        behind: list[Found | Candidate] = [*kept, *visible[WINDOW:]]
        rest = [one for one in deduplicated(behind) if isinstance(one, Candidate)]
        # What the window loses is the same for every page; what is lost behind it, each page would
        # count another part of.
        lost = min(len(candidates), WINDOW) - len(kept)
        return _Answer(kept, rest, min(total - lost, REACHABLE), asked)

    def explained(
        self, candidates: Iterable[Candidate], asked: Asked, reranker: Reranker | None = None
    ) -> list[Found]:
        """`candidates`, best first."""
        return ranked(
            candidates,
            asked,
            market=self.request.market,
            affinity=self.request.affinity,
            today=self.today,
            reranker=reranker,
        )

    def page(self, answer: _Answer) -> Hits:
        """What was asked for of an answer."""
        first, behind = self.request.offset, self.request.offset + self.request.limit
        count = len(answer.ranked)
        rest = answer.rest[max(first - count, 0) : max(behind - count, 0)]
        # One by one, so that they stay in the engine's order.
        explained = [found for one in rest for found in self.explained([one], answer.asked)]
        return Hits((*answer.ranked[first:behind], *explained), answer.total)


def _asked(first: Plan, widened: Plan | None = None) -> Asked:
    plan = widened or first
    slots, *others = plan.branches or ((),)
    exact = frozenset(first.exact)
    return Asked(slots, exact, frozenset(plan.exact) - exact, tuple(others))


def _suggested(answers: Iterable[_Answer], asking: _Asking) -> str | None:
    """The query in the spelling of the best result, where no result has it as typed."""
    found = [answer for answer in answers if answer.ranked]
    # With filters the words alone would ask for something else.
    if not found or not asking.parsed.is_plain or asking.parsed.filters != Filters():
        return None
    best = max(found, key=lambda answer: answer.best)
    if best.best not in (Match.CORRECTED_NAME, Match.CORRECTED, Match.PARTIAL):
        return None
    card = best.ranked[0].card
    words = {*card.name_words, *card.maker_words, *card.other_words}
    spelt = [_spelt(slot.forms, words) for slot in best.asked.slots]
    meant = " ".join(spelt)
    return meant if meant != " ".join(best.asked.words) else None


def _spelt(forms: Sequence[Word], words: set[str]) -> str:
    there = [form for form in forms if form.text in words]
    return min(there, key=lambda form: form.cost).text if there else forms[0].text
