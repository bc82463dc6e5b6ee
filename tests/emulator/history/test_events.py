from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import httpx
import pytest
from google.pubsub_v1 import SubscriberClient
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from shared import topology
from shared.history.models import PlaybackEvent, from_ms
from shared.platform.ids import random_id
from tests import local_settings
from tests.emulator.history.conftest import NOW_MS

Headers = Callable[..., dict[str, str]]
Pull = Callable[[int], list[PlaybackEvent]]


@pytest.fixture
def pull(pubsub: str) -> Iterator[Pull]:
    """The next so many events that were published since the test began, or a few more."""
    project = f"projects/{local_settings.PROJECT}"
    name = f"{project}/subscriptions/test-{random_id()}"
    with grpc.insecure_channel(pubsub) as channel:
        subscriber = SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
        topic = f"{project}/topics/{topology.PLAYBACK_EVENTS.name}"
        subscriber.create_subscription(name=name, topic=topic)

        def receive(count: int) -> list[PlaybackEvent]:
            received: list[bytes] = []
            while len(received) < count:
                request = {"subscription": name, "max_messages": 200}
                messages = subscriber.pull(request=request, timeout=20).received_messages
                received += [message.message.data for message in messages]
                ack_ids = [message.ack_id for message in messages]
                subscriber.acknowledge(subscription=name, ack_ids=ack_ids)
            return [PlaybackEvent.model_validate_json(data) for data in received]

        yield receive
        subscriber.delete_subscription(subscription=name)


def event(**changes: Any) -> dict[str, Any]:
    return {
        "event_id": random_id(),
        "type": "play_started",
        "track_id": "t" * 22,
        "session_id": "s",
        "position_ms": 0,
        "ts": NOW_MS,
        **changes,
    }


async def test_accepted_events_are_published_as_the_tokens_own(
    events: httpx.AsyncClient, headers: Headers, user_id: str, pull: Pull
) -> None:
    sent = [event(), event(type="qoe", time_to_first_audio_ms=120, cdn="google", user_id="other")]
    response = await events.post("/v1/events", json={"events": sent}, headers=headers())
    assert (response.status_code, response.json()) == (202, {"accepted": 2})
    published = {one.event_id: one for one in pull(2)}
    assert set(published) == {one["event_id"] for one in sent}
    for one in published.values():
        assert (one.user_id, one.country, one.tier) == (user_id, "DE", "premium")
        assert one.ts == from_ms(NOW_MS)
    assert published[sent[1]["event_id"]].time_to_first_audio_ms == 120


async def test_a_hundred_events_are_one_batch(
    events: httpx.AsyncClient, headers: Headers, pull: Pull
) -> None:
    sent = {"events": [event() for _ in range(100)]}
    assert (await events.post("/v1/events", json=sent, headers=headers())).status_code == 202
    assert len(pull(100)) == 100
    sent["events"].append(event())
    response = await events.post("/v1/events", json=sent, headers=headers())
    assert response.status_code == 400
    assert "100" in response.json()["error"]["message"]


async def test_one_bad_event_is_named_and_none_is_published(
    events: httpx.AsyncClient, headers: Headers, pull: Pull
) -> None:
    sent = {"events": [event(), event(), event(ts=1), event(position_ms=-5)]}
    response = await events.post("/v1/events", json=sent, headers=headers())
    message = response.json()["error"]["message"]
    assert response.status_code == 400
    assert "events.2.ts" in message
    assert "90 days" in message
    assert "events.3.position_ms" in message
    marker = event()
    await events.post("/v1/events", json={"events": [marker]}, headers=headers())
    assert [one.event_id for one in pull(1)] == [marker["event_id"]]


@pytest.mark.parametrize("body", ["{", "", "[]", '"x"', json.dumps({"events": "x"}), "\x00"])
async def test_what_is_no_batch_is_a_clear_error(
    events: httpx.AsyncClient, headers: Headers, body: str
) -> None:
    kind = {"content-type": "application/json"}
    response = await events.post("/v1/events", content=body, headers=headers() | kind)
    assert response.status_code == 400
    assert response.json()["error"]["status"] == 400


async def test_it_takes_a_listeners_token(events: httpx.AsyncClient, headers: Headers) -> None:
    sent = {"events": [event()]}
    assert (await events.post("/v1/events", json=sent)).status_code == 401
    no_scope = headers(scope="user-read-email")
    assert (await events.post("/v1/events", json=sent, headers=no_scope)).status_code == 403
    an_app = headers(sub="an-app")
    assert (await events.post("/v1/events", json=sent, headers=an_app)).status_code == 401
