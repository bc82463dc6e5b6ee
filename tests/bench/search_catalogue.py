"""A catalogue that nobody recorded: as many search documents as wanted, the same for one seed.

80 % tracks, 8 % albums, 6 % artists, 4 % playlists, 1 % shows, 1 % episodes. Names as
`search_words` says; every artist has a document. Beyond the names:

- Albums per artist: (r + 14)^-0.80 for the artist of rank r, as tracks per artist are in
  `spotify_tracks`; ten tracks per album. A third of the tracks has a second artist.
- Plays of the item of rank r of its type: 10^9 r^-1.5; popularity is their logarithm in percent of
  the greatest. Known artists have the known tracks, up to a log-normal chance.
- 12 % of the tracks name the second artist ("feat."), 4.4 % are remixes or edits, 0.7 % live,
  0.2 % remastered, as in `spotify_tracks`; 4 % are another's recording on another album (there:
  6.7 %, in a sample full of hits).
- Stated, not measured: 3 % of the artists write another script than Latin; 10 % of tracks and
  albums are released in 1 to 20 countries and 3 % in all but a few; 8 % of the tracks are
  explicit; releases thin out exponentially into the past, by e in twelve years.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import numpy as np

from shared.platform.ids import ALPHABET, encode
from shared.platform.markets import MARKETS
from shared.search.models import ItemType, SearchDocument
from tests.bench.search_words import ARTISTS, NAMES, Floats, Ints, Names, invented, zipf

SEED = 20_260_101
SHARES: dict[ItemType, float] = {
    "track": 0.80,
    "album": 0.08,
    "artist": 0.06,
    "playlist": 0.04,
    "show": 0.01,
    "episode": 0.01,
}
_SCRIPTS = {
    "абвгдезиклмнопрстуфхчя": " ",
    "的一是不人在我有他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过": "",
    "アイウエオカキクケコサシスセソタチツテトナニノハマミムメモヤユヨラリルレロン": "",
    "가나다라마바사아자차카타파하고노도로모보소오조구누두루무부수우주": " ",
    "ابتثجحخدرزسشصضطعغفقكلمنهوي": " ",
    "αβγδεζηθικλμνξοπρστυφχψω": " ",
}
_SCRIPT_WORDS = 4_000
_STYLES = (
    *("pop", "rock", "hip hop", "r&b", "house", "techno", "metal", "country", "folk", "jazz"),
    *("soul", "punk", "trap", "ambient", "reggaeton", "edm", "k-pop", "drill", "gospel", "ska"),
)
_MOODS = (
    *("", "uk", "german", "french", "latin", "dutch", "polish"),
    *("modern", "classic", "indie", "deep", "alternative", "melodic"),
)
GENRES = tuple(f"{mood} {style}".strip() for style in _STYLES for mood in _MOODS)
_TODAY = date(2026, 11, 1)
_GREATEST_PLAYS = 1e9
_POOL = 400_000  # words; a million documents use about half


class Catalogue:
    """`len(catalogue)` documents; made on demand, at about 20 µs each."""

    def __init__(self, documents: int, seed: int = SEED) -> None:
        self.counts: dict[ItemType, int] = {
            kind: max(round(documents * share), 1) for kind, share in SHARES.items()
        }
        self.counts["track"] += documents - sum(self.counts.values())
        random = np.random.default_rng(seed)
        tracks, albums, artists = (self.counts[kind] for kind in ("track", "album", "artist"))
        pool = invented(random, min(_POOL, 20 * documents + 1_000))
        self._names: dict[ItemType, Names] = {
            kind: Names(NAMES, pool, count, random, longer=3 if kind == "episode" else 0)
            for kind, count in self.counts.items()
            if kind != "artist"
        }
        random.shuffle(pool)  # what is common in titles is not in people's names
        self._names["artist"] = Names(ARTISTS, pool, artists, random)
        self._descriptions = Names(NAMES, pool, 2_000, random, longer=8)
        self._ids = random.bytes(16 * documents)
        self._draw_makers(random, tracks, albums, artists)
        self._draw_details(random, tracks, albums, artists)
        self._draw_popularity(random)
        self._scripts = [
            (_script_words(random, letters), joint) for letters, joint in _SCRIPTS.items()
        ]

    def __len__(self) -> int:
        return sum(self.counts.values())

    def __iter__(self) -> Iterator[SearchDocument]:
        for kind, count in self.counts.items():
            for number in range(count):
                yield self.document(kind, number)

    def popularity(self, kind: ItemType) -> Ints:
        """Of every document of a type, 0..100."""
        return self._popularity[kind]

    def rank(self, kind: ItemType) -> Ints:
        """The place of every document of a type by its plays, from 0."""
        return self._ranks[kind]

    def document(self, kind: ItemType, number: int) -> SearchDocument:
        """The document `number` (0 .. counts[kind] - 1) of a type."""
        match kind:
            case "track":
                return self._track(number)
            case "album":
                return self._album(number)
            case "artist":
                return self._artist(number)
            case _:
                return self._other(kind, number)

    def item_id(self, kind: ItemType, number: int) -> str:
        """22 base62 characters."""
        at = 16 * (self._starts[kind] + number)
        return encode(int.from_bytes(self._ids[at : at + 16], "big"))

    def numbers(self, kind: ItemType, ids: Sequence[str]) -> list[int]:
        """Which documents of a type have `ids`."""
        heads = self._heads[self._starts[kind] :][: self.counts[kind]]
        order = np.argsort(heads)
        wanted = [_decoded(one) >> 64 for one in ids]
        found = np.searchsorted(heads, np.array(wanted, dtype=np.uint64), sorter=order)
        return [int(order[one]) for one in found]

    @cached_property
    def _heads(self) -> np.ndarray[Any, np.dtype[np.uint64]]:
        """The first half of every id: 64 bits, so no two are equal in practice."""
        return np.frombuffer(self._ids, dtype=">u8")[::2].astype(np.uint64)

    @cached_property
    def _starts(self) -> dict[ItemType, int]:
        starts, start = {}, 0
        for kind, count in self.counts.items():
            starts[kind] = start
            start += count
        return starts

    # --- what a document is made of ---------------------------------------------------------

    def _track(self, number: int) -> SearchDocument:
        source = int(self._recording_of[number])
        album = self.album_of(number)
        makers = [int(self._maker[self.album_of(source)])]
        guest = int(self._guest[source])
        if guest >= 0 and guest != makers[0]:
            makers.append(guest)
        names = [self._artist_name(maker) for maker in makers]
        name = self._title("track", source, makers[0])
        match int(self._version[source]):
            case 1 if len(names) > 1:
                name += f" (feat. {names[1]})"
            case 2:
                name += f" - {self._names['artist'].name(source % self.counts['artist'])} Remix"
            case 3:
                name += " - Live"
            case 4:
                name += " - Remastered 2011"
        isrc = f"{MARKETS[source % len(MARKETS)]}{source % 46_656:03X}"[:5].ljust(5, "A")
        isrc += f"{source % 100:02}{source % 100_000:05}"
        return SearchDocument.model_construct(
            type="track",
            id=self.item_id("track", number),
            name=name,
            artists=tuple(names),
            artist_ids=tuple([self.item_id("artist", maker) for maker in makers]),
            aliases=self._aliases(makers[0]),
            album=self._title("album", album, int(self._maker[album])),
            description="",
            popularity=int(self._popularity["track"][number]),
            territories=self._territories(number),
            blocked_in=(),
            explicit=bool(self._explicit[source]),
            release_date=self._date(album),
            genres=self._genres(makers[0]),
            isrc=isrc,
            upc="",
            recording=isrc,
        )

    def _album(self, number: int) -> SearchDocument:
        maker = int(self._maker[number])
        return SearchDocument.model_construct(
            type="album",
            id=self.item_id("album", number),
            name=self._title("album", number, maker),
            artists=(self._artist_name(maker),),
            artist_ids=(self.item_id("artist", maker),),
            aliases=self._aliases(maker),
            popularity=int(self._popularity["album"][number]),
            territories=self._territories(number),
            release_date=self._date(number),
            genres=self._genres(maker),
            upc=f"{4_000_000_000_000 + number}",
        )

    def _artist(self, number: int) -> SearchDocument:
        return SearchDocument.model_construct(
            type="artist",
            id=self.item_id("artist", number),
            name=self._artist_name(number),
            artist_ids=(self.item_id("artist", number),),
            aliases=self._aliases(number),
            popularity=int(self._popularity["artist"][number]),
            genres=self._genres(number),
        )

    def _other(self, kind: ItemType, number: int) -> SearchDocument:
        belongs = number % self.counts["show"]
        return SearchDocument.model_construct(
            type=kind,
            id=self.item_id(kind, number),
            name=self._names[kind].name(number),
            artists=(self._names["artist"].name(number * 7 % self.counts["artist"]),),
            album=self._names["show"].name(belongs) if kind == "episode" else "",
            description=self._descriptions.name(number % 2_000),
            popularity=int(self._popularity[kind][number]),
            release_date=self._date(number % self.counts["album"]) if kind == "episode" else "",
        )

    def album_of(self, track: int) -> int:
        """The number of the album of a track."""
        return track * self.counts["album"] // self.counts["track"]

    def _title(self, kind: ItemType, number: int, maker: int) -> str:
        return self._written(self._names[kind], number, int(self._script[maker]))

    def _artist_name(self, number: int) -> str:
        return self._written(self._names["artist"], number, int(self._script[number]))

    def _written(self, names: Names, number: int, script: int) -> str:
        if not script:
            return names.name(number)
        words, joint = self._scripts[script - 1]
        return joint.join([words[token % _SCRIPT_WORDS] for token in names.tokens(number)])

    def _aliases(self, artist: int) -> tuple[str, ...]:
        if artist % 20:
            return ()
        return (self._names["artist"].name((artist + 1) % self.counts["artist"]),)

    def _genres(self, artist: int) -> tuple[str, ...]:
        start, end = 3 * artist, 3 * artist + 1 + artist % 3
        return tuple({GENRES[one]: None for one in self._genre[start:end].tolist()})

    def _territories(self, number: int) -> tuple[str, ...]:
        if not (size := int(self._territory_count[number])):
            return ()
        start = number * 31 % len(MARKETS)
        return tuple(sorted((MARKETS * 2)[start : start + size]))

    def _date(self, album: int) -> str:
        day = _TODAY - timedelta(days=int(self._age_days[album]))
        return str(day.year) if album % 7 == 0 else day.isoformat()

    # --- chance -----------------------------------------------------------------------------

    def _draw_makers(
        self, random: np.random.Generator, tracks: int, albums: int, artists: int
    ) -> None:
        shares: Floats = (np.arange(1, artists + 1) + 14.0) ** -0.80
        self._maker = zipf(shares, albums, random).astype(np.int32)
        guests = zipf(shares, tracks, random)
        self._guest = np.where(random.random(tracks) < 0.335, guests, -1).astype(np.int32)
        own = np.arange(tracks)
        others = random.integers(0, tracks, tracks)
        repeated = random.random(tracks) < 0.04
        # Of a recording that is itself a repetition the source is not followed further.
        self._recording_of = np.where(repeated & ~repeated[others], others, own).astype(np.int32)
        self._script = np.where(
            random.random(artists) < 0.03, random.integers(1, len(_SCRIPTS) + 1, artists), 0
        ).astype(np.int8)

    def _draw_details(
        self, random: np.random.Generator, tracks: int, albums: int, artists: int
    ) -> None:
        self._explicit = random.random(tracks) < 0.08
        # feat. applies where there is a second artist: 0.36 of 33.5 % are 12 %.
        self._version = random.choice(5, tracks, p=(0.587, 0.36, 0.044, 0.007, 0.002))
        kinds = random.random(tracks)
        few, many = random.integers(1, 21, tracks), len(MARKETS) - random.integers(1, 6, tracks)
        self._territory_count = np.select([kinds < 0.10, kinds < 0.13], [few, many], 0)
        self._age_days = np.minimum(random.exponential(12 * 365.25, albums), 76 * 365)
        genre_shares: Floats = (np.arange(1, len(GENRES) + 1) + 5.0) ** -0.9
        self._genre = zipf(genre_shares, 3 * artists, random)

    def _draw_popularity(self, random: np.random.Generator) -> None:
        self._popularity: dict[ItemType, Ints] = {}
        self._ranks: dict[ItemType, Ints] = {}
        for kind, count in self.counts.items():
            fame = random.normal(0.0, 1.2, count)
            if kind == "artist":
                fame -= 0.8 * np.log(np.arange(count) + 14.0)
            elif kind in ("album", "track"):
                makers = self._maker
                if kind == "track":
                    makers = makers[np.arange(count) * self.counts["album"] // count]
                fame -= 0.8 * np.log(makers + 14.0)
            ranks = np.empty(count, dtype=np.int64)
            ranks[np.argsort(-fame, kind="stable")] = np.arange(count)
            plays = _GREATEST_PLAYS * (ranks + 1.0) ** -1.5
            popularity = 100 * np.log1p(plays) / np.log1p(_GREATEST_PLAYS)
            self._popularity[kind] = np.rint(popularity).astype(np.int64)
            self._ranks[kind] = ranks


def _decoded(item_id: str) -> int:
    number = 0
    for letter in item_id:
        number = number * len(ALPHABET) + ALPHABET.index(letter)
    return number


def _script_words(random: np.random.Generator, letters: str) -> list[str]:
    lengths = random.integers(2, 7 if len(letters) < 40 else 4, _SCRIPT_WORDS)
    drawn = random.integers(0, len(letters), int(lengths.sum())).tolist()
    found, at = [], 0
    for length in lengths.tolist():
        found.append("".join([letters[one] for one in drawn[at : at + length]]))
        at += length
    return found
