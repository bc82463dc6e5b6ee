"""The load balancer finds the function that the local cloud's gateway finds.

`Balancer` reads the rules as Google documents them and not as they were written: two readings of
one document find a mistake that one would hide.
https://docs.cloud.google.com/load-balancing/docs/url-map-concepts
"""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulators.function_host import UrlMap
from infra import url_map
from infra.url_map import Match, RouteRule, UrlMapError
from shared import topology

SERVED = [
    function
    for function in topology.HTTP_FUNCTIONS
    if any(route.auth is not topology.Auth.SERVICE for route in function.routes)
]
LOCAL = UrlMap(tuple(SERVED))
RULES = url_map.route_rules(SERVED)
PREDICATES = [predicate for rule in RULES for predicate in rule.predicates]


class Balancer:
    """Routes as the load balancer does: the lowest priority first, the first match decides."""

    def __init__(self, rules: tuple[RouteRule, ...]) -> None:
        self._rules = sorted(rules, key=lambda rule: rule.priority)

    def find(self, path: str) -> str | None:
        for rule in self._rules:
            if any(self._holds(one.match, one.text, path) for one in rule.predicates):
                return rule.function
        return None

    @staticmethod
    def _holds(match: Match, text: str, path: str) -> bool:
        if match is Match.EXACT:
            return path == text
        if match is Match.PREFIX:
            return path.startswith(text)
        wanted, given_ = text.split("/"), path.split("/")
        if wanted[-1] == "**":  # the remainder, whatever it is; only ever last
            if len(given_) < len(wanted):
                return False
            wanted, given_ = wanted[:-1], given_[: len(wanted) - 1]
        return len(wanted) == len(given_) and all(
            have != "" if want == "*" else have == want
            for want, have in zip(wanted, given_, strict=True)
        )


BALANCER = Balancer(RULES)

# Segments that occur in the topology, so that near misses are common, and any others.
KNOWN = sorted(
    {
        segment
        for function in SERVED
        for route in function.routes
        for segment in route.path.split("/")
        if segment and "{" not in segment
    }
)
segments = st.one_of(
    st.sampled_from(KNOWN),
    st.text(string.ascii_letters + string.digits + "._~-", min_size=1, max_size=8),
)
paths = st.tuples(st.lists(segments, max_size=6), st.sampled_from(["", "/"])).map(
    lambda parts: f"/{'/'.join(parts[0])}{parts[1] if parts[0] else ''}"
)


@st.composite
def of_templates(draw: st.DrawFn) -> str:
    """A path made of a template of the topology."""
    function = draw(st.sampled_from(SERVED))
    template = draw(st.sampled_from(function.routes)).path
    made = "/".join(
        "/".join(draw(st.lists(segments, min_size=1, max_size=3)))
        if segment.endswith(":path}")
        else draw(segments)
        if segment.startswith("{")
        else segment
        for segment in template.split("/")
    )
    return made + draw(st.sampled_from(["", "/"])) if made != "/" else made


@given(st.one_of(paths, of_templates()))
def test_the_load_balancer_finds_the_same_function_as_the_local_gateway(path: str) -> None:
    empty_remainder = any(
        one.match is Match.PREFIX and path == one.text for one in PREDICATES
    )  # locally 404 by the gateway, in the cloud by the function itself
    found = LOCAL.find(path)
    expected = found and found[0]
    assert BALANCER.find(path) == expected or (empty_remainder and expected is None)


def test_every_route_is_found_by_its_own_path() -> None:
    for function in SERVED:
        for route in function.routes:
            path = route.path.replace("{rest:path}", "a/b.c").replace("{id}", "x")
            assert BALANCER.find(path.replace("{token}", "y")) == function.name, route.path


def test_examples_are_matched_by_their_own_predicates() -> None:
    for rule in RULES:
        for predicate in rule.predicates:
            assert BALANCER.find(url_map.example(predicate)) == rule.function


def test_the_topology_keeps_to_the_limits_of_url_maps() -> None:
    templates = [one for one in PREDICATES if one.match in (Match.TEMPLATE, Match.REMAINDER)]
    assert len(templates) <= 100
    assert len(PREDICATES) <= 1000
    assert [rule.priority for rule in RULES] == list(range(1, len(RULES) + 1))
    for one in templates:
        parts = one.text.split("/")
        assert sum("*" in part for part in parts) <= 5
        assert all(part in ("*", "**") for part in parts if "*" in part)
        assert "**" not in parts[:-1]
        assert len(one.text) <= 255


def test_each_function_has_few_rules() -> None:
    for function in SERVED:
        assert sum(rule.function == function.name for rule in RULES) <= len(Match)


def test_unknown_paths_go_to_an_api_function_that_is_awake() -> None:
    entry = topology.ENTRIES[url_map.fallback(SERVED)]
    assert isinstance(entry, topology.HttpFunction)
    assert entry.min_instances > 0
    assert all(route.path.startswith("/v1/") for route in entry.routes)


def function(name: str, *routes: str) -> topology.HttpFunction:
    return topology.HttpFunction(name=name, routes=tuple(topology.Route(path) for path in routes))


def test_an_exact_path_goes_before_a_template_and_a_segment_before_the_rest() -> None:
    functions = (
        function("rest", "/a/{rest:path}"),
        function("id", "/a/{id}"),
        function("own", "/a/own"),
    )
    balancer = Balancer(url_map.route_rules(functions))
    assert [balancer.find(path) for path in ("/a/own", "/a/own/", "/a/x", "/a/x/", "/a/x/y")] == [
        *("own", "own", "id", "id", "rest")
    ]


@pytest.mark.parametrize(
    ("functions", "message"),
    [
        ((function("a", "/x"), function("b", "/x")), "served by a and by b"),
        ((function("a", "/x/{id}/y"), function("b", "/x/z/{id}")), "match the same paths"),
        ((function("a", "/x/{rest:path}"), function("b", "/x/y/{rest:path}")), "the same paths"),
        ((function("a", "/x/{rest:path}/y"),), "only what is last can take the remainder"),
        ((function("a", "/x/{id}.json"),), "must be a whole segment"),
        ((function("a", "/{a}/{b}/{c}/{d}/{e}/{f}"),), "at most 5 of them"),
        (tuple(function(f"f{n}", f"/{n}/{{id}}") for n in range(51)), "more than a load balancer"),
    ],
)
def test_what_is_no_url_map_is_refused_with_its_remedy(
    functions: tuple[topology.HttpFunction, ...], message: str
) -> None:
    with pytest.raises(UrlMapError, match=message):
        url_map.route_rules(functions)


def test_one_function_may_serve_what_overlaps() -> None:
    rules = url_map.route_rules([function("a", "/x/{id}/y", "/x/z/{id}")])
    assert Balancer(rules).find("/x/z/y") == "a"


def test_without_an_api_nothing_can_answer_unknown_paths() -> None:
    public = topology.Route("/", auth=topology.Auth.PUBLIC)
    pages = topology.HttpFunction(name="pages", routes=(public,))
    with pytest.raises(UrlMapError, match="bearer"):
        url_map.fallback([pages])
