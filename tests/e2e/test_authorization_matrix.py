"""Every route behind a token, asked by everyone who may not: each is refused with the right status,
and nothing has changed.

The routes are the topology's, the requests `tests.operations`, the scopes our document's: a new
route without a row fails here.
"""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey

from shared import topology
from shared.resources import Auth
from tests import contract
from tests.operations import EVERY_TIER, ONES_OWN, PUBLIC, ROWS, Foreign, Row
from tests.sample import World

ROUTED = {
    contract.key_of(method, route.path)
    for function in topology.HTTP_FUNCTIONS
    for route in function.routes
    for method in route.methods
    if route.auth is Auth.BEARER
}


def test_every_route_behind_a_token_has_a_row_that_says_whose_it_is() -> None:
    assert {row.key for row in ROWS} == ROUTED
    for row in ROWS:
        assert isinstance(row.foreign, Foreign) or row.foreign in (PUBLIC, ONES_OWN), row
        assert row.premium in (True, EVERY_TIER), row


@pytest.fixture(scope="module")
def settled(world: World) -> World:
    """The world with everything in it that a refused request might have changed."""
    for step in ("save", "follow_artists", "fill", "cover", "share", "play"):
        world.prepare(step)
    return world


@pytest.fixture(scope="module")
def no_tokens(settled: World) -> dict[str, dict[str, str]]:
    """Headers without a token that is worth anything, by what is wrong with them."""
    headers = {
        "expired": settled.signed(exp=int(time.time()) - 60),
        "not a token": "Bearer nonsense",
        "another scheme": f"Basic {settled.token}",
        "signed by another": settled.signed(ECKey.generate_key("P-256")),
        "of another issuer": settled.signed(iss="https://elsewhere.example"),
        "for another audience": settled.signed(aud="another-api"),
        "unsigned": settled.unsigned(),
    }
    return {"no token": {}} | {name: {"authorization": value} for name, value in headers.items()}


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_everyone_who_may_not_is_refused_and_nothing_changes(
    settled: World, no_tokens: dict[str, dict[str, str]], row: Row
) -> None:
    if "/player" in row.template:
        settled.prepare("play")  # a device that is silent for a minute has left
    changes = row.method != "GET"
    before = settled.state(row.template) if changes else None

    for wrong, headers in no_tokens.items():
        _no_token(row, row.send(settled.anyone, settled.values, headers=headers), wrong)
    _too_few_scopes(settled, row)
    if row.foreign != PUBLIC:  # an app by itself is nobody
        headers = {"authorization": f"Bearer {settled.app_token}"}
        _refused(row, row.send(settled.anyone, settled.values, headers=headers), 401, 403, 404)
    if isinstance(row.foreign, Foreign):
        theirs = {
            name: value.format_map(settled.values) for name, value in row.foreign.values.items()
        }
        answer = row.send(settled.api, {**settled.values, **theirs})
        _refused(row, answer, row.foreign.status)
    if row.premium is True:
        error = _refused(row, row.send(settled.free, settled.values), 403)
        assert error["reason"] == "PREMIUM_REQUIRED"

    assert (settled.state(row.template) if changes else None) == before


def _refused(row: Row, answer: httpx.Response, *statuses: int) -> dict[str, Any]:
    assert answer.status_code in statuses, f"{answer.status_code}: {answer.text[:500]}"
    contract.check(row.method, row.template, answer)
    error: dict[str, Any] = answer.json()["error"]
    assert error["status"] == answer.status_code
    assert error["message"]
    return error


def _no_token(row: Row, answer: httpx.Response, wrong: str) -> None:
    assert answer.status_code == 401, f"{wrong}: {answer.status_code} {answer.text[:300]}"
    _refused(row, answer, 401)
    assert answer.headers["www-authenticate"].startswith("Bearer")


def _too_few_scopes(settled: World, row: Row) -> None:
    """Everything but what it needs; and, where it needs several, all but each of them."""
    needed = contract.own().operations[row.key]["security"]
    alternatives = [set(scopes) for one in needed for scopes in one.values() if scopes]
    if not alternatives:
        return
    lacking = [settled.all_scopes - set().union(*alternatives)]
    if len(alternatives) == 1:
        lacking += [settled.all_scopes - {scope} for scope in alternatives[0]]
    for scopes in lacking:
        token = settled.signed(scope=" ".join(sorted(scopes)))
        answer = row.send(settled.anyone, settled.values, headers={"authorization": token})
        assert "scope" in _refused(row, answer, 403)["message"]
