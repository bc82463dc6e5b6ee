"""What is told of a search."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from shared.search.events import MAX_QUERY_CHARS, ONE_SEARCH, SearchEvent, as_signal, made
from shared.search.models import Card, Explanation, Found, Hits, ItemType, Results, SearchRequest
from shared.signals.models import Signal
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


def test_a_search_is_one_signal_without_its_words() -> None:
    results = replace(RESULTS, pages={"track": Hits((), 3), "artist": Hits((), 0)})
    assert (
        as_signal(made(REQUEST, results, "ada", NOW)) is None
    )  # a further page is no further search
    first_page = made(replace(REQUEST, offset=0), results, "ada", NOW)
    signal = as_signal(first_page)
    assert signal is not None
    assert signal.model_dump(exclude={"event_id"}, exclude_none=True) == {
        "user_id": "ada",
        "kind": "search",
        "ts": NOW.replace(second=0, microsecond=0),
    }
    assert as_signal(made(replace(REQUEST, offset=0), results, None, NOW)) is None
    assert as_signal(()) is None


def test_who_types_and_pauses_searches_once() -> None:
    def signal(user: str, after_s: float, query: str) -> Signal | None:
        request = replace(REQUEST, offset=0, query=query)
        results = replace(RESULTS, pages={"track": Hits((), 3)})
        return as_signal(made(request, results, user, NOW + timedelta(seconds=after_s)))

    typed = [signal("ada", 0.4 * n, "blue monday"[: n + 1]) for n in range(11)]
    assert len({one.model_dump_json() for one in typed if one}) == 1
    told = [typed[0], signal("ada", ONE_SEARCH.total_seconds(), "b"), signal("ben", 0, "b")]
    assert len({one.event_id for one in told if one}) == 3
