"""Verification of signed URLs, against a second account of the signing process: the client's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.cloud.storage._signing import generate_signed_url_v4
from google.oauth2.service_account import Credentials
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulators.storage import signing
from emulators.storage.signing import XmlError

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.PKCS8,
    serialization.NoEncryption(),
).decode()
PUBLIC = KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)
VERIFY = signing.rsa_verifier(PUBLIC)
NOW = datetime.now(UTC)


def signed(path: str = "/masters/a%20b.flac", headers: dict[str, str] | None = None) -> str:
    credentials = Credentials.from_service_account_info(
        {
            "client_email": "uploads@segue-local.iam.gserviceaccount.com",
            "private_key": PEM,
            "token_uri": "https://oauth2.googleapis.com/token",
        }
    )
    return str(
        generate_signed_url_v4(
            credentials,
            resource=path,
            expiration=timedelta(minutes=15),
            api_access_endpoint="http://127.0.0.1:9023",
            method="POST",
            headers={"x-goog-resumable": "start", **(headers or {})},
        )
    )


def check(url: str, *, method: str = "POST", now: datetime | None = None, **extra: str) -> None:
    parts = urlsplit(url)
    headers = {"host": parts.netloc, "x-goog-resumable": "start"}
    headers |= {name.replace("_", "-"): value for name, value in extra.items()}
    signing.check(method, parts.path, parts.query, headers, VERIFY, now or datetime.now(UTC))


def test_a_url_signed_by_the_client_library_is_accepted() -> None:
    check(signed())


def test_signed_metadata_must_arrive_as_it_was_signed() -> None:
    url = signed(headers={"x-goog-meta-segue": "abc"})
    check(url, x_goog_meta_segue="abc")
    with pytest.raises(XmlError) as changed:
        check(url, x_goog_meta_segue="abd")
    assert (changed.value.status, changed.value.code) == (403, "SignatureDoesNotMatch")
    with pytest.raises(XmlError) as missing:
        check(url)
    assert (missing.value.status, missing.value.code) == (400, "MalformedSecurityHeader")


def test_metadata_that_nobody_signed_is_refused() -> None:
    with pytest.raises(XmlError) as refused:
        check(signed(), x_goog_meta_segue="injected")
    assert refused.value.code == "MalformedSecurityHeader"


def test_an_expired_url_is_a_bad_request() -> None:
    with pytest.raises(XmlError) as expired:
        check(signed(), now=datetime.now(UTC) + timedelta(minutes=16))
    assert (expired.value.status, expired.value.code) == (400, "ExpiredToken")


def test_another_method_or_object_does_not_match() -> None:
    for url, method in ((signed(), "PUT"), (signed().replace("a%20b", "a%20c"), "POST")):
        with pytest.raises(XmlError) as refused:
            check(url, method=method)
        assert refused.value.code == "SignatureDoesNotMatch"


@given(st.data())
@settings(max_examples=150, suppress_health_check=[HealthCheck.differing_executors])
def test_no_altered_character_of_the_query_is_accepted(data: st.DataObject) -> None:
    url = _SIGNED
    position = data.draw(st.integers(url.index("?") + 1, len(url) - 1))
    character = data.draw(st.sampled_from("0aZ~.-"))
    altered = url[:position] + character + url[position + 1 :]
    if altered == url:
        return
    if altered.split("X-Goog-Signature=")[-1].lower() == url.split("X-Goog-Signature=")[-1]:
        return  # the same signature in another case
    with pytest.raises(XmlError):
        check(altered)


_SIGNED = signed()
