"""Other ways in which one name is written, and what of a name is not the name. Pure.

`variants` and `core` are of whole names and belong to documents; `synonyms` are of one word and
belong to queries, so that a pair needs to be known in one place only.
"""

from __future__ import annotations

import re
from functools import lru_cache

from shared.search.text import fold, squash, transliterate

# Names that no rule reads, as their artists are introduced and people therefore write them.
STYLISED = {
    "!!!": "chk chk chk",
    "alvvays": "always",
    "chvrches": "churches",
    "dvsn": "division",
    "htrk": "hate rock",
    "mstrkrft": "master craft",
    "pvris": "paris",
    "sbtrkt": "subtract",
    "strfkr": "starfucker",
}

# --- what is said besides the name ----------------------------------------------------------

_FEATURED = r"(?:feat|ft|featuring)\b\.?"
# The same song under another heading. A remix, a cover, a karaoke or an instrumental version and an
# artist's own re-recording ("Taylor's Version") keep their words, since who types the bare title
# means the original.
_QUALIFIER = re.compile(
    r"""
    \s*(?:
        (?:feat|ft|featuring|with)\b.*
      | (?:music\s|songs\s)?(?:from|inspired\sby)\s.*
      | prod(?:uced)?\b.*
      | (?:(?:recorded|captured|unplugged|acoustic)\s)*live\b.*
      | (?:ao|en|al|dal)\s(?:vivo|directo|concert)\b.*
      | ep | single
      | (?:acoustic|unplugged|mono|stereo|explicit|clean|demo|bonus|deluxe|original|radio|main|edit)
        (?:[\s/-]+(?:live|version|edit|mix|album|single|tracks?|edition|recording|mono|stereo))*
      | (?:(?:\d{4}|new|digital|digitally|original|radio|single|album|lp|ep|video|full|length
           |short|long|edited|studio|live|acoustic|stereo|mono)[\s/-]+)*
        (?:edit|version|remaster|remastered|remastering)\b(?:\s(?:version|edition|album|\d{4}))*
      | .*\b(?:remaster|remastered|deluxe|edition|soundtrack|bonus\stracks?)
        (?:\s(?:version|explicit|\d{4}))*
    )[\s.!;]*
    """,
    re.VERBOSE,
)
_OTHER_RECORDING = re.compile(
    r"\b(?:remix(?:ed|es)?|rmx|rework|bootleg|mash-?up|cover|tribute|karaoke|instrumental|vip)\b"
)
_BRACKETS = re.compile(r"[(\[{]([^()\[\]{}]*)[)\]}]")
_DASH = re.compile(r"\s[-\u2013\u2014]\s")
_TRAILING_FEATURED = re.compile(rf"\s{_FEATURED}\s.*", re.DOTALL | re.IGNORECASE)
_MAY_BE_QUALIFIED = re.compile(r"[(\[{\u2013\u2014]| - |\s(?:feat|ft|featuring)\b", re.IGNORECASE)


def _is_qualifier(text: str) -> bool:
    folded = fold(text)
    return _QUALIFIER.fullmatch(folded) is not None and not _OTHER_RECORDING.search(folded)


def core(name: str) -> str:
    """`name` without what is said of the recording in brackets, after a dash or after "feat.":
    guests, remasters, live, editions, the film it is from. Never empty."""
    if not _MAY_BE_QUALIFIED.search(name):
        return name
    bare = _BRACKETS.sub(lambda found: "" if _is_qualifier(found[1]) else found[0], name)
    head, *tails = _DASH.split(bare)
    while tails and _is_qualifier(tails[-1]):
        tails.pop()
    bare = " ".join(_TRAILING_FEATURED.sub("", " - ".join((head, *tails))).split())
    return bare if squash(bare) else name


# --- other spellings of a name --------------------------------------------------------------

_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})
_HAS_UMLAUT = re.compile("[äöüøå]")
# Signs read as letters: anywhere in a word that has letters, but "!" only between two ("P!nk", not
# "Wham!"); digits only singly behind a letter, and only where there are letters enough to be a
# word ("deadmau5", not "MC5", "60s" or "AKB48").
_SIGNS = {"$": "s", "@": "a", "€": "e", "¥": "y", "!": "i"}
_SIGN = re.compile("[$@€¥]|(?<=[a-z])!(?=[a-z])")
_DIGITS = str.maketrans("013457", "oieast")
_HAS_DIGIT = re.compile("[a-z][013457]")
_DIGITED = re.compile(r"(?<![^\s(\[])[a-z]+(?:[013457][a-z]+)*[013457]?(?![^\s)\].,!?])")
_LETTER = re.compile("[a-z]")
_MIN_LETTERS = 3
_INSIDE = re.compile(
    r"(?<=[^\W_])(?:[.\-·*]|(?<![^\W_]{4})/(?=[^\W_]{1,3}\b))(?=[^\W_])"  # not "Love/Hate"
)
_LETTERS_AND = re.compile(r"\b([a-z])\s?&\s?([a-z])\b")
_AND = re.compile(r"[&+]|(?<=\s)'?n'?(?=\s)|(?<=\w)'n'(?=\w)")
_ELIDED = re.compile(r"\b(?:l|d|j|m|n|s|t|c|qu)'(?=[aeiouyh])")
_PLAIN = re.compile(r"[a-z26-9 ,()?\"]*")


def variants(name: str) -> list[str]:
    """Other spellings of a whole `name`, folded, at most eleven: signs and digits read as letters
    (P!nk: pink), nothing inside a word (AC/DC: acdc; Jay-Z: jayz), "and" for "&", "+" and "n", "n"
    for "&" (R&B: rnb), no elided article (l'amour: amour), umlauts as two letters (Motörhead:
    motoerhead), in Latin letters, as spoken (CHVRCHES: churches), and all of these at once."""
    lowered = name.casefold()
    folded = fold(name)
    if _PLAIN.fullmatch(folded) and folded == lowered:
        spelled = _spoken(folded)
        return [spelled] if spelled != folded else []
    everything = folded
    found: dict[str, None] = {}
    for rule in (_read_signs, _read_digits, _joined, _with_n, _with_and, _without_elision, _spoken):
        found[rule(folded)] = None
        everything = rule(everything)
    if _HAS_UMLAUT.search(lowered):
        found[fold(lowered.translate(_UMLAUTS))] = None
    if not folded.isascii():
        found[transliterate(folded)] = None
        found[" ".join(transliterate(word).replace(" ", "") for word in folded.split())] = None
    found[everything] = None
    found.pop(folded, None)
    return [one for one in found if squash(one)]


def _spoken(folded: str) -> str:
    parts = folded.split(" ")
    if STYLISED.keys().isdisjoint(parts):
        return folded
    return " ".join(STYLISED.get(word, word) for word in parts)


def _read_signs(folded: str) -> str:
    if not _SIGN.search(folded):
        return folded
    return " ".join(
        _SIGN.sub(lambda sign: _SIGNS[sign[0]], word) if _LETTER.search(word) else word
        for word in folded.split(" ")
    )


def _read_digits(folded: str) -> str:
    def read(found: re.Match[str]) -> str:
        word = found[0]
        return word.translate(_DIGITS) if sum(map(str.isalpha, word)) >= _MIN_LETTERS else word

    return _DIGITED.sub(read, folded) if _HAS_DIGIT.search(folded) else folded


def _joined(folded: str) -> str:
    return _INSIDE.sub("", folded)


def _with_n(folded: str) -> str:
    return _LETTERS_AND.sub(r"\1n\2", folded)


def _with_and(folded: str) -> str:
    return " ".join(_AND.sub(" and ", folded).split()) if _AND.search(folded) else folded


def _without_elision(folded: str) -> str:
    return _ELIDED.sub("", folded)


# --- other words for a word -----------------------------------------------------------------

_NUMBERS = {
    **{0: "zero", 1: "one", 2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 7: "seven"},
    **{8: "eight", 9: "nine", 10: "ten", 11: "eleven", 12: "twelve", 13: "thirteen"},
    **{14: "fourteen", 15: "fifteen", 16: "sixteen", 17: "seventeen", 18: "eighteen"},
    **{19: "nineteen", 20: "twenty", 30: "thirty", 40: "forty", 50: "fifty", 60: "sixty"},
    **{70: "seventy", 80: "eighty", 90: "ninety", 100: "hundred", 1000: "thousand"},
}
_ORDINALS = {
    **{"1st": "first", "2nd": "second", "3rd": "third", "4th": "fourth", "5th": "fifth"},
    **{"6th": "sixth", "7th": "seventh", "8th": "eighth", "9th": "ninth", "10th": "tenth"},
}

# Each group means one word.
_GROUPS = (
    *((str(number), word) for number, word in _NUMBERS.items()),
    *_ORDINALS.items(),
    ("and", "n", "und", "et", "y", "e"),
    ("you", "u", "ya"),
    ("your", "ur"),
    ("are", "r"),
    ("to", "2"),
    ("for", "4"),
    ("part", "pt"),
    ("volume", "vol"),
    ("number", "no", "nr"),
    ("saint", "st"),
    ("street", "st"),
    ("mister", "mr"),
    ("missus", "mrs"),
    ("doctor", "dr"),
    ("junior", "jr"),
    ("senior", "sr"),
    ("featuring", "feat", "ft", "with"),
    ("versus", "vs"),
    ("brothers", "bros"),
    ("because", "cuz", "cause", "cos"),
    ("tonight", "tonite"),
    ("night", "nite"),
    ("light", "lite"),
    ("through", "thru"),
    ("love", "luv"),
    ("okay", "ok"),
    ("boys", "boyz"),
    ("girls", "girlz"),
    ("the", "da", "tha"),
)


@lru_cache(1)
def _synonyms() -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for group in _GROUPS:
        for word in group:
            found.setdefault(word, {}).update(dict.fromkeys(group))
    return {
        word: tuple(other for other in others if other != word) for word, others in found.items()
    }


def synonyms(word: str) -> tuple[str, ...]:
    """Other folded words that mean the folded `word` of a query: numbers, abbreviations, "and"
    in five languages."""
    return _synonyms().get(word, ())
