"""`functions/users` over HTTP."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from shared import topology
from shared.accounts.models import User
from shared.catalog import service as catalog
from shared.catalog.models import Track
from shared.platform import clients
from shared.platform.ids import random_id
from shared.social import activity, service
from tests import contract
from tests.emulator.library.conftest import token
from tests.emulator.social.conftest import SCOPES, a_user
from tests.unit.catalog.samples import a_track, an_album, an_artist

UNKNOWN = "0" * 22


def fault(answer: httpx.Response) -> tuple[int, str]:
    error = answer.json()["error"]
    assert error["status"] == answer.status_code
    return error["status"], error["message"]


async def get(client: httpx.AsyncClient, path: str, template: str = "", **parameters: Any) -> Any:
    answer = await client.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    if contract.key_of("GET", template or path) in contract.published().operations:
        contract.published().check("GET", template or path, answer)
    return answer.json()


async def test_scopes_decide_what_the_own_profile_shows(
    client: httpx.AsyncClient, me: User
) -> None:
    bare = await get(client, "/v1/me")
    assert (bare["id"], bare["display_name"], bare["account_id"]) == (me.id, "Ada", me.account_id)
    assert not {"email", "country", "product", "explicit_content"} & set(bare)
    whole = await client.get("/v1/me", headers=token(me.id, "user-read-private user-read-email"))
    shown = whole.json()
    assert (shown["email"], shown["country"], shown["product"]) == (me.email, "DE", "premium")


async def test_a_profile_counts_its_followers(client: httpx.AsyncClient) -> None:
    star = await a_user("Star")
    path = f"/v1/users/{star.id}"
    assert (await get(client, path, "/v1/users/{id}"))["followers"]["total"] == 0
    named = {"type": "user", "ids": star.id}
    assert (await client.put("/v1/me/following", params=named)).status_code == 204
    shown = await get(client, path, "/v1/users/{id}")
    assert shown["followers"] == {"href": None, "total": 1}
    assert not {"email", "country", "product", "account_id"} & set(shown)
    assert fault(await client.get(f"/v1/users/{UNKNOWN}")) == (404, "User not found")
    assert fault(await client.get("/v1/users/a:b"))[0] == 400


async def test_followed_artists_come_page_by_page(client: httpx.AsyncClient) -> None:
    me = await a_user("Pia")
    client.headers.update(token(me.id, SCOPES))
    artist_ids = []
    for number in range(3):
        artist = an_artist(f"Artist {number}")
        album = an_album(artist)
        await catalog.publish_track(a_track(album), album, [artist])
        answer = await client.put("/v1/me/following", params={"type": "artist", "ids": artist.id})
        assert (answer.status_code, answer.content) == (204, b"")
        artist_ids.append(artist.id)
    first = (await client.get("/v1/me/following", params={"type": "artist", "limit": 2})).json()
    page = first["artists"]
    assert [item["id"] for item in page["items"]] == artist_ids[:0:-1]
    assert (page["total"], page["cursors"]["after"]) == (3, artist_ids[1])
    assert page["items"][0]["followers"]["total"] == 1
    rest = (await client.get(page["next"])).json()["artists"]
    assert [item["id"] for item in rest["items"]] == [artist_ids[0]]
    assert (rest["next"], rest["cursors"]["after"]) == (None, "")


@pytest.mark.parametrize("form", ["query", "object", "array"])
async def test_artists_are_followed_in_every_form(
    client: httpx.AsyncClient, track: Track, form: str
) -> None:
    artist_id = track.artists[0].id
    forms: dict[str, dict[str, Any]] = {
        "query": {"params": {"type": "artist", "ids": artist_id}},
        "object": {"params": {"type": "artist"}, "json": {"ids": [artist_id]}},
        "array": {"params": {"type": "artist"}, "json": [artist_id]},
    }
    sent = forms[form]
    asked = {"type": "artist", "ids": f"{artist_id},{UNKNOWN}"}
    assert (await client.request("PUT", "/v1/me/following", **sent)).status_code == 204
    assert await get(client, "/v1/me/following/contains", **asked) == [True, False]
    assert (await client.request("DELETE", "/v1/me/following", **sent)).status_code == 204
    assert await get(client, "/v1/me/following/contains", **asked) == [False, False]


@pytest.mark.parametrize(
    ("method", "address", "status", "message"),
    [
        ("GET", "/v1/me/following", 400, "type: "),
        ("GET", "/v1/me/following?type=user", 400, "type: "),
        ("GET", "/v1/me/following?type=artist&limit=51", 400, "limit: "),
        ("GET", "/v1/me/following?type=artist&after=x", 400, "after: "),
        ("PUT", "/v1/me/following?type=artist", 400, "ids: "),
        ("PUT", "/v1/me/following?type=show&ids=x", 400, "type: "),
        ("PUT", f"/v1/me/following?type=artist&ids={UNKNOWN}", 404, "Non existing id: 'spotify:ar"),
        (
            "PUT",
            "/v1/me/following?type=artist&ids=abc",
            404,
            "Non existing id: 'spotify:artist:abc",
        ),
        ("PUT", "/v1/me/following?type=user&ids=nobody", 404, "Non existing id: 'spotify:user:no"),
        ("PUT", "/v1/me/following?type=user&ids=a:b", 400, "ids: Invalid user id"),
        ("GET", "/v1/me/following/contains?type=user", 400, "ids: "),
        ("GET", "/v1/me/friends/activity?limit=0", 400, "limit: "),
        ("GET", f"/v1/shares/{UNKNOWN}", 404, "There is no such link."),
        ("GET", "/v1/shares/x", 400, "share_id: "),
    ],
)
async def test_bad_requests_name_the_parameter(
    client: httpx.AsyncClient, method: str, address: str, status: int, message: str
) -> None:
    said = fault(await client.request(method, address))
    assert said[0] == status
    assert said[1].startswith(message)


@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("GET", "/v1/me/following?type=artist"),
        ("PUT", f"/v1/me/following?type=artist&ids={UNKNOWN}"),
        ("DELETE", f"/v1/me/following?type=user&ids={UNKNOWN}"),
        ("GET", f"/v1/me/following/contains?type=user&ids={UNKNOWN}"),
        ("GET", "/v1/me/friends/activity"),
        ("PUT", "/v1/me/friends/activity"),
    ],
)
async def test_each_operation_needs_its_scope(
    client: httpx.AsyncClient, method: str, address: str
) -> None:
    headers = token(random_id(), "user-library-modify user-library-read")
    body = {"enabled": True} if address.endswith("activity") and method == "PUT" else None
    refused = await client.request(method, address, headers=headers, json=body)
    assert fault(refused)[0] == 403


async def test_only_friends_who_opted_in_show_what_they_play(
    client: httpx.AsyncClient, me: User, friend: User, track: Track
) -> None:
    theirs = token(friend.id, SCOPES)
    now = datetime.now(UTC)
    await client.put("/v1/me/following", params={"type": "user", "ids": friend.id})
    await activity.record_activity(friend.id, track.id, now, None)
    assert await get(client, "/v1/me/friends/activity") == {"enabled": False, "items": []}

    opted = await client.put("/v1/me/friends/activity", json={"enabled": True}, headers=theirs)
    assert (opted.status_code, opted.content) == (204, b"")
    assert (await get(client, "/v1/me/friends/activity"))["items"] == []  # played before
    later = datetime.now(UTC)
    context = f"spotify:album:{track.album_id}"
    await activity.record_activity(friend.id, track.id, later, context)
    (item,) = (await get(client, "/v1/me/friends/activity"))["items"]
    assert (item["user"]["id"], item["track"]["id"]) == (friend.id, track.id)
    assert item["context"] == {"type": "album", "uri": context}

    stranger = token(random_id(), SCOPES)
    answer = await client.get("/v1/me/friends/activity", headers=stranger)
    assert answer.json()["items"] == []  # who does not follow sees nothing
    await client.put("/v1/me/friends/activity", json={"enabled": False}, headers=theirs)
    assert (await get(client, "/v1/me/friends/activity"))["items"] == []


async def test_the_last_play_stays_the_last_in_whatever_order_plays_come(friend: User) -> None:
    await activity.set_sharing(friend.id, False)
    start, fan = datetime.now(UTC) - timedelta(hours=1), random_id()
    await activity.set_sharing(friend.id, True, since=start)
    await service.load(fan, "user", [friend.id])
    plays = [(random_id(), start + timedelta(minutes=n)) for n in (3, 0, 4, 1, 2)]
    await asyncio.gather(
        *(activity.record_activity(friend.id, track_id, at) for track_id, at in plays * 2)
    )
    ((_, last),) = await activity.friends_activity(fan, 10)
    assert (last.track_id, last.played_at) == plays[2]


async def test_a_player_whose_clock_is_ahead_does_not_stay_the_last(friend: User) -> None:
    await activity.set_sharing(friend.id, False)
    await activity.set_sharing(friend.id, True)
    fan, first, second = random_id(), random_id(), random_id()
    await service.load(fan, "user", [friend.id])
    await activity.record_activity(friend.id, first, datetime.now(UTC) + timedelta(days=9))
    await activity.record_activity(friend.id, second, datetime.now(UTC))
    ((_, last),) = await activity.friends_activity(fan, 10)
    assert last.track_id == second


async def test_a_link_leads_to_what_was_shared(client: httpx.AsyncClient, track: Track) -> None:
    uri = f"spotify:track:{track.id}"
    made = await client.post("/v1/shares", json={"uri": uri})
    assert made.status_code == 201
    share = made.json()
    assert share["url"].endswith(f"/#/share/{share['id']}")
    assert await get(client, f"/v1/shares/{share['id']}") == share
    assert share["uri"] == uri
    other = await client.post("/v1/shares", json={"uri": uri})
    assert other.json()["id"] != share["id"]


async def test_a_share_is_made_once_for_one_idempotency_key(
    client: httpx.AsyncClient, track: Track
) -> None:
    body, key = {"uri": f"spotify:album:{track.album_id}"}, {"idempotency-key": random_id()}
    made = await asyncio.gather(
        *(client.post("/v1/shares", json=body, headers=key) for _ in range(5))
    )
    assert {answer.status_code for answer in made} == {201}
    assert len({answer.text for answer in made}) == 1


async def test_what_cannot_be_seen_cannot_be_shared(client: httpx.AsyncClient) -> None:
    for kind in ("track", "artist", "playlist", "episode", "user"):
        uri = f"spotify:{kind}:{UNKNOWN}"
        answer = await client.post("/v1/shares", json={"uri": uri})
        assert fault(answer) == (404, f"Non existing id: '{uri}'")
    bodies: list[Any] = [{}, {"uri": "x"}, {"uri": "spotify:track:a"}, [], {"uri": 1}]
    for body in bodies:
        assert fault(await client.post("/v1/shares", json=body))[0] == 400


async def test_a_link_ends(client: httpx.AsyncClient, track: Track) -> None:
    made = await client.post("/v1/shares", json={"uri": f"spotify:track:{track.id}"})
    share_id = made.json()["id"]
    document = clients.collection(topology.SHARES).document(share_id)
    await document.update({"expires_at": datetime.now(UTC)})
    assert fault(await client.get(f"/v1/shares/{share_id}")) == (410, "This link has expired.")
