"""A catalogue file becomes a catalogue, under its own ids, and the same file again nothing more."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from shared.accounts import service as accounts
from shared.analysis import service as analysis
from shared.browse import service as browse
from shared.catalog import service as catalog
from shared.history import service as history
from shared.indexing import reading
from shared.library import service as library
from shared.loading import service
from shared.loading.faults import InvalidCatalogue
from shared.lyrics import service as lyrics
from shared.platform import clients
from shared.platform.ids import content_id, random_id
from shared.playlists import service as playlists
from shared.podcasts import service as podcasts
from shared.social import service as social
from tests.emulator.loading.conftest import Write

pytestmark = pytest.mark.usefixtures("stores")
ROOT = Path(__file__).resolve().parents[3]
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
FEATURES = {
    **dict.fromkeys(
        ("danceability", "energy", "speechiness", "acousticness", "instrumentalness"), 0.5
    ),
    **{"liveness": 0.1, "valence": 0.9, "key": 4, "mode": 0, "loudness": -7.5},
    **{"tempo": 104.0, "time_signature": 4},
}


class World:
    """A small catalogue with ids of its own."""

    def __init__(self) -> None:
        self.seed = random_id()

    def id(self, kind: str, number: int = 1) -> str:
        return content_id(self.seed, kind, str(number))

    @property
    def user(self) -> str:
        return f"user-{self.seed}"

    def lines(self) -> list[dict[str, Any]]:
        """A track stands before its album, and a playlist before its owner: any order will do."""
        return [
            {"type": "playlist", "id": self.id("playlist"), "name": "Mix", "owner": self.user,
             "items": [f"spotify:track:{self.id('track', 2)}",
                       {"uri": f"spotify:episode:{self.id('episode')}", "added_by": self.user}]},
            {"type": "track", "id": self.id("track"), "name": f"Alpha {self.seed}",
             "album": self.id("album"), "artists": [self.id("artist"), self.id("artist", 2)],
             "territories": ["SE", "DE"], "audio_features": FEATURES, "duration_ms": 200_000,
             "isrc": "USS1Z9900001", "popularity": 33, "lyrics": "[00:01.00]La\n[00:02.00]Le"},
            {"type": "track", "id": self.id("track", 2), "name": "Beta", "explicit": True,
             "album": self.id("album"), "territories": ["DE", "US"]},
            {"type": "album", "id": self.id("album"), "name": "Two Letters",
             "artists": [self.id("artist")], "release_date": "2024-05", "label": "L"},
            {"type": "artist", "id": self.id("artist"), "name": "Ann", "genres": ["folk"]},
            {"type": "artist", "id": self.id("artist", 2), "name": "Ben"},
            {"type": "show", "id": self.id("show"), "name": "Talk", "publisher": "P"},
            {"type": "episode", "id": self.id("episode"), "show": self.id("show"), "name": "One",
             "release_date": "2026-01-02"},
            {"type": "user", "id": self.user, "password": "a long password", "country": "SE",
             "tier": "premium", "saved_tracks": [self.id("track", 2), self.id("track")],
             "saved_episodes": [self.id("episode")], "follows_artists": [self.id("artist")],
             "resume_points": [{"episode": self.id("episode"), "position_ms": 1234}],
             "played": [{"track": self.id("track"), "hours_ago": 2}]},
            {"type": "category", "id": self.seed, "name": "Shelf",
             "playlists": [self.id("playlist")]},
        ]  # fmt: skip


@pytest.fixture(scope="module")
def world() -> World:
    return World()


async def _load(*files: Path) -> service.Loaded:
    return await service.load(files, "nobody", NOW, lambda *_: None)


async def _everything() -> dict[str, Any]:
    """Every document, with its time of writing."""
    client = clients.firestore()
    return {
        snapshot.reference.path: (snapshot.to_dict(), snapshot.update_time)
        async for collection in client.collections()
        async for snapshot in client.collection(collection.id).stream()
    }


async def test_a_small_catalogue_is_served_under_its_own_ids(world: World, write: Write) -> None:
    loaded = await _load(write(*world.lines()))
    assert loaded.counts["tracks"] == 2
    assert loaded.uploads == {}
    track = await catalog.get_track(world.id("track"))
    assert [one.name for one in track.artists] == ["Ann", "Ben"]
    assert (track.track_number, track.duration_ms, track.isrc) == (1, 200_000, "USS1Z9900001")
    second = await catalog.get_track(world.id("track", 2))
    assert (second.track_number, second.explicit, second.artist_ids) == (
        2,
        True,
        (world.id("artist"),),
    )
    album = await catalog.get_album(world.id("album"))
    assert (album.total_tracks, album.territories) == (2, ("DE", "SE", "US"))
    assert album.guest_ids == (world.id("artist", 2),)
    assert track.album == album.ref()
    assert album.release_date_precision == "month"
    assert [t.id for t in await catalog.all_album_tracks(album.id)] == [track.id, second.id]
    (features,) = await analysis.get_features([track.id])
    assert features is not None
    assert (features.tempo, features.key, features.duration_ms) == (104.0, 4, 200_000)
    assert [line.text for line in (await lyrics.get_lyrics(track.id)).lines] == ["La", "Le"]


async def test_podcasts_people_and_what_is_theirs_come_with_it(world: World) -> None:
    (episode,) = await podcasts.show_episodes(world.id("show"))
    assert episode.id == world.id("episode")
    user = await accounts.get_user(world.user)
    assert (user.username, user.tier, user.country) == (world.user.lower(), "premium", "SE")
    saved = await library.saved(world.user, "track", 10, 0)
    assert [one.item_id for one in saved.items] == [world.id("track", 2), world.id("track")]
    assert await social.is_following(world.user, "artist", [world.id("artist")]) == [True]
    points = await podcasts.resume_points(world.user, [episode.id])
    assert points[episode.id].position_ms == 1234
    assert await playlists.item_uris(world.user, world.id("playlist")) == (
        f"spotify:track:{world.id('track', 2)}",
        f"spotify:episode:{world.id('episode')}",
    )
    category = await browse.get_category(world.seed)
    assert category.playlist_ids == (world.id("playlist"),)
    assert await history.play_count(world.id("track")) == 1


async def test_what_was_loaded_is_read_by_the_next_search_index(world: World) -> None:
    read = {one.key async for page in reading.every_document() for one in page}
    loaded = {"track": 2, "artist": 2, "album": 1, "show": 1, "episode": 1, "playlist": 1}
    keys = {f"{kind}:{world.id(kind, n + 1)}" for kind, many in loaded.items() for n in range(many)}
    assert keys <= read


async def test_the_same_file_again_changes_no_document(world: World, write: Write) -> None:
    file = write(*world.lines())
    await _load(file)
    before = await _everything()
    await _load(file)
    after = await _everything()
    assert {path: held[0] for path, held in after.items()} == {
        path: held[0] for path, held in before.items()
    }


async def test_two_files_of_one_load_know_each_other(write: Write) -> None:
    lines = World().lines()
    await _load(write(*lines[:4], name="a.jsonl"), write(*lines[4:], name="b.jsonl"))


async def test_a_later_file_may_name_what_is_in_the_catalogue(world: World, write: Write) -> None:
    own = World()
    await _load(
        write(
            {"type": "user", "id": own.user, "password": "a long password", "country": "SE",
             "saved_tracks": [world.id("track")], "follows_users": [world.user]},
        )
    )  # fmt: skip
    saved = await library.saved(own.user, "track", 10, 0)
    assert [one.item_id for one in saved.items] == [world.id("track")]


async def test_references_to_nothing_are_told_together_and_nothing_is_loaded(
    write: Write,
) -> None:
    own = World()
    lines = own.lines()
    lines[8]["saved_tracks"] = [content_id("nothing", "1"), content_id("nothing", "2")]
    lines[8]["follows_users"] = ["nobody-knows"]
    with pytest.raises(InvalidCatalogue) as raised:
        await _load(write(*lines))
    assert raised.value.total == 3
    assert all(fault.startswith("catalogue.jsonl:9: there is no ") for fault in raised.value.faults)
    assert "'nobody-knows'" in str(raised.value)
    assert await catalog.get_tracks([own.id("track")]) == [None]


async def test_a_username_of_somebody_else_is_not_given_away(world: World, write: Write) -> None:
    thief = {"type": "user", "id": "thief", "username": world.user, "password": "a long password",
             "country": "SE"}  # fmt: skip
    with pytest.raises(InvalidCatalogue, match="is taken by user"):
        await _load(write(thief))


async def test_a_file_that_is_no_picture_is_told_before_anything_is_loaded(
    write: Write, tmp_path: Path
) -> None:
    own = World()
    await asyncio.to_thread((tmp_path / "notes.txt").write_text, "not a picture")
    await asyncio.to_thread(Image.new("RGB", (80, 80), "red").save, tmp_path / "good.png")
    lines = own.lines()
    lines[3]["image"], lines[4]["image"] = "good.png", "notes.txt"
    with pytest.raises(InvalidCatalogue, match=r"catalogue.jsonl:5: notes.txt is no picture"):
        await _load(write(*lines))
    assert await catalog.get_artists([own.id("artist")]) == [None]
    lines[4]["image"] = "good.png"
    await _load(write(*lines))
    album, artist = (
        await catalog.get_album(own.id("album")),
        await catalog.get_artist(own.id("artist")),
    )
    assert album.images == artist.images


def _job(*arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "emulators.job_host", "load_catalogue", *arguments],
        input=text,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_job_reads_standard_input_and_touches_only_what_it_declares() -> None:
    own = World()
    done = _job(text="".join(json.dumps(line) + "\n" for line in own.lines()))
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["loaded"] | {"tracks": 2, "users": 1, "plays": 1} == result["loaded"]
    assert "tracks 2/2" in done.stderr.splitlines()


def test_the_job_lists_faults_and_ends_with_2(write: Write) -> None:
    file = write({"type": "artist", "id": "short", "name": "N"}, "{")
    done = _job(str(file))
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.splitlines()[0].startswith("catalogue.jsonl:1: artist short: `id`:")
    assert done.stderr.splitlines()[1].startswith("catalogue.jsonl:2: not JSON")
    assert "Traceback" not in done.stderr
