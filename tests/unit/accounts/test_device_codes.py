from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.accounts import device_codes
from shared.accounts.models import DeviceCode

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FRESH = DeviceCode(
    secret_hash="", client_id="tv", scopes=(), expires_at=NOW + device_codes.LIFE, interval_s=5
)


def test_a_code_is_typed_as_it_is_shown_whatever_the_case_and_the_dashes() -> None:
    code = device_codes.new_user_code()
    shown = device_codes.shown(code)
    for text in (code, shown, shown.lower(), f" {code[:2]} {code[2:]} ", shown.replace("-", ".")):
        assert device_codes.typed(text) == code


@given(st.text(max_size=70))
def test_anything_else_is_no_code(text: str) -> None:
    typed = device_codes.typed(text)
    assert typed is None or (len(typed) == 8 and set(typed) <= set(device_codes.LETTERS))


def test_no_letter_is_read_as_another() -> None:
    assert not set("AEIOUY0123456789") & set(device_codes.LETTERS)
    assert len({device_codes.new_user_code() for _ in range(200)}) == 200


def test_the_device_code_leads_to_the_user_code_and_holds_256_bits_more() -> None:
    code, secret = device_codes.new_device_code("WDJBMJHT")
    assert device_codes.split(code) == ("WDJBMJHT", secret)
    assert len(secret) >= 43
    assert device_codes.split("") == (None, "")
    assert device_codes.split("../users/x.y") == (None, "./users/x.y")


def test_a_patient_device_keeps_its_interval() -> None:
    code = device_codes.polled(FRESH, NOW)
    for turn in range(1, 5):
        code = device_codes.polled(code, NOW + timedelta(seconds=5 * turn))
    assert code.interval_s == 5


@pytest.mark.parametrize("early", [1, 2, 5])
def test_each_early_poll_adds_five_seconds_for_good(early: int) -> None:
    code, now = device_codes.polled(FRESH, NOW), NOW
    for _ in range(early):
        now += timedelta(seconds=code.interval_s - 1)
        code = device_codes.polled(code, now)
    assert code.interval_s == 5 + 5 * early
    code = device_codes.polled(code, now + timedelta(seconds=code.interval_s))
    assert code.interval_s == 5 + 5 * early
