"""What an engine indexes of a document, and what ranking keeps of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from shared.search.aliases import core, variants
from shared.search.models import Card, SearchDocument
from shared.search.text import edge_grams, fold, name_words, phonetic, squash, stems, words

MAX_NAME_CHARS = 500
MAX_DESCRIPTION_CHARS = 300
_BETWEEN_GENRE_WORDS = re.compile("[-_]")


@dataclass(frozen=True, slots=True)
class Terms:
    """What a document is found by, all folded. `name`, `artists` and `album` are words in their
    order, repetitions included, so that phrases can be found; behind those of `artists` stand their
    other spellings ("pink" for P!nk). The rest has no repetitions."""

    name: tuple[str, ...]
    artists: tuple[str, ...]
    album: tuple[str, ...]
    every: tuple[str, ...]  # all words, also of aliases, other spellings and the description
    grams: tuple[str, ...]  # beginnings of the words of the name, the artists and their aliases
    exact: tuple[str, ...]  # squashed whole names
    phonetic: tuple[str, ...]  # codes of the words of the name and the artists
    stems: Mapping[str, tuple[str, ...]]  # of the same words, by language, where they differ


def terms(document: SearchDocument) -> Terms:
    """What an engine indexes. Of a name count 500 characters, of a description 300."""
    read, kind = _Read.of(document), document.type
    named = tuple(dict.fromkeys(read.name + read.makers))
    spoken = dict.fromkeys(code for word in named if (code := phonetic(word)))
    stemmed: dict[str, dict[str, None]] = {}
    for word in named:
        for locale, stem in stems(word).items():
            stemmed.setdefault(locale, {})[stem] = None
    return Terms(
        name=read.name,
        # `artist:` finds artists as well as what they made, `album:` albums and what is on them.
        artists=read.name + read.spellings
        if kind == "artist"
        else read.makers + read.maker_spellings,
        album=read.album or (read.name if kind == "album" else ()),
        every=tuple(dict.fromkeys(named + read.others)),
        grams=tuple(sorted(edge_grams(named + read.spellings))),
        exact=read.exact,
        phonetic=tuple(spoken),
        stems={locale: tuple(found) for locale, found in stemmed.items()},
    )


def card(document: SearchDocument) -> Card:
    """What ranking needs of `document`."""
    read = _Read.of(document)
    name = document.name[:MAX_NAME_CHARS]
    bare = core(name)
    return Card(
        type=document.type,
        id=document.id,
        name=document.name,
        artists=document.artists,
        artist_ids=document.artist_ids,
        name_words=read.name,
        core_words=read.name if bare == name else tuple(name_words(bare)),
        maker_words=read.makers,
        other_words=read.others,
        exact=read.exact,
        popularity=document.popularity,
        release_day=release_day(document.release_date),
        explicit=document.explicit,
        territories=document.territories,
        blocked_in=document.blocked_in,
        genres=tuple(dict.fromkeys(map(folded_genre, document.genres))),
        recording=document.recording,
    )


@lru_cache(1 << 12)  # there are few
def folded_genre(genre: str) -> str:
    """As genres are compared: "Hip-Hop" is "hip hop"."""
    return " ".join(_BETWEEN_GENRE_WORDS.sub(" ", fold(genre)).split())


def release_day(text: str) -> int:
    """`date.toordinal` of the earliest day that `text` (YYYY, YYYY-MM or YYYY-MM-DD) allows; 0 if
    it is no date."""
    year, month, day = (*text.split("-", 2), "1", "1")[:3]
    try:
        return date(int(year), int(month), int(day)).toordinal()
    except ValueError:
        return 0


@dataclass(frozen=True, slots=True)
class _Name:
    """What one name is found by: its words, further words of its other spellings, and its squashed
    whole forms, also those of its core."""

    words: tuple[str, ...]
    spellings: tuple[str, ...]
    exact: tuple[str, ...]


@lru_cache(1 << 16)  # artists and albums come again and again
def _name(text: str) -> _Name:
    own = name_words(text)
    spelled = variants(text)
    bare = core(text)
    whole = [text, *spelled] if bare == text else [text, *spelled, bare, *variants(bare)]
    return _Name(
        words=tuple(own),
        spellings=tuple(
            dict.fromkeys(word for other in spelled for word in words(other) if word not in own)
        ),
        exact=tuple(dict.fromkeys(form for one in whole if (form := squash(one)))),
    )


@dataclass(frozen=True, slots=True)
class _Read:
    """What a document is found by; `spellings` are words of its aliases and of other spellings of
    its name and artists, `others` those and the words of its album and description."""

    name: tuple[str, ...]
    makers: tuple[str, ...]
    maker_spellings: tuple[str, ...]
    album: tuple[str, ...]
    spellings: tuple[str, ...]
    others: tuple[str, ...]
    exact: tuple[str, ...]

    @classmethod
    def of(cls, document: SearchDocument) -> _Read:
        name = _name(document.name[:MAX_NAME_CHARS])
        album = _name(document.album[:MAX_NAME_CHARS])
        artists = [_name(artist[:MAX_NAME_CHARS]) for artist in document.artists]
        aliases = [_name(alias[:MAX_NAME_CHARS]) for alias in document.aliases]
        spellings = dict.fromkeys(
            [word for alias in aliases for word in alias.words]
            + [word for one in (name, *artists, *aliases) for word in one.spellings]
        )
        described = words(document.description[:MAX_DESCRIPTION_CHARS])
        exact = dict.fromkeys(name.exact)
        if document.type not in ("track", "album"):  # the aliases of these name their artists
            exact.update(dict.fromkeys(form for alias in aliases for form in alias.exact))
        return cls(
            name=name.words,
            makers=tuple([word for artist in artists for word in artist.words]),
            maker_spellings=tuple([word for artist in artists for word in artist.spellings]),
            album=album.words,
            spellings=tuple(spellings),
            others=tuple(dict.fromkeys((*spellings, *album.words, *album.spellings, *described))),
            exact=tuple(exact),
        )
