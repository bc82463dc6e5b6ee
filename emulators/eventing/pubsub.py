"""The few Pub/Sub calls that delivery needs, on one gRPC channel."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Iterable
from typing import Any

import grpc
import grpc.aio
from google.protobuf import empty_pb2

from emulators.wire import message_types

(types,) = message_types("google.pubsub_v1", "types.pubsub")

Code = grpc.StatusCode
LEASE_S = 15  # so soon a message comes again after this process was killed (10..600)
CALL_TIMEOUT_S = 20.0
BURY_RETRY_S = 1.0
ATTRIBUTE_BYTES = 1024  # of a value; cloud.google.com/pubsub/quotas#resource_limits

logger = logging.getLogger(__name__)


class PubSub:
    """Topics and subscriptions of one project, by their short names."""

    def __init__(self, address: str, project: str, lease_s: int = LEASE_S) -> None:
        self._project = project
        self.lease_s = lease_s
        self._channel = grpc.aio.insecure_channel(
            address,
            options=(
                ("grpc.max_receive_message_length", 64 << 20),
                # an emulator that starts late is found at once
                ("grpc.max_reconnect_backoff_ms", 500),
                ("grpc.initial_reconnect_backoff_ms", 100),
            ),
        )
        subscriber, publisher = "google.pubsub.v1.Subscriber", "google.pubsub.v1.Publisher"
        self._streaming_pull: Any = self._channel.stream_stream(
            f"/{subscriber}/StreamingPull",
            types.StreamingPullRequest.serialize,
            types.StreamingPullResponse.deserialize,
        )
        self._acknowledge = self._method(
            f"/{subscriber}/Acknowledge", types.AcknowledgeRequest, empty_pb2.Empty
        )
        self._modify = self._method(
            f"/{subscriber}/ModifyAckDeadline", types.ModifyAckDeadlineRequest, empty_pb2.Empty
        )
        self._create_subscription = self._method(
            f"/{subscriber}/CreateSubscription", types.Subscription, types.Subscription
        )
        self._create_topic = self._method(f"/{publisher}/CreateTopic", types.Topic, types.Topic)
        self._publish = self._method(
            f"/{publisher}/Publish", types.PublishRequest, types.PublishResponse
        )

    def _method(self, path: str, request: Any, response: Any) -> Any:
        parse = getattr(response, "deserialize", None) or response.FromString
        return self._channel.unary_unary(path, request.serialize, parse)

    def subscription(self, name: str) -> str:
        """Full name of a subscription."""
        return f"projects/{self._project}/subscriptions/{name}"

    def topic(self, name: str) -> str:
        """Full name of a topic."""
        return f"projects/{self._project}/topics/{name}"

    async def close(self) -> None:
        """Close the channel."""
        await self._channel.close()

    async def stream(self, name: str, at_most: int) -> AsyncIterator[list[Any]]:
        """Batches as they arrive, leased to us for `lease_s`; raises grpc.aio.AioRpcError.

        A stream, not unary pulls: the emulator goes on answering the pull of a process that was
        killed, and so hides its messages until the subscription's own deadline.
        """
        call = self._streaming_pull()
        try:
            await call.write(
                types.StreamingPullRequest(
                    subscription=self.subscription(name),
                    stream_ack_deadline_seconds=self.lease_s,
                    max_outstanding_messages=at_most,
                    client_id=f"{name}-{os.getpid()}",
                )
            )
            while (response := await call.read()) is not grpc.aio.EOF:
                yield list(response.received_messages)
        finally:
            call.cancel()

    async def extend(self, name: str, ack_ids: Iterable[str]) -> None:
        """Keep messages for `lease_s` from now."""
        await self._modify(
            types.ModifyAckDeadlineRequest(
                subscription=self.subscription(name),
                ack_ids=list(ack_ids),
                ack_deadline_seconds=self.lease_s,
            ),
            timeout=CALL_TIMEOUT_S,
        )

    async def acknowledge(self, name: str, ack_ids: Iterable[str]) -> None:
        """These are done."""
        await self._acknowledge(
            types.AcknowledgeRequest(subscription=self.subscription(name), ack_ids=list(ack_ids)),
            timeout=CALL_TIMEOUT_S,
        )

    async def create_subscription(self, name: str, topic: str, ack_deadline_s: int) -> None:
        """Unless it exists; raises grpc.aio.AioRpcError (NOT_FOUND: no such topic)."""
        await self._unless_exists(
            self._create_subscription,
            types.Subscription(
                name=self.subscription(name),
                topic=self.topic(topic),
                ack_deadline_seconds=ack_deadline_s,
            ),
        )

    async def bury(self, topic: str, data: bytes, attributes: dict[str, str]) -> None:
        """Publish to a dead-letter topic, which is made with its subscription when absent.

        Tries until it is there: who buries a message holds its lease and would hold it forever.
        """
        request = types.PublishRequest(
            topic=self.topic(topic),
            messages=[types.PubsubMessage(data=data, attributes=attributes)],
        )
        while True:
            try:
                await self._publish_or_create(topic, request)
                return
            except grpc.aio.AioRpcError as error:
                logger.warning("%s: not buried yet: %s", topic, error.details())
                await asyncio.sleep(BURY_RETRY_S)

    async def _publish_or_create(self, topic: str, request: Any) -> None:
        try:
            await self._publish(request, timeout=CALL_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            if error.code() != Code.NOT_FOUND:
                raise
            await self._unless_exists(self._create_topic, types.Topic(name=self.topic(topic)))
            await self.create_subscription(f"{topic}.kept", topic, 600)
            await self._publish(request, timeout=CALL_TIMEOUT_S)

    @staticmethod
    async def _unless_exists(method: Any, request: Any) -> None:
        try:
            await method(request, timeout=CALL_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            if error.code() != Code.ALREADY_EXISTS:
                raise


def dead_letter_attributes(
    attributes: dict[str, str], subscription: str, project: str, attempts: int, reason: str
) -> dict[str, str]:
    """The original attributes, why it was given up, and where it came from (as Pub/Sub names
    it: cloud.google.com/pubsub/docs/dead-letter-topics)."""
    reason = reason.encode()[:ATTRIBUTE_BYTES].decode(errors="ignore")
    return {
        **attributes,
        "reason": reason,
        "CloudPubSubDeadLetterSourceDeliveryCount": str(attempts),
        "CloudPubSubDeadLetterSourceSubscription": subscription,
        "CloudPubSubDeadLetterSourceSubscriptionProject": project,
        "CloudPubSubDeadLetterSourceDeliveryErrorMessage": reason,
    }
