"""Connect through the gateway, whose workers share nothing, and what plays come to."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx

from emulators import demo, seed
from tests.whole_cloud import WholeCloud, eventually

PLAYER = "/v1/me/player"
WITHIN_S = 1.0
STREAMS = 4  # over two workers
LISTENER = "mira"  # Premium; other tests leave something in the demo user's queue


class Follower:
    """A device that keeps an event stream open, and when each version reached it."""

    def __init__(self, response: httpx.Response) -> None:
        self.state: dict[str, Any] = {}
        self.devices: list[dict[str, Any]] = []
        self._thread = threading.Thread(target=self._follow, args=(response,), daemon=True)
        self._thread.start()

    def _follow(self, response: httpx.Response) -> None:
        event = ""
        try:
            for line in response.iter_lines():
                name, _, value = line.partition(": ")
                if name == "event":
                    event = value
                elif name == "data" and event == "state":
                    self.state = json.loads(value)
                elif name == "data":
                    self.devices = json.loads(value)["devices"]
        except (httpx.HTTPError, httpx.StreamError):
            return  # the test has closed it


@contextmanager
def following(cloud: WholeCloud, **parameters: str) -> Iterator[Follower]:
    with (
        cloud.client(LISTENER) as api,
        api.stream("GET", f"{PLAYER}/events", params=parameters) as response,
    ):
        assert response.status_code == 200
        yield Follower(response)


def _done(answer: httpx.Response) -> None:
    assert answer.status_code == 204, answer.text


def test_a_command_reaches_every_device_of_every_worker_within_a_second(
    whole_cloud: WholeCloud,
) -> None:
    names = (demo.BUSIEST_TRACK, demo.EXPLICIT_TRACK)
    tracks = [whole_cloud.find_track(name)["uri"] for name in names]
    device = f"e2e-{uuid.uuid4()}"
    with ExitStack() as stack:
        there = {"device_id": device, "name": "E2E", "type": "Computer"}
        followers = [stack.enter_context(following(whole_cloud, **there))]
        followers += [stack.enter_context(following(whole_cloud)) for _ in range(STREAMS - 1)]
        eventually(lambda: all(one.state and one.devices for one in followers), 10)

        def heard(check: Any) -> None:
            started = time.monotonic()
            eventually(lambda: all(check(one) for one in followers), WITHIN_S + 1, 0.01)
            assert time.monotonic() - started < WITHIN_S

        def command(method: str, path: str, **request: Any) -> None:
            with whole_cloud.client(LISTENER) as api:  # a connection of its own: any worker
                _done(api.request(method, f"{PLAYER}{path}", **request))

        command("PUT", "/play", params={"device_id": device}, json={"uris": tracks})
        heard(lambda one: _plays(one.state, tracks[0]))
        command("POST", "/next")
        heard(lambda one: _plays(one.state, tracks[1]))
        command("PUT", "/pause")
        heard(lambda one: not one.state["playback"]["is_playing"])
        command("PUT", "/volume", params={"volume_percent": 13})
        heard(lambda one: any(d["volume_percent"] == 13 for d in one.devices))
        versions = {one.state["version"] for one in followers}
        assert len(versions) == 1
    with whole_cloud.client(LISTENER) as api:
        _done(api.delete(f"{PLAYER}/devices/{device}"))
        devices = api.get(f"{PLAYER}/devices").raise_for_status().json()["devices"]
    assert device not in [one["id"] for one in devices]


def _plays(state: dict[str, Any], uri: str) -> bool:
    playback = state["playback"]
    return playback is not None and playback["item"]["uri"] == uri


def test_a_free_listener_sees_the_player_and_commands_none(whole_cloud: WholeCloud) -> None:
    with whole_cloud.client(seed.FREE_USER) as api:
        assert api.get(f"{PLAYER}/devices").status_code == 200
        refused = api.put(f"{PLAYER}/pause")
        assert (refused.status_code, refused.json()["error"]["reason"]) == (403, "PREMIUM_REQUIRED")


def test_one_more_device_than_the_tier_has_is_refused(whole_cloud: WholeCloud) -> None:
    first, second = (f"e2e-{uuid.uuid4()}" for _ in range(2))
    heartbeat = "/v1/playback/heartbeat"
    with whole_cloud.client(seed.FREE_USER) as api:

        def beat(device: str, **more: bool) -> httpx.Response:
            return api.post(heartbeat, json={"device_id": device, **more})

        eventually(lambda: beat(first).status_code == 200)  # another test's may have to lapse
        refused = beat(second)
        assert refused.status_code == 403
        assert refused.json()["error"]["reason"] == "CONCURRENT_STREAMS_LIMIT"
        _done(beat(first, stopped=True))
        assert beat(second).status_code == 200
        _done(beat(second, stopped=True))


def test_plays_are_counted_and_make_the_top_tracks(whole_cloud: WholeCloud) -> None:
    track = whole_cloud.find_track(demo.EXPLICIT_TRACK)["id"]
    now = int(time.time() * 1000)
    events = [
        {
            "event_id": str(uuid.uuid4()),
            "type": "play_started",
            "track_id": track,
            "session_id": "e2e",
            "position_ms": 0,
            "ts": now - 1000 * number,
        }
        for number in range(5)
    ]
    with whole_cloud.client(seed.FREE_USER) as api:

        def plays() -> int:
            answer = api.get(f"/v1/tracks/{track}/plays").raise_for_status()
            counted: int = answer.json()["plays"]
            return counted

        before = plays()
        for _ in range(3):  # delivered again and again
            assert api.post("/v1/events", json={"events": events}).status_code == 202
        eventually(lambda: plays() >= before + 5, 60, 0.5)  # cached for some seconds
        assert plays() == before + 5
        top = api.get("/v1/me/top/tracks", params={"time_range": "short_term"})
        assert track in [item["id"] for item in top.raise_for_status().json()["items"]]
