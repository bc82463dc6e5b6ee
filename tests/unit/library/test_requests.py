from __future__ import annotations

import json
import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.library import requests
from shared.platform.errors import InvalidInput, NotFound
from shared.platform.ids import ALPHABET

A, B = "a" * 22, "B" * 22
ids = st.lists(st.text(ALPHABET, min_size=22, max_size=22), min_size=1, max_size=50)


def body(content: Any) -> bytes:
    return json.dumps(content).encode()


@given(ids)
def test_ids_are_taken_from_wherever_a_client_puts_them(named: list[str]) -> None:
    expected = tuple(named)
    assert requests.selection(",".join(named), b"", "album").ids == expected
    assert requests.selection(None, body(named), "album").ids == expected
    assert requests.selection(None, body({"ids": named}), "track").ids == expected


def test_ids_in_the_query_win_over_the_body() -> None:
    assert requests.selection(A, body([B]), "show").ids == (A,)
    assert requests.selection(A, b"not JSON", "show").ids == (A,)


def test_timestamped_tracks_win_over_all() -> None:
    dated = {"ids": [B], "timestamped_ids": [{"id": A, "added_at": "2023-01-15T14:30:00Z"}]}
    taken = requests.selection(B, body(dated), "track")
    assert taken.ids == (A,)
    assert taken.added_at == {A: datetime(2023, 1, 15, 14, 30, tzinfo=UTC)}


def test_users_are_named_by_ids_of_their_own() -> None:
    assert requests.selection("smedjan,a.b-c_d", b"", "user").ids == ("smedjan", "a.b-c_d")


@pytest.mark.parametrize(
    ("query", "content", "message"),
    [
        (None, b"", "ids: name 1 to 50 ids"),
        ("", b"", "ids: name at least one id"),
        (None, b"[]", "ids: name at least one id"),
        (None, b"{}", "ids: name 1 to 50 ids"),
        (None, b'"x"', "ids: name 1 to 50 ids"),
        (None, b"[1]", "ids: name 1 to 50 ids"),
        (None, b"{", "Malformed JSON"),
        (None, b"\xff", "Malformed JSON"),
        (None, b"[" * 100_000, "Malformed JSON"),
        ("abc", b"", "ids: Invalid track id 'abc'"),
        (f"{A},", b"", "ids: Invalid track id ''"),
        (",".join([A] * 51), b"", "ids: too many ids requested; 50 at most"),
        (None, b'{"timestamped_ids": []}', "ids: name at least one id"),
        (None, b'{"timestamped_ids": {}}', "timestamped_ids: an array"),
        (None, b'{"timestamped_ids": [1]}', "timestamped_ids: an array"),
        (None, body({"timestamped_ids": [{"id": A}]}), "timestamped_ids: an array"),
        (None, body({"timestamped_ids": [{"id": A, "added_at": "x"}]}), "timestamped_ids"),
        (None, body({"timestamped_ids": [{"id": 1, "added_at": "2023-01-15"}]}), "timestamped"),
    ],
)
def test_what_names_nothing_is_refused(query: str | None, content: bytes, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        requests.selection(query, content, "track")


@given(st.binary(max_size=60))
def test_no_body_breaks_the_parser(content: bytes) -> None:
    with suppress(InvalidInput):
        assert requests.selection(None, content, "track").ids


def test_uris_of_every_kind_are_named_in_order() -> None:
    text = f"spotify:track:{A},spotify:user:smedjan,spotify:audiobook:{B},spotify:track:{A}"
    named = requests.uris(text)
    expected = [("track", A), ("user", "smedjan"), ("audiobook", B), ("track", A)]
    assert list(named) == expected
    with pytest.raises(NotFound, match=f"spotify:audiobook:{B}"):
        requests.no_audiobooks(named)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "name at least one"),
        ("", "name at least one"),
        (f"spotify:track:{A},", "Invalid or unsupported URI ''"),
        (f"spotify:chapter:{A}", "Invalid or unsupported URI"),
        ("spotify:track:abc", "Invalid or unsupported URI"),
        (A, "Invalid or unsupported URI"),
        (",".join([f"spotify:track:{A}"] * 41), "too many URIs requested; 40 at most"),
    ],
)
def test_malformed_uris_are_refused(text: str | None, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        requests.uris(text)


def _pattern(parameter: dict[str, Any]) -> re.Pattern[str]:
    return re.compile(parameter["parameters"][0]["schema"]["pattern"])


@given(st.integers(0, 60))
def test_the_documents_pattern_allows_what_the_parser_takes(count: int) -> None:
    for parameter, one, maximum in (
        (requests.IDS, A, 50),
        (requests.ANY_IDS, "sm.ed", 50),
        (requests.URIS, f"spotify:album:{A}", 40),
    ):
        text = ",".join([one] * count)
        assert bool(_pattern(parameter).match(text)) == (1 <= count <= maximum)
