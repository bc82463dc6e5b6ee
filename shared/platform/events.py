"""Events: typed publishing, and the entry points that receive them.

An event is a frozen pydantic model whose class names its topic. Its JSON is checked by the
topic's Protobuf schema under `shared/schemas/`. A handler is safe under duplicates and any order;
it raises `PermanentFailure` for a message that can never succeed, which is then put on the
dead-letter topic with its reason, and anything else to be called again.
"""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from shared.platform import clients, telemetry
from shared.platform.errors import DomainError, InvalidInput, PermanentFailure
from shared.platform.responses import domain_error_response
from shared.platform.service_auth import verify_service_token
from shared.platform.settings import settings
from shared.topology import Topic

MAX_MESSAGES_PER_PUBLISH = 1000  # Pub/Sub's limit on one request
MAX_ATTRIBUTE_BYTES = 1024  # and on the value of an attribute
_log = logging.getLogger(__name__)


class Event(BaseModel):
    """Base of every event; subclasses set `TOPIC`."""

    model_config = ConfigDict(frozen=True)
    TOPIC: ClassVar[Topic]


E = TypeVar("E", bound=Event)


@dataclass(frozen=True, slots=True)
class StoredObject:
    """A finalised object: what to deduplicate on is bucket, name and generation together."""

    bucket: str
    name: str
    generation: int
    size_bytes: int
    metadata: dict[str, str]


async def publish(events: Sequence[Event]) -> None:
    """Publishes `events` (all of one topic); when it returns, Pub/Sub has stored them all."""
    for start in range(0, len(events), MAX_MESSAGES_PER_PUBLISH):
        batch = events[start : start + MAX_MESSAGES_PER_PUBLISH]
        await _publish(
            settings().topic(batch[0].TOPIC.name),
            [(event.model_dump_json(exclude_none=True).encode(), {}) for event in batch],
        )


async def _publish(topic: str, messages: list[tuple[bytes, dict[str, str]]]) -> None:
    from google.pubsub_v1.types import PubsubMessage

    await clients.publisher().publish(
        topic=topic,
        messages=[PubsubMessage(data=data, attributes=attrs) for data, attrs in messages],
        timeout=30,
    )


def on_event(
    model: type[E], handler: Callable[[E], Awaitable[None]]
) -> Callable[[Request], Awaitable[Response]]:
    """Entry point for Pub/Sub push of `model.TOPIC`; answers 204 once `handler` is done."""

    def parse(body: dict[str, Any], _: dict[str, str]) -> E:
        return model.model_validate_json(_message_data(body))

    return _endpoint(parse, handler, model.TOPIC)


def on_object(
    handler: Callable[[StoredObject], Awaitable[None]],
) -> Callable[[Request], Awaitable[Response]]:
    """Entry point for Eventarc's object-finalised CloudEvents (binary mode)."""

    def parse(body: dict[str, Any], headers: dict[str, str]) -> StoredObject:
        kind = headers.get("ce-type")
        if kind != "google.cloud.storage.object.v1.finalized":
            raise ValueError(f"unexpected CloudEvent type {kind!r}")
        return StoredObject(
            bucket=body["bucket"],
            name=body["name"],
            generation=int(body["generation"]),
            size_bytes=int(body["size"]),
            metadata=dict(body.get("metadata") or {}),
        )

    return _endpoint(parse, handler, None)


P = TypeVar("P")


def _endpoint(
    parse: Callable[[dict[str, Any], dict[str, str]], P],
    handler: Callable[[P], Awaitable[None]],
    topic: Topic | None,
) -> Callable[[Request], Awaitable[Response]]:
    telemetry.configure()

    async def receive(request: Request) -> Response:
        telemetry.correlate(request.scope["headers"])
        try:
            await verify_service_token(request.headers.get("authorization"))
        except DomainError as error:
            return domain_error_response(error)
        raw = await request.body()
        try:
            body = json.loads(raw)
            event = parse(body, dict(request.headers))
        except (ValueError, KeyError, TypeError, ValidationError) as error:
            await _bury(topic, raw, f"malformed event: {error}")
            return Response(status_code=204)
        try:
            await handler(event)
        except (PermanentFailure, InvalidInput) as error:
            await _bury(topic, _payload(body, raw), str(error))
        return Response(status_code=204)

    return receive


async def _bury(topic: Topic | None, data: bytes, reason: str) -> None:
    """Puts a message that can never succeed where an operator finds it, with its reason."""
    _log.error("event buried: %s", reason, extra={"topic": topic and topic.name})
    if topic is not None:
        attributes = {"reason": reason.encode()[:MAX_ATTRIBUTE_BYTES].decode(errors="ignore")}
        await _publish(settings().topic(topic.dead_letter), [(data or b"{}", attributes)])


def _message_data(body: dict[str, Any]) -> bytes:
    return base64.b64decode(body["message"].get("data", ""), validate=True)


def _payload(body: dict[str, Any], raw: bytes) -> bytes:
    return _message_data(body) if "message" in body else raw
