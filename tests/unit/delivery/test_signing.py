"""What is signed opens its prefix at the edge's own reading of the provider's documents, and
nothing else does."""

from __future__ import annotations

import string
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from emulators.edge_tokens import MediaRequest, verifier
from shared.delivery.models import SignedPrefix
from shared.delivery.signing import (
    LIFE_S,
    WINDOW_S,
    SignatureCache,
    SigningKeyError,
    load_key,
    sign_prefix,
    window,
)
from shared.platform.settings import CdnProvider
from tests.unit.delivery.cdn_keys import PROVIDERS, cdn, new_pair, pair, policy_pair

BASE = "https://cdn.test"
SAFE = string.ascii_letters + string.digits
segments = st.text(SAFE + "-_", min_size=1, max_size=22)
prefixes = st.lists(segments, min_size=1, max_size=3).map(lambda s: "/audio/" + "/".join(s) + "/")
uids = st.text(SAFE + "-_", min_size=1, max_size=40)
moments = st.datetimes(
    datetime(2020, 1, 1),
    datetime(2096, 1, 1),
    timezones=st.just(UTC),  # 10-digit epochs
)
files = st.lists(st.text(SAFE + "._-", min_size=1, max_size=20), min_size=1, max_size=3).map(
    "/".join
)
providers = st.sampled_from(PROVIDERS)


def signed_by(provider: CdnProvider, prefix: str, uid: str, now: datetime) -> SignedPrefix:
    return sign_prefix(cdn(provider), pair(provider).signing_key, prefix, uid, now)


def status(
    provider: CdnProvider,
    path: str,
    query: str,
    now: datetime,
    keys: dict[str, str] | None = None,
    origin: str = BASE,
) -> int:
    held = {"key-1": pair(provider).verification} if keys is None else keys
    return verifier(provider, held)(MediaRequest(origin, path, query), now.timestamp()).status


@given(providers, prefixes, uids, moments, files)
def test_one_signature_opens_every_file_below_the_prefix(
    provider: CdnProvider, prefix: str, uid: str, now: datetime, file: str
) -> None:
    signed = signed_by(provider, prefix, uid, now)
    assert signed.base_url == BASE + prefix
    assert signed.url(file) == f"{BASE}{prefix}{file}?{signed.query}"
    assert status(provider, prefix + file, signed.query, now) == 200


@given(providers, prefixes, uids, moments)
def test_a_token_lives_until_its_expiry_and_no_longer(
    provider: CdnProvider, prefix: str, uid: str, now: datetime
) -> None:
    signed = signed_by(provider, prefix, uid, now)
    assert timedelta(seconds=LIFE_S - WINDOW_S) < signed.expires_at - now
    assert signed.expires_at - now <= timedelta(hours=1)
    last = signed.expires_at - timedelta(seconds=1)
    after = signed.expires_at + timedelta(seconds=1)
    assert status(provider, f"{prefix}x", signed.query, last) == 200
    assert status(provider, f"{prefix}x", signed.query, after) == (
        410 if provider == "fastly" else 403
    )


@settings(max_examples=400)
@given(providers, prefixes, uids, moments, st.data())
def test_any_altered_byte_of_the_query_is_refused(
    provider: CdnProvider, prefix: str, uid: str, now: datetime, data: st.DataObject
) -> None:
    query = signed_by(provider, prefix, uid, now).query
    at = data.draw(st.integers(0, len(query) - 1))
    other = data.draw(st.sampled_from(SAFE + "-_~*!=&%+./"))
    assume(other != query[at])
    altered = query[:at] + other + query[at + 1 :]
    assert status(provider, f"{prefix}file.m4s", altered, now) in (403, 410)


@given(providers, prefixes, uids, moments, st.data())
def test_any_cut_or_added_byte_is_refused(
    provider: CdnProvider, prefix: str, uid: str, now: datetime, data: st.DataObject
) -> None:
    query = signed_by(provider, prefix, uid, now).query
    # Base64 says the same with and without its padding.
    at = data.draw(st.integers(0, len(query.rstrip("=")) - 1))
    assert status(provider, f"{prefix}x", query[:at], now) == 403
    added = query[:at] + data.draw(st.sampled_from(SAFE)) + query[at:]
    assert status(provider, f"{prefix}x", added, now) in (403, 410)


@given(providers, prefixes, uids, moments, st.data())
def test_any_altered_byte_of_the_path_leaves_the_prefix(
    provider: CdnProvider, prefix: str, uid: str, now: datetime, data: st.DataObject
) -> None:
    query = signed_by(provider, prefix, uid, now).query
    at = data.draw(st.integers(0, len(prefix) - 1))
    other = data.draw(st.sampled_from(SAFE + "-_.%"))
    assume(other != prefix[at])
    path = prefix[:at] + other + prefix[at + 1 :] + "file.m4s"
    assert status(provider, path, query, now) == 403


@given(providers, prefixes, prefixes, uids, moments)
def test_another_prefix_is_refused(
    provider: CdnProvider, prefix: str, other: str, uid: str, now: datetime
) -> None:
    assume(not other.startswith(prefix))
    query = signed_by(provider, prefix, uid, now).query
    assert status(provider, f"{other}file.m4s", query, now) == 403
    assert status(provider, prefix.rstrip("/") + "2/file.m4s", query, now) == 403


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_key_that_the_edge_does_not_hold_is_refused(provider: CdnProvider) -> None:
    now = datetime(2026, 5, 1, 12, 3, tzinfo=UTC)
    signed = signed_by(provider, "/audio/t/v/", "u", now)
    same_name = {"key-1": new_pair(provider).verification}
    assert status(provider, "/audio/t/v/x", signed.query, now, keys=same_name) == 403
    assert status(provider, "/audio/t/v/x", signed.query, now, keys={}) == 403


@pytest.mark.parametrize("provider", PROVIDERS)
def test_two_keys_are_valid_at_once_while_one_replaces_the_other(provider: CdnProvider) -> None:
    now = datetime(2026, 5, 1, 12, 3, tzinfo=UTC)
    held = {name: pair(provider, name).verification for name in ("key-1", "key-2")}
    for name in held:
        key = pair(provider, name).signing_key
        signed = sign_prefix(cdn(provider, name), key, "/audio/t/v/", "u", now)
        assert status(provider, "/audio/t/v/x", signed.query, now, keys=held) == 200


@pytest.mark.parametrize("provider", ["cloud_cdn", "media_cdn", "cloudfront"])
def test_tokens_that_name_a_host_open_no_other_host(provider: CdnProvider) -> None:
    now = datetime(2026, 5, 1, 12, 3, tzinfo=UTC)
    query = signed_by(provider, "/audio/t/v/", "u", now).query
    assert status(provider, "/audio/t/v/x", query, now, origin="https://other.test") == 403
    assert status(provider, "/audio/t/v/x", query, now, origin="http://cdn.test") == 403


@pytest.mark.parametrize("provider", ["akamai", "segue"])
def test_the_edge_learns_the_user_from_tokens_that_carry_one(provider: CdnProvider) -> None:
    now = datetime(2026, 5, 1, 12, 3, tzinfo=UTC)
    query = signed_by(provider, "/audio/t/v/", "listener_7", now).query
    verify = verifier(provider, {"key-1": pair(provider).verification})
    request = MediaRequest(BASE, "/audio/t/v/x", query)
    assert verify(request, now.timestamp()).user == "listener_7"


def test_cloudfront_takes_ecdsa_keys_too() -> None:
    now = datetime(2026, 5, 1, 12, 3, tzinfo=UTC)
    key = policy_pair(ec.generate_private_key(ec.SECP256R1()))
    signed = sign_prefix(cdn("cloudfront"), key.signing_key, "/audio/t/v/", "u", now)
    held = {"key-1": key.verification}
    assert status("cloudfront", "/audio/t/v/x", signed.query, now, keys=held) == 200


@pytest.mark.parametrize(
    "prefix",
    [
        *("", "/", "audio/t/", "/audio/t", "/audio/*/", "/audio/t?/", "/audio/../t/", "/audio//t/"),
        *("/audio/t!/x/", "/audio/t~exp=9/", "/audio/t&x=1/", "/audio/t%2F/", "/audio/t\n/", "/./"),
    ],
)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_prefix_that_would_widen_the_token_is_not_signed(
    provider: CdnProvider, prefix: str
) -> None:
    with pytest.raises(ValueError, match="not a signable URL prefix"):
        signed_by(provider, prefix, "u", datetime.now(UTC))


@pytest.mark.parametrize("uid", ["", "a~acl=/*", "a&b", "ü", "a" * 129, "a\n"])
def test_a_user_id_that_would_end_its_field_is_not_signed(uid: str) -> None:
    with pytest.raises(ValueError, match="not a user id"):
        signed_by("segue", "/audio/t/", uid, datetime.now(UTC))


@given(moments)
def test_signatures_of_one_window_share_an_expiry(now: datetime) -> None:
    start, expiry = window(now)
    assert start <= now.timestamp() < start + WINDOW_S
    assert start % WINDOW_S == 0
    assert window(datetime.fromtimestamp(start, UTC)) == (start, expiry)
    assert window(datetime.fromtimestamp(start + WINDOW_S - 1, UTC)) == (start, expiry)


def test_listeners_share_a_signature_that_names_nobody_and_no_other() -> None:
    now = datetime(2026, 5, 1, 12, 3, tzinfo=UTC)
    cache = SignatureCache()
    queries = {
        provider: {
            sign_prefix(cdn(provider), pair(provider).signing_key, "/audio/t/", uid, now, cache)
            for uid in ("ann", "bob")
        }
        for provider in PROVIDERS
    }
    shared = {provider: len(found) == 1 for provider, found in queries.items()}
    assert shared == {p: p not in ("akamai", "segue") for p in PROVIDERS}


def test_the_cache_tells_prefixes_windows_and_keys_apart() -> None:
    now = datetime(2026, 5, 1, 12, 3, tzinfo=UTC)
    cache = SignatureCache()
    key = pair("cloudfront").signing_key
    cases = [
        (cdn("cloudfront"), "/audio/t/", now),
        (cdn("cloudfront"), "/audio/u/", now),
        (cdn("cloudfront"), "/audio/t/", now + timedelta(seconds=WINDOW_S)),
        (cdn("cloudfront", "key-2"), "/audio/t/", now),
        (cdn("cloudfront", base_url="https://two.test"), "/audio/t/", now),
    ]
    fresh = [sign_prefix(c, key, prefix, "u", when).query for c, prefix, when in cases]
    cached = [sign_prefix(c, key, p, "u", w, cache).query for _ in (1, 2) for c, p, w in cases]
    assert cached == fresh * 2
    assert len(set(fresh)) == len(cases)


def test_an_rsa_signature_is_made_once_for_a_track_and_window() -> None:
    now = datetime(2026, 5, 1, 12, 3, tzinfo=UTC)
    # ECDSA signatures differ each time, which shows whether one was made.
    key = policy_pair(ec.generate_private_key(ec.SECP256R1())).signing_key
    cache = SignatureCache()

    def query(when: datetime, held: SignatureCache | None) -> str:
        return sign_prefix(cdn("cloudfront"), key, "/audio/t/", "u", when, held).query

    first = query(now, cache)
    assert query(now + timedelta(seconds=60), cache) == first
    assert query(now, None) != first
    assert query(now + timedelta(seconds=WINDOW_S), cache) != first


@pytest.mark.parametrize(
    ("provider", "payload"),
    [
        ("cloud_cdn", b"dG9vc2hvcnQ="),
        ("cloud_cdn", b"not base64!"),
        ("media_cdn", b"AAAA"),
        ("cloudfront", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
        ("akamai", b""),
        ("akamai", b"abc"),
        ("fastly", b"00ff"),
        ("segue", b"zz" * 32),
    ],
)
def test_a_key_of_the_wrong_form_is_refused_without_being_shown(
    provider: CdnProvider, payload: bytes
) -> None:
    with pytest.raises(SigningKeyError) as refusal:
        load_key(provider, payload)
    assert not payload or payload.decode() not in str(refusal.value)


def test_cloudfront_keys_of_another_size_are_refused() -> None:
    with pytest.raises(SigningKeyError):
        policy_pair(rsa.generate_private_key(public_exponent=65537, key_size=3072)).signing_key  # noqa: B018


def test_a_key_of_another_provider_is_refused() -> None:
    with pytest.raises(SigningKeyError, match="cannot sign for cloudfront"):
        sign_prefix(
            cdn("cloudfront"), pair("akamai").signing_key, "/audio/t/", "u", datetime.now(UTC)
        )


def test_a_key_shows_nothing_of_itself() -> None:
    for provider in PROVIDERS:
        shown = repr(pair(provider).signing_key)
        assert "secret" not in shown
        assert pair(provider).payload.decode()[:16] not in shown
