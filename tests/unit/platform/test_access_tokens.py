from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from shared.platform import auth
from shared.platform.errors import Unauthenticated
from tests import local_settings

TEXT = st.characters(codec="utf-8")


def claims(**changes: Any) -> dict[str, Any]:
    now_s = int(time.time())
    made = {
        "iss": f"{local_settings.PUBLIC_URL}/accounts",
        "aud": auth.AUDIENCE,
        "sub": "the-user",
        "client_id": "the-app",
        "scope": "streaming user-read-email",
        "tier": "premium",
        "country": "DE",
        "iat": now_s,
        "exp": now_s + 3600,
        "jti": "1",
        **changes,
    }
    return {name: value for name, value in made.items() if value is not None}


def sign(body: dict[str, Any], key: Any = None, **header: Any) -> str:
    key = key or local_settings.signing_key()
    whole = {"alg": "ES256", "kid": "test-1", "typ": "at+jwt", **header}
    return jwt.encode(whole, body, key, algorithms=[whole["alg"]])


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


GOOD = sign(claims())


def refused(token: str, says: str = "Invalid access token", now_s: float | None = None) -> None:
    with pytest.raises(Unauthenticated, match=says):
        auth.verify_access_token(token, now_s)


def test_a_good_token_names_its_caller() -> None:
    principal = auth.verify_access_token(GOOD)
    assert principal.user_id == "the-user"
    assert principal.client_id == "the-app"
    assert principal.scopes == {"streaming", "user-read-email"}
    assert (principal.tier, principal.country) == ("premium", "DE")


def test_an_apps_own_token_has_no_user() -> None:
    principal = auth.verify_access_token(sign(claims(sub="the-app")))
    assert principal.user_id is None
    with pytest.raises(Unauthenticated):
        principal.require_user()


@given(st.integers(0, len(GOOD) - 1), TEXT)
@example(len(GOOD) - 1, "A")
@example(len(GOOD) - 1, "B")
def test_a_token_with_one_other_character_is_refused(position: int, character: str) -> None:
    assume(character != GOOD[position])
    refused(GOOD[:position] + character + GOOD[position + 1 :])


def test_each_other_last_character_is_refused() -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for character in alphabet:
        if character != GOOD[-1]:
            refused(GOOD[:-1] + character)


@given(st.integers(0, len(GOOD)), st.text(TEXT, min_size=1, max_size=5))
def test_a_token_with_something_added_is_refused(position: int, added: str) -> None:
    refused(GOOD[:position] + added + GOOD[position:])


@given(st.integers(0, len(GOOD) - 1))
def test_a_token_cut_short_is_refused(length: int) -> None:
    refused(GOOD[:length])


@given(st.text(max_size=300))
def test_any_other_text_is_refused(text: str) -> None:
    refused(text)


@given(st.binary(max_size=60), st.binary(max_size=60), st.binary(max_size=80))
def test_any_three_parts_are_refused(header: bytes, body: bytes, signature: bytes) -> None:
    refused(f"{b64(header)}.{b64(body)}.{b64(signature)}")


def test_an_expired_token_is_told_apart() -> None:
    now_s = time.time()
    refused(sign(claims(exp=int(now_s) - 10)), "The access token expired")
    auth.verify_access_token(GOOD)  # now it is kept
    refused(GOOD, "The access token expired", now_s + 3600 + auth.CLOCK_SKEW_S)


def test_a_clock_a_little_behind_is_forgiven() -> None:
    auth.verify_access_token(sign(claims(exp=int(time.time()) - 1)))


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example/accounts"},
        {"iss": None},
        {"aud": "another-api"},
        {"aud": None},
        {"aud": ["segue-api"]},
        {"exp": None},
        {"exp": "tomorrow"},
        {"sub": None},
        {"client_id": None},
        {"scope": None},
        {"tier": None},
        {"country": None},
    ],
)
def test_a_token_for_another_purpose_is_refused(changes: dict[str, Any]) -> None:
    refused(sign(claims(**changes)))


@pytest.mark.parametrize("header", [{"typ": "JWT"}, {"kid": "another"}])
def test_a_token_of_another_kind_is_refused(header: dict[str, Any]) -> None:
    refused(sign(claims(), **header))


def test_a_foreign_key_is_refused() -> None:
    refused(sign(claims(), ECKey.generate_key("P-256", {"kid": "test-1"})))


def test_no_algorithm_is_no_signature() -> None:
    body = b64(json.dumps(claims()).encode())
    for algorithm in ("none", "None", "NONE"):
        header = b64(json.dumps({"alg": algorithm, "kid": "test-1", "typ": "at+jwt"}).encode())
        refused(f"{header}.{body}.")
        refused(f"{header}.{body}.{GOOD.rsplit('.', 1)[1]}")


def test_our_public_key_is_nobodys_hmac_key() -> None:
    public = local_settings.signing_key()
    for secret in (
        public.as_pem(private=False),
        public.as_der(private=False),
        json.dumps(public.as_dict(private=False)).encode(),
    ):
        key = OctKey.import_key(base64.b64encode(secret))
        refused(sign(claims(), key, alg="HS256"))


def test_a_key_inside_the_token_is_not_believed() -> None:
    own = ECKey.generate_key("P-256", {"kid": "test-1"})
    refused(sign(claims(), own, jwk=own.as_dict(private=False)))


def test_the_cache_keeps_no_token_that_was_refused() -> None:
    foreign = sign(claims(iss="https://evil.example/accounts"))
    refused(foreign)
    refused(foreign)
    assert not auth._verified
