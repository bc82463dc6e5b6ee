"""What a player plays from, beside albums and artists, and where episodes are taken up again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from shared.catalog import service as catalog
from shared.connect import contexts
from shared.connect.contexts import Listener, Offset
from shared.library import service as library
from shared.platform.errors import NotFound
from shared.platform.ids import random_id
from shared.playlists import service as playlists
from shared.playlists.models import LoadedItem, LoadedPlaylist
from shared.podcasts import service as podcasts
from shared.podcasts.models import Episode, Show
from tests.emulator.connect.conftest import Person, headers
from tests.unit.catalog.samples import a_track, an_album, an_artist

EPISODE_MS = 1_800_000


@pytest.fixture(scope="module")
async def show(firestore: str) -> list[str]:
    """URIs of a show's two episodes, the newer one first, after the show's own."""
    made = Show(id=random_id(), name="A Show", total_episodes=2)
    episodes = [
        Episode(
            id=random_id(),
            show_id=made.id,
            name=f"Episode {n}",
            duration_ms=EPISODE_MS,
            release_date=f"2026-01-0{n}",
            release_date_precision="day",
            number=n,
        )
        for n in (2, 1)
    ]
    await podcasts.load([made], episodes)
    return [f"spotify:show:{made.id}", *(f"spotify:episode:{one.id}" for one in episodes)]


async def play(person: Person, status: int = 204, **body: Any) -> Any:
    return await person.do("PUT", "/play", status, params={"device_id": "speaker"}, json=body)


async def test_a_playlist_plays_in_its_order_from_an_item_of_it(
    listener: Person, album: list[str]
) -> None:
    now = datetime.now(UTC)
    items = tuple(LoadedItem(uri, now) for uri in (album[3], album[1], album[2]))
    made = LoadedPlaylist(random_id(), listener.id, "Mine", items, now, public=False)
    await playlists.load([made])
    uri = f"spotify:playlist:{made.id}"
    await play(listener, context_uri=uri, offset={"uri": album[1]})
    playing = await listener.now()
    assert (playing["item"]["uri"], playing["context"]["uri"]) == (album[1], uri)
    queue = await listener.do("GET", "/queue", 200)
    assert [item["uri"] for item in queue["queue"]] == [album[2]]


async def test_saved_tracks_play_newest_first(listener: Person, album: list[str]) -> None:
    for uri in album[1:4]:
        await library.save(listener.id, "track", [uri.rpartition(":")[2]])
    await play(listener, context_uri=f"spotify:user:{listener.id}:collection")
    playing = await listener.now()
    assert (playing["item"]["uri"], playing["context"]["type"]) == (album[3], "collection")


async def test_a_show_plays_and_is_taken_up_where_it_was_left(
    listener: Person, show: list[str]
) -> None:
    await play(listener, context_uri=show[0], offset={"uri": show[2]})
    default = await listener.now()
    assert (default["currently_playing_type"], default["item"]) == ("episode", None)
    answer = await listener.client.get("/v1/me/player?additional_types=track,episode")
    playing = answer.json()
    assert playing["item"]["uri"] == show[2]
    assert playing["item"]["show"]["uri"] == show[0]
    assert playing["item"]["resume_point"] == {"fully_played": False, "resume_position_ms": 0}
    blind = headers(listener.id, scope="user-read-playback-state")
    answer = await listener.client.get("/v1/me/player?additional_types=episode", headers=blind)
    assert "resume_point" not in answer.json()["item"]

    episode_id = show[2].rpartition(":")[2]
    told = {"version": 1, "position_ms": 600_000, "is_playing": True}
    await listener.do("PUT", "/state", 200, params={"device_id": "speaker"}, json=told)
    point = (await podcasts.resume_points(listener.id, [episode_id]))[episode_id]
    assert (point.position_ms, point.fully_played) == (600_000, False)

    await listener.do("PUT", "/seek", params={"position_ms": 900_000})
    await listener.do("PUT", "/pause")  # a command from elsewhere keeps the progress too
    point = (await podcasts.resume_points(listener.id, [episode_id]))[episode_id]
    assert 900_000 <= point.position_ms < 920_000
    await play(listener, uris=[show[2]])
    assert (await listener.now())["progress_ms"] >= 900_000
    await play(listener, uris=[show[2]], position_ms=0)
    assert (await listener.now())["progress_ms"] < 60_000

    told = {"version": 6, "position_ms": EPISODE_MS - 1_000, "is_playing": False}
    state = await listener.do("PUT", "/state", 200, params={"device_id": "speaker"}, json=told)
    assert state["version"] == 7
    point = (await podcasts.resume_points(listener.id, [episode_id]))[episode_id]
    assert point.fully_played


async def test_what_the_functions_declare_is_all_that_they_touch(
    hosts: list[str], album: list[str], show: list[str]
) -> None:
    """A function host refuses what the topology does not declare."""
    user_id, now = random_id(), datetime.now(UTC)
    items = tuple(LoadedItem(uri, now) for uri in (album[1], show[1]))
    made = LoadedPlaylist(random_id(), user_id, "Mine", items, now)
    await playlists.load([made])
    await library.save(user_id, "track", [album[1].rpartition(":")[2]])
    async with httpx.AsyncClient(
        base_url=hosts[0], headers=headers(user_id), trust_env=False, timeout=30
    ) as api:
        person = Person(user_id, api)
        await person.join()
        artist = (await catalog.get_track(album[1].rpartition(":")[2])).artists[0].id
        for uri in (
            album[0],
            f"spotify:artist:{artist}",
            f"spotify:playlist:{made.id}",
            f"spotify:user:{user_id}:collection",
            show[0],
        ):
            await play(person, context_uri=uri)
            assert (await person.now())["context"]["uri"] == uri
        await person.do("PUT", "/seek", params={"position_ms": 100_000})
        await person.do("POST", "/queue", params={"uri": show[2]})
        await person.do("GET", "/queue", 200)
        told = {"version": 8, "position_ms": 200_000, "is_playing": False}
        await person.do("PUT", "/state", 409, params={"device_id": "speaker"}, json=told)
        told["version"] = 7
        await person.do("PUT", "/state", 200, params={"device_id": "speaker"}, json=told)


async def test_of_a_long_list_a_window_around_the_start_is_played(
    firestore: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    artist = an_artist()
    album = an_album(artist, total_tracks=30)
    tracks = [a_track(album, f"{n}", track_number=n) for n in range(1, 31)]
    await catalog.load(tracks, [album], [artist])
    monkeypatch.setattr(contexts, "CONTEXT_LIMIT", 10)
    monkeypatch.setattr(contexts, "BEFORE_START", 3)
    listener = Listener(random_id(), "DE")
    uri = f"spotify:album:{album.id}"
    opened = await contexts.open_context(listener, uri, Offset(position=20))
    assert opened.start is not None
    assert opened.items[opened.start].id == tracks[20].id
    assert [item.id for item in opened.items] == [track.id for track in tracks[17:27]]
    last = await contexts.open_context(listener, uri, Offset(position=29))
    assert [item.id for item in last.items] == [track.id for track in tracks[20:]]


async def test_what_is_not_released_here_is_passed_over(firestore: str) -> None:
    artist = an_artist()
    album = an_album(artist, total_tracks=3)
    tracks = [
        a_track(album, f"{n}", track_number=n, territories=("SE",) if n == 2 else ())
        for n in range(1, 4)
    ]
    await catalog.load(tracks, [album], [artist])
    uri = f"spotify:album:{album.id}"
    german = Listener(random_id(), "DE")
    opened = await contexts.open_context(german, uri, Offset(position=1))
    assert [item.id for item in opened.items] == [tracks[0].id, tracks[2].id]
    assert opened.start == 1  # the next that can be played
    with pytest.raises(NotFound):
        await contexts.open_items(german, [f"spotify:track:{tracks[1].id}"], None)
    swede = await contexts.open_context(Listener(random_id(), "SE"), uri, None)
    assert len(swede.items) == 3
