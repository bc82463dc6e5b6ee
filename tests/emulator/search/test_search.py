"""From a publish to what `GET /v1/search` answers, with an index and without a build between."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.accounts import service as accounts
from shared.catalog import service as catalog
from shared.catalog.models import Album, Artist, Track
from shared.platform.ids import random_id
from shared.playlists import service as playlists
from shared.playlists.models import LoadedPlaylist
from shared.podcasts import service as podcasts
from shared.podcasts.documents import episode_document, show_document
from shared.podcasts.models import Episode, Show
from shared.search import service
from tests import contract
from tests.emulator.catalog.functions import function
from tests.emulator.search.conftest import Make, a_document
from tests.unit.catalog.samples import a_track, an_album, an_artist

pytestmark = pytest.mark.usefixtures("instance", "pubsub", "bigtable")


async def publish(track: Track, album: Album, artist: Artist) -> None:
    held = await catalog.publish_track(track, album, [artist])
    await service.index_track(held.track, held.album, held.artists)


async def ask(**parameters: Any) -> dict[str, Any]:
    async with function("search") as client:
        answer = await client.get("/v1/search", params=parameters)
        assert answer.status_code == 200, answer.text
        contract.published().check("GET", "/v1/search", answer)
        found: dict[str, Any] = answer.json()
        return found


async def test_a_published_track_its_album_and_its_artist_are_found_over_an_index(
    made: Make,
) -> None:
    await made([a_document(1, "Something else")])
    artist = an_artist("Sigur Rós")
    album = an_album(artist, "Ágætis byrjun")
    await publish(a_track(album, "Svefn-g-englar"), album, artist)
    found = await ask(q="SIGUR ros", type="track,artist,album")
    assert [one["name"] for one in found["tracks"]["items"]] == ["Svefn-g-englar"]
    assert [one["id"] for one in found["artists"]["items"]] == [artist.id]
    assert [one["name"] for one in found["albums"]["items"]] == ["Ágætis byrjun"]
    assert found["tracks"]["items"][0]["album"]["total_tracks"] == 1


async def test_publishing_again_finds_it_once_and_an_edit_by_its_new_name_alone() -> None:
    artist = an_artist("Somebody")
    album = an_album(artist)
    track = a_track(album, "Quixotic Zephyr")
    for _ in range(3):
        await publish(track, album, artist)
    tracks = (await ask(q="quixotic zephyr", type="track"))["tracks"]
    assert ([one["id"] for one in tracks["items"]], tracks["total"]) == ([track.id], 1)
    await publish(track.model_copy(update={"name": "Vermilion"}), album, artist)
    assert (await ask(q="vermilion", type="track"))["tracks"]["items"][0]["id"] == track.id
    assert (await ask(q="quixotic", type="track"))["tracks"]["total"] == 0


async def test_a_page_links_to_the_next_of_the_same_view() -> None:
    artist = an_artist("Somebody")
    album = an_album(artist)
    for number in range(5):
        changes = {"track_number": number + 1, "popularity": number * 10}
        await publish(
            a_track(album, f"Marigold {number}", isrc=f"DEA12340000{number}", **changes),
            album,
            artist,
        )
    page = (await ask(q="marigold", type="track", limit=2))["tracks"]
    assert [one["popularity"] for one in page["items"]] == [40, 30]
    assert (page["total"], page["previous"]) == (5, None)
    late = a_track(album, "Marigold late", track_number=9, popularity=100, isrc="DEA123400009")
    await publish(late, album, artist)
    async with function("search") as client:
        rest = (await client.get(page["next"])).json()["tracks"]
    assert [one["popularity"] for one in rest["items"]] == [20, 10]


async def test_shows_episodes_and_public_playlists_are_found_and_removed() -> None:
    owner = f"owner-{random_id()}"
    show = Show(id=random_id(), name="Talk of Tamarind", publisher="We", total_episodes=1)
    episode = Episode(id=random_id(), show_id=show.id, name="Tamarind one", duration_ms=1000)
    await podcasts.load([show], [episode])
    await accounts.create_user(
        owner, "a long password", f"{owner}@x.org", "DE", "free", "O", user_id=owner
    )
    playlist = LoadedPlaylist(
        id=random_id(),
        owner_id=owner,
        name="Tamarind list",
        items=(),
        created_at=datetime.now(UTC),
    )
    await playlists.load([playlist])
    mine = [
        document
        async for page in playlists.every_document()
        for document in page
        if document.id == playlist.id
    ]
    await service.index_many([show_document(show), episode_document(episode, show), *mine])
    found = await ask(q="tamarind", type="show,episode,playlist,audiobook")
    assert [one["id"] for one in found["shows"]["items"]] == [show.id]
    assert [one["id"] for one in found["episodes"]["items"]] == [episode.id]
    assert [one["id"] for one in found["playlists"]["items"]] == [playlist.id]
    assert (found["audiobooks"]["items"], found["audiobooks"]["total"]) == ([], 0)
    await service.remove("show", show.id)
    assert (await ask(q="tamarind", type="show"))["shows"]["items"] == []
