"""Who and what the demo catalogue is about, as tables. Names only: `demo_catalogue` gives ids."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

SOUNDING_POPULARITY = 70  # what can be heard stands before what cannot
FEATURED_MESSAGE = "Music for right now"


@dataclass(frozen=True, slots=True)
class Artist:
    """An artist."""

    name: str
    genres: tuple[str, ...]
    popularity: int


@dataclass(frozen=True, slots=True)
class Album:
    """An album of which nothing can be heard yet."""

    title: str
    artist: str
    kind: str
    date: str
    genres: tuple[str, ...]
    tracks: tuple[str, ...]
    guests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Show:
    """A podcast."""

    name: str
    publisher: str
    description: str
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Episode:
    """An episode."""

    show: str
    name: str
    description: str


@dataclass(frozen=True, slots=True)
class Playlist:
    """A playlist; `items` are titles of tracks and episodes."""

    name: str
    owner: str
    description: str
    items: tuple[str, ...]
    public: bool = True
    collaborative: bool = False
    added_by: tuple[str, ...] = ()
    has_cover: bool = False


@dataclass(frozen=True, slots=True)
class Category:
    """A shelf of playlists."""

    id: str
    name: str
    names: dict[str, str]
    playlists: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account, and what they like."""

    id: str
    display_name: str
    country: str
    tier: str = "premium"
    saved_tracks: tuple[str, ...] = ()
    saved_albums: tuple[str, ...] = ()
    saved_shows: tuple[str, ...] = ()
    saved_episodes: tuple[str, ...] = ()
    follows_artists: tuple[str, ...] = ()
    follows_users: tuple[str, ...] = ()
    follows_playlists: tuple[str, ...] = ()
    resume_points: tuple[tuple[str, int, bool], ...] = ()  # episode, position in ms, heard whole
    favourites: tuple[str, ...] = ()  # tracks, the most played first
    plays: int = 0
    first_hours_ago: float = 1.5  # of the latest play
    shows_activity: bool = False
    speaker: str | None = None

    def played(self) -> Iterator[tuple[str, float]]:
        """`plays` plays with the hours since each, the favourites the more often, over weeks."""
        rounds = 0
        done = 0
        while done < self.plays and self.favourites:
            rounds += 1
            for place, name in enumerate(self.favourites, start=1):
                if rounds % place == 0 and done < self.plays:
                    yield name, round(self.first_hours_ago + 9.7 * done, 2)
                    done += 1


ARTISTS = (
    Artist("Aster Lane", ("synthwave", "electronic"), 74),
    Artist("The Paper Lanterns", ("ambient", "electronic"), 68),
    Artist("Kora Venn", ("jazz", "soul"), 66),
    Artist("Neon Cartographers", ("noise pop", "indie rock"), 71),
    Artist("Halcyon Ferry", ("synthwave", "electronic"), 34),
    Artist("Brim & Tallow", ("folk", "indie rock"), 31),
    Artist("Orrin Wilde", ("jazz",), 28),
    Artist("Velvet Meridian", ("soul", "jazz"), 27),
    Artist("Sleet Choir", ("ambient",), 22),
    Artist("Tin Weather", ("noise pop",), 20),
)

ALBUMS = (
    Album("Dry Dock Lullabies", "Halcyon Ferry", "album", "2026-05-08", ("synthwave",),
          ("Keel Over", "Painted Hull", "Dry Dock", "Northbound Wake")),
    Album("Copper Kettle", "Brim & Tallow", "album", "2026-03-20", ("folk",),
          ("Kettle Song", "Two Fields Over", "Hollow Gate", "Some Better Winter")),
    Album("Low Ceiling", "Orrin Wilde", "album", "2025-09-12", ("jazz",),
          ("Low Ceiling", "Brushes Only", "Room for Six"), ("Kora Venn",)),
    Album("Soft Machinery", "Velvet Meridian", "album", "2025-06-27", ("soul",),
          ("Soft Machinery", "Pilot Light", "Slow Clock")),
    Album("Whiteout", "Sleet Choir", "single", "2026-01-16", ("ambient",), ("Whiteout",)),
    Album("Rust Parade", "Tin Weather", "single", "2026-02-13", ("noise pop",),
          ("Rust Parade", "Hiss & Vinegar")),
    Album("Parallel Pressings: Year One", "Halcyon Ferry", "compilation", "2025-12-05",
          ("electronic",), ("Night Bus Home", "Signal Mirror"), ("Sleet Choir",)),
)  # fmt: skip

SHOWS = (
    Show("Liner Notes After Midnight", "Segue Radio",
         "Two record shop owners argue about one record a week."),
    Show("How a Song Is Built", "Parallel Pressings",
         "A producer takes a recording to pieces and puts it together again."),
    Show("Hafenfunk", "Tidewater", "Geräusche, Geschichten und Musik von der Küste.", "de"),
)  # fmt: skip

EPISODES = tuple(
    Episode(show, name, description)
    for show, name, description in (
        ("Liner Notes After Midnight", "The Sleeve Nobody Printed",
         "A cover that was drawn, paid for and lost."),
        ("Liner Notes After Midnight", "Side B First", "Why some records begin at their end."),
        ("Liner Notes After Midnight", "Forty Seconds of Silence", "On the gaps between songs."),
        ("Liner Notes After Midnight", "Borrowed Drum Kits", "One kit, four bands, one weekend."),
        ("How a Song Is Built", "Kick, Then Everything Else", "Making room for the low end."),
        ("How a Song Is Built", "The Chord That Waits", "Suspense in four bars."),
        ("How a Song Is Built", "Loud Is a Choice", "What a limiter gives and takes."),
        ("Hafenfunk", "Nebelhorn", "Ein Morgen auf der Mole."),
        ("Hafenfunk", "Die letzte Fähre", "Wer nachts noch hinüber will."),
    )
)  # fmt: skip

_NIGHT = ("Neon Esplanade", "Tail Lights", "Glass Elevator")
_CALM = ("Moorings", "Last Ferry", "Lamplight on Water")
_JAZZ = ("Carry the One", "Remainder")
_NOISE = ("Overload", "All Channels Open")

PLAYLISTS = (
    Playlist("Night Drive", "demo", "City lights and long roads.", (*_NIGHT, *_NOISE, "Remainder"),
             has_cover=True),
    Playlist("Private Sketches", "demo", "Nothing to see here.", (*_CALM, "Carry the One"),
             public=False),
    Playlist("Harbour Sessions", "demo", "Everybody adds one.", (*_CALM, *_JAZZ, "Tail Lights"),
             public=False, collaborative=True, added_by=("demo", "mira", "jonas")),
    Playlist("Mira's Morning", "mira", "Coffee first.", ("Carry the One", *_CALM), has_cover=True),
    Playlist("Loud & Clear", "jonas", "No ballads.", (*_NOISE, "Glass Elevator", "Rust Parade")),
    Playlist("Chuva e Sol", "sofia", "Para qualquer tempo.", ("Remainder", *_NIGHT)),
    Playlist("Synth Harbour", "segue", "Synthesizers by the sea.", (*_NIGHT, "Keel Over"),
             has_cover=True),
    Playlist("Deep Calm", "segue", "Slow music for slow hours.", (*_CALM, "Whiteout"),
             has_cover=True),
    Playlist("Blue Hour", "segue", "Jazz for the end of the day.", (*_JAZZ, "Low Ceiling"),
             has_cover=True),
    Playlist("Talk & Tunes", "segue", "Half talk, half music.",
             ("Side B First", "Overload", "Loud Is a Choice", "Neon Esplanade"), has_cover=True),
    Playlist("Quiet Listener", "demo-free", "Mine alone.", ("Moorings", "Glass Elevator"),
             public=False),
)  # fmt: skip

CATEGORIES = (
    Category("toplists", "Top Lists", {"de": "Hitlisten"}, ("Synth Harbour", "Blue Hour")),
    Category("electronic", "Electronic", {"de": "Elektronisch"}, ("Synth Harbour",)),
    Category("chill", "Chill", {"de": "Entspannung"}, ("Deep Calm", "Blue Hour")),
    Category("jazz", "Jazz", {}, ("Blue Hour",)),
    Category("podcasts", "Podcasts", {}, ("Talk & Tunes",)),
)

PEOPLE = (
    Person(
        "demo", "Demo Listener", "DE",
        saved_tracks=("Neon Esplanade", "Moorings", "Carry the One", "Overload", "Tail Lights"),
        saved_albums=("Coastline After Dark", "Slow Harbour", "Copper Kettle"),
        saved_shows=("Liner Notes After Midnight", "Hafenfunk"),
        saved_episodes=("Side B First", "The Chord That Waits", "Nebelhorn"),
        follows_artists=("Aster Lane", "Kora Venn", "Neon Cartographers", "Halcyon Ferry"),
        follows_users=("mira", "jonas", "sofia"),
        follows_playlists=("Mira's Morning", "Synth Harbour", "Deep Calm"),
        resume_points=(("Side B First", 431_000, False), ("Nebelhorn", 0, True)),
        favourites=("Neon Esplanade", "Carry the One", "Overload", "Moorings", "Tail Lights",
                    "All Channels Open", "Remainder"),
        plays=70, shows_activity=True, speaker="Kitchen Speaker",
    ),
    Person(
        "demo-free", "Free Listener", "DE", "free",
        saved_tracks=("Glass Elevator",),
        saved_albums=("Midnight Arithmetic",),
        follows_artists=("The Paper Lanterns",),
        follows_users=("demo",),
        favourites=("Moorings", "Glass Elevator"), plays=12, speaker="Bedroom Speaker",
    ),
    Person("segue", "Segue", "DE"),
    Person(
        "mira", "Mira Okafor", "DE",
        saved_tracks=("Carry the One", "Lamplight on Water"),
        follows_artists=("Kora Venn",), follows_users=("demo", "sofia"),
        follows_playlists=("Night Drive", "Blue Hour"),
        favourites=("Carry the One", "Lamplight on Water"), plays=9, first_hours_ago=0.3,
        shows_activity=True,
    ),
    Person(
        "jonas", "Jonas Brandt", "US", "free",
        saved_tracks=("Overload",), follows_artists=("Neon Cartographers",),
        follows_users=("demo",), follows_playlists=("Night Drive",),
        favourites=("Overload", "All Channels Open"), plays=7, first_hours_ago=2.2,
        shows_activity=True,
    ),
    Person(
        "sofia", "Sofia Marques", "BR",
        saved_tracks=("Remainder",), follows_artists=("Aster Lane", "Kora Venn"),
        follows_users=("demo", "mira"), follows_playlists=("Night Drive", "Mira's Morning"),
        favourites=("Remainder", "Neon Esplanade"), plays=8, first_hours_ago=26.0,
        shows_activity=True,
    ),
)  # fmt: skip

LYRICS_TRACK = "Neon Esplanade"
LYRICS = """\
[ti:Neon Esplanade]
[ar:Aster Lane]
[la:en]
[00:04.60]Salt on the glass and the radio low
[00:09.20]Every lamp on the water is somewhere to go
[00:13.80]<00:13.80>Neon <00:14.90>esplanade, <00:16.60>hold <00:17.20>the <00:17.50>light
[00:18.40]Carry me over the edge of the night
[00:23.00]
[00:27.60]Footsteps in rhythm with tide and with rain
[00:32.30]The city breathes out and it breathes in again
[00:36.90]<00:36.90>Neon <00:38.00>esplanade, <00:39.70>hold <00:40.30>the <00:40.60>light
[00:41.50]Carry me over the edge of the night
"""
