"""`functions/search` over HTTP, on an index in Firestore."""

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
from shared.search.documents import search_document
from shared.search.models import Hits
from shared.search.store import MAX_CANDIDATES
from tests import contract
from tests.emulator.catalog.functions import function
from tests.unit.catalog.samples import a_track, an_album, an_artist

pytestmark = pytest.mark.usefixtures("firestore", "pubsub")


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


async def test_a_published_track_its_album_and_its_artist_are_found_by_a_beginning() -> None:
    word = f"zq{random_id()[:6]}"
    artist = an_artist(f"Sigur Rós {word}")
    album = an_album(artist, f"Ágætis byrjun {word}")
    await publish(a_track(album, f"Svefn-g-englar {word}"), album, artist)

    found = await ask(q=f"SIGUR {word[:5]}", type="track,artist,album")
    assert [one["name"] for one in found["tracks"]["items"]] == [f"Svefn-g-englar {word}"]
    assert [one["id"] for one in found["artists"]["items"]] == [artist.id]
    assert [one["name"] for one in found["albums"]["items"]] == [f"Ágætis byrjun {word}"]
    assert found["tracks"]["items"][0]["album"]["total_tracks"] == 1


async def test_a_page_links_to_the_next_and_counts_all() -> None:
    word = f"xw{random_id()[:6]}"
    artist = an_artist("Somebody")
    album = an_album(artist)
    for number in range(5):
        track = a_track(album, f"{word} {number}", track_number=number + 1, popularity=number)
        await publish(track, album, artist)
    page = (await ask(q=word, types="track", limit=2))["tracks"]
    assert [one["popularity"] for one in page["items"]] == [4, 3]
    assert (page["total"], page["previous"]) == (5, None)
    async with function("search") as client:
        rest = (await client.get(page["next"])).json()["tracks"]
    assert [one["popularity"] for one in rest["items"]] == [2, 1]
    assert rest["previous"] == page["href"]


async def test_a_market_hides_what_is_not_released_there() -> None:
    word = f"yv{random_id()[:6]}"
    artist = an_artist("Somebody")
    album = an_album(artist, "Elsewhere")
    await publish(a_track(album, word, territories=("SE",)), album, artist)
    assert (await ask(q=word, type="track", market="from_token"))["tracks"]["total"] == 0
    found = await ask(q=word, type="track", market="SE")
    assert found["tracks"]["items"][0]["is_playable"] is True


async def test_indexing_again_finds_it_once() -> None:
    word = f"uv{random_id()[:6]}"
    artist = an_artist("Somebody")
    album = an_album(artist)
    track = a_track(album, word)
    for _ in range(3):
        await publish(track, album, artist)
    assert await service.search(word, ["track"], 20, 0) == await service.search(
        word.upper(), ["track"], 20, 0
    )
    hits = (await service.search(word, ["track"], 20, 0)).pages["track"]
    assert hits == Hits((track.id,), 1)


async def test_shows_episodes_and_public_playlists_are_found() -> None:
    word, owner = f"tu{random_id()[:6]}", f"owner-{random_id()}"
    show = Show(id=random_id(), name=f"Talk {word}", publisher="We", total_episodes=1)
    episode = Episode(id=random_id(), show_id=show.id, name=f"One {word}", duration_ms=1000)
    await podcasts.load([show], [episode])
    await accounts.create_user(
        owner, "a long password", "o@x.org", "DE", "free", "O", user_id=owner
    )
    public, private = (
        LoadedPlaylist(
            id=random_id(),
            owner_id=owner,
            name=f"{word} list",
            items=(),
            created_at=datetime.now(UTC),
            public=is_public,
        )
        for is_public in (True, False)
    )
    await playlists.load([public, private])
    await service.index_many([show_document(show), episode_document(episode, show)])

    found = await ask(q=word, type="show,episode,playlist,audiobook", include_external="audio")
    assert [one["id"] for one in found["shows"]["items"]] == [show.id]
    assert [one["id"] for one in found["episodes"]["items"]] == [episode.id]
    assert [one["id"] for one in found["playlists"]["items"]] == [public.id]
    assert found["playlists"]["items"][0]["owner"]["id"] == owner
    assert (found["audiobooks"]["items"], found["audiobooks"]["total"]) == ([], 0)

    await service.remove("show", show.id)
    assert (await ask(q=word, type="show"))["shows"]["items"] == []


async def test_many_documents_are_indexed_from_a_generator() -> None:
    word = f"rs{random_id()[:6]}"
    documents = (search_document("track", random_id(), f"{word} {n}") for n in range(700))
    await service.index_many(documents)
    hits = (await service.search(word, ["track"], 50, 0)).pages["track"]
    assert (len(hits.ids), hits.total) == (50, MAX_CANDIDATES)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"type": "track"}, "q: "),
        ({"q": "   ", "type": "track"}, "q: "),
        ({"q": "a" * 251, "type": "track"}, "q: "),
        ({"q": "a"}, "Missing parameter type"),
        ({"q": "a", "type": "track,song"}, "Bad search type field song"),
        ({"q": "a", "type": "track", "limit": "51"}, "limit: "),
        ({"q": "a", "type": "track", "limit": "0"}, "limit: "),
        ({"q": "a", "type": "track", "limit": "x"}, "limit: "),
        ({"q": "a", "type": "track", "offset": "1001"}, "offset: "),
        ({"q": "a", "type": "track", "market": "ZZ"}, "market: Invalid market code"),
        ({"q": "a", "type": "track", "include_external": "video"}, "include_external: "),
    ],
)
async def test_bad_requests_get_the_web_apis_errors(
    parameters: dict[str, str], message: str
) -> None:
    async with function("search") as client:
        answer = await client.get("/v1/search", params=parameters)
    error = answer.json()["error"]
    assert (answer.status_code, error["status"]) == (400, 400)
    assert error["message"].startswith(message)
