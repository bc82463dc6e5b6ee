"""Every route behind a token, asked by everyone who may not: each is refused with the right status,
and nothing has changed.

The routes are the topology's, the requests `tests.operations`, the scopes our document's: a new
route without a row fails here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey

from shared import topology
from shared.resources import Auth
from tests import contract
from tests.operations import ONES_OWN, ROWS, Foreign, Row
from tests.sample import World

ROUTED = {
    contract.key_of(method, route.path)
    for function in topology.HTTP_FUNCTIONS
    for route in function.routes
    for method in route.methods
    if route.auth is Auth.BEARER
}
BY_KEY = {row.key: row for row in ROWS}
EACH = pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
SAFE = ("GET", "HEAD")


def test_every_route_behind_a_token_has_a_row() -> None:
    assert set(BY_KEY) == ROUTED


@pytest.fixture(scope="module")
def settled(world: World) -> World:
    """The world with everything in it that a refused request might have changed."""
    for step in ("save", "follow_artists", "fill", "cover", "share", "play"):
        world.prepare(step)
    return world


@pytest.fixture(autouse=True)
def nothing_changes(settled: World, request: pytest.FixtureRequest) -> Iterator[None]:
    """Compares what people have before and after the test."""
    row = request.node.callspec.params.get("row") if hasattr(request.node, "callspec") else None
    if row is None or row.method in SAFE:
        yield
        return
    if "/player" in row.template:
        settled.prepare("play")  # a device that is silent for a minute has left
    before = settled.state(row.template)
    yield
    assert settled.state(row.template) == before


def _refused(row: Row, answer: httpx.Response, *statuses: int) -> dict[str, Any]:
    assert answer.status_code in statuses, f"{answer.status_code}: {answer.text[:500]}"
    contract.own().check(row.method, row.template, answer)
    error: dict[str, Any] = answer.json()["error"]
    assert error["status"] == answer.status_code
    return error


# --- tokens that are none -------------------------------------------------------------------

Tamper = Callable[[World], str | None]
TOKENS: dict[str, Tamper] = {
    "no token": lambda _: None,
    "expired": lambda world: world.signed(exp=int(time.time()) - 60),
    "not a token": lambda _: "Bearer nonsense",
    "another scheme": lambda world: f"Basic {world.token}",
    "signed by another": lambda world: world.signed(ECKey.generate_key("P-256")),
    "of another issuer": lambda world: world.signed(iss="https://elsewhere.example"),
    "for another audience": lambda world: world.signed(aud="another-api"),
    "unsigned": lambda world: world.unsigned(),
}


@EACH
def test_a_token_that_is_none(settled: World, row: Row) -> None:
    for name, make in TOKENS.items():
        header = make(settled)
        headers = {} if header is None else {"authorization": header}
        answer = row.send(settled.anyone, settled.values, headers=headers)
        assert answer.status_code == 401, f"{name}: {answer.status_code} {answer.text[:300]}"
        _refused(row, answer, 401)
        assert answer.headers["www-authenticate"]


# --- scopes ---------------------------------------------------------------------------------


def _alternatives(row: Row) -> list[set[str]]:
    """Sets of scopes of which one suffices, by our document."""
    needed = contract.own().operations[row.key]["security"]
    return [set(scopes) for one in needed for scopes in one.values() if scopes]


@EACH
def test_a_token_without_the_scope(settled: World, row: Row) -> None:
    alternatives = _alternatives(row)
    if not alternatives:
        pytest.skip("any token will do")
    named = set().union(*alternatives)
    every = settled.all_scopes
    # Everything but what it needs; and, where it needs several, each of them left out.
    lacking = [every - named]
    if len(alternatives) == 1:
        lacking += [every - {scope} for scope in alternatives[0]]
    for scopes in lacking:
        token = settled.signed(scope=" ".join(sorted(scopes)))
        answer = row.send(settled.anyone, settled.values, headers={"authorization": token})
        assert "scope" in _refused(row, answer, 403)["message"]


@EACH
def test_an_apps_own_token(settled: World, row: Row) -> None:
    """It is nobody, so what is somebody's own is refused to it."""
    if row.foreign != ONES_OWN and not isinstance(row.foreign, Foreign):
        pytest.skip("it belongs to nobody")
    headers = {"authorization": f"Bearer {settled.app_token}"}
    answer = row.send(settled.anyone, settled.values, headers=headers)
    _refused(row, answer, 401, 403, 404)


# --- other people's -------------------------------------------------------------------------


@EACH
def test_somebody_elses(settled: World, row: Row) -> None:
    if not isinstance(row.foreign, Foreign):
        assert row.foreign, "say whose it is"
        pytest.skip(row.foreign)
    values = dict(settled.values)
    values |= {name: value.format_map(values) for name, value in row.foreign.values.items()}
    _refused(row, row.send(settled.api, values), row.foreign.status)


# --- tiers ----------------------------------------------------------------------------------


@EACH
def test_the_free_tier(settled: World, row: Row) -> None:
    if row.premium is not True:
        assert row.premium, "say for which tier it is"
        pytest.skip(str(row.premium))
    answer = row.send(settled.free, settled.values)
    assert _refused(row, answer, 403)["reason"] == "PREMIUM_REQUIRED"
