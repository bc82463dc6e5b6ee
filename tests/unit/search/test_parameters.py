"""What a search request says beside its words."""

from __future__ import annotations

import pytest
from fastapi import Request

from shared.platform.errors import InvalidInput
from shared.search.parameters import (
    SUGGESTED_TYPES,
    asked_locale,
    asked_types,
    joined_view,
    split_view,
    suggested_types,
)


def a_request(query: str = "", language: str | None = None) -> Request:
    headers = [] if language is None else [(b"accept-language", language.encode("latin-1"))]
    return Request({"type": "http", "query_string": query.encode(), "headers": headers})


@pytest.mark.parametrize(
    ("header", "locale"),
    [
        (None, "en"),
        ("", "en"),
        ("de", "de"),
        ("de-DE,de;q=0.9,en;q=0.8", "de-DE"),
        (" pt-BR ; q=0.5", "pt-BR"),
        ("zh-Hant-TW", "zh-Hant-TW"),
        ("*", "en"),
        ("q=1", "en"),
        ("ß\xff", "en"),
        ("a" * 10_000, "en"),
        ("de_DE", "en"),
    ],
)
def test_the_first_language_is_the_locale(header: str | None, locale: str) -> None:
    assert asked_locale(a_request(language=header)) == locale


def test_types_are_taken_once_in_their_order_under_either_name() -> None:
    assert asked_types(a_request("type=track,artist,track")) == ["track", "artist"]
    assert asked_types(a_request("types=album, show")) == ["album", "show"]
    assert suggested_types(a_request()) == list(SUGGESTED_TYPES)
    assert suggested_types(a_request("types=episode")) == ["episode"]


@pytest.mark.parametrize("query", ["type=song", "type=track,,artist", "type=" + "x" * 300])
def test_an_unknown_type_is_refused_in_few_words(query: str) -> None:
    for read in (asked_types, suggested_types):
        with pytest.raises(InvalidInput, match="Bad search type field") as refused:
            read(a_request(query))
        assert len(refused.value.message) < 100


def test_there_are_no_audiobooks_to_suggest() -> None:
    with pytest.raises(InvalidInput):
        suggested_types(a_request("type=audiobook"))


@pytest.mark.parametrize("index_view", ["20261122T180000Z-0123abcd~1763830000000", "a.b"])
def test_a_view_travels_with_the_minute_of_its_affinity(index_view: str) -> None:
    assert split_view(joined_view(index_view, 29_000_000)) == (index_view, 29_000_000)


@pytest.mark.parametrize(
    ("view", "parts"),
    [(None, (None, None)), ("v1", ("v1", None)), ("v1.x", ("v1.x", None)), (".7", (None, 7))],
)
def test_a_view_of_another_make_is_left_to_the_engine(
    view: str | None, parts: tuple[str | None, int | None]
) -> None:
    assert split_view(view) == parts
