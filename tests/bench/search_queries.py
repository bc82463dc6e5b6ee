"""What people ask the invented catalogue, drawn by popularity with a seed.

The item of rank r of its type is asked for as r^-0.8: exponents of queries to search engines lie
between 0.6 and 0.9 (Baeza-Yates et al., "The impact of caching on search engines", SIGIR 2007).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from shared.search.models import ITEM_TYPES, ItemType, SearchDocument, SearchRequest
from tests.bench.search_catalogue import Catalogue

SEED = 20_260_102
DEMAND_EXPONENT = 0.8
MARKET = "DE"
KEYSTROKES = 20  # typed of one name, at most
_TRACKS: tuple[ItemType, ...] = ("track",)
_SUGGESTED: tuple[ItemType, ...] = tuple(kind for kind in ITEM_TYPES if kind != "episode")
# A key and those beside it on a keyboard, where a finger slips to.
_BESIDE = {
    "q": "wa", "w": "qes", "e": "wrd", "r": "etf", "t": "ryg", "y": "tuh", "u": "yij", "i": "uok",
    "o": "ipl", "p": "ol", "a": "qsz", "s": "adw", "d": "sfe", "f": "dgr", "g": "fht", "h": "gjy",
    "j": "hku", "k": "jli", "l": "ko", "z": "xa", "x": "zcs", "c": "xvd", "v": "cbf", "b": "vng",
    "n": "bmh", "m": "nj",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Filter:
    """What a filtered search asks for beside its words: released in `market` from `first` to
    `last` (years), of `genre`, not explicit."""

    first: int
    last: int
    genre: str
    market: str = MARKET


Made = tuple[str, tuple[str, ...]]  # an item as its name and its makers


@dataclass(frozen=True, slots=True)
class Asked:
    """One query, and the item that was meant; without a name, any by its maker."""

    words: str
    wanted: Made
    types: tuple[ItemType, ...] = _TRACKS
    filter: Filter | None = None

    @property
    def text(self) -> str:
        """As it is typed, with the Web API's field filters."""
        if self.filter is None:
            return self.words
        years = f"year:{self.filter.first}-{self.filter.last}"
        return f'{self.words} {years} genre:"{self.filter.genre}"'

    def is_answered_by(self, page: Sequence[Made]) -> bool:
        """Whether the item that was meant is on `page`."""
        name, makers = self.wanted
        if name:
            return self.wanted in page
        return any(makers[0] in others for _, others in page)

    def request(self) -> SearchRequest:
        """The first page of ten suggestions or twenty results."""
        return SearchRequest(
            query=self.text,
            types=self.types,
            limit=10 if self.types == _SUGGESTED else 20,
            market=MARKET if self.filter is None else self.filter.market,
            allow_explicit=self.filter is None,
        )


def queries(catalogue: Catalogue, count: int) -> dict[str, list[Asked]]:
    """`count` queries of each kind."""
    people = _People(catalogue)
    kinds: dict[str, Callable[[], Iterator[Asked]]] = {
        "suggest": people.keystrokes,
        "full": people.searches,
        "typo": people.misspelt,
        "filtered": people.filtered,
    }
    return {name: list(islice(asking(), count)) for name, asking in kinds.items()}


class _People:
    """Endless queries of each kind."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._random = np.random.default_rng(SEED)
        self._by_rank = {
            kind: np.argsort(catalogue.rank(kind), kind="stable") for kind in ITEM_TYPES
        }
        self._demand = {
            kind: np.cumsum(np.arange(1, count + 1) ** -DEMAND_EXPONENT)
            for kind, count in catalogue.counts.items()
        }

    def keystrokes(self) -> Iterator[Asked]:
        """A name letter by letter, a track's on into its artist's."""
        while True:
            kind: ItemType = "track" if self._random.random() < 0.6 else "artist"
            one = self._drawn(kind)
            typed = f"{one.name} {one.artists[0]}" if one.artists else one.name
            if self._random.random() < 0.5:
                typed = one.name
            for length in range(1, min(len(typed), KEYSTROKES) + 1):
                if not typed[length - 1].isspace():
                    yield Asked(typed[:length].lower(), (one.name, one.artists), _SUGGESTED)

    def searches(self) -> Iterator[Asked]:
        """In turn a title, a title with its artist, an artist, two words of a title."""
        while True:
            one = self._drawn("track")
            yield self._asked(one, _title(one))
            one = self._drawn("track")
            yield self._asked(one, f"{_title(one)} {one.artists[0]}")
            one = self._drawn("track")
            yield Asked(one.artists[0].lower(), ("", one.artists[:1]))
            one = self._drawn("track", lambda one: len(_title(one).split()) > 2)
            words = _title(one).split()
            start = int(self._random.integers(0, len(words) - 1))
            yield self._asked(one, " ".join(words[start : start + 2]))

    def misspelt(self) -> Iterator[Asked]:
        """A title, every other time with its artist, with a slip in one of its words."""
        while True:
            for suffix in (False, True):
                one = self._drawn("track", lambda one: bool(_long_words(_title(one))))
                slipped = self._slip(_title(one))
                yield self._asked(one, f"{slipped} {one.artists[0]}" if suffix else slipped)

    def filtered(self) -> Iterator[Asked]:
        """A word of a title, of a decade and a genre, for somebody in Germany who wants nothing
        explicit."""
        while True:
            one = self._drawn("track", _is_for_all)
            year = int(one.release_date[:4]) // 10 * 10
            words = _title(one).split()
            word = words[int(self._random.integers(0, len(words)))]
            filters = Filter(year, year + 9, one.genres[0])
            yield Asked(word, (one.name, one.artists), filter=filters)

    def _asked(self, one: SearchDocument, words: str) -> Asked:
        return Asked(words.lower(), (one.name, one.artists))

    def _drawn(
        self, kind: ItemType, such: Callable[[SearchDocument], bool] | None = None
    ) -> SearchDocument:
        sums = self._demand[kind]
        while True:
            rank = int(np.searchsorted(sums, self._random.random() * sums[-1], side="right"))
            one = self._catalogue.document(kind, int(self._by_rank[kind][rank]))
            if one.is_in(MARKET) and (such is None or such(one)):
                return one

    def _slip(self, title: str) -> str:
        """`title` with one edit inside one of its longer words, never of its first letter."""
        words = title.lower().split()
        at = int(self._random.choice(_long_words(title)))
        word = words[at]
        place = int(self._random.integers(1, len(word) - 1))
        before, letter, after = word[:place], word[place], word[place + 1 :]
        kind = int(self._random.integers(0, 4))
        if kind == 0 and letter in _BESIDE:
            letter = str(self._random.choice(list(_BESIDE[letter])))
        elif kind == 1:
            letter = ""
        elif kind == 2 and after[0] != letter:
            letter, after = after[0], letter + after[1:]
        else:
            letter += letter
        words[at] = before + letter + after
        return " ".join(words)


def _title(one: SearchDocument) -> str:
    """What people type of a name: not what stands in brackets or behind a dash."""
    return one.name.partition(" (")[0].partition(" - ")[0]


def _long_words(title: str) -> list[int]:
    """Places of words of five Latin letters or more."""
    return [
        place
        for place, word in enumerate(title.split())
        if len(word) > 4 and word.isascii() and word.isalpha()
    ]


def _is_for_all(one: SearchDocument) -> bool:
    return not one.explicit and bool(one.genres)
