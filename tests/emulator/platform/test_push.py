from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, ClassVar

import grpc
import httpx
import pytest
from google.pubsub_v1 import SubscriberClient
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from shared import topology
from shared.platform import service_auth
from shared.platform.errors import InvalidInput, PermanentFailure
from shared.platform.events import Event, StoredObject, on_event, on_object, publish
from shared.platform.ids import random_id
from shared.topology import Topic
from tests import local_settings
from tests.emulator.platform.conftest import Google

TOPIC = topology.TRACK_PUBLISHED


class Note(Event):
    TOPIC: ClassVar[Topic] = TOPIC

    text: str
    number: int | None = None


Endpoint = Callable[[Request], Awaitable[Response]]
Buried = Callable[[int], list[tuple[bytes, str]]]


def envelope(data: bytes) -> bytes:
    message = {"data": base64.b64encode(data).decode(), "messageId": "1", "attributes": {}}
    return json.dumps({"message": message, "subscription": "s"}).encode()


async def push(
    endpoint: Endpoint, body: bytes, authorization: str | None, **headers: str
) -> httpx.Response:
    app = Starlette(routes=[Route("/", endpoint, methods=["POST"])])
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    given = {"authorization": authorization, **headers} if authorization else headers
    async with httpx.AsyncClient(transport=transport, base_url="http://segue.test") as client:
        return await client.post("/", content=body, headers=given)


def subscription(address: str, topic: str) -> Iterator[Buried]:
    project = f"projects/{local_settings.PROJECT}"
    name = f"{project}/subscriptions/test-{random_id()}"
    with grpc.insecure_channel(address) as channel:
        subscriber = SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
        subscriber.create_subscription(name=name, topic=f"{project}/topics/{topic}")

        def receive(count: int) -> list[tuple[bytes, str]]:
            received: list[tuple[bytes, str]] = []
            while len(received) < count:
                request = {"subscription": name, "max_messages": 10}
                messages = subscriber.pull(request=request, timeout=20).received_messages
                received += [
                    (one.message.data, one.message.attributes.get("reason", "")) for one in messages
                ]
                ack_ids = [one.ack_id for one in messages]
                subscriber.acknowledge(subscription=name, ack_ids=ack_ids)
            return received

        yield receive
        subscriber.delete_subscription(subscription=name)


@pytest.fixture
def buried(pubsub: str) -> Iterator[Buried]:
    """What came to the dead-letter topic, with its reason."""
    yield from subscription(pubsub, TOPIC.dead_letter)


@pytest.fixture
def published(pubsub: str) -> Iterator[Buried]:
    yield from subscription(pubsub, TOPIC.name)


def keeper(kept: list[Any], fault: Exception | None = None) -> Callable[[Any], Awaitable[None]]:
    async def handle(event: Any) -> None:
        kept.append(event)
        if fault is not None:
            raise fault

    return handle


async def test_an_event_reaches_its_handler(pubsub: str, google: Google) -> None:
    kept: list[Note] = []
    sent = Note(text="hello").model_dump_json().encode()
    response = await push(on_event(Note, keeper(kept)), envelope(sent), google.header())
    assert response.status_code == 204
    assert kept == [Note(text="hello")]


async def test_what_is_published_is_what_a_push_carries(google: Google, published: Buried) -> None:
    kept: list[Note] = []
    await publish([Note(text="hello"), Note(text="again", number=2)])
    for data, _ in published(2):
        await push(on_event(Note, keeper(kept)), envelope(data), google.header())
    assert sorted(note.text for note in kept) == ["again", "hello"]


@pytest.mark.parametrize("data", [b"", b"{", b'{"text": 5}', b"[]", b"\xff\x00"])
async def test_a_malformed_event_is_buried_with_its_reason(
    google: Google, buried: Buried, data: bytes
) -> None:
    kept: list[Note] = []
    response = await push(on_event(Note, keeper(kept)), envelope(data), google.header())
    assert response.status_code == 204
    assert kept == []
    ((_, reason),) = buried(1)
    assert "malformed event" in reason


@pytest.mark.parametrize("body", [b"", b"not json", b"{}", b'{"message": {"data": "%%%"}}', b"[1]"])
async def test_a_malformed_push_is_buried_too(google: Google, buried: Buried, body: bytes) -> None:
    response = await push(on_event(Note, keeper([])), body, google.header())
    assert response.status_code == 204
    assert len(buried(1)) == 1


@pytest.mark.parametrize("fault", [PermanentFailure("it can never be"), InvalidInput("it is bad")])
async def test_what_can_never_succeed_is_buried_as_it_came(
    google: Google, buried: Buried, fault: Exception
) -> None:
    data = Note(text="hello").model_dump_json().encode()
    response = await push(on_event(Note, keeper([], fault)), envelope(data), google.header())
    assert response.status_code == 204
    assert buried(1) == [(data, str(fault))]


async def test_a_failure_that_may_pass_is_called_again(pubsub: str, google: Google) -> None:
    data = Note(text="hello").model_dump_json().encode()
    handler = keeper([], RuntimeError("no connection"))
    response = await push(on_event(Note, handler), envelope(data), google.header())
    assert response.status_code == 500


async def test_a_push_without_our_token_is_refused(pubsub: str, google: Google) -> None:
    kept: list[Note] = []
    body = envelope(Note(text="hello").model_dump_json().encode())
    endpoint = on_event(Note, keeper(kept))
    for authorization in (None, "Bearer x", google.header(email="intruder@evil.example")):
        assert (await push(endpoint, body, authorization)).status_code == 401
    assert kept == []


async def test_googles_keys_are_fetched_once_and_again_when_they_rotate(
    pubsub: str, google: Google, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = envelope(Note(text="hello").model_dump_json().encode())
    endpoint = on_event(Note, keeper([]))
    assert (await push(endpoint, body, google.header())).status_code == 204
    fetches = google.fetches
    for _ in range(3):
        assert (await push(endpoint, body, google.header())).status_code == 204
    assert google.fetches == fetches
    before = google.header()
    google.rotate(random_id())
    assert (await push(endpoint, body, google.header())).status_code == 401  # not a minute yet
    monkeypatch.setattr(service_auth, "CERTIFICATES_REFRESH_S", 0)
    assert (await push(endpoint, body, google.header())).status_code == 204
    assert (await push(endpoint, body, before)).status_code == 401


async def test_a_finalised_object_is_bucket_name_and_generation(
    pubsub: str, google: Google
) -> None:
    kept: list[StoredObject] = []
    finalised = {"bucket": "b", "name": "n/a me", "generation": "17", "size": "3", "metadata": {}}
    body = json.dumps(finalised).encode()
    kind = {"ce-type": "google.cloud.storage.object.v1.finalized"}
    endpoint = on_object(keeper(kept))
    assert (await push(endpoint, body, google.header(), **kind)).status_code == 204
    assert kept == [StoredObject("b", "n/a me", 17, 3, {})]
    other = {"ce-type": "google.cloud.storage.object.v1.deleted"}
    await push(endpoint, body, google.header(), **other)
    assert len(kept) == 1
