"""The edge's reading of each provider's token, against tokens put together by hand here."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from emulators.edge_tokens import MediaRequest, verifier

NOW = 1_700_000_000.0
LATER = 1_700_000_600
KEY = "0123456789abcdef" * 4


def request(query: str, path: str = "/audio/t/v/a.m4s") -> MediaRequest:
    return MediaRequest("https://cdn.test", path, query)


def mac(key: bytes, text: str, digest: str = "sha256") -> bytes:
    return hmac.new(key, text.encode(), getattr(hashlib, digest)).digest()


def akamai(head: str) -> str:
    return f"hdnts={head}~hmac={mac(bytes.fromhex(KEY), head).hex()}"


def test_a_cloud_cdn_token_known_from_elsewhere_is_valid() -> None:
    # printf '%s' "$policy" | openssl dgst -sha1 -mac HMAC -macopt hexkey:000102…0f -binary
    key = base64.urlsafe_b64encode(bytes(range(16))).decode()
    policy = "URLPrefix=aHR0cHM6Ly9jZG4udGVzdC9hdWRpby90L3Yv&Expires=1700000600&KeyName=k1"
    query = f"{policy}&Signature=oIQ_0mEFz1DfTs0U5oZHgNqvFn8="
    assert verifier("cloud_cdn", {"k1": key})(request(query), NOW).status == 200


@pytest.mark.parametrize(
    "arrange",
    [
        lambda p, s: f"{s}&{p}",
        lambda p, s: f"{p}&extra=1&{s}",
        lambda p, s: f"{p}&{s}&extra=1",
        lambda p, s: f"extra=1&{p}&{s}",
        lambda p, s: f"{p}&{p}&{s}",
        lambda p, s: p,
    ],
)
def test_google_fields_out_of_place_are_refused(arrange) -> None:  # type: ignore[no-untyped-def]
    secret = bytes(16)
    prefix = base64.urlsafe_b64encode(b"https://cdn.test/audio/").decode()
    policy = f"URLPrefix={prefix}&Expires={LATER}&KeyName=k"
    signature = base64.urlsafe_b64encode(mac(secret, policy, "sha1")).decode()
    check = verifier("cloud_cdn", {"k": base64.urlsafe_b64encode(secret).decode()})
    assert check(request(f"{policy}&Signature={signature}"), NOW).status == 200
    assert check(request(arrange(policy, f"Signature={signature}")), NOW).status == 403


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (f"exp={LATER}~acl=/audio/t/*", 200),
        (f"st=1699999000~exp={LATER}~acl=/audio/t/*~id=u~data=x", 200),
        (f"exp={LATER}~acl=/images/*!/audio/t/*", 200),
        (f"exp={LATER}~acl=/audio/t/v/?.m4s", 200),
        (f"exp={LATER}~acl=/audio/t/v/a.m4", 403),
        (f"exp={LATER}~acl=/images/*", 403),
        (f"st=1700000001~exp={LATER}~acl=/audio/*", 403),
        ("exp=1700000000~acl=/audio/*", 403),
        (f"exp={LATER}", 403),
        ("acl=/audio/*", 403),
        (f"exp={LATER}~exp=9999999999~acl=/audio/*", 403),
        (f"exp={LATER}~acl=/audio/*~what=1", 403),
    ],
)
def test_akamai_fields_mean_what_edgeauth_says(head: str, status: int) -> None:
    assert verifier("akamai", {"any": KEY})(request(akamai(head)), NOW).status == status


def cloudfront(
    key: rsa.RSAPrivateKey, policy: object, algorithm: hashes.HashAlgorithm, suffix: str = ""
) -> str:
    raw = json.dumps(policy).encode()

    def safe(data: bytes) -> str:
        text = base64.b64encode(data).decode()
        return text.replace("+", "-").replace("=", "_").replace("/", "~")

    signature = key.sign(raw, padding.PKCS1v15(), algorithm)
    return f"Policy={safe(raw)}&Signature={safe(signature)}&Key-Pair-Id=K{suffix}"


def test_cloudfront_checks_sha1_unless_the_url_names_sha256() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    check = verifier("cloudfront", {"K": pem})
    condition = {"DateLessThan": {"AWS:EpochTime": LATER}}
    policy = {"Statement": [{"Resource": "https://cdn.test/audio/t/*", "Condition": condition}]}
    named = "&Hash-Algorithm=SHA256"
    sha1, sha256 = hashes.SHA1(), hashes.SHA256()
    assert check(request(cloudfront(key, policy, sha256, named)), NOW).status == 200
    assert check(request(cloudfront(key, policy, sha256)), NOW).status == 403
    assert check(request(cloudfront(key, policy, sha1)), NOW).status == 200
    assert check(request(cloudfront(key, policy, sha1, named)), NOW).status == 403
    assert check(request(cloudfront(key, policy, sha256, named)), LATER).status == 403
    other = request(cloudfront(key, policy, sha256, named), path="/audio/u/a.m4s")
    assert check(other, NOW).status == 403
    malformed: object
    for malformed in ({}, {"Statement": []}, {"Statement": [{"Resource": 1}]}, []):
        query = cloudfront(key, malformed, sha256, named)
        assert check(request(query), NOW).status == 403


@pytest.mark.parametrize(
    ("path", "now", "status"),
    [
        ("/audio/t/v/a.m4s", NOW, 200),
        ("/audio/t/", NOW, 200),
        ("/audio/t", NOW, 403),
        ("/audio/u/a.m4s", NOW, 403),
        ("/audio/t/v/a.m4s", float(LATER + 1), 410),
        ("/audio/u/a.m4s", float(LATER + 1), 403),  # wrong goes before expired
    ],
)
def test_fastly_tells_expired_from_wrong(path: str, now: float, status: int) -> None:
    digest = mac(bytes.fromhex(KEY), f"/audio/t/{LATER}").hex()
    query = f"token={LATER}_{digest}&prefix=/audio/t/"
    assert verifier("fastly", {"any": KEY})(request(query, path), now).status == status


def test_an_unknown_provider_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="known: akamai, cloud_cdn"):
        verifier("limelight", {})
