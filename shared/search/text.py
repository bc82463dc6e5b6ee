"""How text becomes the words that search compares. Pure.

The same folding is applied to what is indexed and to what is asked, so "Beyoncé", "BEYONCE" and
"beyonce" are one word, as are "ёлка" and "елка", "カラオケ" and "からおけ". What is written without
spaces is cut into overlapping pairs of characters, which needs no dictionary and finds every
part of a name.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import pairwise
from threading import Lock
from typing import Any

MAX_GRAM_CHARS = 20  # F169
MIN_PHONETIC_CHARS = 3  # shorter words sound like too many others
_CACHED_WORDS = 1 << 17

# --- folding --------------------------------------------------------------------------------

# Letters that no Unicode decomposition turns into their plain form, and marks that would turn
# into letters.
_LETTERS = {
    **{"ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "ł": "l", "þ": "th", "æ": "ae"},
    **{"œ": "oe", "ŧ": "t", "ŋ": "n", "ə": "e", "ɛ": "e", "ɔ": "o", "ĸ": "k"},
    # One sign for every apostrophe, also the Hebrew geresh.
    **dict.fromkeys("’‘ʼʻ`´′＇׳‛ʹ", "'"),
    **dict.fromkeys("™℠©®", ""),
    # Arabic as people type it: without hamza and madda (decomposed below), teh marbuta as heh,
    # alef maksura as yeh, Persian and Urdu letters as their Arabic neighbours, no tatweel.
    **{"ٱ": "ا", "ة": "ه", "ى": "ي", "ی": "ي", "ک": "ك", "ہ": "ه", "ھ": "ه", "ە": "ه"},
    **{"ء": "", "ـ": ""},
    "й": "й",  # a letter of its own, unlike ё
}
_KATAKANA = range(0x30A1, 0x30F7)
_KATAKANA_TO_HIRAGANA = 0x60
_ITERATION_MARKS = (0x30FD, 0x30FE)


def _is_accent(char: str) -> bool:
    """Whether `char` is a mark that people leave out: accents, niqqud, harakat. Dakuten, tones
    and vowel signs of Indic and Thai scripts make other words and stay."""
    kind = unicodedata.combining(char)
    return kind == 1 or 10 <= kind <= 36 or kind >= 200


class _Folding(dict[int, str]):
    """Folded form by code point, found when first needed; for `str.translate`."""

    def __missing__(self, code: int) -> str:
        folded = self[code] = self._fold(chr(code))
        return folded

    def _fold(self, char: str) -> str:
        if char in _LETTERS:
            return _LETTERS[char]
        category = unicodedata.category(char)
        if category in ("Cf", "Cs") or 0xFE00 <= ord(char) <= 0xFE0F:
            return ""  # joiners, marks of direction, variation selectors
        if category == "Nd":
            return str(unicodedata.decimal(char))
        parts = unicodedata.normalize("NFKD", char).casefold()
        if parts != char:
            return "".join(
                self[ord(part)] if part != char else part
                for part in unicodedata.normalize("NFKD", parts)
            )
        code = ord(char)
        if code in _KATAKANA or code in _ITERATION_MARKS:
            return chr(code - _KATAKANA_TO_HIRAGANA)
        return "" if _is_accent(char) else char


_FOLDING = _Folding()


def fold(text: str) -> str:
    """`text` without case, accents and other differences that people do not type; punctuation
    and white space stay. Folding twice is folding once."""
    if text.isascii():
        return text.lower()
    composed = unicodedata.normalize("NFC", text)
    return unicodedata.normalize("NFC", composed.translate(_FOLDING))


# --- words ----------------------------------------------------------------------------------

# `\w` leaves out the vowel signs without which Hindi or Thai is no word.
_MARKS = (
    "".join(
        char
        for char in map(chr, range(0x0300, 0x1AB0))
        if unicodedata.category(char) in ("Mn", "Mc")
    )
    + "\u3099\u309a"
)
_WORD = re.compile(rf"[^\W_][^\W_{_MARKS}]*(?:[{_MARKS}]+[^\W_]*)*")
_ASCII_WORD = re.compile(r"[a-z0-9]+")
_APOSTROPHE = re.compile(r"(?<=[^\W_])['`](?=[^\W_])")
# Thai, Lao, Myanmar, Hangul jamo, Khmer, kana, Han, Hangul syllables, rarer Han.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007\u3041-\u309f\u30a0-\u30ff"
    "\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\U00020000-\U0003ffff"
)
_RUN = re.compile(rf"[{_UNSPACED}]+|[^{_UNSPACED}]+")
_IS_UNSPACED = re.compile(rf"[{_UNSPACED}]")
_CHARACTER = re.compile(rf".[{_MARKS}]*", re.DOTALL)


def words(text: str) -> list[str]:
    """The folded words of `text`, in order: runs of letters and digits ("don't" is one); of
    scripts without spaces the overlapping pairs of characters."""
    folded = fold(text)
    if "'" in folded or "`" in folded:
        folded = _APOSTROPHE.sub("", folded)
    if folded.isascii():
        return _ASCII_WORD.findall(folded)
    found: list[str] = []
    for word in _WORD.findall(folded):
        if word.isascii() or not _IS_UNSPACED.search(word):
            found.append(word)
        else:
            for run in _RUN.findall(word):
                found += _pairs(run) if _IS_UNSPACED.match(run) else _WORD.findall(run)
    return found


def _pairs(run: str) -> list[str]:
    characters = _CHARACTER.findall(run)
    if len(characters) == 1:
        return characters
    return [first + second for first, second in pairwise(characters)]


def squash(text: str) -> str:
    """The folded letters and digits of `text` with nothing between them, so that "AC/DC" and
    "acdc" are equal; of a text without any ("!!!", "÷") its visible signs."""
    folded = fold(text)
    return "".join(_WORD.findall(folded)) or "".join(
        char for char in folded if char.isprintable() and not char.isspace()
    )


def name_words(name: str) -> list[str]:
    """The words of a name; of one that has only signs ("÷") these, as one word."""
    found = words(name)
    if found:
        return found
    signs = squash(name)
    return [signs] if signs else []


def edge_grams(words: Iterable[str]) -> set[str]:
    """The beginnings of `words`, 1..20 characters each (F169)."""
    return {gram for word in words for gram in _grams(word)}


@lru_cache(_CACHED_WORDS)
def _grams(word: str) -> tuple[str, ...]:
    return tuple(word[:length] for length in range(1, min(len(word), MAX_GRAM_CHARS) + 1))


# --- other forms of a word ------------------------------------------------------------------

_FOREIGN = re.compile(r"[^\x00-\x7f]+")
# Kana of which two make one syllable (きゃ: kya, しゃ: sha), and the one that doubles what follows.
_CONTRACTED = re.compile("([きぎしじちぢにひびぴみり])([ゃゅょ])")
_SMALL = {"ゃ": "a", "ゅ": "u", "ょ": "o"}
_DOUBLING = re.compile("っ(?=(.))")
_SYLLABLE = re.compile(r"(?<=[a-z])(?=[A-Z])")


def transliterate(text: str) -> str:
    """`text` folded and in Latin letters, by the tables of anyascii: Han, read as Mandarin, and
    Hangul are set apart by syllable; Arabic and Hebrew have no vowels; foreign signs are dropped.
    """
    folded = fold(text)
    if folded.isascii():
        return folded
    from anyascii import anyascii

    def contracted(found: re.Match[str]) -> str:
        glide = "" if found[1] in "しじちぢ" else "y"
        return anyascii(found[1])[:-1] + glide + _SMALL[found[2]]

    def latin(found: re.Match[str]) -> str:
        letters = "".join(char for char in found[0] if char.isalpha() or char in _MARKS)
        letters = _CONTRACTED.sub(contracted, letters)
        letters = _DOUBLING.sub(lambda doubling: anyascii(doubling[1])[:1], letters)
        return _SYLLABLE.sub(" ", anyascii(letters)).replace("'", "").lower()

    return _FOREIGN.sub(latin, folded)


# What English ears do not tell apart and Metaphone does, applied in this order.
_BY_EAR = tuple(
    (re.compile(pattern), heard)
    for pattern, heard in (
        (r"^x", "s"),
        (r"^s?z", "s"),
        (r"^tch", "ch"),
        (r"^ps(?=[aeiouy])", "s"),
        (r"^y(?=[^aeiou])", "i"),
        (r"ch(?=[rl])", "k"),  # Christina, Chloe
        (r"gu(?=[eiy])", "k"),  # Aguilera
        (r"(?<=[^d])g(?=[ei].)", "k"),  # Agilera; initial and final g may be soft
        (r"(?<=[aeiouyr])h", ""),  # Rihanna, Rhianna
    )
)


@lru_cache(_CACHED_WORDS)
def phonetic(word: str) -> str:
    """How a folded `word` sounds to an English ear: its Metaphone code, with a few confusions of
    names joined and every initial vowel as "A". Empty for what is short, has digits, or is of a
    script that is cut into pairs."""
    if len(word) < MIN_PHONETIC_CHARS or _IS_UNSPACED.search(word):
        return ""
    heard = transliterate(word).replace(" ", "")[: 2 * MAX_GRAM_CHARS]
    if not (heard.isascii() and heard.isalpha()):
        return ""
    from jellyfish import metaphone

    for pattern, sound in _BY_EAR:
        heard = pattern.sub(sound, heard)
    code = metaphone(heard)
    if code and code[0] in "AEIOU":
        code = "A" + code[1:]
    code = code[:1] + code[1:].replace("Y", "")
    return code if len(code) > 1 else ""


# Snowball's names of the languages that have inflection and a script in common with others.
_LANGUAGES = {
    "latin": {"en": "english", "de": "german", "fr": "french", "es": "spanish", "pt": "portuguese"},
    "cyrillic": {"ru": "russian"},
    "arabic": {"ar": "arabic"},
}
STEMMED_LOCALES = tuple(locale for group in _LANGUAGES.values() for locale in group)
_one_at_a_time = Lock()  # a stemmer "must not be called concurrently", says PyStemmer


@lru_cache(1)
def _stemmers() -> dict[str, dict[str, Any]]:
    from Stemmer import Stemmer

    return {
        script: {locale: Stemmer(name, 0) for locale, name in languages.items()}
        for script, languages in _LANGUAGES.items()
    }


def _script(word: str) -> str:
    first = word[0]
    if first.isascii() or "\u00c0" <= first <= "\u024f":
        return "latin"
    if "\u0400" <= first <= "\u052f":
        return "cyrillic"
    return "arabic" if "\u0600" <= first <= "\u06ff" else ""


@lru_cache(_CACHED_WORDS)
def stems(word: str) -> Mapping[str, str]:
    """The stems of a folded `word` by language, where they differ from it; only languages of its
    script: en, de, fr, es, pt (Latin), ru (Cyrillic), ar (Arabic)."""
    stemmers = _stemmers().get(_script(word)) if word else None
    if not stemmers or word.isdigit():
        return {}
    with _one_at_a_time:
        found = {locale: stemmer.stemWord(word) for locale, stemmer in stemmers.items()}
    return {locale: stem for locale, stem in found.items() if stem and stem != word}


def stem(word: str, locale: str) -> str:
    """The stem of a folded `word` in the language of `locale` (BCP 47); itself where it has
    none or the language is not known."""
    return stems(word).get(locale.partition("-")[0].lower(), word)
