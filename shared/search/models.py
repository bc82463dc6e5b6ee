"""What search keeps, is asked and answers.

A query becomes a `ParsedQuery`, that a `Plan`, which an `Engine` turns into candidates; ranking,
deduplication and paging are the same whichever engine found them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol, get_args

from pydantic import BaseModel, ConfigDict, Field

ItemType = Literal["track", "artist", "album", "playlist", "show", "episode"]
# What can be asked for; of audiobooks there are none.
SearchType = Literal["track", "artist", "album", "playlist", "show", "episode", "audiobook"]
ITEM_TYPES: tuple[ItemType, ...] = get_args(ItemType)
EVERYWHERE = "*"  # as a market

# --- what is kept ---------------------------------------------------------------------------


class SearchDocument(BaseModel):
    """One findable item, denormalised: all that finding, ranking and filtering it need.

    `artists` are names by whom it is: of a playlist its owner, of a show or an episode the
    publisher; `artist_ids` stand beside them where they are artists. `album` is the name of what
    it belongs to (of an episode its show). `recording` is equal for the same sound on several
    albums (ISRC, else the master's hash). Markets are ISO 3166-1 alpha-2; no `territories` means
    everywhere, and `blocked_in` takes away from them (`*`: everywhere).
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    type: ItemType
    id: str
    name: str
    artists: tuple[str, ...] = ()
    artist_ids: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()  # other names of the item and of its artists
    album: str = ""
    description: str = ""
    popularity: int = Field(default=0, ge=0, le=100)
    territories: tuple[str, ...] = ()
    blocked_in: tuple[str, ...] = ()
    explicit: bool = False
    release_date: str = ""  # YYYY, YYYY-MM or YYYY-MM-DD; empty is unknown
    genres: tuple[str, ...] = ()
    isrc: str = ""
    upc: str = ""
    recording: str = ""

    @property
    def key(self) -> str:
        """What it is known by: `track:4uLU6hMCjMI75M1A2tKUQC`."""
        return f"{self.type}:{self.id}"

    def is_in(self, market: str | None) -> bool:
        """Whether it may be shown in `market`, as `is_shown_in` says."""
        return is_shown_in(market, self.territories, self.blocked_in)


def is_shown_in(
    market: str | None, territories: tuple[str, ...], blocked_in: tuple[str, ...]
) -> bool:
    """Whether what is licensed for `territories` and blocked in others may be shown in `market`;
    None is somebody whose market is not known, who sees all but what is blocked everywhere."""
    if EVERYWHERE in blocked_in or (market and market in blocked_in):
        return False
    return not market or not territories or market in territories


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one document after an index was built; `document` None: it is gone."""

    key: str
    document: SearchDocument | None
    changed_at: datetime


# --- what is asked --------------------------------------------------------------------------

Scope = Literal["any", "name", "artist", "album"]  # where a word must stand


@dataclass(frozen=True, slots=True)
class Clause:
    """One word or phrase (`len(words) > 1`) of a query. `open`: it may be a beginning, since it
    is still being typed."""

    words: tuple[str, ...]  # folded
    scope: Scope = "any"
    negated: bool = False
    open: bool = False


@dataclass(frozen=True, slots=True)
class Filters:
    """What a result must be, whatever its words."""

    years: tuple[int, int] | None = None  # first and last, both included
    genres: tuple[str, ...] = ()  # folded; each must be one of the item's
    isrc: str = ""  # upper case
    upc: str = ""
    new: bool = False  # `tag:new`: an album of the last two weeks
    hipster: bool = False  # `tag:hipster`: in the lowest tenth of the scale of popularity


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """A query as read: any of `branches` (OR), in each of which every clause holds (AND). What is
    negated in one of them is wanted in none."""

    text: str  # as typed, trimmed
    branches: tuple[tuple[Clause, ...], ...]
    filters: Filters = Filters()

    @property
    def is_plain(self) -> bool:
        """Whether it is words alone, so that its spelling may be doubted."""
        if len(self.branches) != 1 or not self.branches[0]:
            return False
        return all(
            clause.scope == "any" and not clause.negated and len(clause.words) == 1
            for clause in self.branches[0]
        )

    @property
    def words(self) -> tuple[str, ...]:
        """The folded words that results should have, in their order."""
        return tuple(
            word
            for branch in self.branches
            for clause in branch
            if not clause.negated
            for word in clause.words
        )


@dataclass(frozen=True, slots=True)
class Affinity:
    """What a person likes, each with a weight in 0..1."""

    artists: Mapping[str, float] = field(default_factory=dict)  # by artist id
    items: Mapping[str, float] = field(default_factory=dict)  # by document key


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """One question. `view` pins the answer to what an earlier page was cut from."""

    query: str
    types: tuple[ItemType, ...]
    limit: int = 20  # 0..50
    offset: int = 0  # 0..1000
    market: str | None = None
    allow_explicit: bool = True
    locale: str = "en"  # language of the asker, BCP 47
    affinity: Affinity = Affinity()
    view: str | None = None
    with_facets: bool = False
    explain: bool = False


# --- what is found --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Card:
    """What ranking knows of a document without its engine. Words are folded; `exact` are the
    squashed forms of its name and of its name's core (`text.squash`), `maker_words` those of its
    artists, `other_words` those of its aliases, album and description."""

    type: ItemType
    id: str
    name: str  # as displayed
    artists: tuple[str, ...]
    artist_ids: tuple[str, ...]
    name_words: tuple[str, ...]
    core_words: tuple[str, ...]  # of the name without "(feat. …)", "- Remastered 2011", …
    maker_words: tuple[str, ...]
    other_words: tuple[str, ...]
    exact: tuple[str, ...]
    popularity: int
    release_day: int  # `date.toordinal` of the earliest day that the date allows; 0 is unknown
    explicit: bool
    territories: tuple[str, ...]
    blocked_in: tuple[str, ...]
    genres: tuple[str, ...]
    recording: str

    @property
    def key(self) -> str:
        """As `SearchDocument.key`."""
        return f"{self.type}:{self.id}"

    def is_in(self, market: str | None) -> bool:
        """As `SearchDocument.is_in`."""
        return is_shown_in(market, self.territories, self.blocked_in)


@dataclass(frozen=True, slots=True)
class Word:
    """A form in which a word of the query may stand in a document, and what that costs: 0 as
    typed, about 1 for each edit."""

    text: str
    cost: float = 0.0


@dataclass(frozen=True, slots=True)
class Slot:
    """The place of one word of the query: any of `forms` fills it, what begins with `prefix`
    (empty: none), what has one of `stems` (locale, stem) and what sounds like `sound` (empty:
    none). `scope` and `phrase` as the query says."""

    forms: tuple[Word, ...]
    prefix: str = ""
    scope: Scope = "any"
    phrase: tuple[str, ...] = ()  # more words, in this order, right behind the first form
    stems: tuple[tuple[str, str], ...] = ()
    sound: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What an engine is asked for: documents in which, for one of `branches`, all slots but
    `missing` are filled; none of `excluded`; all of `filters`; in `market`.

    `exact` are squashed whole names that are welcome whatever the slots say. An engine returns at
    least `limit` candidates if there are so many, the best by its own estimate; for an equal
    question on an equal index always the same ones in the same order.
    """

    branches: tuple[tuple[Slot, ...], ...]
    excluded: tuple[Slot, ...] = ()
    exact: tuple[str, ...] = ()
    filters: Filters = Filters()
    market: str | None = None
    allow_explicit: bool = True
    missing: int = 0
    limit: int = 200


@dataclass(frozen=True, slots=True)
class Candidate:
    """A document that an engine found; `relevance` is its text score (BM25 or the like), 0 where
    it was found otherwise, only comparable within one answer."""

    card: Card
    relevance: float


@dataclass(frozen=True, slots=True)
class Retrieved:
    """Candidates, best first, and how many documents match (a lower bound from 1,000 on)."""

    candidates: tuple[Candidate, ...]
    total: int


class Engine(Protocol):
    """Finds documents. There are two: `shared.search.local` (tantivy in this process) and
    `shared.search.spanner`."""

    async def retrieve(self, kind: ItemType, plan: Plan) -> Retrieved:
        """Documents of one type."""

    async def complete(self, plan: Plan, kinds: Sequence[ItemType]) -> tuple[Candidate, ...]:
        """What may be meant by what is typed so far, of any of `kinds`, from the suggest index:
        the most popular first."""

    async def similar_words(self, word: str, edits: int) -> tuple[tuple[Word, int], ...]:
        """Words of the catalogue at most `edits` (Damerau-Levenshtein) from `word` or that sound
        like it, each with the popularity (0..100) of the best-known item that has it; `word`
        itself is among them if the catalogue has it."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why an item stands where it does. `score` is the weighted sum of the parts, each in 0..1;
    `match` says how its name answers the query and goes before the score."""

    match: str
    score: float
    parts: Mapping[str, float]
    learned: float | None = None  # the re-ranker's score, where one is in use


@dataclass(frozen=True, slots=True)
class Found:
    """One result."""

    card: Card
    explanation: Explanation

    @property
    def id(self) -> str:
        """Of the item."""
        return self.card.id


@dataclass(frozen=True, slots=True)
class Hits:
    """One page of one type. `total` is how many can be paged through, at most 1,050; recordings
    that are on several albums count more than once behind the first 200."""

    items: tuple[Found, ...]
    total: int

    @property
    def ids(self) -> tuple[str, ...]:
        """Of the items."""
        return tuple(found.id for found in self.items)


@dataclass(frozen=True, slots=True)
class Facets:
    """How many results there are of each type, and of the best ones (at most 200 a type) of each
    genre and decade (`1990s`); most first."""

    types: Mapping[str, int]
    genres: Mapping[str, int]
    decades: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Results:
    """The pages by type, in the order in which the types were asked for; `view` names what they
    were cut from, for the next page; `suggested_query` what may have been meant."""

    pages: Mapping[ItemType, Hits]
    view: str
    suggested_query: str | None = None
    facets: Facets | None = None


@dataclass(frozen=True, slots=True)
class Suggestions:
    """What may be meant by what is typed so far, best first."""

    items: tuple[Found, ...]
    view: str
    suggested_query: str | None = None
