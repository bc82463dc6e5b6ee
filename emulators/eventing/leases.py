"""Reading a subscription: keep leases while messages are held, survive a missing emulator."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import grpc.aio

from emulators.eventing.pubsub import PubSub

RETRY_S = 0.25
IDS_PER_CALL = 1000

logger = logging.getLogger(__name__)


class Leased:
    """Messages of one subscription that this process holds, by message id."""

    def __init__(self, pubsub: PubSub, name: str, topic: str, ack_deadline_s: int) -> None:
        self._pubsub = pubsub
        self._topic = topic
        self._ack_deadline_s = ack_deadline_s
        self._ack_ids: dict[str, str] = {}
        self._arrived: asyncio.Queue[list[Any]] = asyncio.Queue()
        self.name = name

    async def pull_forever(self, room: int, handle: Callable[[list[Any]], Awaitable[None]]) -> None:
        """Give each batch to `handle`, one after the other; ask for at most `room` messages.

        Reading goes on meanwhile: what has arrived needs its lease extended, handled or not.
        """
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep(), name=f"leases {self.name}")
            group.create_task(self._handle(handle), name=f"handle {self.name}")
            while True:
                try:
                    async for received in self._pubsub.stream(self.name, room):
                        self._hold(received)
                except grpc.aio.AioRpcError as error:
                    await self._recover(error)

    def _hold(self, received: list[Any]) -> None:
        new = []
        for item in received:
            message_id = item.message.message_id
            if message_id not in self._ack_ids:
                new.append(item)
            self._ack_ids[message_id] = item.ack_id
        if new:
            self._arrived.put_nowait(new)

    async def _handle(self, handle: Callable[[list[Any]], Awaitable[None]]) -> None:
        while True:
            await handle(await self._arrived.get())

    async def _recover(self, error: grpc.aio.AioRpcError) -> None:
        if error.code() == grpc.StatusCode.NOT_FOUND:
            try:
                await self._pubsub.create_subscription(self.name, self._topic, self._ack_deadline_s)
            except grpc.aio.AioRpcError as cannot:
                logger.debug("%s: %s", self.name, cannot.details())
        else:
            logger.debug("%s: %s %s", self.name, error.code(), error.details())
        await asyncio.sleep(RETRY_S)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(self._pubsub.lease_s / 3)
            held = list(self._ack_ids.values())
            for start in range(0, len(held), IDS_PER_CALL):
                try:
                    await self._pubsub.extend(self.name, held[start : start + IDS_PER_CALL])
                except grpc.aio.AioRpcError as error:
                    logger.warning("%s: leases not extended: %s", self.name, error.details())

    async def acknowledge(self, *message_ids: str) -> None:
        """Done with these; a lost call only means that they come again."""
        ack_ids = [self._ack_ids.pop(key) for key in message_ids if key in self._ack_ids]
        if not ack_ids:
            return
        try:
            await self._pubsub.acknowledge(self.name, ack_ids)
        except grpc.aio.AioRpcError as error:
            logger.warning("%s: not acknowledged: %s", self.name, error.details())
