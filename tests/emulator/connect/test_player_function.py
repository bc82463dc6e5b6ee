"""`functions/player` over HTTP, against Firestore."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from shared import topology
from shared.platform import clients
from shared.platform.ids import random_id
from tests import contract
from tests.emulator.connect.conftest import TRACK_MS, Person, headers, signed_in

COMMANDS: list[tuple[str, str, dict[str, Any]]] = [
    ("PUT", "", {"json": {"device_ids": ["speaker"]}}),
    ("PUT", "/play", {}),
    ("POST", "/play", {}),
    ("PUT", "/pause", {}),
    ("POST", "/next", {}),
    ("POST", "/previous", {}),
    ("PUT", "/seek", {"params": {"position_ms": 1}}),
    ("PUT", "/repeat", {"params": {"state": "track"}}),
    ("PUT", "/shuffle", {"params": {"state": "true"}}),
    ("PUT", "/volume", {"params": {"volume_percent": 10}}),
    ("POST", "/queue", {"params": {"uri": f"spotify:track:{'a' * 22}"}}),
]
READS = ["", "/currently-playing", "/devices", "/queue"]


async def test_nobody_plays_at_first(person: Person) -> None:
    assert await person.now() is None
    answer = await person.client.get("/v1/me/player/currently-playing")
    assert (answer.status_code, answer.content) == (204, b"")
    assert await person.do("GET", "/devices", 200) == {"devices": []}
    assert await person.do("GET", "/queue", 200) == {"currently_playing": None, "queue": []}


async def test_a_device_is_listed_as_it_says(listener: Person) -> None:
    (device,) = (await listener.do("GET", "/devices", 200))["devices"]
    assert device == {
        "id": "speaker",
        "is_active": False,
        "is_private_session": False,
        "is_restricted": False,
        "name": "Kitchen",
        "type": "Speaker",
        "volume_percent": 40,
        "supports_volume": True,
    }
    await listener.do("DELETE", "/devices/speaker")
    await listener.do("DELETE", "/devices/speaker")
    assert await listener.do("GET", "/devices", 200) == {"devices": []}


async def test_an_album_plays_from_where_it_is_asked_to(listener: Person, album: list[str]) -> None:
    body = {"context_uri": album[0], "offset": {"position": 2}, "position_ms": 30_000}
    await listener.do("PUT", "/play", params={"device_id": "speaker"}, json=body)
    playing = await listener.now()
    assert playing["item"]["uri"] == album[3]
    assert playing["item"]["album"]["uri"] == album[0]
    assert 30_000 <= playing["progress_ms"] < 60_000
    assert playing["is_playing"] is True
    assert playing["context"]["uri"] == album[0]
    assert playing["context"]["type"] == "album"
    assert playing["device"]["id"] == "speaker"
    assert playing["device"]["is_active"] is True
    assert playing["currently_playing_type"] == "track"
    assert playing["actions"] == {"disallows": {"resuming": True}}
    assert (playing["repeat_state"], playing["shuffle_state"]) == ("off", False)
    assert playing["smart_shuffle"] is False
    current = await listener.do("GET", "/currently-playing", 200)
    assert current["item"]["uri"] == album[3]
    assert "device" not in current


async def test_answers_are_of_the_published_shapes(listener: Person, album: list[str]) -> None:
    body = {"context_uri": album[0]}
    await listener.do("PUT", "/play", params={"device_id": "speaker"}, json=body)
    for path in READS:
        answer = await listener.client.get(f"/v1/me/player{path}")
        assert answer.status_code == 200
        contract.published().check("GET", f"/v1/me/player{path}", answer)
    for method, path, request in COMMANDS[3:10]:
        answer = await listener.client.request(method, f"/v1/me/player{path}", **request)
        contract.published().check(method, f"/v1/me/player{path}", answer)
    free = headers(listener.id, tier="free")
    for method, path, request in COMMANDS:
        if (method, path) != ("POST", "/play"):  # ours beside theirs
            answer = await listener.client.request(
                method, f"/v1/me/player{path}", **request, headers=free
            )
            contract.published().check(method, f"/v1/me/player{path}", answer)


async def test_a_session_of_commands(listener: Person, album: list[str]) -> None:
    await listener.do("POST", "/play", params={"device_id": "speaker"}, json={"uris": album[1:4]})
    await listener.do("POST", "/next")
    assert (await listener.now())["item"]["uri"] == album[2]
    assert (await listener.now())["context"]["type"] == "album"  # the track's own
    await listener.do("POST", "/queue", params={"uri": album[5]})
    queue = await listener.do("GET", "/queue", 200)
    assert queue["currently_playing"]["uri"] == album[2]
    assert [item["uri"] for item in queue["queue"]] == [album[5], album[3]]
    await listener.do("POST", "/next")
    assert (await listener.now())["item"]["uri"] == album[5]
    await listener.do("POST", "/previous")
    assert (await listener.now())["item"]["uri"] == album[2]
    await listener.do("PUT", "/pause")
    await listener.do("PUT", "/pause")  # again is as good
    await listener.do("PUT", "/seek", params={"position_ms": 70_000})
    paused = await listener.now()
    assert (paused["is_playing"], paused["progress_ms"]) == (False, 70_000)
    await listener.do("PUT", "/repeat", params={"state": "context"})
    await listener.do("PUT", "/shuffle", params={"state": "true"})
    await listener.do("PUT", "/volume", params={"volume_percent": 77})
    set_ = await listener.now()
    assert (set_["repeat_state"], set_["shuffle_state"]) == ("context", True)
    assert set_["device"]["volume_percent"] == 77
    # as clients send it: a JSON content type and nothing in it
    await listener.do("PUT", "/play", headers={"content-type": "application/json"})
    assert (await listener.now())["is_playing"] is True


async def test_playback_moves_to_another_device(listener: Person, album: list[str]) -> None:
    await listener.join("phone", name="Phone", type="smartphone", supports_volume=False)
    await listener.do("PUT", "", json={"device_ids": ["phone"]})
    assert await listener.now() is None  # a device, and nothing loaded
    await listener.play(context_uri=album[0])
    await listener.do("PUT", "", json={"device_ids": ["speaker"], "play": True})
    playing = await listener.now()
    assert (playing["device"]["id"], playing["is_playing"]) == ("speaker", True)
    phone, speaker = sorted(
        (await listener.do("GET", "/devices", 200))["devices"], key=lambda one: one["id"]
    )
    assert (phone["type"], phone["volume_percent"]) == ("Smartphone", None)
    assert (speaker["is_active"], phone["is_active"]) == (True, False)
    volume = {"volume_percent": 5, "device_id": "phone"}
    assert await listener.refused("PUT", "/volume", params=volume) == (
        403,
        "VOLUME_CONTROL_DISALLOW",
    )
    # a command for a device that does not play
    pause = {"device_id": "phone"}
    assert await listener.refused("PUT", "/pause", params=pause) == (403, "UNKNOWN")
    await listener.do("DELETE", "/devices/speaker")
    assert await listener.now() is None
    assert await listener.refused("PUT", "/pause") == (404, "NO_ACTIVE_DEVICE")


async def test_a_heartbeat_undoes_no_command(listener: Person, album: list[str]) -> None:
    await listener.do("PUT", "/play", params={"device_id": "speaker"}, json={"uris": album[1:]})
    await listener.do("PUT", "/volume", params={"volume_percent": 9})
    said = {"name": "Kitchen", "type": "Speaker"}
    device = await listener.do("PUT", "/devices/speaker", 200, json=said)
    assert (device["volume_percent"], device["is_active"]) == (9, True)


@pytest.mark.parametrize(("method", "path", "request_"), COMMANDS)
async def test_without_a_device_there_is_nothing_to_command(
    person: Person, album: list[str], method: str, path: str, request_: dict[str, Any]
) -> None:
    named = path == ""  # a transfer names its device
    if path == "/queue":
        request_ = {"params": {"uri": album[1]}}
    reason = None if named else "NO_ACTIVE_DEVICE"
    assert await person.refused(method, path, **request_) == (404, reason)
    if not named:
        params = {**request_.get("params", {}), "device_id": "nobody"}
        answer = await person.client.request(method, f"/v1/me/player{path}", params=params)
        assert (answer.status_code, answer.json()["error"]["message"]) == (404, "Device not found")


@pytest.mark.parametrize(("method", "path", "request_"), COMMANDS)
async def test_commands_take_premium_and_their_scope(
    person: Person, method: str, path: str, request_: dict[str, Any]
) -> None:
    free = {**request_, "headers": headers(person.id, tier="free")}
    assert await person.refused(method, path, **free) == (403, "PREMIUM_REQUIRED")
    read_only = {**request_, "headers": headers(person.id, scope="user-read-playback-state")}
    status, reason = await person.refused(method, path, **read_only)
    assert (status, reason) == (403, None)
    assert (await person.refused(method, path, **request_ | {"headers": {"authorization": ""}}))[
        0
    ] == 401
    app = {**request_, "headers": headers("app")}
    assert (await person.refused(method, path, **app))[0] == 401


@pytest.mark.parametrize("path", READS)
async def test_reading_is_free_and_takes_its_scope(person: Person, path: str) -> None:
    free = headers(person.id, tier="free")
    answer = await person.client.get(f"/v1/me/player{path}", headers=free)
    assert answer.status_code in (200, 204)
    assert answer.headers.get("cache-control", "no-store") == "no-store"
    other = headers(person.id, scope="streaming user-modify-playback-state")
    assert (await person.refused("GET", path, headers=other))[0] == 403


@pytest.mark.parametrize(
    ("method", "path", "request_", "says"),
    [
        ("PUT", "/seek", {}, "position_ms"),
        ("PUT", "/seek", {"params": {"position_ms": -1}}, "position_ms"),
        ("PUT", "/volume", {"params": {"volume_percent": 101}}, "volume_percent"),
        ("PUT", "/repeat", {"params": {"state": "always"}}, "state"),
        ("PUT", "/shuffle", {"params": {"state": "maybe"}}, "state"),
        ("POST", "/queue", {"params": {"uri": "spotify:album:x"}}, "uri"),
        ("PUT", "/play", {"json": {"context_uri": "spotify:track:x"}}, "context_uri"),
        ("PUT", "/play", {"json": {"uris": []}}, "uris"),
        ("PUT", "/play", {"json": {"uris": ["x"]}}, "uris"),
        ("PUT", "/play", {"json": {"offset": {"position": -1}}}, "position"),
        ("PUT", "/play", {"json": {"position_ms": "5"}}, "position_ms"),
        ("PUT", "", {"json": {"device_ids": ["a", "b"]}}, "device_ids"),
        ("PUT", "", {"json": {}}, "device_ids"),
        ("PUT", "/devices/a%20b", {"json": {"name": "x"}}, "device_id"),
        ("PUT", "/devices/ok", {"json": {"name": "x", "type": "Toaster"}}, "type"),
        ("PUT", "/state", {"params": {"device_id": "ok"}, "json": {"version": 0}}, "position_ms"),
        ("GET", "/events", {"params": {"device_id": "ok", "type": "Toaster"}}, "type"),
        ("PUT", "/play", {"json": {"uris": None, "context_uri": None}}, "together"),
        ("PUT", "/play", {"json": {"offset": {"position": 1, "uri": None}}}, "together"),
    ],
)
async def test_what_is_wrong_is_named(
    person: Person, method: str, path: str, request_: dict[str, Any], says: str
) -> None:
    answer = await person.client.request(method, f"/v1/me/player{path}", **request_)
    assert answer.status_code == 400, answer.text
    assert says in answer.json()["error"]["message"]


async def test_what_is_not_there_cannot_be_played(listener: Person, album: list[str]) -> None:
    nowhere = random_id()
    for body in (
        {"context_uri": f"spotify:album:{nowhere}"},
        {"uris": [f"spotify:track:{nowhere}"]},
        {"context_uri": album[0], "offset": {"position": 5}},
        {"context_uri": album[0], "offset": {"uri": f"spotify:track:{nowhere}"}},
    ):
        params = {"device_id": "speaker"}
        status, _ = await listener.refused("PUT", "/play", params=params, json=body)
        assert status == 404, body
    collection = {"context_uri": "spotify:user:somebody-else:collection"}
    assert await listener.refused(
        "PUT", "/play", params={"device_id": "speaker"}, json=collection
    ) == (403, "CONTEXT_DISALLOW")


async def test_an_artist_is_played_by_popularity_and_gaps_are_passed_over(
    listener: Person, album: list[str]
) -> None:
    uris = [f"spotify:track:{random_id()}", album[2], album[3]]
    await listener.do("PUT", "/play", params={"device_id": "speaker"}, json={"uris": uris})
    assert (await listener.now())["item"]["uri"] == album[2]
    artist = (await listener.now())["item"]["artists"][0]["uri"]
    await listener.play(context_uri=artist)
    playing = await listener.now()
    assert playing["context"]["type"] == "artist"
    assert playing["item"]["uri"] in album


async def test_commands_at_once_are_all_applied(listener: Person, album: list[str]) -> None:
    await listener.do("PUT", "/play", params={"device_id": "speaker"}, json={"uris": album[1:]})
    uris = [album[1 + n % 5] for n in range(10)]
    calls = [listener.do("POST", "/queue", params={"uri": uri}) for uri in uris]
    await asyncio.gather(*calls, listener.do("PUT", "/repeat", params={"state": "context"}))
    # One version for each change: had one been lost, a report about the twelfth were refused.
    state = await listener.do(
        "PUT",
        "/state",
        200,
        params={"device_id": "speaker"},
        json={"version": 12, "position_ms": 0, "is_playing": True},
    )
    assert sorted(state["queue"][:10]) == sorted(uris)
    assert state["playback"]["repeat_state"] == "context"


async def test_a_queue_request_that_is_repeated_queues_once(
    listener: Person, album: list[str]
) -> None:
    await listener.do("PUT", "/play", params={"device_id": "speaker"}, json={"uris": album[1:2]})
    key = {"idempotency-key": random_id()}
    for _ in range(3):
        await listener.do("POST", "/queue", params={"uri": album[2]}, headers=key)
    queue = await listener.do("GET", "/queue", 200)
    assert [item["uri"] for item in queue["queue"]] == [album[2]]


async def test_a_stale_report_is_refused_with_the_present_state(
    listener: Person, album: list[str]
) -> None:
    await listener.do("PUT", "/play", params={"device_id": "speaker"}, json={"uris": album[1:]})
    told = {"version": 1, "position_ms": 90_000, "is_playing": True, "item_uri": album[2]}
    place = {"device_id": "speaker"}
    state = await listener.do("PUT", "/state", 200, params=place, json=told)
    assert (state["version"], state["playback"]["item"]["uri"]) == (2, album[2])
    stale = await listener.client.put("/v1/me/player/state", params=place, json=told)
    assert stale.status_code == 409
    assert stale.json()["error"]["status"] == 409
    present = stale.json()["state"]
    assert (present["version"], present["playback"]["item"]["uri"]) == (2, album[2])
    assert present["playback"]["progress_ms"] >= 90_000
    assert present["queue"] == album[3:]
    again = await listener.do("PUT", "/state", 200, params=place, json={**told, "version": 2})
    assert again["version"] == 2  # nothing new in it
    other = {"device_id": "other"}
    assert (await listener.refused("PUT", "/state", params=other, json=told))[0] == 404
    await listener.join("other")
    current = {**told, "version": 2}
    assert (await listener.refused("PUT", "/state", params=other, json=current))[0] == 409


async def test_a_free_listeners_device_tells_what_it_plays(album: list[str]) -> None:
    async with signed_in("free") as free:
        await free.join()
        told = {"version": 0, "position_ms": 10, "is_playing": True, "item_uri": album[1]}
        await free.do("PUT", "/state", 200, params={"device_id": "speaker"}, json=told)
        playing = await free.now()
        assert (playing["item"]["uri"], playing["is_playing"]) == (album[1], True)


async def test_a_device_that_went_silent_has_stopped(listener: Person, album: list[str]) -> None:
    await listener.do("PUT", "/play", params={"device_id": "speaker"}, json={"uris": album[1:]})
    document = clients.collection(topology.DEVICES).document(listener.id)
    held = (await document.get()).to_dict()
    assert held is not None
    await document.update({"devices": [{**held["devices"][0], "expires_at_ms": 1}]})
    assert await listener.now() is None
    await listener.join()  # it comes back, and does not play
    back = await listener.now()
    assert (back["is_playing"], back["item"]["uri"]) == (False, album[1])
    assert back["progress_ms"] < TRACK_MS


async def test_another_instance_sees_a_command_at_once(listener: Person, album: list[str]) -> None:
    await listener.do("PUT", "/play", params={"device_id": "speaker"}, json={"uris": album[1:]})
    states = clients.collection(topology.PLAYER_STATES).document(listener.id)
    held = (await states.get()).to_dict()
    assert held is not None
    # what another instance would commit
    await states.update({"version": held["version"] + 1, "is_playing": False})
    assert (await listener.now())["is_playing"] is False
