"""Words as Spanner's tokenisers cannot but leave them: in the letters a to z alone. Pure.

Each of a to y stands for itself. Anything else becomes `z` and four letters, a to p, for the
sixteen bits of each of its UTF-16 code units. So different words have different tokens, a beginning
of a word has a beginning of its token, and no token is an operator of rquery.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxy")
_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")
WORDS_KEPT = 50_000


@lru_cache(WORDS_KEPT)
def token(word: str) -> str:
    """`word` (not empty) as a token, at most ten letters for each of its characters."""
    if _PLAIN.issuperset(word):
        return word
    return "".join(letter if letter in _PLAIN else _escaped(letter) for letter in word)


def tokens(words: Iterable[str]) -> str:
    """`words` as text to be tokenised, or as a query for all of them."""
    return " ".join(token(word) for word in words)


def any_of(words: Iterable[str]) -> str:
    """A query in rquery for at least one of `words`."""
    return " OR ".join(token(word) for word in words)


def phrase(words: Iterable[str]) -> str:
    """A query in rquery for `words` one behind the other."""
    return f'"{tokens(words)}"'


def beginnings(grams: Iterable[str]) -> list[str]:
    """The fewest words that have all of `grams` as their beginnings, of `grams` that hold every
    shorter beginning too."""
    longest: list[str] = []
    for gram in sorted(set(grams)):
        if longest and gram.startswith(longest[-1]):
            longest.pop()
        longest.append(gram)
    return longest


def _escaped(letter: str) -> str:
    units = letter.encode("utf-16-be", "surrogatepass").hex().translate(_LETTERS)
    return "".join(f"z{units[at : at + 4]}" for at in range(0, len(units), 4))
