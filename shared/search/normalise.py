"""How text becomes the words and prefixes that search compares. Pure.

The same folding is applied to what is indexed and to what is asked, so "Beyoncé", "BEYONCE" and
"beyonce" are one word. Only names are cut into prefixes, never the query (decision 2).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

MAX_PREFIX_CHARS = 20  # F169
MAX_PREFIXES = 400  # per document; bounds the index entries that one document makes
MAX_QUERY_TOKENS = 16

# Letters that no Unicode decomposition turns into their plain form.
_LETTERS = str.maketrans(
    {"ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "ł": "l", "þ": "th", "æ": "ae", "œ": "oe"}
)
_APOSTROPHES = re.compile(r"(?<=\w)['’ʼ`](?=\w)")
_WORD = re.compile(r"[^\W_]+")
_FIELD = re.compile(r"\b(?:album|artist|track|year|genre|isrc|upc|tag):", re.IGNORECASE)


def fold(text: str) -> str:
    """`text` without case and accents, its white space as it was."""
    decomposed = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    plain = "".join(char for char in decomposed if not unicodedata.combining(char))
    return unicodedata.normalize("NFKC", plain.casefold().translate(_LETTERS))


def tokens(text: str) -> list[str]:
    """The folded words of `text`: runs of letters and digits; "don't" is one word."""
    return _WORD.findall(_APOSTROPHES.sub("", fold(text)))


def query_tokens(query: str) -> list[str]:
    """The words of a query, at most `MAX_QUERY_TOKENS`. The Web API's field filters
    (`artist:x`) are read as plain words."""
    return tokens(_FIELD.sub(" ", query))[:MAX_QUERY_TOKENS]


def prefixes(words: Iterable[str]) -> list[str]:
    """Every prefix of every word, 1..20 characters, at most `MAX_PREFIXES`; earlier words come
    first, so a very long name loses its tail and not its head."""
    found: dict[str, None] = {}
    for word in words:
        for length in range(1, min(len(word), MAX_PREFIX_CHARS) + 1):
            if len(found) == MAX_PREFIXES:
                return list(found)
            found[word[:length]] = None
    return list(found)
