"""Where requests enter, and which function they reach."""

from __future__ import annotations

import re
from typing import Any

import pytest

from infra import names
from infra.config import StackConfig
from infra.runtime import Tree
from shared import topology
from tests.infra.edge_stack import committed, served
from tests.infra.provider_types import faults

BACKEND = "gcp:compute/backendService:BackendService"
GROUP = "gcp:compute/regionNetworkEndpointGroup:RegionNetworkEndpointGroup"
URL_MAP = "gcp:compute/uRLMap:URLMap"
RULE = "gcp:compute/globalForwardingRule:GlobalForwardingRule"
HTTPS = "gcp:compute/targetHttpsProxy:TargetHttpsProxy"
ENTRY = "gcp:certificatemanager/certificateMapEntry:CertificateMapEntry"
NAMED_AS = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")  # RFC 1035


@pytest.fixture(params=["dev", "prod"])
def made(request: pytest.FixtureRequest) -> tuple[StackConfig, Tree]:
    return committed(request.param)


def matcher(tree: Tree, name: str) -> dict[str, Any]:
    matchers = tree.one(URL_MAP, "https").inputs["pathMatchers"]
    return next(one for one in matchers if one["name"] == name)


def test_the_provider_knows_every_input(made: tuple[StackConfig, Tree]) -> None:
    _, tree = made
    assert not [fault for one in tree.resources if one.custom for fault in faults(one)]


def test_google_takes_the_names_that_pulumi_makes_up(made: tuple[StackConfig, Tree]) -> None:
    _, tree = made
    for resource in tree.resources:
        if resource.type.startswith(("gcp:compute/", "gcp:certificatemanager/")):
            name = resource.inputs.get("name") or f"{resource.name}-0123abc"
            assert NAMED_AS.fullmatch(name), resource.urn
            assert len(name) <= 63


def test_each_function_stands_behind_the_balancer_in_each_region(
    made: tuple[StackConfig, Tree],
) -> None:
    config, tree = made
    assert {backend.inputs["name"] for backend in tree.of_type(BACKEND)} == {
        names.service(function) for function in served()
    }
    for function in served():
        groups = tree.one(BACKEND, function.name).inputs["backends"]
        assert len(groups) == len(config.regions)
        for region in config.regions:
            group = tree.one(GROUP, f"{names.service(function)}-{region}").inputs
            assert group["region"] == region
            assert group["cloudRun"] == {"service": names.service(function)}
            assert {"group": f"{names.service(function)}-{region}-id"} in groups


def test_what_only_our_services_call_is_not_reached_from_outside(
    made: tuple[StackConfig, Tree],
) -> None:
    _, tree = made
    private = [one for one in topology.HTTP_FUNCTIONS if one not in served()]
    assert [one.name for one in private] == ["prime_cdn"]
    assert "prime" not in str(tree.one(URL_MAP, "https").inputs)


def test_a_lost_region_is_left_but_never_the_last_one(made: tuple[StackConfig, Tree]) -> None:
    config, tree = made
    for backend in tree.of_type(BACKEND):
        found = backend.inputs.get("outlierDetection")
        if len(config.regions) == 1:
            assert found is None
            continue
        assert found is not None
        assert found["enforcingConsecutiveGatewayFailure"] == 100
        # A function's own fault is everywhere. The provider would not send a 0.
        assert found["enforcingConsecutiveErrors"] == 1
        ejected = found["maxEjectionPercent"] * len(config.regions) / 100
        assert len(config.regions) - 2 < ejected < len(config.regions) - 1 + 0.01
        # Google refuses these for serverless backends.
        assert not {name for name in found if name.startswith("successRate")}
        assert "enforcingSuccessRate" not in found


def test_nothing_is_set_that_serverless_backends_refuse(made: tuple[StackConfig, Tree]) -> None:
    _, tree = made
    refused = {"timeoutSec", "healthChecks", "sessionAffinity", "localityLbPolicy"}
    for backend in tree.of_type(BACKEND):
        assert not refused & backend.inputs.keys()
        assert backend.inputs["loadBalancingScheme"] == "EXTERNAL_MANAGED"
        assert backend.inputs["securityPolicy"]
        assert backend.inputs["logConfig"] == {"enable": True, "sampleRate": 1.0}
        assert backend.inputs["customResponseHeaders"] == [
            "Strict-Transport-Security:max-age=31536000"
        ]


def test_only_what_everybody_may_read_is_kept_by_the_cdn(made: tuple[StackConfig, Tree]) -> None:
    _, tree = made
    kept = {one.inputs["name"] for one in tree.of_type(BACKEND) if one.inputs["enableCdn"]}
    assert kept == {"web-player", "api-docs"}
    policy = tree.one(BACKEND, "web_player").inputs["cdnPolicy"]
    assert policy["cacheMode"] == "USE_ORIGIN_HEADERS"
    assert not {"defaultTtl", "clientTtl", "maxTtl"} & policy.keys()  # refused in this mode


def test_routes_reach_the_service_of_their_function(made: tuple[StackConfig, Tree]) -> None:
    _, tree = made
    rules = matcher(tree, "api")["routeRules"]
    assert len({rule["priority"] for rule in rules}) == len(rules)
    found = {(*match.values(),): rule["service"] for rule in rules for match in rule["matchRules"]}
    assert found[("/v1/search",)] == "search-id"
    assert found[("/v1/tracks/*/lyrics",)] == "lyrics-id"
    assert found[("/v1/playback/streams/*/**",)] == "playback-id"
    assert found[("/assets/",)] == "web_player-id"
    assert all(len(match) == 1 for rule in rules for match in rule["matchRules"])


def test_an_unknown_path_is_answered_by_the_api(made: tuple[StackConfig, Tree]) -> None:
    _, tree = made
    assert matcher(tree, "api")["defaultService"] == "catalog-id"


def test_google_tries_the_url_map_before_it_takes_it(made: tuple[StackConfig, Tree]) -> None:
    config, tree = made
    tests = tree.one(URL_MAP, "https").inputs["tests"]
    tried = {(one["host"], one["path"]): one["service"] for one in tests}
    assert len(tests) <= 100
    assert {service for (host, _), service in tried.items() if host == config.domain} == {
        f"{function.name}-id" for function in served()
    }
    assert tried[(config.cdn_domain, "/audio/some/object")] == "audio-id"
    assert tried[(config.domain, "/no/such/path")] == "catalog-id"


def test_the_bucket_is_the_first_segment_and_no_part_of_the_object(
    made: tuple[StackConfig, Tree],
) -> None:
    _, tree = made
    rules = matcher(tree, "cdn")["routeRules"]
    routed = {
        rule["matchRules"][0]["prefixMatch"]: (
            rule["service"],
            rule["routeAction"]["urlRewrite"]["pathPrefixRewrite"],
        )
        for rule in sorted(rules, key=lambda rule: rule["priority"])
        if "service" in rule
    }
    assert routed == {
        "/audio/health/": ("audio-probe-id", "/health/"),
        "/audio/": ("audio-id", "/"),
        "/images/": ("images-id", "/"),
        "/covers/": ("covers-id", "/"),
        "/previews/": ("previews-id", "/"),
    }
    assert next(iter(routed)) == "/audio/health/"  # the narrower prefix first


def test_nobody_is_shown_what_a_bucket_holds(made: tuple[StackConfig, Tree]) -> None:
    config, tree = made
    first = min(matcher(tree, "cdn")["routeRules"], key=lambda rule: rule["priority"])
    assert [match["fullPathMatch"] for match in first["matchRules"]] == [
        *("/", "/audio/", "/images/", "/covers/", "/previews/")
    ]
    assert first["urlRedirect"]["hostRedirect"] == config.domain
    assert first["urlRedirect"]["pathRedirect"] == "/"


def test_a_redirect_to_https_is_for_http_alone(made: tuple[StackConfig, Tree]) -> None:
    config, tree = made
    assert tree.one(URL_MAP, "https").inputs["defaultUrlRedirect"] == {
        "hostRedirect": config.domain,
        "stripQuery": True,
    }


def test_tls_is_1_3_and_http_is_3_and_plain_text_is_sent_away(
    made: tuple[StackConfig, Tree],
) -> None:
    _, tree = made
    (policy,) = tree.of_type("gcp:compute/sSLPolicy:SSLPolicy")
    assert (policy.inputs["minTlsVersion"], policy.inputs["profile"]) == ("TLS_1_3", "RESTRICTED")
    proxy = tree.one(HTTPS, "https").inputs
    assert proxy["sslPolicy"] == "tls-id"
    assert proxy["quicOverride"] == "ENABLE"
    plain = tree.one(URL_MAP, "http").inputs
    assert plain["defaultUrlRedirect"]["httpsRedirect"] is True
    assert not {"defaultService", "pathMatchers"} & plain.keys()


def test_both_address_families_listen_on_both_ports(made: tuple[StackConfig, Tree]) -> None:
    config, tree = made
    listening = {
        (rule.inputs["ipAddress"], rule.inputs["portRange"], rule.inputs["target"])
        for rule in tree.of_type(RULE)
    }
    assert listening == {
        (address, port, target)
        for address in ("203.0.113.10", "2001:db8::10")
        for port, target in (("443", "https-id"), ("80", "http-id"))
    }
    addresses = tree.of_type("gcp:compute/globalAddress:GlobalAddress")
    assert {one.protect for one in addresses} == {config.protect}


def test_the_operator_is_told_every_record(made: tuple[StackConfig, Tree]) -> None:
    config, tree = made
    media = any(cdn.provider == "media_cdn" for cdn in config.cdns)
    records = {(one["name"], one["type"]): one["data"] for one in tree.outputs["dns"]}
    expected = {
        (f"_acme.{config.domain}.", "CNAME"): "test.",
        (f"{config.domain}.", "A"): "203.0.113.10",
        (f"{config.domain}.", "AAAA"): "2001:db8::10",
        (f"{config.cdn_domain}.", "A"): "203.0.113.10",
        (f"{config.cdn_domain}.", "AAAA"): "2001:db8::10",
    }
    if media:
        expected[(f"{config.media_domain}.", "A")] = "203.0.113.20"
        expected[(f"{config.media_domain}.", "AAAA")] = "2001:db8::20"
    assert records == expected
    assert tree.outputs["hosts"] == [
        config.domain,
        config.cdn_domain,
        *([config.media_domain] if media else []),
    ]


def test_one_authorization_covers_every_host(made: tuple[StackConfig, Tree]) -> None:
    config, tree = made
    (authorization,) = tree.of_type("gcp:certificatemanager/dnsAuthorization:DnsAuthorization")
    assert authorization.inputs["domain"] == config.domain
    for certificate in tree.of_type("gcp:certificatemanager/certificate:Certificate"):
        managed = certificate.inputs["managed"]
        assert managed["domains"] == [config.domain, f"*.{config.domain}"]
        assert managed["dnsAuthorizations"] == ["domain-id"]
    assert {entry.inputs["hostname"] for entry in tree.of_type(ENTRY)} == {
        config.domain,
        config.cdn_domain,
    }
    assert (
        tree.one(HTTPS, "https")
        .inputs["certificateMap"]
        .startswith("//certificatemanager.googleapis.com/")
    )
