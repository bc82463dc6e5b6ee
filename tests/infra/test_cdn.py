"""The media's way out: who may read which bucket, for how long copies live, whose keys hold."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from infra import cdn_keys, keys, stacks
from infra.components.cdn import max_age_s, shares
from infra.config import RETIRED, CdnConfig, StackConfig
from infra.runtime import SECRET, Tree
from shared import topology
from tests.infra.edge_stack import committed, edge_of

BACKEND = "gcp:compute/backendBucket:BackendBucket"
KEY = "gcp:compute/backendBucketSignedUrlKey:BackendBucketSignedUrlKey"
MEMBER = "gcp:storage/bucketIAMMember:BucketIAMMember"
URL_MAP = "gcp:compute/uRLMap:URLMap"
KEYSET = "gcp:networkservices/edgeCacheKeyset:EdgeCacheKeyset"
SERVICE = "gcp:networkservices/edgeCacheService:EdgeCacheService"
CDN_BUCKETS = [bucket for bucket in topology.BUCKETS if bucket.cdn]
FILLS_SIGNED = "cloud-cdn-fill"
FILLS_ANYTHING = "https-lb"  # also for a request that nobody signed
YEAR_S, DAY_S = 365 * 86_400, 86_400


@pytest.fixture(params=["dev", "prod"])
def made(request: pytest.FixtureRequest) -> tuple[StackConfig, Tree]:
    return committed(request.param)


def google(config: StackConfig) -> CdnConfig:
    return next(cdn for cdn in config.cdns if cdn.provider == "cloud_cdn")


def with_keys(config: StackConfig, cdn: CdnConfig, *payloads: str) -> StackConfig:
    return config.model_copy(update={"keys": {**config.keys, cdn.secret: payloads}})


def readers(tree: Tree, bucket: topology.Bucket) -> set[str]:
    """Who may read a bucket: the part of the account between `@` and `.`, or the whole."""
    found = set()
    for grant in tree.of_type(MEMBER):
        if grant.inputs["bucket"].endswith(f"-{bucket.name}"):
            assert grant.inputs["role"] == "roles/storage.objectViewer"
            name, _, host = grant.inputs["member"].removeprefix("serviceAccount:").partition("@")
            found.add(host.partition(".")[0] if name.startswith("service-") else name)
    return found


# --- who may read ---------------------------------------------------------------------------


def test_nobody_fills_signed_buckets_for_unsigned_requests(made: tuple[StackConfig, Tree]) -> None:
    config, tree = made
    providers = {cdn.provider for cdn in config.cdns}
    others = {f"cdn-fill-{cdn.name}" for cdn in config.cdns if not cdn.ours}
    for bucket in CDN_BUCKETS:
        if bucket.signed:
            media = {"gcp-sa-mediaedgefill"} if "media_cdn" in providers else set()
            assert readers(tree, bucket) == {FILLS_SIGNED} | media | others
        else:
            assert readers(tree, bucket) == {FILLS_ANYTHING}
    assert not any("allUsers" in str(grant.inputs) for grant in tree.of_type(MEMBER))


def test_a_grant_waits_for_what_makes_its_account(made: tuple[StackConfig, Tree]) -> None:
    _, tree = made
    kinds = {resource.urn: resource.type for resource in tree.resources}
    for bucket in CDN_BUCKETS:
        (grant,) = (
            one
            for one in tree.of_type(MEMBER)
            if one.name == f"{bucket.name}-fill" and "segue:edge:Cdn" in one.parent
        )
        awaited = {kinds.get(urn) for urn in grant.dependencies}
        assert (KEY if bucket.signed else BACKEND) in awaited
        assert grant.patient  # the account comes some time after


def test_media_cdns_account_comes_with_the_origin() -> None:
    _, tree = committed("prod")
    (grant,) = (one for one in tree.of_type(MEMBER) if "mediaedgefill" in one.inputs["member"])
    (origin,) = tree.of_type("gcp:networkservices/edgeCacheOrigin:EdgeCacheOrigin")
    assert origin.urn in grant.dependencies
    assert grant.patient


def test_the_url_map_waits_for_the_keys(made: tuple[StackConfig, Tree]) -> None:
    _, tree = made
    awaited = tree.one(URL_MAP, "https").dependencies
    assert {key.urn for key in tree.of_type(KEY)} <= awaited


def test_without_cloud_cdn_the_audio_is_left_to_the_others() -> None:
    config = stacks.example("prod")
    others = tuple(cdn for cdn in config.cdns if cdn.provider != "cloud_cdn")
    tree = edge_of(config.model_copy(update={"cdns": others}))
    assert {backend.name for backend in tree.of_type(BACKEND)} == {"images", "covers", "previews"}
    assert not tree.of_type(KEY)
    assert FILLS_SIGNED not in readers(tree, topology.AUDIO)


# --- how long copies live -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "ttl_s"),
    [
        ("audio", YEAR_S),  # F084
        ("images", 30 * DAY_S),  # F085
        ("covers", DAY_S),  # F087
        ("previews", YEAR_S),
        ("audio-probe", 60),
    ],
)
def test_copies_live_as_long_as_the_topology_says(
    made: tuple[StackConfig, Tree], name: str, ttl_s: int
) -> None:
    _, tree = made
    backend = tree.one(BACKEND, name).inputs
    policy = backend["cdnPolicy"]
    assert backend["enableCdn"] is True
    assert policy["cacheMode"] == "FORCE_CACHE_ALL"  # private objects say `private`
    assert policy["defaultTtl"] == policy["clientTtl"] == ttl_s
    assert "maxTtl" not in policy  # refused in this mode
    assert policy.get("signedUrlCacheMaxAgeSec") == (ttl_s if "audio" in name else None)
    assert policy["negativeCachingPolicies"] == [{"code": 404, "ttl": 10}]
    assert policy["requestCoalescing"] is True
    # A probe must see that the bucket is lost, and a listener must not.
    assert policy["serveWhileStale"] == (0 if name == "audio-probe" else DAY_S)
    assert backend["compressionMode"] == "DISABLED"


def test_answers_carry_what_the_local_edges_send(made: tuple[StackConfig, Tree]) -> None:
    _, tree = made
    for backend in tree.of_type(BACKEND):
        headers = dict(header.split(":", 1) for header in backend.inputs["customResponseHeaders"])
        assert headers["Access-Control-Allow-Origin"] == "*"
        assert headers["Timing-Allow-Origin"] == "*"
        assert "Content-Range" in headers["Access-Control-Expose-Headers"]
        assert headers["Access-Control-Allow-Headers"] == "Range, If-Range, If-None-Match"
        assert headers["Strict-Transport-Security"] == f"max-age={YEAR_S}"
        assert len(headers) <= 16  # Google's limit


def test_a_cached_bucket_must_say_for_how_long() -> None:
    with pytest.raises(ValueError, match="bucket new is behind the CDN: give it a cache_control"):
        shares(topology.Bucket("new", cdn=True))
    assert max_age_s("private, max-age=7", topology.AUDIO) == 7


# --- keys -----------------------------------------------------------------------------------


def test_each_version_that_is_not_retired_is_a_key_of_its_own() -> None:
    config = stacks.example("prod")
    cdn = google(config)
    payloads = (RETIRED, *(keys.make(cdn.secret, config.cdns) for _ in range(2)))
    assert cdn_keys.shared(with_keys(config, cdn, *payloads), cdn) == {
        "audio-2": payloads[1],
        "audio-3": payloads[2],
    }


def test_a_rotation_adds_a_key_and_touches_no_other() -> None:
    config = stacks.example("dev")
    cdn = google(config)
    first = config.keys[cdn.secret][0]
    second = keys.make(cdn.secret, config.cdns)

    def names(tree: Tree) -> set[tuple[str, Any]]:
        return {(key.inputs["backendBucket"], key.inputs["name"]) for key in tree.of_type(KEY)}

    before, after = edge_of(config), edge_of(with_keys(config, cdn, first, second))
    assert names(before) == {("audio", "audio-1"), ("audio-probe", "audio-1")}
    assert names(after) - names(before) == {("audio", "audio-2"), ("audio-probe", "audio-2")}
    assert names(before) < names(after)


def test_keys_are_secret_in_the_state(made: tuple[StackConfig, Tree]) -> None:
    _, tree = made
    assert tree.of_type(KEY)
    for key in tree.of_type(KEY):
        assert key.inputs["keyValue"] == SECRET


@pytest.mark.parametrize("provider", ["media_cdn", "cloudfront", "akamai", "fastly"])
def test_other_providers_keys_keep_their_name(provider: Any) -> None:
    config = stacks.example("prod")
    cdn = next(cdn for cdn in config.cdns if cdn.provider == provider)
    assert cdn_keys.name(cdn, 2) == cdn.key_name


# --- Media CDN ------------------------------------------------------------------------------


def test_media_cdn_holds_the_public_halves_of_what_signs() -> None:
    config, tree = committed("prod")
    cdn = next(cdn for cdn in config.cdns if cdn.provider == "media_cdn")
    (keyset,) = tree.of_type(KEYSET)
    assert keyset.inputs["name"] == cdn.key_name  # `KeyName` of its tokens
    (held,) = keyset.inputs["publicKeys"]
    seed = base64.urlsafe_b64decode(config.keys[cdn.secret][0])
    private = Ed25519PrivateKey.from_private_bytes(seed)
    raw = base64.urlsafe_b64decode(held["value"] + "=")
    assert raw == private.public_key().public_bytes_raw()
    assert len(held["value"]) == 43
    assert raw != seed


def test_media_cdn_refuses_what_is_not_signed() -> None:
    config, tree = committed("prod")
    (service,) = tree.of_type(SERVICE)
    routing = service.inputs["routing"]
    assert routing["hostRules"][0]["hosts"] == [config.media_domain]
    rules = routing["pathMatchers"][0]["routeRules"]
    ttls = {}
    for rule in sorted(rules, key=lambda rule: int(rule["priority"])):
        policy = rule["routeAction"]["cdnPolicy"]
        assert policy["signedRequestMode"] == "REQUIRE_SIGNATURES"
        assert policy["signedRequestKeyset"]
        assert policy["signedRequestMaximumExpirationTtl"] == "3600s"
        assert policy["cacheKeyPolicy"] == {"excludeQueryString": True}
        assert "maxTtl" not in policy
        prefix = rule["matchRules"][0]["prefixMatch"]
        rewritten = rule["routeAction"]["urlRewrite"]["pathPrefixRewrite"]
        ttls[prefix] = (policy["defaultTtl"], policy["clientTtl"], rewritten)
    assert ttls == {
        "/audio/health/": ("60s", "60s", "/health/"),
        "/audio/": (f"{YEAR_S}s", f"{DAY_S}s", "/"),
    }
    assert service.inputs["requireTls"] is True
    certificate = tree.one("gcp:certificatemanager/certificate:Certificate", "media")
    assert certificate.inputs["scope"] == "EDGE_CACHE"


def test_a_stack_without_media_cdn_has_nothing_of_it() -> None:
    _, tree = committed("dev")
    assert not [one for one in tree.resources if "networkservices/edge" in one.type]


# --- CDNs of others -------------------------------------------------------------------------


def test_each_cdn_of_others_has_an_account_and_a_key_of_its_own() -> None:
    config, tree = committed("prod")
    others = [cdn for cdn in config.cdns if not cdn.ours]
    accounts = tree.of_type("gcp:serviceaccount/account:Account")
    assert {one.inputs["accountId"] for one in accounts} == {
        f"cdn-fill-{cdn.name}" for cdn in others
    }
    keys_ = tree.of_type("gcp:storage/hmacKey:HmacKey")
    assert {one.inputs["serviceAccountEmail"].partition("@")[0] for one in keys_} == {
        f"cdn-fill-{cdn.name}" for cdn in others
    }
    versions = tree.of_type("gcp:secretmanager/secretVersion:SecretVersion")
    assert len(versions) == len(others)
    assert {one.inputs["secretData"] for one in versions} == {SECRET}
    assert tree.outputs["origins"] == {cdn.name: f"cdn-origin-{cdn.name}" for cdn in others}


def test_a_bucket_that_the_topology_adds_is_served_without_a_change_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    new = replace(topology.IMAGES, name="stories", cache_control="public, max-age=300")
    monkeypatch.setattr(topology, "BUCKETS", (*topology.BUCKETS, new))
    tree = edge_of(stacks.example("dev"))
    assert tree.one(BACKEND, "stories").inputs["cdnPolicy"]["defaultTtl"] == 300
    assert readers(tree, new) == {FILLS_ANYTHING}
