from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from starlette.requests import Request

from shared.platform import auth, dpop
from shared.platform.dpop import InvalidProof
from shared.platform.errors import InsufficientScope, PremiumRequired, Unauthenticated
from shared.platform.responses import domain_error_response
from tests import local_settings
from tests.unit.accounts.prover import Prover

URL = f"{local_settings.PUBLIC_URL}/v1/tracks/x"
PROVER = Prover()


def header(**changes: Any) -> bytes:
    made = {"typ": "dpop+jwt", "alg": "ES256", "jwk": PROVER.key.as_dict(private=False)}
    return json.dumps({**made, **changes}).encode()


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def refused(proof: str, says: str, token: str | None = None, **where: str) -> None:
    with pytest.raises(InvalidProof, match=says):
        dpop.verify_proof(
            proof, where.get("method", "GET"), where.get("url", URL), access_token=token
        )


def test_a_good_proof_names_its_key() -> None:
    proof = dpop.verify_proof(
        PROVER.prove("GET", URL, "the-token"), "GET", URL, access_token="the-token"
    )
    assert proof.thumbprint == PROVER.thumbprint
    assert proof.jti


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (OKPKey.generate_key("Ed25519"), "Ed25519"),
        (RSAKey.generate_key(2048), "RS256"),
        (RSAKey.generate_key(2048), "PS256"),
    ],
)
def test_other_keys_are_as_good(key: Any, algorithm: str) -> None:
    prover = Prover(key)
    proof = prover.sign(prover.claims("GET", URL), alg=algorithm)
    assert dpop.verify_proof(proof, "GET", URL).thumbprint == prover.thumbprint


@pytest.mark.parametrize(
    "address",
    [
        f"{URL}?market=DE",
        f"{URL}#x",
        f"{URL}/",
        URL.replace("http:", "HTTP:"),
        URL.replace("x", "%78"),
    ],
)
def test_the_address_is_compared_without_query_and_spelling(address: str) -> None:
    dpop.verify_proof(PROVER.prove("GET", address), "GET", URL)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"htm": "POST"}, "htm"),
        ({"htm": None}, "htm"),
        ({"htu": URL + "y"}, "htu"),
        ({"htu": "https://evil.example/v1/tracks/x"}, "htu"),
        ({"htu": None}, "htu"),
        ({"htu": "http://[x"}, "htu"),
        ({"iat": None}, "iat"),
        ({"iat": "now"}, "iat"),
        ({"iat": True}, "iat"),
        ({"iat": 0}, "iat"),
        ({"iat": 4e9}, "iat"),
        ({"jti": None}, "jti"),
        ({"jti": ""}, "jti"),
        ({"jti": 7}, "jti"),
        ({"jti": "x" * 257}, "jti"),
        ({"ath": None}, "ath"),
        ({"ath": "x" * 43}, "ath"),
        ({"ath": 5}, "ath"),
    ],
)
def test_a_proof_of_something_else_is_refused(changes: dict[str, Any], says: str) -> None:
    refused(PROVER.prove("GET", URL, "the-token", **changes), says, "the-token")


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ({"typ": "JWT"}, "typ"),
        ({"jwk": None}, "jwk"),
        ({"jwk": PROVER.key.as_dict(private=True)}, "private"),
        ({"jwk": ECKey.generate_key("P-256").as_dict(private=False)}, "signature"),
        ({"jwk": {"kty": "oct", "k": "AAAA"}}, "public"),
        ({"jwk": {"kty": "EC"}}, "signature"),
    ],
)
def test_a_proof_of_another_kind_is_refused(header: dict[str, Any], says: str) -> None:
    refused(PROVER.sign(PROVER.claims("GET", URL), **header), says)


def test_a_secret_key_proves_nothing() -> None:
    key = OctKey.generate_key(256)
    header = {"alg": "HS256", "typ": "dpop+jwt", "jwk": key.as_dict()}
    refused(jwt.encode(header, PROVER.claims("GET", URL), key, algorithms=["HS256"]), "public")


def test_a_weak_rsa_key_proves_nothing() -> None:
    with pytest.warns(SecurityWarning):
        weak = Prover(RSAKey.generate_key(1024))
    refused(weak.sign(weak.claims("GET", URL), alg="RS256"), "2048")


def test_headers_that_nobody_knows_are_ignored_unless_they_are_critical() -> None:
    known = PROVER.sign(PROVER.claims("GET", URL), x_new="1")
    dpop.verify_proof(known, "GET", URL)
    critical = f"{b64(header(crit=['x_new'], x_new='1'))}.{known.partition('.')[2]}"
    refused(critical, "signature")


@given(st.text(max_size=300))
def test_any_other_text_is_refused(text: str) -> None:
    refused(text, "proof")


def test_a_proof_has_an_end() -> None:
    refused("x" * 5000, "too long")
    proof = PROVER.prove("GET", URL)
    with pytest.raises(InvalidProof, match="iat"):
        dpop.verify_proof(proof, "GET", URL, now_s=time.time() + dpop.PROOF_LIFE_S + 2)


def test_a_key_that_is_a_text_is_none() -> None:
    body, signature = PROVER.prove("GET", URL).split(".")[1:]
    refused(f"{b64(header(jwk='text'))}.{body}.{signature}", "jwk")


# --- principal_of -----------------------------------------------------------------------------


def access_token(**changes: Any) -> str:
    now_s = int(time.time())
    claims = {
        "iss": f"{local_settings.PUBLIC_URL}/accounts",
        "aud": auth.AUDIENCE,
        "sub": "u",
        "client_id": "c",
        "scope": "streaming",
        "tier": "free",
        "country": "DE",
        "exp": now_s + 3600,
        **changes,
    }
    header = {"alg": "ES256", "kid": "test-1", "typ": "at+jwt"}
    return jwt.encode(header, claims, local_settings.signing_key(), algorithms=["ES256"])


BOUND = access_token(cnf={"jkt": PROVER.thumbprint}, device_id="tv-1")
FREE = access_token()


def request(authorization: str | None, *proofs: str) -> Request:
    headers = [(b"dpop", proof.encode()) for proof in proofs]
    if authorization is not None:
        headers.append((b"authorization", authorization.encode()))
    scope = {"type": "http", "method": "GET", "path": "/v1/tracks/x", "headers": headers}
    return Request({**scope, "query_string": b""})


async def test_a_bearer_token_is_enough_unless_it_is_bound() -> None:
    principal = await auth.principal_of(request(f"Bearer {FREE}"))
    assert (principal.user_id, principal.device_id, principal.key_thumbprint) == ("u", None, None)
    with pytest.raises(Unauthenticated) as caught:
        await auth.principal_of(request(f"Bearer {BOUND}"))
    challenge = domain_error_response(caught.value).headers["www-authenticate"]
    assert challenge.startswith("DPoP ")
    assert 'error="invalid_token"' in challenge


@pytest.mark.parametrize(
    ("token", "proofs", "code"),
    [
        (BOUND, list, "invalid_dpop_proof"),
        (BOUND, lambda: [PROVER.prove("GET", URL, BOUND)] * 2, "invalid_dpop_proof"),
        (BOUND, lambda: [PROVER.prove("GET", URL, FREE)], "invalid_dpop_proof"),
        (BOUND, lambda: [PROVER.prove("POST", URL, BOUND)], "invalid_dpop_proof"),
        (BOUND, lambda: [Prover().prove("GET", URL, BOUND)], "invalid_token"),
        (FREE, lambda: [PROVER.prove("GET", URL, FREE)], "invalid_token"),
    ],
)
async def test_a_bound_token_needs_its_own_keys_proof(
    token: str, proofs: Callable[[], list[str]], code: str
) -> None:
    with pytest.raises(InvalidProof) as caught:
        await auth.principal_of(request(f"DPoP {token}", *proofs()))
    answer = domain_error_response(caught.value)
    assert answer.status_code == 401
    challenge = answer.headers["www-authenticate"]
    assert challenge.startswith('DPoP realm="segue"')
    assert f'error="{code}"' in challenge
    assert 'algs="ES256 ' in challenge


@pytest.mark.parametrize("authorization", [None, "", "Basic x", "Bearer", "Bearer x", "DPoP x"])
async def test_anything_else_is_refused(authorization: str | None) -> None:
    with pytest.raises(Unauthenticated):
        await auth.principal_of(request(authorization, PROVER.prove("GET", URL, "x")))


def test_what_a_caller_may_is_asked_of_the_principal() -> None:
    principal = auth.verify_access_token(BOUND)
    assert (principal.device_id, principal.key_thumbprint) == ("tv-1", PROVER.thumbprint)
    principal.require_scope("streaming")
    with pytest.raises(InsufficientScope, match="user-read-email"):
        principal.require_scope("user-read-email")
    with pytest.raises(PremiumRequired):
        principal.require_premium()
    auth.verify_access_token(access_token(tier="premium")).require_premium()


@pytest.mark.parametrize("binding", ["text", {}, 5])
def test_a_malformed_binding_is_no_binding_to_ignore(binding: Any) -> None:
    with pytest.raises(Unauthenticated):
        auth.verify_access_token(access_token(cnf=binding))
