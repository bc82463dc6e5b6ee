"""From the topology's path templates to the load balancer's routes.

The balancer routes by path alone; methods are the function's own concern. As in the local cloud, an
exact path goes before a template, and a template of whole segments before one that takes the
remainder; one trailing slash is tolerated.

https://docs.cloud.google.com/load-balancing/docs/url-map-concepts
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum

from shared import topology

# Of one path matcher, of which each host has one
# (https://docs.cloud.google.com/load-balancing/docs/quotas#url_maps). None can be raised.
MAX_PREDICATES = 1000
MAX_TEMPLATES = 100
MAX_WILDCARDS = 5  # of one template (URLMapPathMatcherRouteRuleMatchRuleArgs)
MAX_TEMPLATE_LENGTH = 255

_PARAMETER = re.compile(r"\{(\w+)(:path)?\}")


class UrlMapError(ValueError):
    """The topology's paths are no URL map; the message names the path and the remedy."""


class Match(IntEnum):
    """How a path is compared, in the order in which rules are tried."""

    EXACT = 0
    TEMPLATE = 1  # `*` is one segment
    REMAINDER = 2  # the same with a last `**`, which is anything
    PREFIX = 3  # a remainder after nothing but text


@dataclass(frozen=True, slots=True)
class Predicate:
    """One comparison: `text` is a path, a prefix, or a template in the balancer's own syntax."""

    match: Match
    text: str


@dataclass(frozen=True, slots=True)
class RouteRule:
    """`function` serves the paths of which any predicate holds. Rules are tried from the lowest
    `priority` up."""

    priority: int
    function: str
    predicates: tuple[Predicate, ...]


def behind_balancer(entry: topology.Entry) -> bool:
    """Whether people's requests reach `entry`: an HTTP function that not only our services call."""
    return isinstance(entry, topology.HttpFunction) and any(
        route.auth is not topology.Auth.SERVICE for route in entry.routes
    )


def route_rules(functions: Iterable[topology.HttpFunction]) -> tuple[RouteRule, ...]:
    """The rules that route to `functions`, in order; at most four for each of them.

    Raises UrlMapError where two functions could serve one path, where a template is none of the
    balancer's, and where there are more than it takes.
    """
    claimed = _claims(functions)
    _refuse_overlaps(claimed)
    rules: list[RouteRule] = []
    for kind in sorted(Match):
        for function in dict.fromkeys(claimed.values()):
            predicates = tuple(
                found
                for path, name in claimed.items()
                if name == function
                for found in _predicates(path)
                if found.match is kind
            )
            if predicates:
                rules.append(RouteRule(len(rules) + 1, function, predicates))
    _refuse_excess([predicate for rule in rules for predicate in rule.predicates])
    return tuple(rules)


def fallback(functions: Iterable[topology.HttpFunction]) -> str:
    """The function that answers where no rule matches: its app knows none of these paths either,
    and says so in the API's own JSON, which no error page of the balancer's could.

    Among the functions of the API, it is the first that always has an instance: a stray request
    should wake nothing. Raises UrlMapError when there is none.
    """
    of_the_api = [
        function
        for function in functions
        if any(route.auth is topology.Auth.BEARER for route in function.routes)
    ]
    if not of_the_api:
        raise UrlMapError("no function of the topology takes bearer tokens to answer unknown paths")
    return max(of_the_api, key=lambda function: function.min_instances > 0).name


def example(predicate: Predicate) -> str:
    """A path for which `predicate` holds."""
    path = predicate.text.replace("**", "some/rest").replace("*", "some-id")
    return f"{path}some/rest" if predicate.match is Match.PREFIX else path


def _claims(functions: Iterable[topology.HttpFunction]) -> dict[str, str]:
    """Path template -> the one function that serves it."""
    claimed: dict[str, str] = {}
    for function in functions:
        for route in function.routes:
            owner = claimed.setdefault(route.path, function.name)
            if owner != function.name:
                raise UrlMapError(
                    f"{route.path} is served by {owner} and by {function.name}: the load balancer "
                    "knows no methods; give all of them to one function"
                )
    return claimed


def _predicates(path: str) -> Iterator[Predicate]:
    parameters = list(_PARAMETER.finditer(path))
    rest = [found for found in parameters if found[2]]
    if rest and (len(rest) > 1 or rest[0].end() != len(path)):
        raise UrlMapError(f"{path}: only what is last can take the remainder")
    if not parameters:
        yield Predicate(Match.EXACT, path)
        if path != "/":
            yield Predicate(Match.EXACT, f"{path}/")
        return
    if rest and len(parameters) == 1:
        yield Predicate(Match.PREFIX, path[: rest[0].start()])
        return
    template = _PARAMETER.sub(lambda found: "**" if found[2] else "*", path)
    segments = template.split("/")
    if (
        any("*" in segment and segment not in ("*", "**") for segment in segments)
        or len(parameters) > MAX_WILDCARDS
        or len(template) >= MAX_TEMPLATE_LENGTH  # room for a slash at the end
    ):
        raise UrlMapError(
            f"{path}: a parameter must be a whole segment, at most {MAX_WILDCARDS} of them in "
            f"{MAX_TEMPLATE_LENGTH} characters"
        )
    if rest:
        yield Predicate(Match.REMAINDER, template)
    else:
        yield Predicate(Match.TEMPLATE, template)
        yield Predicate(Match.TEMPLATE, f"{template}/")


def _refuse_overlaps(claimed: dict[str, str]) -> None:
    """Where two templates of one kind meet, declaration alone would decide; here it must not."""
    templates = [path for path in claimed if "{" in path]
    for one, other in itertools.combinations(templates, 2):
        if claimed[one] != claimed[other] and _overlap(one, other):
            raise UrlMapError(
                f"{one} of {claimed[one]} and {other} of {claimed[other]} match the same paths; "
                "rename one, or give both to one function"
            )


def _overlap(one: str, other: str) -> bool:
    if one.endswith(":path}") != other.endswith(":path}"):
        return False  # whole segments go first
    for left, right in itertools.zip_longest(one.split("/"), other.split("/")):
        if left is None or right is None:
            return False
        if left.endswith(":path}") or right.endswith(":path}"):
            return True
        if left != right and not (left.startswith("{") or right.startswith("{")):
            return False
    return True


def _refuse_excess(predicates: list[Predicate]) -> None:
    templates = sum(found.match in (Match.TEMPLATE, Match.REMAINDER) for found in predicates)
    if len(predicates) > MAX_PREDICATES or templates > MAX_TEMPLATES:
        raise UrlMapError(
            f"{len(predicates)} paths, {templates} of them with parameters, are more than a load "
            f"balancer's {MAX_PREDICATES} and {MAX_TEMPLATES}; let a function take the remainder "
            "below a path that is all its own"
        )
