"""Nothing that was told is lost while Pub/Sub is away."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pytest
from google.api_core.exceptions import InvalidArgument, ServiceUnavailable

from shared.platform import events
from shared.platform.events import Event
from shared.platform.ids import random_id
from shared.platform.telling import Teller
from shared.signals.models import Signal

MOST = 5_000
NOW = datetime(2026, 11, 22, 12, 0, 0, 123_000, tzinfo=UTC)
Tell = Teller[Signal]
Make = Callable[[int], list[Signal]]


class Topic:
    """Stands where the publishing function does; `fails` says with what."""

    def __init__(self) -> None:
        self.batches: list[list[Event]] = []
        self.fails: Exception | None = None
        self.open = asyncio.Event()
        self.open.set()

    async def publish(self, batch: Sequence[Event]) -> None:
        await self.open.wait()
        if self.fails is not None:
            raise self.fails
        self.batches.append(list(batch))

    @property
    def ids(self) -> list[str]:
        """Of all that was published, in order."""
        return [one.event_id for batch in self.batches for one in batch]  # type: ignore[attr-defined]


@pytest.fixture
async def topic(monkeypatch: pytest.MonkeyPatch) -> Topic:
    made = Topic()
    monkeypatch.setattr(events, "publish", made.publish)
    return made


@pytest.fixture
def teller() -> Tell:
    return Teller("signals", MOST)


@pytest.fixture
def some() -> Make:
    def make(count: int) -> list[Signal]:
        return [
            Signal(event_id=random_id(), user_id="ada", kind="search", ts=NOW, query="a secret")
            for _ in range(count)
        ]

    return make


async def test_what_is_told_is_stored_and_what_comes_meanwhile_goes_as_one(
    teller: Tell, topic: Topic, some: Make
) -> None:
    topic.open.clear()
    sent = some(7)
    for event in sent:
        teller.tell([event])
        await asyncio.sleep(0)  # the first is on its way
    assert not await teller.told(0.01)
    topic.open.set()
    assert await teller.told(5)
    assert topic.ids == [event.event_id for event in sent]
    assert [len(batch) for batch in topic.batches] == [1, 6]


async def test_an_answer_waits_no_longer_than_it_is_patient(
    teller: Tell, topic: Topic, some: Make
) -> None:
    topic.open.clear()
    teller.tell(some(1))
    async with asyncio.timeout(2):
        assert not await teller.told(0.01)
    topic.open.set()
    assert await teller.told(5)
    assert len(topic.ids) == 1


async def test_what_could_not_be_stored_goes_with_the_next_in_its_order(
    teller: Tell, topic: Topic, some: Make, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = some(3), some(2)
    topic.fails = ServiceUnavailable("away")
    with caplog.at_level(logging.WARNING):
        teller.tell(first)
        assert not await teller.told(5)
    assert "3 signals have to wait" in caplog.text
    assert "a secret" not in caplog.text
    topic.fails = None
    teller.tell(second)
    assert await teller.told(5)
    assert topic.ids == [event.event_id for event in (*first, *second)]


async def test_no_more_waits_than_is_said_and_the_log_counts_what_is_dropped(
    teller: Tell, topic: Topic, some: Make, caplog: pytest.LogCaptureFixture
) -> None:
    topic.fails = ServiceUnavailable("away")
    (event,) = some(1)
    teller.tell([event] * (MOST - 1))
    await teller.told(5)
    with caplog.at_level(logging.ERROR):
        teller.tell([event] * 4)
    assert "3 signals are dropped" in caplog.text
    await teller.told(5)
    topic.fails = None
    teller.tell([])
    assert await teller.told(5)
    assert len(topic.ids) == MOST
    assert max(map(len, topic.batches)) == 1_000


async def test_what_the_schema_refuses_blocks_nothing(
    teller: Tell, topic: Topic, some: Make
) -> None:
    topic.fails = InvalidArgument("no such field")
    teller.tell(some(2))
    assert await teller.told(5)
    topic.fails = None
    later = some(1)
    teller.tell(later)
    assert await teller.told(5)
    assert topic.ids == [later[0].event_id]
