"""The demo catalogue as a catalogue file: the synthesised music, and a small world around it.

`write(state)` makes `state/demo-masters/demo.jsonl`, in the format that `nox -s up -- --catalogue`
takes (jobs/load_catalogue --help). Its ids are fixed: `demoArtist…01`, `demoTrack…01` and so on,
as `item_id` makes them; people are `demo`, `demo-free`, `segue` (the editors), `mira`, `jonas` and
`sofia`, with one password. Nobody in it is real.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulators import demo
from emulators.demo_covers import picture, png
from emulators.demo_world import (
    ALBUMS,
    ARTISTS,
    CATEGORIES,
    EPISODES,
    FEATURED_MESSAGE,
    LYRICS,
    LYRICS_TRACK,
    PEOPLE,
    PLAYLISTS,
    SHOWS,
    SOUNDING_POPULARITY,
)

DEMO_USER = "demo"
FREE_USER = "demo-free"
DEMO_PASSWORD = "segue-demo"
NAME = "demo.jsonl"
PICTURES = "pictures"
_PREFIXES = {
    "artist": "demoArtist",
    "album": "demoAlbum",
    "track": "demoTrack",
    "show": "demoShow",
    "episode": "demoEpisode",
    "playlist": "demoPlaylist",
}

Line = dict[str, Any]


def item_id(kind: str, number: int) -> str:
    """The id of the demo catalogue's `number`th item of `kind`, from 1 on: 22 characters."""
    prefix = _PREFIXES[kind]
    return f"{prefix}{number:0{22 - len(prefix)}d}"


@dataclass(frozen=True, slots=True)
class _Ids:
    """Ids by name, in the order of the world's tables."""

    artists: dict[str, str]
    albums: dict[str, str]
    tracks: dict[str, str]
    shows: dict[str, str]
    episodes: dict[str, str]
    playlists: dict[str, str]

    @classmethod
    def make(cls) -> _Ids:
        sounding = [track.title for album in demo.ALBUMS for track in album.tracks]
        silent = [title for album in ALBUMS for title in album.tracks]

        def numbered(kind: str, names: list[str]) -> dict[str, str]:
            return {name: item_id(kind, number) for number, name in enumerate(names, start=1)}

        return cls(
            numbered("artist", [one.name for one in ARTISTS]),
            numbered("album", [one.title for one in demo.ALBUMS] + [one.title for one in ALBUMS]),
            numbered("track", [*sounding, *silent]),
            numbered("show", [one.name for one in SHOWS]),
            numbered("episode", [one.name for one in EPISODES]),
            numbered("playlist", [one.name for one in PLAYLISTS]),
        )

    def item(self, name: str) -> str:
        """The URI of the track or episode called `name`."""
        if name in self.tracks:
            return f"spotify:track:{self.tracks[name]}"
        return f"spotify:episode:{self.episodes[name]}"


IDS = _Ids.make()


def write(state: Path) -> Path:
    """The catalogue file beside the masters, which `demo.make` has made; the same bytes each
    time."""
    folder = state / demo.FOLDER
    _draw(folder / PICTURES)
    path = folder / NAME
    part = path.with_suffix(".part")
    with part.open("w") as file:
        for line in lines(folder):
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
    part.rename(path)
    return path


def lines(folder: Path) -> Iterator[Line]:
    """Every line; `folder` has the masters and their features."""
    yield from _people()
    yield from _artists()
    yield from _sounding_albums(folder)
    yield from _silent_albums()
    yield from _podcasts()
    yield from _playlists()
    yield from _shelves()


def _draw(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {f"{album.cover}.png": album.cover for album in demo.ALBUMS}
    for name, design in wanted.items():
        if not (folder / name).exists():
            (folder / name).write_bytes(png(design))
    for seed, name in enumerate(_pictures(), start=1):
        if not (folder / name).exists():
            (folder / name).write_bytes(picture(seed))


def _pictures() -> list[str]:
    drawn = [
        *(IDS.artists[one.name] for one in ARTISTS),
        *(IDS.albums[one.title] for one in ALBUMS),
        *(IDS.shows[one.name] for one in SHOWS),
        *(one.id for one in CATEGORIES),
        *(IDS.playlists[one.name] for one in PLAYLISTS if one.has_cover),
    ]
    return [f"{name}.jpg" for name in drawn]


def _picture(name: str) -> str:
    return f"{PICTURES}/{name}.jpg"


def _artists() -> Iterator[Line]:
    for one in ARTISTS:
        yield {
            "type": "artist",
            "id": IDS.artists[one.name],
            "name": one.name,
            "genres": list(one.genres),
            "popularity": one.popularity,
            "verified": True,
            "image": _picture(IDS.artists[one.name]),
        }


def _sounding_albums(folder: Path) -> Iterator[Line]:
    """The albums that were synthesised: their tracks have audio."""
    for album in demo.ALBUMS:
        yield {
            "type": "album",
            "id": IDS.albums[album.title],
            "name": album.title,
            "artists": [IDS.artists[album.artist]],
            "release_date": album.date,
            "label": album.label,
            "upc": album.upc,
            "genres": [album.genre.lower()],
            "popularity": SOUNDING_POPULARITY,
            "copyrights": [{"text": f"{album.date[:4]} {album.label}", "type": "P"}],
            "image": f"{PICTURES}/{album.cover}.png",
        }
        for number, track in enumerate(album.tracks, start=1):
            master = demo.path_of(folder, album, number)
            yield {
                "type": "track",
                "id": IDS.tracks[track.title],
                "name": track.title,
                "album": IDS.albums[album.title],
                "artists": [IDS.artists[one] for one in track.artists or (album.artist,)],
                "track_number": number,
                "explicit": track.explicit,
                "isrc": demo.isrc_of(album, number),
                "popularity": SOUNDING_POPULARITY - 3 * number,
                "territories": list(track.territories),
                "audio": str(master.relative_to(folder)),
                **json.loads(demo.features_of(master).read_text()),
                **({"lyrics": LYRICS} if track.title == LYRICS_TRACK else {}),
            }


def _silent_albums() -> Iterator[Line]:
    """Albums to browse: known by their metadata, with nothing to hear yet."""
    for number, album in enumerate(ALBUMS, start=1):
        yield {
            "type": "album",
            "id": IDS.albums[album.title],
            "name": album.title,
            "artists": [IDS.artists[album.artist]],
            "album_type": album.kind,
            "release_date": album.date,
            "label": "Parallel Pressings",
            "genres": list(album.genres),
            "popularity": 20,
            "copyrights": [{"text": f"{album.date[:4]} Parallel Pressings", "type": "C"}],
            "image": _picture(IDS.albums[album.title]),
        }
        for place, title in enumerate(album.tracks, start=1):
            yield {
                "type": "track",
                "id": IDS.tracks[title],
                "name": title,
                "album": IDS.albums[album.title],
                "artists": [IDS.artists[one] for one in (album.artist, *album.guests)],
                "track_number": place,
                "duration_ms": 150_000 + 7_000 * ((number * 5 + place * 3) % 17),
                "isrc": f"QZSEG25{number:02d}{place:03d}",
                "popularity": max(18 - 2 * place, 1),
            }


def _podcasts() -> Iterator[Line]:
    for one in SHOWS:
        yield {
            "type": "show",
            "id": IDS.shows[one.name],
            "name": one.name,
            "publisher": one.publisher,
            "description": one.description,
            "html_description": f"<p>{one.description}</p>",
            "languages": [one.language],
            "copyrights": [{"text": one.publisher, "type": "C"}],
            "image": _picture(IDS.shows[one.name]),
        }
    for number, episode in enumerate(EPISODES):
        yield {
            "type": "episode",
            "id": IDS.episodes[episode.name],
            "show": IDS.shows[episode.show],
            "name": episode.name,
            "description": episode.description,
            "html_description": f"<p>{episode.description}</p>",
            "duration_ms": 1_260_000 + 95_000 * number,
            "release_date": f"2026-0{1 + number // 4}-{4 + 7 * (number % 4):02d}",
        }


def _playlists() -> Iterator[Line]:
    for one in PLAYLISTS:
        guests = one.added_by
        yield {
            "type": "playlist",
            "id": IDS.playlists[one.name],
            "name": one.name,
            "owner": one.owner,
            "description": one.description,
            "public": one.public,
            "collaborative": one.collaborative,
            **({"image": _picture(IDS.playlists[one.name])} if one.has_cover else {}),
            "items": [
                {
                    "uri": IDS.item(name),
                    "added_at": f"2026-0{1 + place // 28}-{1 + place % 28:02d}T18:30:00Z",
                    "added_by": guests[place % len(guests)] if guests else one.owner,
                }
                for place, name in enumerate(one.items)
            ],
        }


def _shelves() -> Iterator[Line]:
    for one in CATEGORIES:
        yield {
            "type": "category",
            "id": one.id,
            "name": one.name,
            "names": one.names,
            "image": _picture(one.id),
            "playlists": [IDS.playlists[name] for name in one.playlists],
        }
    editorial = [IDS.playlists[one.name] for one in PLAYLISTS if one.owner == "segue"]
    yield {"type": "featured", "message": FEATURED_MESSAGE, "playlists": editorial}


def _people() -> Iterator[Line]:
    for one in PEOPLE:
        yield {
            "type": "user",
            "id": one.id,
            "password": DEMO_PASSWORD,
            "country": one.country,
            "tier": one.tier,
            "display_name": one.display_name,
            "saved_tracks": [IDS.tracks[name] for name in one.saved_tracks],
            "saved_albums": [IDS.albums[name] for name in one.saved_albums],
            "saved_shows": [IDS.shows[name] for name in one.saved_shows],
            "saved_episodes": [IDS.episodes[name] for name in one.saved_episodes],
            "follows_artists": [IDS.artists[name] for name in one.follows_artists],
            "follows_users": list(one.follows_users),
            "follows_playlists": [IDS.playlists[name] for name in one.follows_playlists],
            "resume_points": [
                {
                    "episode": IDS.episodes[name],
                    "position_ms": position_ms,
                    "fully_played": fully,
                }
                for name, position_ms, fully in one.resume_points
            ],
            "played": [
                {
                    "track": IDS.tracks[name],
                    "hours_ago": hours_ago,
                    "context_uri": f"spotify:album:{IDS.albums[demo.album_of(name)]}",
                }
                for name, hours_ago in one.played()
            ],
            "shows_activity": one.shows_activity,
        }
    for one in PEOPLE:
        if one.speaker:
            yield {"type": "device", "user": one.id, "name": one.speaker}
