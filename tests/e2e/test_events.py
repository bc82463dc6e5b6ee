"""A play becomes a line of history and a row of the warehouse, once."""

from __future__ import annotations

import random
import time
import uuid
from datetime import datetime
from typing import Any

import httpx

from emulators import demo, seed
from emulators.cloud import PROJECT
from tests.whole_cloud import WholeCloud, eventually


def _event(track_id: str, kind: str, ts_ms: int, session: str, position: int = 0) -> dict[str, Any]:
    return {
        "event_id": str(uuid.uuid4()),
        "type": kind,
        "track_id": track_id,
        "session_id": session,
        "position_ms": position,
        "ts": ts_ms,
    }


def _history(cloud: WholeCloud, user: str) -> list[dict[str, Any]]:
    with cloud.client(user) as api:
        answer = api.get("/v1/me/player/recently-played", params={"limit": 50})
        items: list[dict[str, Any]] = answer.raise_for_status().json()["items"]
    return items


def _plays(cloud: WholeCloud, *moments_ms: int) -> list[dict[str, Any]]:
    """The plays of the free user at just these moments; others lie around them."""

    def played_ms(item: dict[str, Any]) -> float:
        return datetime.fromisoformat(item["played_at"]).timestamp() * 1000

    history = _history(cloud, seed.FREE_USER)
    return [item for item in history if round(played_ms(item)) in moments_ms]


def _warehouse(cloud: WholeCloud, session: str) -> tuple[int, int]:
    """Rows delivered, and distinct events, of one playback session."""
    url = f"http://{cloud.emulator('bigquery')}/bigquery/v2/projects/{PROJECT}/queries"
    counts = []
    for table in ("playback_events", "playback_events_unique"):
        query = f"SELECT COUNT(*) FROM `{PROJECT}.segue.{table}` WHERE session_id = '{session}'"
        body = {"query": query, "useLegacySql": False}
        rows = httpx.post(url, json=body, timeout=60).raise_for_status().json()["rows"]
        counts.append(int(rows[0]["f"][0]["v"]))
    return counts[0], counts[1]


def test_events_delivered_three_times_and_out_of_order_count_once(
    whole_cloud: WholeCloud,
) -> None:
    first = whole_cloud.find_track(demo.BUSIEST_TRACK)["id"]
    second = whole_cloud.find_track(demo.EXPLICIT_TRACK)["id"]
    session, now = str(uuid.uuid4()), int(time.time() * 1000) - 120_000
    events = [
        _event(first, "play_started", now, session),
        _event(first, "progress", now + 10_000, session, 10_000),
        _event(first, "completed", now + 60_000, session, 60_000),
        # two plays in the same millisecond, as two devices can start them
        _event(second, "play_started", now + 61_000, session),
        _event(first, "play_started", now + 61_000, session),
    ]
    with whole_cloud.client(seed.FREE_USER) as api:
        for attempt in range(3):
            shuffled = random.Random(attempt).sample(events, len(events))
            answer = api.post("/v1/events", json={"events": shuffled})
            assert (answer.status_code, answer.json()) == (202, {"accepted": len(events)})

    eventually(lambda: _warehouse(whole_cloud, session)[0] == 3 * len(events))
    assert _warehouse(whole_cloud, session)[1] == len(events)
    eventually(lambda: len(_plays(whole_cloud, now, now + 61_000)) == 3)
    time.sleep(1)  # late deliveries would still add to it
    newest = _plays(whole_cloud, now, now + 61_000)
    assert len(newest) == 3
    assert {item["track"]["id"] for item in newest[:2]} == {first, second}
    assert newest[2]["track"]["id"] == first
    assert newest[0]["played_at"] == newest[1]["played_at"] > newest[2]["played_at"]


def test_a_batch_with_one_bad_event_is_refused_whole_and_names_it(whole_cloud: WholeCloud) -> None:
    track = whole_cloud.find_track(demo.BUSIEST_TRACK)["id"]
    now = int(time.time() * 1000)
    good, bad = (_event(track, kind, now, "s") for kind in ("play_started", "danced"))
    with whole_cloud.client() as api:
        answer = api.post("/v1/events", json={"events": [good, bad]})
    assert answer.status_code == 400
    assert "events.1" in answer.json()["error"]["message"]
