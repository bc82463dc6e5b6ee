"""What is told of a search, and that nothing told is lost while Pub/Sub is away."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from google.api_core.exceptions import InvalidArgument, ServiceUnavailable

from shared.platform.events import Event
from shared.search import events
from shared.search.events import MAX_QUERY_CHARS, MAX_WAITING, SearchEvent, made, tell, told
from shared.search.models import Card, Explanation, Found, Hits, ItemType, Results, SearchRequest
from shared.topology import SEARCH_EVENTS, SEARCH_EVENTS_TABLE

NOW = datetime(2026, 11, 22, 12, 0, 0, 123_000, tzinfo=UTC)
SCHEMA = Path(__file__).parents[3] / "shared/schemas/search_event.proto"
REQUEST = SearchRequest("blue monday", ("track", "artist"), offset=20, market="DE", locale="de")


def found(kind: ItemType, item_id: str, score: float = 0.5, **parts: float) -> Found:
    nothing: tuple[str, ...] = ()
    card = Card(
        type=kind,
        id=item_id,
        name=item_id,
        artists=nothing,
        artist_ids=nothing,
        name_words=nothing,
        core_words=nothing,
        maker_words=nothing,
        other_words=nothing,
        exact=nothing,
        popularity=0,
        release_day=0,
        explicit=False,
        territories=nothing,
        blocked_in=nothing,
        genres=nothing,
        recording="",
    )
    return Found(card, Explanation("name", score, parts))


RESULTS = Results(
    {
        "track": Hits(
            (found("track", "a", 0.123456, text=1.0, popularity=0.33333), found("track", "b")), 47
        ),
        "artist": Hits((), 0),
    },
    "v1~5",
    suggested_query="blue mondays",
)


def test_model_schema_and_warehouse_agree() -> None:
    text = re.sub(r"//.*", "", SCHEMA.read_text())
    (message,) = re.findall(rf"message {SEARCH_EVENTS.schema} {{(.*?)}}", text, re.DOTALL)
    declared = re.findall(r"optional (\w+) (\w+) = (\d+);", message)
    assert [int(number) for *_, number in declared] == list(range(1, len(declared) + 1))
    warehouse = {"STRING": "string", "INTEGER": "int64", "TIMESTAMP": "string"}
    metadata = {"subscription_name", "message_id", "publish_time", "attributes"}
    columns = {
        column.name: warehouse[column.type]
        for column in SEARCH_EVENTS_TABLE.columns
        if column.name not in metadata
    }
    assert {name: kind for kind, name, _ in declared} == columns
    assert set(SearchEvent.model_fields) == set(columns)


def test_a_search_is_an_event_for_each_type() -> None:
    both = {"text": 1.0, "popularity": 0.33333}
    page = (found("track", "a", 0.123456, **both), found("track", "b", 0.1, **both))
    results = replace(RESULTS, pages={"track": Hits(page, 47), "artist": Hits((), 0)})
    tracks, artists = made(REQUEST, results, "ada", NOW)
    assert tracks.event_id != artists.event_id
    assert (tracks.type, tracks.offset, tracks.total, tracks.view) == ("track", 20, 47, "v1~5")
    assert (tracks.user_id, tracks.market, tracks.locale, tracks.ts) == ("ada", "DE", "de", NOW)
    assert json.loads(tracks.shown) == ["track:a", "track:b"]
    assert json.loads(tracks.features) == {
        "names": ["text", "popularity"],
        "values": [[1.0, 0.3333], [1.0, 0.3333]],
        "match": ["name", "name"],
        "score": [0.1235, 0.1],
    }
    assert (artists.type, artists.total, json.loads(artists.shown)) == ("artist", 0, [])
    assert SearchEvent.model_validate_json(tracks.model_dump_json(exclude_none=True)) == tracks


def test_an_app_that_searches_for_itself_is_nobody() -> None:
    event = made(REQUEST, replace(RESULTS, pages={"artist": Hits((), 0)}), None, NOW)[0]
    assert "user_id" not in json.loads(event.model_dump_json(exclude_none=True))


def test_a_query_is_cut_and_stands_in_no_text_of_the_event() -> None:
    request = replace(REQUEST, query="secret " * 100)
    results = replace(RESULTS, pages={"artist": Hits((), 0)}, suggested_query="secret" + "x" * 400)
    event = made(request, results, "ada", NOW)[0]
    assert (len(event.query), len(event.suggested_query or "")) == (MAX_QUERY_CHARS,) * 2
    assert "secret" not in repr(event)
    assert "secret" not in str(event)


# --- publishing -----------------------------------------------------------------------------


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
    monkeypatch.setattr(events, "_publishing", None)
    return made


@pytest.fixture(autouse=True)
def nothing_waits() -> Iterator[None]:
    events._waiting.clear()
    yield
    events._waiting.clear()


Make = Callable[[int], list[SearchEvent]]


@pytest.fixture
def some() -> Make:
    results = replace(RESULTS, pages={"artist": Hits((), 0)})

    def make(count: int) -> list[SearchEvent]:
        return [made(REQUEST, results, "ada", NOW)[0] for _ in range(count)]

    return make


async def test_what_is_told_is_stored_and_what_comes_meanwhile_goes_as_one(
    topic: Topic, some: Make
) -> None:
    topic.open.clear()
    sent = some(7)
    for event in sent:
        tell([event])
        await asyncio.sleep(0)  # the first is on its way
    assert not await told(0.01)
    topic.open.set()
    assert await told(5)
    assert topic.ids == [event.event_id for event in sent]
    assert [len(batch) for batch in topic.batches] == [1, 6]


async def test_an_answer_waits_no_longer_than_it_is_patient(topic: Topic, some: Make) -> None:
    topic.open.clear()
    tell(some(1))
    async with asyncio.timeout(2):
        assert not await told(0.01)
    topic.open.set()
    assert await told(5)
    assert len(topic.ids) == 1


async def test_what_could_not_be_stored_goes_with_the_next_in_its_order(
    topic: Topic, some: Make, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = some(3), some(2)
    topic.fails = ServiceUnavailable("away")
    with caplog.at_level(logging.WARNING):
        tell(first)
        assert not await told(5)
    assert "3 search events have to wait" in caplog.text
    assert "blue monday" not in caplog.text
    topic.fails = None
    tell(second)
    assert await told(5)
    assert topic.ids == [event.event_id for event in (*first, *second)]


async def test_no_more_waits_than_is_said_and_the_log_counts_what_is_dropped(
    topic: Topic, some: Make, caplog: pytest.LogCaptureFixture
) -> None:
    topic.fails = ServiceUnavailable("away")
    (event,) = some(1)
    tell([event] * (MAX_WAITING - 1))
    await told(5)
    with caplog.at_level(logging.ERROR):
        tell([event] * 4)
    assert "3 search events are dropped" in caplog.text
    await told(5)
    topic.fails = None
    tell([])
    assert await told(5)
    assert len(topic.ids) == MAX_WAITING
    assert max(map(len, topic.batches)) == 1_000


async def test_what_the_schema_refuses_blocks_nothing(topic: Topic, some: Make) -> None:
    topic.fails = InvalidArgument("no such field")
    tell(some(2))
    assert await told(5)
    topic.fails = None
    later = some(1)
    tell(later)
    assert await told(5)
    assert topic.ids == [later[0].event_id]
