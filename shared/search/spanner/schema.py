"""Rows of the tables in `shared/schemas/search.sql`, as Spanner's API takes and gives their values.

A value is JSON as https://cloud.google.com/spanner/docs/reference/rpc/google.spanner.v1#typecode
says: an INT64 is a string of digits, a TIMESTAMP one in RFC 3339, JSON its own text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

from shared.search import analysis, text
from shared.search.local import cards
from shared.search.local.vocabulary import MAX_WORD_CHARS
from shared.search.models import EVERYWHERE, Card, ItemType, SearchDocument
from shared.search.planning import MIN_SOUND_CHARS
from shared.search.spanner import tokens

Value: TypeAlias = str | bool | float | Sequence[str] | None
Key: TypeAlias = tuple[ItemType, str]  # of a document: Type, Id

DOCUMENTS, WITHDRAWALS, WORDS = "SearchDocuments", "SearchWithdrawals", "SearchWords"
KEY = ("Type", "Id")
FIRST_PAD, LAST_PAD = "0", "1"  # around a word of the vocabulary


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table, its columns by name."""

    table: str
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Entry:
    """A document as the database takes it."""

    key: Key
    row: Row
    words: tuple[str, ...]  # that somebody may have meant to type
    popularity: int
    changed_at: datetime


def entry(document: SearchDocument, changed_at: datetime) -> Entry:
    """`document` as it was at `changed_at`."""
    found, made = analysis.terms(document), analysis.card(document)
    row = Row(
        DOCUMENTS,
        {
            "Type": document.type,
            "Id": document.id,
            "Name": tokens.tokens(found.name),
            "NameWords": str(len(found.name)),
            "Artists": tokens.tokens(found.artists),
            "Album": tokens.tokens(found.album),
            "Every": tokens.tokens(found.every),
            "Beginnings": tokens.tokens(tokens.beginnings(found.grams)),
            "Stems": [stem(locale, one) for locale, all_ in found.stems.items() for one in all_],
            "Sounds": list(found.phonetic),
            "Exact": list(found.exact),
            "Genres": list(made.genres),
            "Territories": list(document.territories) or [EVERYWHERE],
            "BlockedIn": list(document.blocked_in),
            "Explicit": document.explicit,
            "Popularity": str(document.popularity),
            "ReleaseDay": str(made.release_day) if made.release_day else None,
            "Codes": [
                code(name, value)
                for name, value in (("isrc", document.isrc), ("upc", document.upc))
                if value
            ],
            "Card": cards.encoded(made).decode(),
            "ChangedAt": timestamp(changed_at),
        },
    )
    words = dict.fromkeys((*found.name, *found.artists, *found.album))
    meant = tuple(word for word in words if len(word) <= MAX_WORD_CHARS)
    return Entry((document.type, document.id), row, meant, document.popularity, changed_at)


def withdrawal_row(key: Key, changed_at: datetime) -> Row:
    """A document that is gone since `changed_at`."""
    return Row(WITHDRAWALS, {"Type": key[0], "Id": key[1], "ChangedAt": timestamp(changed_at)})


def word_row(word: str, popularity: int, changed_at: datetime) -> Row:
    """A word of the vocabulary and the popularity of the best-known item that has it."""
    return Row(
        WORDS,
        {
            "Word": word,
            "Padded": padded(word),
            "Sound": text.phonetic(word) if len(word) >= MIN_SOUND_CHARS else "",
            "Popularity": str(popularity),
            "ChangedAt": timestamp(changed_at),
        },
    )


def stem(locale: str, word: str) -> str:
    """A stem as the column `Stems` has it: `en:run`."""
    return f"{locale}:{word}"


def code(name: str, value: str) -> str:
    """An identifier as the column `Codes` has it: `isrc:GBUM71029604`."""
    return f"{name}:{value}"


def padded(word: str) -> str:
    """A word as the column `Padded` has it."""
    return f"{FIRST_PAD}{word}{LAST_PAD}"


def card(value: Value) -> Card:
    """The card that the column `Card` holds."""
    assert isinstance(value, str)
    return cards.decoded(value.encode())


def timestamp(moment: datetime) -> str:
    """A TIMESTAMP; `moment` knows its time zone."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment(value: Value) -> datetime:
    """The time of a TIMESTAMP, to the microsecond."""
    assert isinstance(value, str)
    whole, _, fraction = value.rstrip("Z").partition(".")
    read = datetime.strptime(whole, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
    return read.replace(microsecond=int((fraction + "000000")[:6]))
