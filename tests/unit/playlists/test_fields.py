"""The `fields` filter."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.platform.errors import InvalidInput
from shared.playlists.fields import MAX_DEPTH, parse

ALBUM = {"name": "Pastel Blues", "href": "h", "images": [1]}
PAGE: dict[str, Any] = {
    "total": 2,
    "limit": 20,
    "items": [
        {"added_at": "t", "added_by": {"id": "ada", "uri": "u"}, "track": {"name": "Be My Husband",
         "href": "h", "album": ALBUM}},
        {"added_at": "t", "added_by": {"id": "bob", "uri": "u"}, "track": None},
    ],
}  # fmt: skip


def filtered(fields: str) -> Any:
    selection = parse(fields)
    assert selection is not None
    return selection.apply(PAGE)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("total,limit", {"total": 2, "limit": 20}),
        (" total , limit ", {"total": 2, "limit": 20}),
        ("total,nothing,items.none", {"total": 2, "items": [{}, {}]}),
        (
            "items(added_at,added_by.id)",
            {"items": [{"added_at": "t", "added_by": {"id": one}} for one in ("ada", "bob")]},
        ),
        (
            "items.added_by.id,items.added_at",
            {"items": [{"added_at": "t", "added_by": {"id": one}} for one in ("ada", "bob")]},
        ),
        (
            "items(track(name,album(name,href)))",
            {
                "items": [
                    {
                        "track": {
                            "name": "Be My Husband",
                            "album": {"name": "Pastel Blues", "href": "h"},
                        }
                    },
                    {"track": None},
                ]
            },
        ),
        (
            "items.track.album(!name,href)",
            {"items": [{"track": {"album": {"images": [1]}}}, {"track": None}]},
        ),
        (
            "items.track.album(name,!name,href)",
            {"items": [{"track": {"album": {"href": "h"}}}, {"track": None}]},
        ),
        ("!items", {"total": 2, "limit": 20}),
        ("items(added_at", {"items": [{"added_at": "t"}, {"added_at": "t"}]}),
        ("total),limit", {"total": 2, "limit": 20}),
        ("total,total.x", {"total": 2}),
    ],
)
def test_a_filter_returns_what_it_names(fields: str, expected: Any) -> None:
    assert filtered(fields) == expected


@pytest.mark.parametrize("fields", ["", " ", ",", "()", "!", "..", ")("])
def test_a_filter_that_names_nothing_means_everything(fields: str) -> None:
    assert parse(fields) is None


@given(st.text("ab.,()! ", max_size=60))
def test_any_text_is_a_filter(fields: str) -> None:
    selection = parse(fields)
    value = {"a": {"b": [{"a": 1}]}, "b": 2}
    shown = value if selection is None else selection.apply(value)
    assert set(shown) <= set(value)


@pytest.mark.parametrize("fields", ["a(" * 30, "a." * 30, "a" * 1_001])
def test_what_is_too_deep_or_too_long_is_refused(fields: str) -> None:
    with pytest.raises(InvalidInput, match="fields: "):
        parse(fields)
    assert parse("a." * (MAX_DEPTH - 1)) is not None
