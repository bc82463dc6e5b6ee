"""The engine over an index on disk, by itself or under what has changed since."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any, Protocol

from shared.artifacts.opening import Broken
from shared.search.artifact import FORMAT
from shared.search.local.building import DESCRIPTION, SUGGEST, TYPE_BITS
from shared.search.local.cards import Cards
from shared.search.local.shard import Shard
from shared.search.local.vocabulary import Vocabulary
from shared.search.models import (
    ITEM_TYPES,
    Candidate,
    Card,
    Engine,
    ItemType,
    Plan,
    Retrieved,
    Word,
)

MOST_HIDDEN = 1_000  # documents that a question asks more for, since they may be hidden


class BrokenIndex(Broken):
    """The files of an index are missing, cut off, or of another format."""


class Live(Protocol):
    """What has changed since the index was built."""

    @property
    def hidden(self) -> Collection[str]:
        """Keys of the documents that are gone or have changed, wherever the index has them."""

    @property
    def shards(self) -> Mapping[ItemType, Shard]:
        """Documents that are new or have changed, by type; only types that have any."""

    @property
    def suggest(self) -> Shard | None:
        """The same documents in one prefix index; None: there are none."""


class _AllCards(Sequence[Card]):
    """The cards of every type by the rows of the suggest index."""

    def __init__(self, by_type: Sequence[Cards]) -> None:
        self._by_type = by_type
        self._mask = (1 << TYPE_BITS) - 1

    def __len__(self) -> int:
        return sum(map(len, self._by_type))

    def __getitem__(self, row: Any) -> Any:
        return self._by_type[row >> TYPE_BITS][row & self._mask]


class LocalEngine:
    """An index as `building.build` wrote it, memory-mapped. Safe for any number of readers."""

    def __init__(
        self,
        description: Mapping[str, Any],
        shards: Mapping[ItemType, Shard],
        suggest: Shard,
        words: Vocabulary,
    ) -> None:
        self.version = str(description["version"])
        self.built_at = datetime.fromisoformat(description["built_at"])
        self.documents: Mapping[str, int] = description["documents"]
        self._shards = shards
        self._suggest = suggest
        self._words = words

    @classmethod
    def open(cls, folder: Path) -> LocalEngine:
        """Opens the index in `folder`. Raises BrokenIndex."""
        try:
            description = json.loads((folder / DESCRIPTION).read_text())
            if description["format"] != FORMAT:
                raise BrokenIndex(f"{folder}: format {description['format']}, not {FORMAT}")
            cards = {kind: Cards(folder / kind) for kind in ITEM_TYPES}
            for kind, count in description["documents"].items():
                if len(cards[kind]) != count:
                    raise BrokenIndex(f"{folder}: {len(cards[kind])} {kind} cards, not {count}")
            shards = {kind: Shard.open(folder / kind, cards[kind]) for kind in ITEM_TYPES}
            everything = _AllCards([cards[kind] for kind in ITEM_TYPES])
            suggest = Shard.open(folder / SUGGEST, everything)
            return cls(description, shards, suggest, Vocabulary(folder))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BrokenIndex(f"{folder}: {error}") from error

    def with_live(self, live: Live) -> Engine:
        """This index as `live` has changed it."""
        return _Changed(self, live)

    async def retrieve(self, kind: ItemType, plan: Plan) -> Retrieved:
        """As `Engine.retrieve`."""
        return self._shards[kind].retrieve(plan)

    async def complete(self, plan: Plan, kinds: Sequence[ItemType]) -> tuple[Candidate, ...]:
        """As `Engine.complete`."""
        return self._suggest.complete(plan, kinds)

    async def similar_words(self, word: str, edits: int) -> tuple[tuple[Word, int], ...]:
        """As `Engine.similar_words`."""
        return self._words.similar(word, edits)


class NoIndex:
    """The engine before any index was built: what is found is in the live segment alone."""

    async def retrieve(self, kind: ItemType, plan: Plan) -> Retrieved:
        """Nothing."""
        return Retrieved((), 0)

    async def complete(self, plan: Plan, kinds: Sequence[ItemType]) -> tuple[Candidate, ...]:
        """Nothing."""
        return ()

    async def similar_words(self, word: str, edits: int) -> tuple[tuple[Word, int], ...]:
        """None."""
        return ()

    def with_live(self, live: Live) -> Engine:
        """What `live` has."""
        return _Changed(self, live)


class _Changed:
    """A base under a live segment. Words that only the live segment has are not corrected to."""

    def __init__(self, base: Engine, live: Live) -> None:
        self._base = base
        self._live = live

    async def retrieve(self, kind: ItemType, plan: Plan) -> Retrieved:
        hidden = self._live.hidden
        wanted = replace(plan, limit=plan.limit + min(len(hidden), MOST_HIDDEN))
        found = await self._base.retrieve(kind, wanted)
        kept = [one for one in found.candidates if one.card.key not in hidden]
        total = found.total - (len(found.candidates) - len(kept))
        shard = self._live.shards.get(kind)
        if shard is None:
            return Retrieved(tuple(kept), total)
        fresh = shard.retrieve(plan)
        # In turn: only the first ones are ranked, and a busy hour has more than those.
        pairs = zip_longest(fresh.candidates, kept)
        both = tuple(one for pair in pairs for one in pair if one is not None)
        return Retrieved(both, total + fresh.total)

    async def complete(self, plan: Plan, kinds: Sequence[ItemType]) -> tuple[Candidate, ...]:
        hidden = self._live.hidden
        wanted = replace(plan, limit=plan.limit + min(len(hidden), MOST_HIDDEN))
        found = await self._base.complete(wanted, kinds)
        kept = [one for one in found if one.card.key not in hidden]
        fresh = self._live.suggest.complete(plan, kinds) if self._live.suggest else ()
        merged = sorted((*fresh, *kept), key=lambda one: -one.card.popularity)
        return tuple(merged[: plan.limit])

    async def similar_words(self, word: str, edits: int) -> tuple[tuple[Word, int], ...]:
        return await self._base.similar_words(word, edits)
