"""What a log line may not hold is taken out, and what an operator needs stays."""

from __future__ import annotations

import json
import string
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.platform.redaction import REDACTED, redact, redact_fields

WORDS = st.text(string.ascii_letters + string.digits, min_size=8, max_size=40)
AROUND = st.sampled_from(["{}", "for {} at", "({})", '"{}"', "to={}, next", "x\n{}\ny", "<{}>"])
SECRET = "s3cr3tV4lu3"


@pytest.mark.parametrize(
    "text",
    [
        f"/v1/playback/streams/{'aB3-_' * 36}/audio.m3u8 failed",
        f"?Expires=1&KeyName=audio&Signature={SECRET}-_=",
        f"https://cdn/audio/x?URLPrefix=a&Signature={SECRET}",
        f"?Policy={SECRET}~&Key-Pair-Id=K1",
        f"hdnts=st=1~exp=2~acl=/*~hmac={SECRET}",
        f"https://f/x?token=1700000000_{SECRET}",
        f"https://storage/x?X-Goog-Signature={SECRET}&X-Goog-Expires=1",
        f"https://app/callback?code={SECRET}&state=ok",
        f"Authorization: DPoP {SECRET}",
        f"authorization='Bearer {SECRET}'",
        f"authorization=Bearer {SECRET}",
        f"cookie: session={SECRET}; theme=dark",
        f"{{'refresh_token': '{SECRET}', 'n': 1}}",
        f'{{"client_secret":"{SECRET} with {SECRET}"}}',
        f"password = {SECRET}",
        f"DPoP: eyJ{SECRET}.eyJ{SECRET}.{SECRET}",
        f"eyJ{SECRET}.eyJ{SECRET}.{SECRET}",
        f"Bearer {SECRET}{SECRET}",
        f"-----BEGIN EC PRIVATE KEY-----\n{SECRET}\n{SECRET}==\n-----END EC PRIVATE KEY-----",
        f"-----BEGIN PRIVATE KEY-----\n{SECRET} and it breaks off",
    ],
)
def test_what_opens_something_is_taken_out(text: str) -> None:
    assert SECRET not in redact(text)
    assert "aB3-_aB3" not in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "published track 4uLU6hMCjMI75M1A2tKUQC version " + "0123456789abcdef" * 4,
        "user aB3dE5fG7hI9jK1lM3nO5p has 3 tokens left; the token is bad",
        "the signature has expired: sign in again",
        "probed google at 12:34:56, 2026-01-31T12:34:56Z: 503",
        "PERMISSION_DENIED: fn-catalog@segue-prod.iam.gserviceaccount.com lacks a role",
        "GET /v1/tracks?ids=1,2&limit=50&market=DE failed, status_code=404",
        "std::vector, Foo::bar, 1.2.3 and 10.5% of a/b.c:12",
        "decode=fast; the postcode=12345",
        'etag W/"abc"; key google-1; @dataclass',
    ],
)
def test_what_an_operator_needs_stays(text: str) -> None:
    assert redact(text) == text


@given(AROUND, st.emails(domains=st.sampled_from(["example.com", "mail.example.co.uk"])))
def test_no_email_address_is_left(around: str, email: str) -> None:
    kept = redact(around.format(email))
    assert "@" + email.rpartition("@")[2] not in kept
    assert "example" not in kept


@given(AROUND, st.ip_addresses(v=4))
def test_no_ipv4_address_is_left(around: str, address: object) -> None:
    assert str(address) not in redact(around.format(address))


@given(AROUND, st.ip_addresses(v=6).filter(lambda address: int(address) > 0xFFFF))
@example("{}", "2001:db8::1")
@example("from [{}]:443", "2001:db8:1:2:3:4:5:6")
@example("{}", "2001:db8::")
@example("{}", "::ffff:203.0.113.7")
def test_no_ipv6_address_is_left(around: str, address: object) -> None:
    assert str(address) not in redact(around.format(address))


@given(WORDS)
def test_a_name_tells_that_a_value_is_secret_whatever_it_is(value: str) -> None:
    assert redact(f"refresh_token={value}&x=1") == f"refresh_token={REDACTED}&x=1"
    fields = {"access_token": value, "client-secret": value, "ip": value, "nested": [value]}
    kept = redact_fields({**fields, "nested": {"email": value}})
    assert value not in json.dumps(kept)


def test_numbers_stay_under_any_name() -> None:
    fields: dict[str, Any] = {"tokens": 3, "is_token": True, "secret": None, "latency_ms": 1.5}
    assert redact_fields(fields) == fields


def test_values_of_any_kind_are_read() -> None:
    class Odd:
        def __str__(self) -> str:
            return "asked by ada@example.com"

    kept = redact_fields({"odd": Odd(), "many": ({"who": "ada@example.com"}, {1, 2})})
    assert kept["odd"] == "asked by [email]"
    assert kept["many"] == [{"who": "[email]"}, [1, 2]]
    json.dumps(kept)


@given(st.text())
def test_what_is_redacted_is_redacted_once(text: str) -> None:
    once = redact(text)
    assert redact(once) == once
