"""`functions/search` over HTTP: who may see what, and what goes with the results.

The index has one document; what else is searched are the changes since.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import Any

import grpc
import httpx
import pytest
from google.pubsub_v1 import SubscriberClient
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from shared.accounts import service as accounts
from shared.catalog import service as catalog
from shared.catalog.models import Album, Artist, Track
from shared.history import affinity
from shared.platform.ids import random_id
from shared.playlists import service as playlists
from shared.playlists.models import LoadedPlaylist
from shared.podcasts import service as podcasts
from shared.podcasts.models import Episode, Show
from shared.search import service
from shared.search.models import SearchDocument
from shared.search.serving import Serving
from shared.social import service as social
from shared.topology import SEARCH_EVENTS, Topic
from shared.withdrawals import service as withdrawals
from tests import contract, local_settings
from tests.emulator.catalog.functions import function
from tests.emulator.search.conftest import release, wipe
from tests.unit.catalog.samples import a_track, an_album, an_artist

EVERY_TYPE = "track,artist,album,playlist,show,episode"
INDEXED = SearchDocument(type="track", id="q" * 22, name="Quizzaciously Zephyrous")
APP: dict[str, Any] = {"user": "app", "country": ""}  # an app's own token


@pytest.fixture(scope="module", autouse=True)
async def _index(
    storage: str, pubsub: str, bigtable: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("fetched")))
        patch.setattr(service, "serving", Serving())
        await wipe()
        await release([INDEXED], tmp_path_factory.mktemp("door"))
        yield


@contextmanager
def heard(pubsub: str, topic: Topic) -> Iterator[Callable[[int], list[dict[str, Any]]]]:
    """Inside it, call for the next so many messages of `topic`, and what came with them."""
    project = f"projects/{local_settings.PROJECT}"
    name = f"{project}/subscriptions/test-{random_id()}"
    with grpc.insecure_channel(pubsub) as channel:
        subscriber = SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
        subscriber.create_subscription(name=name, topic=f"{project}/topics/{topic.name}")

        def hear(count: int) -> list[dict[str, Any]]:
            received: list[dict[str, Any]] = []
            while len(received) < count:
                asked = {"subscription": name, "max_messages": 100}
                messages = subscriber.pull(request=asked, timeout=20).received_messages
                received += [json.loads(one.message.data) for one in messages]
                acks = [one.ack_id for one in messages]
                subscriber.acknowledge(subscription=name, ack_ids=acks)
            return received

        yield hear
        subscriber.delete_subscription(subscription=name)


@asynccontextmanager
async def person(**token: Any) -> AsyncIterator[httpx.AsyncClient]:
    async with function("search", **{"user": random_id(), **token}) as client:
        yield client


async def ask(q: str, kind: str = "track", *, by: Any = None, **parameters: Any) -> dict[str, Any]:
    async with person(**(by or {})) as client:
        answer = await client.get("/v1/search", params={"q": q, "type": kind, **parameters})
        assert answer.status_code == 200, answer.text
        contract.published().check("GET", "/v1/search", answer)
        body: dict[str, Any] = answer.json()
        return body


async def ids(q: str, kind: str = "track", **how: Any) -> list[str]:
    return [one["id"] for one in (await ask(q, kind, **how))[f"{kind}s"]["items"]]


async def suggested(q: str, *, by: Any = None, **parameters: Any) -> list[str]:
    async with person(**(by or {})) as client:
        answer = await client.get("/v1/search/suggest", params={"q": q, **parameters})
        assert answer.status_code == 200, answer.text
        return [one["id"] for one in answer.json()["suggestions"]]


def a_word() -> str:
    letters = "bcdfghjklmnprstvz"
    return "".join(letters[ord(one) % len(letters)] for one in random_id()[:9])


async def published(name: str, **changes: Any) -> tuple[Track, Album, Artist]:
    artist = an_artist(f"Somebody {a_word()}")
    album = an_album(artist, "Elsewhere")
    track = a_track(album, name, **{"isrc": None, "content_hash": random_id(), **changes})
    held = await catalog.publish_track(track, album, [artist])
    await service.index_track(held.track, held.album, held.artists)
    return held.track, held.album, held.artists[0]


async def an_account(**changes: Any) -> str:
    name = f"u{random_id()}".lower()
    made = await accounts.create_user(
        name, "a long password", "o@x.org", "DE", "free", "O", user_id=random_id(), **changes
    )
    return made.id


# --- who may see what -----------------------------------------------------------------------


async def test_a_german_never_finds_what_is_not_released_there_however_warm_the_caches() -> None:
    word = a_word()
    track, _, _ = await published(word, territories=("SE",))
    swede, german = {"country": "SE"}, {"country": "DE"}
    assert await ids(word, by=swede) == [track.id]
    for parameters in ({}, {"market": "DE"}, {"market": "SE"}, {"market": "from_token"}):
        body = await ask(word, "track,album", by=german, **parameters)
        assert body["tracks"]["items"] == body["albums"]["items"] == []
        assert body["tracks"]["total"] == 0
        assert await suggested(word, by=german, **parameters) == []
    assert await ids(word, by=swede, market="from_token") == [track.id]
    assert await ids(word, by=APP, market="SE") == [track.id]


async def test_an_app_without_a_market_sees_what_is_released_anywhere() -> None:
    word = a_word()
    track, _, _ = await published(word, territories=("SE",))
    assert await ids(word, by=APP) == [track.id]
    assert await ids(word, by=APP, market="DE") == []
    assert await ids(word, by=APP, market="from_token") == [track.id]
    await withdrawals.withdraw("track", track.id, [], "a test")
    assert await ids(word, by=APP) == []


async def test_a_page_shows_nothing_that_its_document_forbids_whatever_the_index_says() -> None:
    word = a_word()
    artist = an_artist(word, blocked_in=("DE",))
    album = an_album(artist, word, territories=("SE",))
    closed = an_album(artist, word, blocked_in=("DE",))
    tracks = {
        "licence": a_track(album, f"{word} a", territories=("SE",)),
        "blocked": a_track(album, f"{word} b", blocked_in=("DE",)),
        "album": a_track(closed, f"{word} c"),
        "explicit": a_track(album, f"{word} d", explicit=True),
        "free": a_track(album, f"{word} e"),
    }
    await catalog.load(list(tracks.values()), [album, closed], [artist])
    shows = [
        Show(id=random_id(), name=word, territories=("SE",)),
        Show(id=random_id(), name=word, explicit=True),
    ]
    episodes = [Episode(id=random_id(), show_id=one.id, name=word, duration_ms=1) for one in shows]
    await podcasts.load(shows, episodes)
    owner = await an_account()
    private = LoadedPlaylist(
        id=random_id(),
        owner_id=owner,
        name=word,
        items=(),
        created_at=datetime.now(UTC),
        public=False,
    )
    await playlists.load([private])
    stale = [
        *(SearchDocument(type="track", id=one.id, name=one.name) for one in tracks.values()),
        SearchDocument(type="album", id=album.id, name=word),
        SearchDocument(type="artist", id=artist.id, name=word),
        *(SearchDocument(type="show", id=one.id, name=word) for one in shows),
        *(SearchDocument(type="episode", id=one.id, name=word) for one in episodes),
        SearchDocument(type="playlist", id=private.id, name=word),
        SearchDocument(type="track", id=random_id(), name=f"{word} deleted"),
    ]
    await service.index_many(stale)
    careful = await an_account(explicit_filter=True)
    body = await ask(word, EVERY_TYPE, by={"user": careful, "country": "DE"})
    shown = {kind: [one["id"] for one in page["items"]] for kind, page in body.items()}
    assert shown == {
        "tracks": [tracks["free"].id],
        "artists": [],
        "albums": [],
        "playlists": [],
        "shows": [],
        "episodes": [],
    }
    assert await ids(word, "playlist", by={"user": owner}) == []
    swede = await ask(word, EVERY_TYPE, by={"country": "SE"})
    assert len(swede["tracks"]["items"]) == 5
    assert [one["id"] for one in swede["artists"]["items"]] == [artist.id]
    assert len(swede["shows"]["items"]) == len(swede["episodes"]["items"]) == 2


async def test_a_takedown_is_gone_at_once_where_it_was_made_and_a_restored_item_is_back() -> None:
    word = a_word()
    track, album, _ = await published(word)
    assert await ids(word) == [track.id]
    await withdrawals.withdraw("album", album.id, ["DE"], "a test")
    assert await ids(word, by={"country": "DE"}) == []
    assert await suggested(word, by={"country": "DE"}) == []
    assert await ids(word, by={"country": "SE"}) == [track.id]
    await withdrawals.restore("album", album.id, [], "a test")
    assert await ids(word, by={"country": "DE"}) == [track.id]


async def test_one_who_filters_explicit_content_is_neither_shown_nor_suggested_any() -> None:
    word = a_word()
    track, _, _ = await published(word, explicit=True)
    careful = {"user": await an_account(explicit_filter=True)}
    assert await ids(word, by=careful) == []
    assert await suggested(word, by=careful) == []
    assert await ids(word, by={"user": await an_account()}) == [track.id]


# --- what goes with the results -------------------------------------------------------------


async def test_explanations_are_for_operators() -> None:
    word = a_word()
    await published(word)
    async with person() as client:
        for path in ("/v1/search", "/v1/search/suggest"):
            refused = await client.get(path, params={"q": word, "type": "track", "explain": "1"})
            assert refused.status_code == 403
            assert "segue-operator" in refused.json()["error"]["message"]
    async with person(**APP, scope="segue-operator") as client:
        asked = {"q": word, "type": "track", "explain": "1"}
        (item,) = (await client.get("/v1/search", params=asked)).json()["tracks"]["items"]
        assert item["explanation"]["match"] == "name"
        assert 0 < item["explanation"]["score"] <= 1
        assert set(item["explanation"]["parts"]) > {"popularity", "freshness"}
        found = (await client.get("/v1/search/suggest", params=asked)).json()
        assert found["suggestions"][0]["explanation"]["match"] == "name"


async def test_facets_count_what_was_found() -> None:
    word = a_word()
    await published(f"{word} one")
    await published(f"{word} two")
    assert "facets" not in await ask(word)
    facets = (await ask(word, "track,album", facets="1"))["facets"]
    assert facets["types"]["track"] == 2
    assert facets["decades"] == {"1960s": 2}


async def test_what_was_meant_is_said_where_nothing_is_spelt_so() -> None:
    async with person() as client:
        asked = {"q": "quizzaciosly", "type": "track"}
        # Within the page: tekore fails at whatever stands beside the pages.
        body = (await client.get("/v1/search", params=asked)).json()
        assert list(body) == ["tracks"]
        assert body["tracks"]["suggested_query"] == "quizzaciously"
        body = (await client.get("/v1/search/suggest", params=asked)).json()
        assert body["suggested_query"] == "quizzaciously"
    assert "suggested_query" not in (await ask("quizzaciously"))["tracks"]


async def test_pages_of_one_view_fit_together_whatever_happens_in_between() -> None:
    word, user = a_word(), await an_account()
    made = [await published(f"{word} {n}", popularity=n) for n in range(6)]
    first = (await ask(word, by={"user": user}, limit=2, explain="0", facets="1"))["tracks"]
    assert "view=" in first["next"]
    assert "facets=1" in first["next"]
    await social.follow(user, "artist", [made[0][2].id])
    await published(f"{word} late", popularity=99)
    seen = [one["id"] for one in first["items"]]
    page, following = first, first["next"]
    async with person(user=user) as client:
        while following:
            page = (await client.get(following)).json()["tracks"]
            seen += [one["id"] for one in page["items"]]
            following = page["next"]
        assert (await client.get(page["previous"])).json()["tracks"]["next"] == page["href"]
    assert seen == [track.id for track, _, _ in reversed(made)]


async def test_artists_whom_somebody_follows_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(affinity, "PATIENCE_S", 10.0)  # however busy this machine is
    word, user = a_word(), await an_account()
    known, liked = await published(word, popularity=30), await published(word, popularity=25)
    assert await ids(word) == [known[0].id, liked[0].id]
    await social.follow(user, "artist", [liked[2].id])
    assert await ids(word, by={"user": user}) == [liked[0].id, known[0].id]


async def test_what_people_were_shown_is_told_and_what_apps_were_shown_is_not(
    pubsub: str,
) -> None:
    word, user = a_word(), await an_account()
    track, _, _ = await published(word)
    with heard(pubsub, SEARCH_EVENTS) as hear:
        await ask(word, "track,album", by=APP)
        await ask(f"{word} ", "track,album", by={"user": user})
        told = {one["type"]: one for one in hear(2)}
    assert set(told) == {"track", "album"}
    assert {one["user_id"] for one in told.values()} == {user}
    assert json.loads(told["track"]["shown"]) == [f"track:{track.id}"]
    assert told["album"]["market"] == "DE"


async def test_a_suggestion_is_made_of_what_search_knows_alone() -> None:
    word = a_word()
    nowhere = [
        SearchDocument(type="album", id=random_id(), name=f"{word} II", artists=("Ann", "Bob")),
        SearchDocument(type="episode", id=random_id(), name=f"{word} III"),
    ]
    await service.index_many(nowhere)
    async with person() as client:
        answer = await client.get("/v1/search/suggest", params={"q": word[:5]})
        assert answer.headers["cache-control"] == "private, max-age=15"
        assert "accept-language" in answer.headers["vary"]
    (found,) = answer.json()["suggestions"]
    assert (found["name"], found["detail"]) == (f"{word} II", "Ann, Bob")
    assert found["uri"] == f"spotify:album:{nowhere[0].id}"
    assert await suggested(word, types="episode") == [nowhere[1].id]
    assert await suggested(word, type="album,episode", limit="1") == [nowhere[0].id]


# --- what is refused ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "parameters", "message"),
    [
        ("", {"type": "track"}, "q: "),
        ("", {"q": " \t", "type": "track"}, "q: "),
        ("", {"q": "a" * 251, "type": "track"}, "q: "),
        ("", {"q": "é" * 10_000, "type": "track"}, "q: "),
        ("", {"q": "a"}, "Missing parameter type"),
        ("", {"q": "a", "type": "track,song"}, "Bad search type field song"),
        ("", {"q": "a", "type": "track", "limit": "51"}, "limit: "),
        ("", {"q": "a", "type": "track", "offset": "1001"}, "offset: "),
        ("", {"q": "a", "type": "track", "market": "ZZ"}, "market: Invalid market code"),
        ("", {"q": "a", "type": "track", "view": "a b"}, "view: "),
        ("", {"q": "a", "type": "track", "facets": "maybe"}, "facets: "),
        ("/suggest", {}, "q: "),
        ("/suggest", {"q": "a", "limit": "21"}, "limit: "),
        ("/suggest", {"q": "a", "type": "audiobook"}, "Bad search type field audiobook"),
    ],
)
async def test_a_bad_request_is_told_what_is_wrong(
    path: str, parameters: dict[str, str], message: str
) -> None:
    async with person() as client:
        answer = await client.get(f"/v1/search{path}", params=parameters)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith(message)


async def test_a_view_of_no_version_is_answered_from_what_there_is() -> None:
    word = a_word()
    track, _, _ = await published(word)
    for view in ("nothing", "20200101T000000Z-00000000~1.7", "~~~", ".", "9" * 99):
        assert await ids(word, view=view) == [track.id], view


@hypothesis_settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(q=st.text(max_size=260), kind=st.sampled_from([EVERY_TYPE, "track", "playlist"]))
@example(q="\0", kind="track")
@example(q="\u202eabc \u200f\u2067", kind="track")
@example(q='"((artist:" NOT NOT OR', kind="track")
@example(q="🎵" * 250, kind="track")
@example(q="year:0-99999 tag:new isrc: upc:\0", kind=EVERY_TYPE)
async def test_no_query_is_too_strange(q: str, kind: str) -> None:
    async with person() as client:
        for path in ("/v1/search", "/v1/search/suggest"):
            answer = await client.get(path, params={"q": q, "type": kind})
            assert answer.status_code in (200, 400), (q, answer.text)
