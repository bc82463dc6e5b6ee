"""People and machines at music, simulated: seeded, so that each run judges the same days.

Times are milliseconds from the first play on. A `Deck` is one device that plays one thing after
another, as players do.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from shared.abuse.models import Listen

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE


@dataclass(frozen=True)
class Song:
    track_id: str
    artist_id: str
    duration_ms: int


def catalogue(rng: random.Random, artists: int = 200, songs_each: int = 12) -> list[Song]:
    """Songs of usual lengths: about three and a half minutes."""
    return [
        Song(f"{artist}-{n}", f"artist-{artist}", int(rng.lognormvariate(12.24, 0.25)))
        for artist in range(artists)
        for n in range(songs_each)
    ]


@dataclass
class Deck:
    """A device: `now_ms` is when it is free for the next song."""

    rng: random.Random
    device_id: str = "phone"
    now_ms: int = 0
    listens: list[Listen] = field(default_factory=list)

    def play(self, song: Song, for_ms: float | None = None) -> None:
        """To its end, or for so long."""
        self.listens.append(
            Listen(self.now_ms, song.track_id, song.artist_id, song.duration_ms, self.device_id)
        )
        loading = self.rng.uniform(0.05, 0.6) * SECOND
        heard = song.duration_ms if for_ms is None else min(for_ms, song.duration_ms)
        self.now_ms += int(heard + loading)

    def play_all(self, songs: list[Song]) -> None:
        """One after another, each to its end."""
        for song in songs:
            self.play(song)

    def rest(self, for_ms: float) -> None:
        self.now_ms += int(for_ms)

    def as_a_person(self, song: Song) -> None:
        """One song in five is left in its first half minute, fewer later."""
        fate = self.rng.random()
        if fate < 0.2:
            self.play(song, self.rng.expovariate(1 / 8) * SECOND)
        elif fate < 0.35:
            self.play(song, self.rng.uniform(0.1, 0.95) * song.duration_ms)
        else:
            self.play(song)


Maker = Callable[[random.Random], list[Listen]]


def _until(deck: Deck, end_ms: float, step: Callable[[], None]) -> None:
    while deck.now_ms < end_ms:
        step()


# --- people ---------------------------------------------------------------------------------


def commuter(rng: random.Random) -> list[Listen]:
    songs, deck = catalogue(rng), Deck(rng)
    for start in (0.0, 9.5, 12.0):
        deck.now_ms = max(deck.now_ms, int(start * HOUR))
        _until(
            deck, (start + rng.uniform(0.4, 1)) * HOUR, lambda: deck.as_a_person(rng.choice(songs))
        )
    return deck.listens


def album_on_repeat_all_night(rng: random.Random) -> list[Listen]:
    album, deck = catalogue(rng, 1, rng.randint(8, 14)), Deck(rng)
    _until(deck, rng.uniform(8, 12) * HOUR, lambda: deck.play_all(album))
    return deck.listens


def album_on_repeat_day_and_night(rng: random.Random) -> list[Listen]:
    album, deck = catalogue(rng, 1, 10), Deck(rng)
    _until(deck, 24 * HOUR, lambda: deck.play_all(album))
    return deck.listens


def rain_on_repeat(rng: random.Random) -> list[Listen]:
    """One short noise track, for a sleeper who also works to it: perfectly regular."""
    rain, deck = Song("rain", "weather", rng.choice([35, 62, 180, 240]) * SECOND), Deck(rng)
    _until(deck, 23.5 * HOUR, lambda: deck.play(rain))
    return deck.listens


def office_radio(rng: random.Random) -> list[Listen]:
    songs, deck = catalogue(rng), Deck(rng)
    _until(deck, 14 * HOUR, lambda: deck.play(rng.choice(songs)))
    return deck.listens


def shop_that_never_closes(rng: random.Random) -> list[Listen]:
    songs, deck = catalogue(rng), Deck(rng)
    _until(deck, 24 * HOUR, lambda: deck.play(rng.choice(songs)))
    return deck.listens


def impatient_explorer(rng: random.Random) -> list[Listen]:
    """Looks for something new for two hours and gives most songs some seconds to a minute."""
    songs, deck = catalogue(rng), Deck(rng)
    _until(
        deck, 2 * HOUR, lambda: deck.play(rng.choice(songs), rng.lognormvariate(3.2, 0.8) * SECOND)
    )
    return deck.listens


def quiz_host(rng: random.Random) -> list[Listen]:
    """Forty seconds or so of each song, then talk, for three hours."""
    songs, deck = catalogue(rng), Deck(rng)

    def round_() -> None:
        deck.play(rng.choice(songs), rng.gauss(38, 3) * SECOND)
        deck.rest(rng.uniform(15, 60) * SECOND)

    _until(deck, 3 * HOUR, round_)
    return deck.listens


def child_with_one_song(rng: random.Random) -> list[Listen]:
    """The same song over and over, from the start again before it ends."""
    song, deck = Song("shark", "pinkfong", 136 * SECOND), Deck(rng)
    _until(deck, 5 * HOUR, lambda: deck.play(song, rng.uniform(40, 136) * SECOND))
    return deck.listens


def household(rng: random.Random) -> list[Listen]:
    """Four devices on one account, all on in the evening."""
    songs, listens = catalogue(rng), []
    for name in ("phone", "kitchen", "kids", "car"):
        deck = Deck(rng, name)
        for start in (rng.uniform(0, 2), rng.uniform(9, 11)):
            deck.now_ms = max(deck.now_ms, int(start * HOUR))
            _until(
                deck,
                (start + rng.uniform(1, 3)) * HOUR,
                lambda deck=deck: deck.as_a_person(rng.choice(songs)),  # type: ignore[misc]
            )
        listens += deck.listens
    return listens


def chart_fan(rng: random.Random) -> list[Listen]:
    """One artist, all day long, with breaks, skips and a night."""
    songs, deck = catalogue(rng, 1, 25), Deck(rng)
    for start in (0, 4, 8, 12):
        deck.now_ms = max(deck.now_ms, start * HOUR)
        _until(deck, (start + 3.3) * HOUR, lambda: deck.as_a_person(rng.choice(songs)))
    return deck.listens


def gym_goer(rng: random.Random) -> list[Listen]:
    songs, deck = catalogue(rng, 6), Deck(rng)
    _until(deck, 2 * HOUR, lambda: deck.as_a_person(rng.choice(songs)))
    return deck.listens


PEOPLE: tuple[Maker, ...] = (
    commuter,
    album_on_repeat_all_night,
    album_on_repeat_day_and_night,
    rain_on_repeat,
    office_radio,
    shop_that_never_closes,
    impatient_explorer,
    quiz_host,
    child_with_one_song,
    household,
    chart_fan,
    gym_goer,
)


# --- machines -------------------------------------------------------------------------------


def loop_of_thirty_one_seconds(rng: random.Random) -> list[Listen]:
    """The classic: leaves each song as soon as it is paid for."""
    songs, deck = catalogue(rng, 2), Deck(rng)
    _until(deck, 24 * HOUR, lambda: deck.play(rng.choice(songs), rng.uniform(31, 33) * SECOND))
    return deck.listens


def loop_with_jitter(rng: random.Random) -> list[Listen]:
    songs, deck = catalogue(rng, 4), Deck(rng)
    _until(deck, 20 * HOUR, lambda: deck.play(rng.choice(songs), rng.uniform(31, 41) * SECOND))
    return deck.listens


def loop_at_office_hours(rng: random.Random) -> list[Listen]:
    """Only eight hours, of many artists."""
    songs, deck = catalogue(rng), Deck(rng)
    _until(deck, 8 * HOUR, lambda: deck.play(rng.choice(songs), rng.gauss(34, 1) * SECOND))
    return deck.listens


def farm_of_phones(rng: random.Random) -> list[Listen]:
    """A shelf of phones with one account that plays one artist to the end."""
    songs, listens = catalogue(rng, 1, 10), []
    for number in range(8):
        deck = Deck(rng, f"phone-{number}", int(rng.uniform(0, 5) * MINUTE))
        _until(deck, 24 * HOUR, lambda deck=deck: deck.play(rng.choice(songs)))  # type: ignore[misc]
        listens += deck.listens
    return listens


def script_without_a_player(rng: random.Random) -> list[Listen]:
    """Posts events as fast as it may, each from a device of its own."""
    songs, listens, now_ms = catalogue(rng, 1, 5), [], 0
    for number in range(2500):
        song = rng.choice(songs)
        listens.append(
            Listen(now_ms, song.track_id, song.artist_id, song.duration_ms, f"device-{number}")
        )
        now_ms += int(rng.uniform(10, 14) * SECOND)
    return listens


def loop_of_a_minute(rng: random.Random) -> list[Listen]:
    """Patient: well past what counts, on few songs, with much noise."""
    songs, deck = catalogue(rng, 1, 6), Deck(rng)
    _until(deck, 20 * HOUR, lambda: deck.play(rng.choice(songs), rng.uniform(31, 90) * SECOND))
    return deck.listens


def actor(rng: random.Random) -> list[Listen]:
    """Plays the person: whole songs, pauses, a night."""
    return chart_fan(rng)


CAUGHT: tuple[Maker, ...] = (
    loop_of_thirty_one_seconds,
    loop_with_jitter,
    loop_at_office_hours,
    farm_of_phones,
    script_without_a_player,
)
MISSED: tuple[Maker, ...] = (loop_of_a_minute, actor)
