"""The engine over Spanner, as the database was at one moment.

The moment is the view that pages are cut from: Spanner keeps old versions of its rows, so the next
page is cut from what the first was, whatever has been written since. What was withdrawn since is
left out all the same.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import cast

from shared.search import text
from shared.search.local.vocabulary import MAX_WORD_CHARS, POPULARITY_WORTH, cost_of
from shared.search.models import Candidate, ItemType, Plan, Retrieved, Word
from shared.search.planning import MIN_SOUND_CHARS
from shared.search.spanner import queries, schema, store
from shared.search.spanner.queries import Queries, Statement

EXACT_TAKEN = 50  # documents whose whole name is asked for
DENSE_TAKEN = 50  # documents in whose names the words weigh most
REACHABLE = 1_050  # F164: an offset of at most 1,000 and a page of 50
NEIGHBOURS_LOOKED_AT = 500  # words that share most with the one that is doubted
SOUNDS_LOOKED_AT = 60
# Spanner keeps an hour of versions unless told otherwise; the rest is for the queries themselves.
OLDEST_VIEW = timedelta(minutes=55)
# By so much Spanner's clock may be ahead of ours; it would answer a later moment once it has come.
SKEW = timedelta(seconds=1)
_VIEW = re.compile(r"spanner~([0-9]{1,18})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class SpannerEngine:
    """The database at one moment, named by `view` (`spanner~<microseconds since 1970>`)."""

    def __init__(self, at: datetime, *, is_past: bool) -> None:
        self._at, self._is_past = at, is_past
        self._today = at.date()

    @classmethod
    async def open(cls, view: str | None = None) -> SpannerEngine:
        """At `view`, where an earlier page was cut from it, else now. A view that is no name, too
        old or not yet come is answered from now, under another name."""
        asked, ours = _moment(view), datetime.now(UTC)
        if asked is not None and ours - OLDEST_VIEW < asked <= ours + SKEW:
            return cls(asked, is_past=True)
        return cls(await store.now(), is_past=False)

    @property
    def view(self) -> str:
        """What later pages ask for."""
        return f"spanner~{(self._at - _EPOCH) // timedelta(microseconds=1)}"

    async def retrieve(self, kind: ItemType, plan: Plan) -> Retrieved:
        """As `Engine.retrieve`: whole names first, then the names in which the words weigh most,
        then by popularity. `relevance` is Spanner's score for each word of the name."""
        asked = Queries(kind, plan, self._today)
        exact, dense, popular = await asyncio.gather(
            self._candidates(asked.exact(EXACT_TAKEN)),
            self._candidates(asked.dense(DENSE_TAKEN)),
            self._candidates(asked.matching(plan.limit)),
        )
        total = len(popular)
        if total == plan.limit:  # there may be more
            total = int(cast("str", (await self._rows(asked.count(REACHABLE)))[0][0]))
        relevance = {one.card.key: one.relevance for one in dense}
        found = {one.card.key: one for one in (*exact, *dense, *popular)}
        candidates = [replace(one, relevance=relevance.get(key, 0.0)) for key, one in found.items()]
        visible = await self._still_visible(kind, plan, candidates)
        return Retrieved(tuple(visible), max(total, len(visible)))

    async def complete(self, plan: Plan, kinds: Sequence[ItemType]) -> tuple[Candidate, ...]:
        """As `Engine.complete`. Each type is a partition of the index, so each is asked by
        itself."""
        of_types = await asyncio.gather(*(self._most_popular(kind, plan) for kind in kinds))
        found = [one for of_type in of_types for one in of_type]
        found.sort(key=lambda one: (-one.card.popularity, one.card.key))
        return tuple(found[: plan.limit])

    async def similar_words(self, word: str, edits: int) -> tuple[tuple[Word, int], ...]:
        """As `Engine.similar_words`, likeliest first."""
        if not word or len(word) > MAX_WORD_CHARS:
            return ()
        sound = text.phonetic(word) if edits and len(word) >= MIN_SOUND_CHARS else ""
        asked = [
            queries.similar_words(word, edits, NEIGHBOURS_LOOKED_AT)
            if edits
            else queries.word(word),
            *([queries.words_that_sound(sound, SOUNDS_LOOKED_AT)] if sound else ()),
        ]
        known: dict[str, int] = {}
        for answer in await asyncio.gather(*map(self._rows, asked)):
            known |= {str(other): int(cast("str", popularity)) for other, popularity in answer}
        costed = [
            (Word(other, cost), popularity)
            for other, popularity in known.items()
            if (cost := cost_of(word, other, edits, sound)) is not None
        ]
        costed.sort(key=lambda one: (one[0].cost - POPULARITY_WORTH * one[1] / 100, one[0].text))
        return tuple(costed)

    async def _most_popular(self, kind: ItemType, plan: Plan) -> list[Candidate]:
        asked = Queries(kind, plan, self._today).matching(plan.limit)
        return await self._still_visible(kind, plan, await self._candidates(asked))

    async def _still_visible(
        self, kind: ItemType, plan: Plan, candidates: list[Candidate]
    ) -> list[Candidate]:
        """Without what was withdrawn, or blocked, after the moment that is looked at."""
        if not self._is_past or not candidates:
            return candidates
        ids = [one.card.id for one in candidates]
        asked = Queries(kind, plan, self._today).visible(ids)
        visible = {item_id for (item_id,) in await store.rows(asked)}
        return [one for one in candidates if one.card.id in visible]

    async def _candidates(self, asked: Statement | None) -> list[Candidate]:
        if asked is None:
            return []
        return [
            Candidate(schema.card(card), float(cast("float", score)))
            for card, score in await self._rows(asked)
        ]

    async def _rows(self, asked: Statement) -> list[list[schema.Value]]:
        return await store.rows(asked, self._at)


def _moment(view: str | None) -> datetime | None:
    named = _VIEW.fullmatch(view or "")
    if named is None:
        return None
    try:
        return _EPOCH + timedelta(microseconds=int(named[1]))
    except OverflowError:
        return None
