"""Every operation, driven with true content, answers what the published document and ours say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from emulators import seed
from emulators.cloud import ROOT
from emulators.processes import free_port
from tests import contract, operations
from tests.operations import ROWS, Row
from tests.sample import World

UNKNOWN = "0" * 22


def each(*rows: Row) -> pytest.MarkDecorator:
    """One test for each of these rows."""
    return pytest.mark.parametrize("row", rows, ids=[row.name for row in rows])


EACH = each(*ROWS)


def test_every_operation_of_both_documents_has_a_row() -> None:
    driven = {row.key for row in ROWS}
    own = {key for key in contract.own().operations if key[1].startswith("/v1/")}
    published = {one.key for one in contract.operations()}
    assert own | published <= driven
    assert len(driven) == len(ROWS)


# --- success --------------------------------------------------------------------------------


@EACH
def test_success(world: World, row: Row) -> None:
    world.prepare(row.before)
    answer = row.check(world.api, world.values)
    contract.check(row.method, row.template, answer)


@EACH
def test_a_trailing_slash_and_an_empty_json_body(world: World, row: Row) -> None:
    """As spotipy sends them: `/me/`, and a JSON content type where there is no body."""
    world.prepare(row.before)
    answer = row.send(world.api, world.values, slash="/")
    assert answer.status_code == row.status, answer.text
    contract.check(row.method, row.template, answer)


# --- old and new names ----------------------------------------------------------------------


def test_both_names_of_a_playlists_items_show_the_same(world: World) -> None:
    world.prepare("fill")
    at = f"/v1/playlists/{world.values['playlist']}"
    by_old, by_new = (
        world.api.get(f"{at}/{name}", params={"limit": 50}).raise_for_status().json()
        for name in ("tracks", "items")
    )
    assert by_old["items"] == by_new["items"]
    assert by_old["total"] == by_new["total"] > 0
    for item in by_new["items"]:
        assert item["item"] == item["track"]
    whole = world.api.get(at).raise_for_status().json()
    assert whole["items"]["items"] == whole["tracks"]["items"] == by_old["items"]


@pytest.mark.parametrize("kind", ["tracks", "albums", "shows", "episodes"])
def test_both_names_of_the_library_are_one_library(world: World, kind: str) -> None:
    ids = world.values[kind].split(",")
    uris = ",".join(f"spotify:{kind[:-1]}:{one}" for one in ids)
    old, new = {"params": {"ids": ",".join(ids)}}, {"params": {"uris": uris}}

    def seen() -> tuple[Any, Any]:
        return (
            world.api.get(f"/v1/me/{kind}/contains", **old).json(),
            world.api.get("/v1/me/library/contains", **new).json(),
        )

    assert world.api.put(f"/v1/me/{kind}", **old).is_success
    assert seen() == ([True] * len(ids), [True] * len(ids))
    assert world.api.delete("/v1/me/library", **new).is_success
    assert seen() == ([False] * len(ids), [False] * len(ids))
    assert world.api.put("/v1/me/library", **new).is_success
    assert seen() == ([True] * len(ids), [True] * len(ids))
    assert world.api.delete(f"/v1/me/{kind}", **old).is_success
    assert seen() == ([False] * len(ids), [False] * len(ids))


def test_both_ways_to_create_a_playlist_make_the_same(world: World) -> None:
    made = []
    for path in ("/v1/me/playlists", f"/v1/users/{world.values['me']}/playlists"):
        answer = world.api.post(path, json={"name": "By either name", "public": False})
        made.append(answer.raise_for_status().json())
    different = {"id", "href", "uri", "external_urls", "snapshot_id", "tracks", "items"}
    first, second = ({k: v for k, v in one.items() if k not in different} for one in made)
    assert first == second


# --- errors (401 and 403: test_authorization_matrix.py) -------------------------------------


def _error(row: Row, answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, f"{answer.status_code}: {answer.text}"
    contract.check(row.method, row.template, answer)
    error: dict[str, Any] = answer.json()["error"]
    assert error["status"] == status
    assert error["message"]
    return error


@each(*(row for row in ROWS if "{" in row.path))
def test_404_for_an_unknown_id(world: World, row: Row) -> None:
    (name,) = re.findall(r"\{(\w+)\}", row.path)
    values = {**world.values, name: UNKNOWN}
    answer = row.send(world.api, values)
    if row.unknown < 400:  # it makes it, or has nothing to take away
        assert answer.status_code == row.unknown
        contract.check(row.method, row.template, answer)
    else:
        _error(row, answer, row.unknown)


def bad_requests(
    row: Row, values: operations.Values
) -> Iterator[tuple[dict[str, str], dict[str, str]]]:
    """Queries and values that our document forbids, one at a time."""
    in_path = re.findall(r"\{(\w+)\}", row.path)
    for parameter in contract.own().operations.get(row.key, {}).get("parameters", ()):
        schema, name = parameter["schema"], parameter["name"]
        if parameter["in"] == "query":
            for wrong in _forbidden(schema):
                yield {name: wrong}, dict(values)
        elif parameter["in"] == "path" and "pattern" in schema:
            yield {}, {**values, in_path[0]: "not!an!id"}


def _forbidden(schema: dict[str, Any]) -> Iterator[str]:
    if schema.get("type") == "integer":
        yield "many"
        if "maximum" in schema:
            yield str(schema["maximum"] + 100_000_000)
        if "minimum" in schema:
            yield str(schema["minimum"] - 1)
    elif schema.get("type") == "boolean":
        yield "perhaps"
    elif "enum" in schema:
        yield "none-of-these"
    elif "pattern" in schema:
        yield from (text for text in ("?!", "") if not re.search(schema["pattern"], text))


@each(*(row for row in ROWS if any(bad_requests(row, {}))))
def test_400_for_a_value_out_of_range(world: World, row: Row) -> None:
    for query, values in bad_requests(row, world.values):
        _error(row, _with_query(row, query).send(world.api, values), 400)


def _with_query(row: Row, query: dict[str, str]) -> Row:
    return replace(row, query={**row.query, **query})


# --- 429, by a host whose windows hold one request ---------------------------------------------


@pytest.fixture(scope="module")
def strict(world: World) -> Iterator[httpx.Client]:
    """The same functions on a host of their own, with limits of one request per window; its client
    has used up each of them."""
    port = free_port()
    environment = {
        **os.environ,
        **world.cloud.cloud.environment(),
        "SEGUE_RATE_LIMIT_SCALE": "0.001",
    }
    host = subprocess.Popen(
        [sys.executable, "-m", "emulators.function_host", "--port", str(port)],
        env=environment,
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
    )
    headers = {"Authorization": f"Bearer {world.cloud.token(seed.FREE_USER)}"}
    try:
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=30, trust_env=False
        ) as api:
            _wait_for(api)
            yield api
    finally:
        host.terminate()
        host.wait(20)


def _wait_for(api: httpx.Client) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if api.get("/_healthz").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise AssertionError("the function host does not answer")


@EACH
def test_429_past_the_limit(strict: httpx.Client, world: World, row: Row) -> None:
    for _ in range(3):  # the window may end between two requests
        answer = row.send(strict, world.values)
        if answer.status_code == 429:
            break
    _error(row, answer, 429)
    assert 1 <= int(answer.headers["retry-after"]) <= 30
