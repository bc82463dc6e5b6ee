"""What a listener does changes what is recommended to them, while they go on."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from shared.platform.ids import random_id
from tests.sample import World
from tests.whole_cloud import eventually


@pytest.fixture(scope="module")
def listener(world: World) -> httpx.Client:
    """Somebody of whom not much is known yet; there is a bundle to recommend from."""
    world.prepare("recommend")
    return world.free


def radio(api: httpx.Client, world: World) -> list[str]:
    seed = f"spotify:track:{world.values['track']}"
    answer = api.get("/v1/me/radio", params={"seed": seed, "limit": 50}).raise_for_status()
    return [one["id"] for one in answer.json()["items"]]


def report(api: httpx.Client, track_id: str, *kinds: str) -> None:
    session = random_id()
    events: list[dict[str, Any]] = [
        {
            "event_id": random_id(),
            "type": kind,
            "track_id": track_id,
            "session_id": session,
            "position_ms": 5_000 * place,
            "ts": time.time_ns() // 1_000_000 + place,
        }
        for place, kind in enumerate(kinds)
    ]
    api.post("/v1/events", json={"events": events}).raise_for_status()


def test_a_skip_changes_the_next_track_of_the_radio(world: World, listener: httpx.Client) -> None:
    before = radio(listener, world)
    report(listener, before[0], "play_started", "skipped")
    eventually(lambda: before[0] not in (after := radio(listener, world)) and after != before[1:])


def test_what_is_hidden_is_recommended_no_more(world: World, listener: httpx.Client) -> None:
    hidden = radio(listener, world)[1]
    said = {"uri": f"spotify:track:{hidden}", "kind": "hide"}
    listener.post("/v1/me/feedback", json=said).raise_for_status()
    eventually(lambda: hidden not in radio(listener, world))
    listener.post("/v1/me/feedback", json={**said, "kind": "unhide"}).raise_for_status()
    eventually(lambda: hidden in radio(listener, world))


def test_a_play_is_on_home_at_once(world: World, listener: httpx.Client) -> None:
    played = world.values["track2"]
    report(listener, played, "play_started", "completed")

    def shown() -> bool:
        home = listener.get("/v1/me/home").raise_for_status().json()
        shelves = {one["id"]: one["items"] for one in home["shelves"]}
        own = shelves.get("recently-played", [])
        return bool(own) and own[0]["id"] == played and own[0]["reason"] is None

    eventually(shown)
