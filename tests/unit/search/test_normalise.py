"""Folding, words and prefixes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.search.normalise import (
    MAX_PREFIX_CHARS,
    MAX_PREFIXES,
    fold,
    prefixes,
    query_tokens,
    tokens,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Beyoncé", ["beyonce"]),
        ("BEYONCÉ", ["beyonce"]),
        ("Sigur Rós", ["sigur", "ros"]),
        ("Motörhead", ["motorhead"]),
        ("Straße", ["strasse"]),
        ("Røyksopp", ["royksopp"]),
        ("Łona", ["lona"]),
        ("Don't Stop", ["dont", "stop"]),
        ("Don\u2019t Stop", ["dont", "stop"]),
        ("AC/DC", ["ac", "dc"]),
        ("20/20 (Remix)", ["20", "20", "remix"]),
        ("m_flo", ["m", "flo"]),
        ("宇多田ヒカル", ["宇多田ヒカル"]),
        ("... !!!", []),
    ],
)
def test_words_are_runs_of_letters_and_digits_without_case_and_accents(
    text: str, expected: list[str]
) -> None:
    assert tokens(text) == expected


@given(st.text(max_size=60))
def test_folding_twice_is_folding_once(text: str) -> None:
    words = tokens(text)
    assert tokens(" ".join(words)) == words
    assert fold(fold(text)) == fold(text)


@given(st.lists(st.text(min_size=1, max_size=40), max_size=60))
def test_prefixes_are_short_few_and_of_their_words(words: list[str]) -> None:
    found = prefixes(words)
    assert len(found) == len(set(found)) <= MAX_PREFIXES
    assert all(1 <= len(one) <= MAX_PREFIX_CHARS for one in found)
    assert all(any(word.startswith(one) for word in words) for one in found)


def test_a_query_is_never_cut_into_prefixes_and_field_filters_are_plain_words() -> None:
    assert query_tokens("track:Doxy artist:Miles Davis") == ["doxy", "miles", "davis"]
    assert len(query_tokens("a " * 100)) == 16
