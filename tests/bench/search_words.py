"""Words of invented names, distributed as those of real ones.

Fitted on `spotify_tracks` (14,025 track names without their brackets and dashes, 8,321 artist
names; maximum likelihood); the figures below are all that is needed at run time:

- Words per track name 1..9: 31.9, 29.4, 21.2, 10.8, 4.2, 1.6, 0.5, 0.1, 0.3 %; per artist name
  1..5: 36.2, 52.1, 8.8, 2.2, 0.7 %.
- The 48 commonest words are 25.6 % of all in track names and 10.2 % in artist names, with
  frequencies of rank r as (r + 1.8)^-0.88 and (r + 2.7)^-0.59 (Zipf-Mandelbrot).
- The vocabulary of t running words has 6.1 t^0.71 and 2.2 t^0.875 words (Heaps). The tail's
  exponents, 1.03 and 0.80, are those with which the tail joins the head at a million documents.

Common words are the real ones; the others are syllables, 5.6 letters on average, their first
letters about as frequent as in the real names.
"""

# ruff: noqa: SIM905 - tables of words to read, not a hundred lines

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.floating[Any]]]
Ints = np.ndarray[Any, np.dtype[np.int64]]

_NAME_HEAD = (
    "the you me i a love my it in to of on no la don't up all like be your for de we go one is "
    "and down with good i'm el do this life what out time te girl get know that back night never "
    "que u"
).split()
_ARTIST_HEAD = (
    "the dj a la lil de mc el of and j young b i y g chris los alex david john o james t k d m r "
    "jack ben mr white daniel big sam band lee little ryan boy king kevin eric c mark scott "
    "michael da"
).split()
_ONSETS = (
    "t th tr s st sh sp m b br bl l  d dr c ch cr cl w wh h g gr f fr fl p pr pl y n r k v j qu z"
).split(" ")
_ONSET_WEIGHTS = (
    40, 20, 15, 35, 15, 12, 8, 72, 40, 10, 8, 59, 150, 42, 8, 25, 10, 6, 6, 35, 8, 37, 24, 10,
    20, 8, 7, 20, 8, 6, 20, 32, 29, 16, 14, 12, 6, 4,
)  # fmt: skip
_VOWELS = "a e i o u ai ea ee ia io ou y".split()
_VOWEL_WEIGHTS = (24, 20, 15, 15, 8, 2, 3, 3, 2, 2, 3, 3)
_CODAS = ("", *"n r s l t m d k ng st nd ck x".split())
_CODA_WEIGHTS = (46, 11, 9, 8, 7, 6, 4, 3, 2, 1, 1, 1, 0.6, 0.4)
_SYLLABLES = (0.24, 0.51, 0.21, 0.04)  # share of words with 1, 2, … of them


@dataclass(frozen=True, slots=True)
class Fit:
    """What the names of one kind are like; see the module's docstring."""

    head: tuple[str, ...]
    head_share: float
    head_law: tuple[float, float]  # offset and exponent
    tail_exponent: float
    heaps: tuple[float, float]
    lengths: tuple[float, ...]  # share of names with 1, 2, … words


NAMES = Fit(
    tuple(_NAME_HEAD), 0.256, (1.8, 0.88), 1.03, (6.1, 0.71),
    (0.319, 0.294, 0.212, 0.108, 0.042, 0.016, 0.005, 0.001, 0.003),
)  # fmt: skip
ARTISTS = Fit(
    tuple(_ARTIST_HEAD), 0.102, (2.7, 0.59), 0.80, (2.2, 0.875),
    (0.362, 0.521, 0.088, 0.022, 0.007),
)  # fmt: skip


def invented(random: np.random.Generator, count: int) -> list[str]:
    """`count` different words of syllables, none of them a common one."""
    found: dict[str, None] = {}
    taken = {*_NAME_HEAD, *_ARTIST_HEAD}
    while len(found) < count:
        size = int((count - len(found)) * 1.2) + 100
        columns = [_drawn(random, size, *table) for _ in _SYLLABLES for table in _TABLES]
        lengths = random.choice(len(_SYLLABLES), size, p=_SYLLABLES) + 1
        for number, syllables in enumerate(lengths.tolist()):
            word = "".join([column[number] for column in columns[: syllables * len(_TABLES)]])
            if len(word) > 1 and word not in taken:
                found[word] = None
    return list(found)[:count]


_TABLES = ((_ONSETS, _ONSET_WEIGHTS), (_VOWELS, _VOWEL_WEIGHTS), (_CODAS, _CODA_WEIGHTS))


def _drawn(
    random: np.random.Generator, size: int, values: object, weights: tuple[float, ...]
) -> list[str]:
    share = np.array(weights, dtype=float)
    texts = np.array(values, dtype=object)
    return list(texts[random.choice(len(texts), size, p=share / share.sum())])


class Names:
    """`count` names by number, each the same however often it is asked for; 4 bytes a word."""

    def __init__(
        self, fit: Fit, pool: list[str], count: int, random: np.random.Generator, longer: int = 0
    ) -> None:
        """`pool` has the words beyond the common ones; `longer` words more than usual."""
        lengths = random.choice(len(fit.lengths), count, p=fit.lengths) + 1 + longer
        self._ends = np.cumsum(lengths)
        running = int(self._ends[-1]) if count else 0
        scale, exponent = fit.heaps
        # Half as many again: the rarest words of the vocabulary are not met by chance.
        size = min(int(1.5 * scale * max(running, 1) ** exponent), len(pool))
        self.words = [*fit.head, *pool[:size]]
        self._tokens = zipf(_shares(fit, size), running, random).astype(np.int32)

    @cached_property
    def capital(self) -> list[str]:
        """The words as names write them."""
        return [word[0].upper() + word[1:] for word in self.words]

    def tokens(self, number: int) -> list[int]:
        """The ranks of the words of a name."""
        start = int(self._ends[number - 1]) if number else 0
        found: list[int] = self._tokens[start : self._ends[number]].tolist()
        return found

    def name(self, number: int) -> str:
        """A name as displayed."""
        capital = self.capital
        return " ".join([capital[token] for token in self.tokens(number)])


def zipf(shares: Floats, count: int, random: np.random.Generator) -> Ints:
    """`count` numbers of 0 .. len(shares) - 1, each as often as its share says."""
    sums = np.cumsum(shares)
    drawn = random.random(count) * sums[-1]
    numbers: Ints = np.searchsorted(sums, drawn, side="right").astype(np.int64)
    return numbers


def _shares(fit: Fit, tail: int) -> Floats:
    offset, exponent = fit.head_law
    ranks = np.arange(1, len(fit.head) + 1)
    head = (ranks + offset) ** -exponent
    rest = np.arange(len(fit.head) + 1, len(fit.head) + 1 + tail) ** -fit.tail_exponent
    return np.concatenate(
        [fit.head_share * head / head.sum(), (1 - fit.head_share) * rest / rest.sum()]
    )
