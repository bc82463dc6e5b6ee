from __future__ import annotations

import time
from functools import cache
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from shared.platform import service_auth
from shared.platform.errors import Unauthenticated
from shared.platform.settings import settings
from tests import local_settings

CERTIFICATES = local_settings.variables()["SEGUE_OIDC_CERTS_URL"]


@cache
def google_key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": "google-1", "alg": "RS256", "use": "sig"})


@pytest.fixture(autouse=True)
def certificates(settings_env: pytest.MonkeyPatch) -> None:
    """Google's keys, as a process holds them after its first fetch."""
    keys = KeySet.import_key_set({"keys": [google_key().as_dict(private=False)]})
    service_auth._certificates[CERTIFICATES] = (time.monotonic(), keys)


def sign(key: RSAKey | None = None, **changes: Any) -> str:
    now_s = int(time.time())
    variables = local_settings.variables()
    claims = {
        "iss": variables["SEGUE_OIDC_ISSUER"],
        "aud": variables["SEGUE_SERVICE_AUDIENCE"],
        "email": variables["SEGUE_SERVICE_ACCOUNT"],
        "email_verified": True,
        "iat": now_s,
        "exp": now_s + 3600,
        **changes,
    }
    body = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode({"alg": "RS256", "kid": "google-1"}, body, key or google_key())


async def refused(authorization: str | None) -> None:
    with pytest.raises(Unauthenticated):
        await service_auth.verify_service_token(authorization)


async def test_our_own_service_account_is_let_in() -> None:
    await service_auth.verify_service_token(f"Bearer {sign()}")


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer ", "Basic abc"])
async def test_no_token_is_refused(authorization: str | None) -> None:
    await refused(authorization)


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"},
        {"aud": "https://another.example"},
        {"aud": None},
        {"email": "intruder@evil.iam.gserviceaccount.com"},
        {"email": None},
        {"email_verified": False},
        {"email_verified": "true"},
        {"email_verified": None},
        {"exp": 1_700_000_000},
        {"exp": None},
        {"exp": "tomorrow"},
    ],
)
async def test_a_token_for_another_purpose_is_refused(changes: dict[str, Any]) -> None:
    await refused(f"Bearer {sign(**changes)}")


async def test_a_foreign_key_is_refused() -> None:
    foreign = RSAKey.generate_key(2048, {"kid": "google-1"})
    await refused(f"Bearer {sign(foreign)}")


async def test_our_access_tokens_are_no_service_tokens() -> None:
    key = local_settings.signing_key()
    token = jwt.encode({"alg": "ES256", "kid": "google-1"}, {}, key, algorithms=["ES256"])
    await refused(f"Bearer {token}")


@given(st.integers(0, 1), st.integers(0, 10_000), st.characters(codec="ascii"))
async def test_an_altered_claim_or_signature_is_refused(
    part: int, position: int, character: str
) -> None:
    parts = sign().split(".")
    chosen = parts[part + 1]
    position %= len(chosen)
    assume(character != chosen[position])
    parts[part + 1] = chosen[:position] + character + chosen[position + 1 :]
    await refused("Bearer " + ".".join(parts))


@pytest.mark.parametrize(
    ("audience", "good"),
    [
        ("https://receive-master-123456789012.us-central1.run.app", True),
        ("https://receive-master-a1b2c3d4e5-uc.a.run.app", True),
        ("https://publish-track-123456789012.us-central1.run.app", False),
        ("https://receive-master-123456789012.us-central1.run.app.evil.example", False),
        ("http://receive-master-123456789012.us-central1.run.app", False),
        (["https://receive-master-1.us-central1.run.app"], False),
    ],
)
async def test_cloud_run_knows_a_function_by_two_addresses(
    audience: object, good: bool, settings_env: pytest.MonkeyPatch
) -> None:
    settings_env.setenv("SEGUE_SERVICE_AUDIENCE", "https://receive-master-*.run.app")
    settings.cache_clear()
    authorization = f"Bearer {sign(aud=audience)}"
    if good:
        await service_auth.verify_service_token(authorization)
    else:
        await refused(authorization)
