"""Queries and which answers to them are right.

Titles are compared by rules of this module's own, so that a fault of the product's folding
cannot hide itself.
"""

from __future__ import annotations

import csv
import re
import unicodedata
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from shared.search.models import ItemType, SearchDocument

HERE = Path(__file__).parent
FILES = (HERE / "written.tsv", HERE / "generated.tsv")
COLUMNS = ("kind", "query", "title", "artist", "album")

KINDS = {
    "exact": "the title",
    "title+artist": "the title and an artist",
    "artist": "an artist's name",
    "prefix": "four letters that the title of a well-known song begins with",
    "prefix of a word": "four letters that a word of its title or artists begins with",
    "one typo": "one slip of the finger",
    "two typos": "two slips",
    "swapped words": "the words in another order",
    "missing accents": "é as e, đ as d",
    "transliterated": "written in another script",
    "phonetic": "written by ear",
    "stylised": "Pink for P!nk",
    "feat": "with, without or with another word for feat.",
    "joined or split": "two words as one, one as two",
    "partial": "some words of the title",
    "no tail": "without - Remastered 2011",
    "album": "an album's title",
    "album+artist": "an album's title and its artist",
    "word form": "a word in another number, case or tense",
    "cjk": "part of a Chinese, Japanese or Korean title",
    "thai": "part of a Thai title",
    "numbers": "21 for Twenty One",
}

_BRACKETS = re.compile(r"\s*[(\[（【][^()\[\]（）【】]*[)\]）】]")
_TAIL = re.compile(r"\s+[-–—]\s.*|\s(?:feat|ft)\.? .*", re.IGNORECASE | re.DOTALL)
_UNDECOMPOSED = str.maketrans(
    {"ø": "o", "đ": "d", "ð": "d", "ł": "l", "ı": "i", "æ": "ae", "œ": "oe", "ß": "ss"}
)


@dataclass(frozen=True, slots=True)
class Query:
    """What was typed, and what was meant by it: at least one of title, artist and album."""

    kind: str
    text: str
    title: str = ""
    artist: str = ""
    album: str = ""

    @property
    def half(self) -> Literal["tune", "held"]:
        """Which half it belongs to; a fixed choice by its text."""
        return "tune" if zlib.crc32(self.text.encode()) % 2 else "held"

    def accepts(self, document: SearchDocument) -> bool:
        """Whether `document`, a track, artist or album, is what was meant."""
        if document.type == "artist":
            return bool(self.artist) and plain(document.name) == plain(self.artist)
        album = document.name if document.type == "album" else document.album
        return (
            (not self.title or song(document.name) == song(self.title))
            and (not self.artist or plain(self.artist) in map(plain, document.artists))
            and (not self.album or song(album) == song(self.album))
        )

    @property
    def types(self) -> tuple[ItemType, ...]:
        """The types of items that it is asked for: tracks always; by the kinds that are about
        artists or albums, those too."""
        match self.kind:
            case "artist":
                return ("track", "artist")
            case "album" | "album+artist":
                return ("track", "album")
            case _:
                return ("track",)


@cache
def plain(text: str) -> str:
    """`text` without case, accents and signs; signs alone are kept."""
    decomposed = unicodedata.normalize("NFKD", text.casefold().translate(_UNDECOMPOSED))
    bare = "".join(char for char in decomposed if not unicodedata.combining(char))
    return " ".join(re.findall(r"[^\W_]+", bare)) or bare.strip()


def bare(name: str) -> str:
    """A title without what stands in brackets and behind a dash."""
    left = 1
    while left:  # inner brackets first
        name, left = _BRACKETS.subn("", name)
    return _TAIL.sub("", name).strip()


@cache
def song(name: str) -> str:
    """What titles of the same song have in common: `bare` and `plain`."""
    return plain(bare(name)) or plain(name)


def first_right(query: Query, found: Sequence[SearchDocument]) -> int | None:
    """The place (from 1) of the first right answer; None: there is none."""
    return next((at for at, one in enumerate(found, 1) if query.accepts(one)), None)


def read(files: Iterable[Path] = FILES) -> list[Query]:
    """All judged queries. Raises ValueError for a kind that is not in `KINDS`."""
    queries = []
    for file in files:
        with file.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
                if row["kind"] not in KINDS:
                    raise ValueError(f"{file.name}: no such kind: {row['kind']}")
                queries.append(
                    Query(row["kind"], row["query"], row["title"], row["artist"], row["album"])
                )
    return queries


def write(queries: Iterable[Query], file: Path) -> None:
    """As `read` reads them."""
    with file.open("w", encoding="utf-8", newline="\n") as lines:
        lines.write("\t".join(COLUMNS) + "\n")
        for one in queries:
            lines.write(f"{one.kind}\t{one.text}\t{one.title}\t{one.artist}\t{one.album}\n")
