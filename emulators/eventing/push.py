"""Pub/Sub push: one subscription `<topic>.<function>` for each function that a topic triggers."""

from __future__ import annotations

import base64
import json
from typing import Any

from emulators.eventing.delivery import Dispatcher, FunctionHost, Message, concurrency
from emulators.eventing.leases import Leased
from emulators.eventing.pubsub import PubSub, dead_letter_attributes
from emulators.eventing.stats import Stats
from shared.topology import EventFunction, TopicTrigger

LEAST_HELD = 32  # so that messages which wait for their next attempt do not block the others


def envelope(message: Any, subscription: str, attempt: int) -> dict[str, Any]:
    """The body of a push request (cloud.google.com/pubsub/docs/push#receive_push); message id
    and publish time are in there twice, as the service sends them."""
    published = message.publish_time.isoformat().replace("+00:00", "Z")
    inner: dict[str, Any] = {
        "data": base64.b64encode(message.data).decode("ascii"),
        "messageId": message.message_id,
        "message_id": message.message_id,
        "publishTime": published,
        "publish_time": published,
    }
    if message.attributes:
        inner["attributes"] = dict(message.attributes)
    if message.ordering_key:
        inner["orderingKey"] = message.ordering_key
    return {"message": inner, "subscription": subscription, "deliveryAttempt": attempt}


class PushSubscription:
    """Delivers one topic to one function."""

    def __init__(
        self,
        function: EventFunction,
        trigger: TopicTrigger,
        pubsub: PubSub,
        project: str,
        host: FunctionHost,
        stats: Stats,
    ) -> None:
        topic = trigger.topic
        self.name = f"{topic.name}.{function.name}"
        self._dead_letter = topic.dead_letter
        self._pubsub = pubsub
        self._project = project
        self._leased = Leased(pubsub, self.name, topic.name, trigger.ack_deadline_s)
        self._room = max(2 * concurrency(function), LEAST_HELD)
        self._dispatcher = Dispatcher(host, function, stats.of(self.name))

    async def run(self) -> None:
        """Until cancelled."""
        await self._leased.pull_forever(self._room, self._take)

    async def _take(self, received: list[Any]) -> None:
        for item in received:
            self._dispatcher.submit(self._message(item.message))

    def _message(self, message: Any) -> Message:
        subscription = self._pubsub.subscription(self.name)

        async def settle() -> None:
            await self._leased.acknowledge(message.message_id)

        async def bury(reason: str, attempts: int) -> None:
            attributes = dead_letter_attributes(
                dict(message.attributes), self.name, self._project, attempts, reason
            )
            await self._pubsub.bury(self._dead_letter, message.data, attributes)
            await settle()

        return Message(
            key=message.message_id,
            body=lambda attempt: json.dumps(envelope(message, subscription, attempt)).encode(),
            headers={"Content-Type": "application/json", "From": "noreply@google.com"},
            settle=settle,
            bury=bury,
        )
