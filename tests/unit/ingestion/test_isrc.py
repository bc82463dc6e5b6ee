"""ISRC and UPC check."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ingestion.isrc import check_digit, normalised_isrc, normalised_upc


@pytest.mark.parametrize(
    "text", ["USS1Z9900001", "us-s1z-99-00001", " US S1Z 99 00001 ", "ISRC: USS1Z9900001"]
)
def test_an_isrc_is_found_whatever_its_spelling(text: str) -> None:
    assert normalised_isrc(text) == "USS1Z9900001"


@pytest.mark.parametrize(
    "text", ["", "USS1Z990000", "USS1Z99000011", "1SS1Z9900001", "USS1ZX900001", "ÜSS1Z9900001",
             "USS1Z990000١"],
)  # fmt: skip
def test_what_is_no_isrc_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="USS1Z9900001"):
        normalised_isrc(text)


@pytest.mark.parametrize("text", ["036000291452", "0360 0029 1452", "4006381333931"])
def test_a_barcode_with_the_right_check_digit_passes(text: str) -> None:
    assert normalised_upc(text) == text.replace(" ", "")


def test_a_wrong_check_digit_is_named() -> None:
    with pytest.raises(ValueError, match="should be 2"):
        normalised_upc("036000291453")


@pytest.mark.parametrize("text", ["", "12345", "0360002914521111", "03600029145a"])
def test_what_is_no_barcode_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a UPC"):
        normalised_upc(text)


@given(st.text("0123456789", min_size=11, max_size=12), st.integers(1, 9), st.data())
def test_every_single_wrong_digit_is_noticed(digits: str, change: int, data: st.DataObject) -> None:
    code = digits + str(check_digit(digits))
    place = data.draw(st.integers(0, len(code) - 1))
    wrong = code[:place] + str((int(code[place]) + change) % 10) + code[place + 1 :]
    assert normalised_upc(code) == code
    with pytest.raises(ValueError):
        normalised_upc(wrong)
