"""Names and messages are shown in the language that is asked for."""

from __future__ import annotations

import pytest

from shared.browse.models import Category, Featured

CATEGORY = Category(id="mood", name="Mood", names={"es": "Ánimo", "es_MX": "Humor"})


@pytest.mark.parametrize(
    ("locale", "name"),
    [
        (None, "Mood"),
        ("es_MX", "Humor"),
        ("es-MX", "Humor"),
        ("es_AR", "Ánimo"),
        ("es", "Ánimo"),
        ("sv_SE", "Mood"),
        ("nonsense", "Mood"),
        ("", "Mood"),
    ],
)
def test_the_nearest_translation_is_taken(locale: str | None, name: str) -> None:
    assert CATEGORY.name_in(locale) == name


def test_a_message_is_translated_too() -> None:
    featured = Featured(message="Hello", messages={"sv": "Hej"})
    assert featured.message_in("sv_SE") == "Hej"
