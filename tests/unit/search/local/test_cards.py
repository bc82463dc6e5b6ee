"""Cards on disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.search.analysis import card
from shared.search.local.cards import OFFSETS, RECORDS, Cards, CardWriter, decoded, encoded
from shared.search.models import Card, SearchDocument

DOCUMENTS = st.builds(
    SearchDocument,
    type=st.sampled_from(["track", "playlist"]),
    id=st.text(min_size=1, max_size=22),
    name=st.text(max_size=40),
    artists=st.lists(st.text(max_size=20), max_size=3).map(tuple),
    aliases=st.lists(st.text(max_size=20), max_size=3).map(tuple),
    popularity=st.integers(0, 100),
    territories=st.lists(st.sampled_from(["DE", "US", "JP"]), unique=True).map(tuple),
    blocked_in=st.sampled_from([(), ("*",), ("DE", "FR")]),
    explicit=st.booleans(),
    release_date=st.sampled_from(["", "1970-01-01", "2020", "2021-02"]),
    genres=st.lists(st.text(max_size=9), max_size=3).map(tuple),
    recording=st.text(max_size=12),
)


@given(DOCUMENTS)
def test_a_card_comes_back_as_it_was(document: SearchDocument) -> None:
    made = card(document)
    assert decoded(encoded(made)) == made


def written(folder: Path, cards: list[Card]) -> None:
    writer = CardWriter(folder)
    assert [writer.add(one) for one in cards] == list(range(len(cards)))
    writer.close()


def test_cards_are_read_by_their_rows(tmp_path: Path) -> None:
    cards = [card(SearchDocument(type="track", id=str(n), name=f"Ñame {n}")) for n in range(500)]
    written(tmp_path, cards)
    read = Cards(tmp_path)
    assert len(read) == 500
    assert [read[n] for n in (0, 499, 7, 7)] == [cards[n] for n in (0, 499, 7, 7)]


def test_there_may_be_none(tmp_path: Path) -> None:
    written(tmp_path, [])
    assert len(Cards(tmp_path)) == 0


def test_files_that_are_cut_off_are_refused(tmp_path: Path) -> None:
    written(tmp_path, [card(SearchDocument(type="track", id="1", name="One"))])
    whole = (tmp_path / RECORDS).read_bytes()
    (tmp_path / RECORDS).write_bytes(whole[:-1])
    with pytest.raises(ValueError, match=r"cards\.bin"):
        Cards(tmp_path)
    (tmp_path / RECORDS).write_bytes(whole)
    (tmp_path / OFFSETS).write_bytes(b"123")
    with pytest.raises(ValueError):
        Cards(tmp_path)
