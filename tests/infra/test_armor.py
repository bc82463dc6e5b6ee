"""The outer wall, held to what Cloud Armor documents of its rules."""

from __future__ import annotations

import re
from typing import Any

import pytest

from infra.components import armor
from shared import topology
from tests.infra.edge_stack import committed

POLICY = "gcp:compute/securityPolicy:SecurityPolicy"
# https://docs.cloud.google.com/armor/docs/rules-language-reference
ATTRIBUTES = {"request.path", "request.method", "request.query", "request.headers", "origin.ip"}
MAX_SUBEXPRESSIONS = 5
# Seconds, of thresholds (SecurityPolicyRuleRateLimitOptionsRateLimitThreshold).
INTERVALS = {10, 30, 60, 120, 180, 240, 270, 300, 600, 900, 1200, 1800, 2700, 3600}
USER_REQUESTS_A_MINUTE = (100 + 30 + 50 + 25) * 2  # F285: four classes of limits in 30 s


@pytest.fixture(params=["dev", "prod"])
def rules(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    _, tree = committed(request.param)
    found: list[dict[str, Any]] = tree.one(POLICY, "functions").inputs["rules"]
    assert [rule["priority"] for rule in found] == sorted(rule["priority"] for rule in found)
    return found


def expression(rule: dict[str, Any]) -> str:
    return str(rule["match"].get("expr", {}).get("expression", ""))


def walls(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [rule for rule in rules if "evaluatePreconfiguredWaf" in expression(rule)]


def test_expressions_keep_to_the_language_and_its_limits(rules: list[dict[str, Any]]) -> None:
    for rule in rules:
        text = expression(rule)
        assert set(re.findall(r"\b(?:request|origin)\.[a-z_]+", text)) <= ATTRIBUTES
        assert len(re.split(r"&&|\|\|", text)) <= MAX_SUBEXPRESSIONS
        assert len(text) <= 2048
        assert len(rule["description"]) <= 64
        for pattern in re.findall(r"matches\('([^']*)'\)", text):
            re.compile(pattern)


def test_known_attacks_are_refused_at_the_lowest_sensitivity(
    rules: list[dict[str, Any]],
) -> None:
    sets = {}
    for rule in walls(rules):
        found = re.search(
            r"evaluatePreconfiguredWaf\('([a-z0-9-]+)', (\{.*?\})\)", expression(rule)
        )
        assert found
        sets[found[1]] = (rule["action"], found[2])
    assert set(sets.values()) == {("deny(403)", "{'sensitivity': 1}")}
    assert {"sqli-v422-stable", "xss-v422-stable", "lfi-v422-stable", "rce-v422-stable"} <= set(
        sets
    )


def test_no_text_of_people_is_taken_for_an_attack(rules: list[dict[str, Any]]) -> None:
    for rule in walls(rules):
        (exclusion,) = rule["preconfiguredWafConfig"]["exclusions"]
        assert exclusion["targetRuleSet"] in expression(rule)
        spared = {one["value"] for one in exclusion["requestQueryParams"]}
        assert {"q", "name", "description", "password"} <= spared
        assert {one["operator"] for one in exclusion["requestQueryParams"]} == {"EQUALS"}
        assert {one["value"] for one in exclusion["requestHeaders"]} == {"authorization", "dpop"}
        assert exclusion["requestCookies"] == [{"operator": "EQUALS_ANY"}]


@pytest.mark.parametrize(
    ("path", "spared"),
    [
        ("/v1/tracks/0000000000000000000001/lyrics", True),
        ("/v1/playlists/0000000000000000000001/images/", True),
        ("/v1/search", False),
        ("/v1/playlists/images/tracks", False),
        ("/v1/lyrics/../../etc/passwd", False),
    ],
)
def test_only_bodies_of_text_go_uninspected(path: str, spared: bool) -> None:
    found = re.search(r"matches\('([^']*)'\)", armor._TEXT_BODIES)
    assert found
    assert bool(re.search(found[1], path)) == spared
    routes = {route.path for one in topology.HTTP_FUNCTIONS for route in one.routes}
    assert {route for route in routes if re.search(found[1], route)} == {
        "/v1/tracks/{id}/lyrics",
        "/v1/playlists/{id}/images",
    }


def test_a_limit_comes_after_what_is_refused_and_before_what_is_let_in(
    rules: list[dict[str, Any]],
) -> None:
    actions = [rule["action"] for rule in rules]
    assert actions == [
        *["deny(403)"] * len(walls(rules)),
        "throttle",
        *["rate_based_ban"] * 2,
        "allow",
    ]
    assert rules[-1]["priority"] == 2_147_483_647
    assert rules[-1]["match"]["config"]["srcIpRanges"] == ["*"]


def test_limits_are_far_above_those_of_one_person_and_sign_in_is_stricter(
    rules: list[dict[str, Any]],
) -> None:
    sign_in, anything = (rule for rule in rules if rule["action"] == "rate_based_ban")
    assert "/accounts/" in expression(sign_in)
    for rule in (sign_in, anything):
        options = rule["rateLimitOptions"]
        assert options["enforceOnKey"] == "IP"
        assert options["exceedAction"] == "deny(429)"
        threshold, ban = options["rateLimitThreshold"], options["banThreshold"]
        assert {threshold["intervalSec"], ban["intervalSec"]} <= INTERVALS
        # Shut out only for much more, over longer, than what is refused once.
        assert ban["count"] > threshold["count"]
        assert ban["intervalSec"] > threshold["intervalSec"]
        assert 300 <= options["banDurationSec"] <= 3600
    a_minute = anything["rateLimitOptions"]["rateLimitThreshold"]
    assert a_minute["intervalSec"] == 60
    assert a_minute["count"] >= 5 * USER_REQUESTS_A_MINUTE
    assert sign_in["rateLimitOptions"]["rateLimitThreshold"]["count"] * 10 < a_minute["count"]


@pytest.mark.parametrize(
    ("path", "challenged"),
    [
        ("/accounts/signup", True),
        ("/accounts/login/", True),
        ("/accounts/authorize", True),
        ("/accounts/api/token", False),  # asked for by programs
        ("/accounts/.well-known/oauth-authorization-server", False),
        ("/v1/accounts/login", False),
    ],
)
def test_who_asks_for_forms_too_often_shows_to_be_a_person(
    path: str, challenged: bool, rules: list[dict[str, Any]]
) -> None:
    (rule,) = (rule for rule in rules if rule["action"] == "throttle")
    options = rule["rateLimitOptions"]
    assert options["exceedAction"] == "redirect"
    assert options["exceedRedirectOptions"] == {"type": "GOOGLE_RECAPTCHA"}
    pattern = re.search(r"matches\('([^']*)'\)", expression(rule))
    assert pattern
    assert bool(re.search(pattern[1], path)) == challenged
    assert "request.method == 'GET'" in expression(rule)  # a redirected form would be lost
    _, tree = committed("prod")
    key = tree.one("gcp:recaptcha/enterpriseKey:EnterpriseKey", "challenge").inputs
    assert key["wafSettings"] == {"wafFeature": "CHALLENGE_PAGE", "wafService": "CA"}
    assert tree.one(POLICY, "functions").inputs["recaptchaOptionsConfig"]["redirectSiteKey"]


def test_attacks_are_learned_of_where_the_stack_is_protected() -> None:
    for stack in ("dev", "prod"):
        config, tree = committed(stack)
        adaptive = tree.one(POLICY, "functions").inputs["adaptiveProtectionConfig"]
        assert adaptive["layer7DdosDefenseConfig"]["enable"] == config.protect


def test_json_is_read_and_never_logged() -> None:
    _, tree = committed("prod")
    options = tree.one(POLICY, "functions").inputs["advancedOptionsConfig"]
    assert options == {"jsonParsing": "STANDARD", "logLevel": "NORMAL"}
