"""Queries made from the catalogue by people's habits; `python -m tests.relevance.generating`
writes them to `generated.tsv`.

Fingers slip to a neighbouring key, strike twice, leave a letter out or exchange two (the four
errors of one edit that F. J. Damerau counted, CACM 1964: over 80 % of all), seldom on the first
letter of a word.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from random import Random

from shared.search.models import SearchDocument
from tests.relevance import catalogue
from tests.relevance.judging import FILES, Query, bare, plain, song, write

SEED = 5
FEWEST_LETTERS = 5  # of a word in which a slip is made
_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_GUEST = re.compile(r"\((?:feat\.|with) ([^&,()]+)\)")

Maker = Callable[[str], Query | None]


class Generator:
    """Makes each kind from its own seed, so that a change to one leaves the others alone."""

    def __init__(self, tracks: list[SearchDocument]) -> None:
        self.tracks = [one for one in tracks if len(song(one.name)) > 2]
        self.known = [one for one in self.tracks if one.popularity >= 60]
        self.makers_of: defaultdict[str, set[str]] = defaultdict(set)  # by song
        self.words: set[str] = set()
        for one in tracks:
            self.makers_of[song(one.name)].update(map(plain, one.artists[:1]))
            self.words.update(plain(" ".join((one.name, *one.artists))).split())
        self.random = Random(SEED)

    def queries(self) -> Iterator[Query]:
        """All of them, kind by kind."""
        kinds: list[tuple[str, int, Maker]] = [
            ("exact", 50, lambda kind: self._exact(kind, self.tracks)),
            ("exact", 50, lambda kind: self._exact(kind, self.known)),
            ("title+artist", 40, lambda kind: self._title_and_artist(kind, self.tracks)),
            ("title+artist", 40, lambda kind: self._title_and_artist(kind, self.known)),
            ("artist", 40, self._artist),
            ("one typo", 60, lambda kind: self._slips(kind, 1)),
            ("two typos", 50, lambda kind: self._slips(kind, 2)),
            ("swapped words", 30, self._swapped),
            ("missing accents", 30, self._without_accents),
            ("feat", 25, self._feat),
            ("joined or split", 25, self._joined),
            ("partial", 25, self._partial),
            ("no tail", 25, self._without_tail),
            ("album", 25, self._album),
            ("album+artist", 20, self._album_and_artist),
        ]
        yield from self._prefixes("prefix", 50, lambda one: [song(one.name)])
        yield from self._prefixes(
            "prefix of a word", 30, lambda one: plain(" ".join((one.name, *one.artists))).split()
        )
        for at, (kind, count, make) in enumerate(kinds):
            self.random = Random(SEED * 1_000 + at)
            yield from self._some(kind, count, make)

    def _some(self, kind: str, count: int, make: Maker) -> Iterator[Query]:
        made: set[str] = set()
        while len(made) < count:
            query = make(kind)
            if query and query.text not in made:
                made.add(query.text)
                yield query

    # --- kinds ------------------------------------------------------------------------------

    def _exact(self, kind: str, among: list[SearchDocument]) -> Query:
        one = self.random.choice(among)
        whole = among is self.tracks
        return Query(kind, one.name if whole else bare(one.name).lower(), bare(one.name))

    def _title_and_artist(self, kind: str, among: list[SearchDocument]) -> Query:
        one = self.random.choice(among)
        parts = [bare(one.name).lower(), one.artists[0].lower()]
        self.random.shuffle(parts)
        return _song(kind, " ".join(parts), one)

    def _artist(self, kind: str) -> Query | None:
        name = self.random.choice(self.known).artists[0]
        if len(plain(name)) < 4 or plain(name) in self.makers_of:
            return None
        return Query(kind, name.lower(), artist=name)

    def _slips(self, kind: str, count: int) -> Query | None:
        one = self.random.choice(self.known)
        artist = self.random.random() < 0.4
        right = text = typed(" ".join((bare(one.name), *one.artists[:artist])))
        for _ in range(count):
            text = self._slip(text) or ""
        if len(text) < 7 or text == right or not (artist or self._is_unique(one)):
            return None
        return _song(kind, text, one) if artist else Query(kind, text, bare(one.name))

    def _slip(self, text: str) -> str | None:
        """`text` with one slip in one of its longer words; None where that is none of its own."""
        words = text.split()
        long = [at for at, word in enumerate(words) if re.fullmatch(r"[a-z]{5,}", word)]
        if not long:
            return None
        at = self.random.choice(long)
        wrong = slip(words[at], self.random)
        if wrong in self.words:
            return None
        return " ".join((*words[:at], wrong, *words[at + 1 :]))

    def _swapped(self, kind: str) -> Query | None:
        one = self.random.choice(self.tracks)
        right = typed(bare(one.name))
        words = right.split()
        if not 3 <= len(words) <= 7 or not self._is_unique(one):
            return None
        at = self.random.randrange(len(words) - 1)
        words[at], words[at + 1] = words[at + 1], words[at]
        text = " ".join(words)
        return None if text == right else _song(kind, text, one)

    def _without_accents(self, kind: str) -> Query | None:
        one = self.random.choice(self.tracks)
        with_artist = " ".join((bare(one.name), one.artists[0])).lower()
        if not re.fullmatch(r"[\W\da-zÀ-ỹ]+", with_artist) or with_artist.isascii():
            return None
        return _song(kind, typed(with_artist), one)

    def _feat(self, kind: str) -> Query | None:
        one = self.random.choice(self.known)
        guest = _GUEST.search(one.name)
        if not guest or len(song(one.name)) < 4:
            return None
        title, name = bare(one.name).lower(), guest[1].lower()
        sign = self.random.choice(["", "ft ", "ft. ", "feat ", "featuring ", "x ", "& ", "with "])
        artist = self.random.choice(["", one.artists[0].lower() + " "])
        return _song(kind, f"{artist}{title} {sign}{name}", one)

    def _joined(self, kind: str) -> Query | None:
        one = self.random.choice(self.known)
        title, artist = typed(bare(one.name)).split(), typed(one.artists[0]).split()
        pair = self.random.choice([title, artist])
        if len(pair) != 2 or min(map(len, pair)) < 3 or not " ".join(title).isascii():
            return None
        pair[:] = ["".join(pair)]
        return _song(kind, " ".join(title + artist), one)

    def _partial(self, kind: str) -> Query | None:
        one = self.random.choice(self.known)
        words = typed(bare(one.name)).split()
        if len(words) < 4:
            return None
        start = self.random.randrange(len(words) - 2)
        text = " ".join(words[start : start + 3])
        found = {song(other.name) for other in self.tracks if text in typed(other.name)}
        return _song(kind, text, one) if len(text) >= 9 and len(found) == 1 else None

    def _without_tail(self, kind: str) -> Query | None:
        one = self.random.choice(self.tracks)
        title = bare(one.name)
        if not re.match(r" - .*(Remaster|Live|Edit|Version|Mix|Vivo)", one.name[len(title) :]):
            return None
        return _song(kind, f"{title} {one.artists[0]}".lower(), one)

    def _album(self, kind: str) -> Query | None:
        one = self.random.choice(self.known)
        albums = {plain(other.artists[0]) for other in self._of_album(one)}
        if len(song(one.album)) < 6 or song(one.album) in self.makers_of or len(albums) > 1:
            return None
        return Query(kind, bare(one.album).lower(), album=bare(one.album))

    def _album_and_artist(self, kind: str) -> Query | None:
        one = self.random.choice(self.known)
        if len(song(one.album)) < 3 or song(one.album) == song(one.name):
            return None
        text = f"{bare(one.album)} {one.artists[0]}".lower()
        return Query(kind, text, artist=one.artists[0], album=bare(one.album))

    def _prefixes(
        self, kind: str, count: int, names: Callable[[SearchDocument], Iterable[str]]
    ) -> Iterator[Query]:
        """The most popular song for `count` of the beginnings that `known` songs have."""
        best: defaultdict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
        example: dict[tuple[str, str], SearchDocument] = {}
        for one in self.tracks:
            key = song(one.name), plain(one.artists[0])
            for start in {name[:4] for name in names(one) if re.match(r"[a-z]{4}", name)}:
                best[start][key] = max(best[start][key], one.popularity)
            example.setdefault(key, one)
        usual = []
        for start, songs in sorted(best.items()):
            (first, popularity), *others = songs.most_common(2)
            if popularity >= 60 and others and others[0][1] < popularity:
                usual.append(_song(kind, start, example[first]))
        yield from Random(f"{SEED} {kind}").sample(usual, count)

    # --- conditions -------------------------------------------------------------------------

    def _is_unique(self, one: SearchDocument) -> bool:
        return len(self.makers_of[song(one.name)]) == 1

    def _of_album(self, one: SearchDocument) -> list[SearchDocument]:
        return [other for other in self.tracks if song(other.album) == song(one.album)]


def typed(text: str) -> str:
    """`text` as fingers in a hurry write it: small letters, no accents, no apostrophes."""
    return plain(re.sub("['’]", "", text))


def slip(word: str, random: Random) -> str:
    """`word` with one slip of the finger, not on its first letter."""
    at = random.randrange(1, len(word) - 1)
    before, letter, after = word[:at], word[at], word[at + 1 :]
    match random.choice(["neighbour", "doubled", "dropped", "exchanged"]):
        case "neighbour":
            return before + random.choice(_neighbours(letter)) + after
        case "doubled":
            return before + letter * 2 + after
        case "dropped":
            return before + after
        case _:
            return before + after[0] + letter + after[1:]


def _neighbours(letter: str) -> list[str]:
    for row in _KEYS:
        if letter in row:
            at = row.index(letter)
            return [*row[max(at - 1, 0) : at], *row[at + 1 : at + 2]]
    raise ValueError(f"no letter of the keyboard: {letter!r}")


def _song(kind: str, text: str, one: SearchDocument) -> Query:
    return Query(kind, text, bare(one.name) or one.name, one.artists[0])


def queries() -> list[Query]:
    """Equal for an equal catalogue."""
    return list(Generator(catalogue.documents()["track"]).queries())


if __name__ == "__main__":
    write(queries(), FILES[1])
