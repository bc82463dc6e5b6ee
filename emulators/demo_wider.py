"""More of the demo catalogue: artists with albums that can be browsed and not heard, so many that
lists of recommendations have something to choose from.

`write(state)` makes `state/run/wider.jsonl`, with ids from `demoArtist…1001` on. Audio features are
drawn around a mean for each genre. Nobody in it is real.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

from emulators.demo_catalogue import Line, item_id

NAME = "wider.jsonl"
FIRST = 1001  # number of the first artist, album and track: the tables' own stay below
ARTISTS_PER_GENRE = 5
ALBUMS = (1, 3)  # of an artist, at least and at most
TRACKS = (4, 7)  # of an album
MOST_POPULAR = 40  # below what can be heard

# Tempo in BPM, energy, danceability, acousticness, valence, instrumentalness of each genre.
GENRES: dict[str, tuple[float, float, float, float, float, float]] = {
    "synthwave": (108, 0.68, 0.66, 0.10, 0.48, 0.75),
    "ambient": (70, 0.20, 0.25, 0.80, 0.25, 0.90),
    "jazz": (112, 0.38, 0.52, 0.72, 0.52, 0.60),
    "noise pop": (142, 0.85, 0.45, 0.06, 0.45, 0.25),
    "folk": (98, 0.35, 0.48, 0.85, 0.50, 0.15),
    "soul": (92, 0.50, 0.68, 0.40, 0.66, 0.10),
}
_FIRST_NAMES = ("Amber", "Birch", "Cinder", "Dovetail", "Ember", "Fathom", "Gable", "Hollow",
                "Ivory", "Juniper", "Kestrel", "Linden", "Marrow", "North", "Opal")  # fmt: skip
_SECOND_NAMES = ("Almanac", "Bureau", "Circuit", "Dispatch", "Ensemble", "Foundry", "Garden",
                 "Harbour", "Index", "Junction", "Kin", "Ledger", "Machine", "Nocturne",
                 "Orchard")  # fmt: skip
_OPENINGS = ("After", "Against", "Almost", "Another", "Any", "Before", "Beneath", "Beyond", "Every",
             "Half", "Last", "Late", "Little", "Long", "No", "Other", "Same", "Second", "Slow",
             "Small", "Some", "Under", "Without")  # fmt: skip
_NOUNS = ("Arcades", "Bridges", "Corners", "Distances", "Evenings", "Fevers", "Gravity", "Houses",
          "Islands", "Letters", "Mirrors", "Neighbours", "Oceans", "Paper", "Rooms", "Signals",
          "Tides", "Verses", "Weather", "Years")  # fmt: skip


def write(state: Path) -> Path:
    """The catalogue file; the same bytes each time."""
    path = state / "run" / NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text("".join(json.dumps(line) + "\n" for line in lines()))
    part.rename(path)
    return path


def lines() -> Iterator[Line]:
    """Artists, albums and tracks."""
    dice = random.Random(1)
    names = [f"{first} {second}" for first in _FIRST_NAMES for second in _SECOND_NAMES]
    titles = [f"{opening} {noun}" for opening in _OPENINGS for noun in _NOUNS]
    dice.shuffle(names)
    dice.shuffle(titles)
    albums = tracks = 0
    for number in range(ARTISTS_PER_GENRE * len(GENRES)):
        genre = list(GENRES)[number % len(GENRES)]
        artist, fame = item_id("artist", FIRST + number), dice.randint(5, MOST_POPULAR)
        yield {"type": "artist", "id": artist, "name": names[number], "genres": [genre],
               "popularity": fame}  # fmt: skip
        for _ in range(dice.randint(*ALBUMS)):
            album = item_id("album", FIRST + albums)
            albums += 1
            yield {"type": "album", "id": album, "name": titles.pop(), "artists": [artist],
                   "release_date": f"{dice.randint(2015, 2026)}-0{dice.randint(1, 6)}-"
                                   f"{dice.randint(10, 28)}",
                   "label": "Parallel Pressings", "genres": [genre],
                   "popularity": max(fame - 5, 0)}  # fmt: skip
            for place in range(1, dice.randint(*TRACKS) + 1):
                yield {"type": "track", "id": item_id("track", FIRST + tracks), "album": album,
                       "name": titles.pop(),
                       "track_number": place, "duration_ms": dice.randint(140, 290) * 1000,
                       "isrc": f"QZSEG26{tracks:05d}", "popularity": max(fame - 4 * place, 1),
                       "audio_features": _features(dice, genre)}  # fmt: skip
                tracks += 1


def _features(dice: random.Random, genre: str) -> dict[str, float | int]:
    tempo, energy, danceability, acousticness, valence, instrumentalness = GENRES[genre]

    def near(mean: float) -> float:
        return round(min(max(dice.gauss(mean, 0.08), 0.0), 1.0), 3)

    return {
        "tempo": round(dice.gauss(tempo, 10), 1),
        "key": dice.randint(0, 11),
        "mode": int(dice.random() < valence + 0.1),
        "time_signature": 4,
        "loudness": round(-22 + 16 * energy + dice.gauss(0, 1.5), 2),
        "energy": near(energy),
        "danceability": near(danceability),
        "acousticness": near(acousticness),
        "valence": near(valence),
        "instrumentalness": near(instrumentalness),
        "liveness": near(0.12),
        "speechiness": near(0.06),
    }
