"""Idempotency keys: one effect, one answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import Body, FastAPI, Request, Response
from fastapi.responses import JSONResponse

from shared import topology
from shared.platform import clients, idempotency
from shared.platform.auth import Principal
from shared.platform.errors import NotFound
from shared.platform.http import create_app, once
from shared.platform.ids import content_id, random_id

pytestmark = pytest.mark.usefixtures("firestore")
effects: list[str] = []


def app() -> FastAPI:
    made = create_app("tests")

    @made.post("/things")
    async def create(request: Request, body: dict[str, Any] = Body()) -> Response:  # noqa: B008
        async def make(seed: str) -> Response:
            await asyncio.sleep(0.05)
            effects.append(seed)
            match body.get("fail"):
                case "not found":
                    raise NotFound("no such thing")
                case "crash":
                    raise RuntimeError("boom")
            return JSONResponse({"id": seed, "n": len(effects)}, 201, {"location": f"/{seed}"})

        caller = Principal(body.get("user", "u"), "c", frozenset(), "free", "DE", 0)
        return await once(request, caller, make)

    return made


@pytest.fixture
async def api() -> AsyncIterator[httpx.AsyncClient]:
    effects.clear()
    transport = httpx.ASGITransport(app(), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def post(api: httpx.AsyncClient, key: str | None, **body: Any) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return await api.post("/things", json=body, headers=headers)


async def test_the_same_key_and_body_replay_status_body_and_headers(
    api: httpx.AsyncClient,
) -> None:
    key = random_id()
    first, second = await post(api, key, name="x"), await post(api, key, name="x")
    assert (first.status_code, first.json()["n"]) == (201, 1)
    assert (second.status_code, second.content) == (201, first.content)
    assert second.headers["location"] == first.headers["location"]
    assert second.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert len(effects) == 1


async def test_fifty_parallel_calls_have_one_effect_and_one_answer(api: httpx.AsyncClient) -> None:
    key = random_id()
    answers = await asyncio.gather(*(post(api, key, name="x") for _ in range(50)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert len(effects) == 1


async def test_another_body_under_the_same_key_is_an_error(api: httpx.AsyncClient) -> None:
    key = random_id()
    await post(api, key, name="x")
    refused = await post(api, key, name="y")
    assert refused.status_code == 400
    assert "another request" in refused.json()["error"]["message"]
    assert len(effects) == 1


async def test_people_do_not_share_keys(api: httpx.AsyncClient) -> None:
    key = random_id()
    assert (await post(api, key, user="a")).json()["n"] == 1
    assert (await post(api, key, user="b")).json()["n"] == 2


async def test_errors_of_the_request_are_replayed(api: httpx.AsyncClient) -> None:
    key = random_id()
    assert (await post(api, key, fail="not found")).status_code == 404
    again = await post(api, key, fail="not found")
    assert (again.status_code, again.headers["idempotent-replayed"]) == (404, "true")
    assert len(effects) == 1


async def test_a_crash_of_ours_leaves_the_key_free(api: httpx.AsyncClient) -> None:
    key = random_id()
    assert (await post(api, key, fail="crash")).status_code == 500
    assert (await post(api, key, fail="crash")).status_code == 500
    assert len(effects) == 2
    assert effects[0] == effects[1]  # so that what the first made is not made twice


async def test_without_a_key_each_call_has_its_effect(api: httpx.AsyncClient) -> None:
    assert (await post(api, None)).json()["id"] != (await post(api, None)).json()["id"]


@pytest.mark.parametrize("key", ["", "k" * 256, "a\tb"])
async def test_a_bad_key_is_refused(api: httpx.AsyncClient, key: str) -> None:
    assert (await post(api, key)).status_code == 400
    assert not effects


async def test_a_key_of_255_characters_is_kept_at_least_a_day(api: httpx.AsyncClient) -> None:
    key = "k" * 233 + random_id()
    assert (await post(api, key)).status_code == 201
    seed = content_id("idempotency", "u", "c", key)
    held = await clients.collection(topology.IDEMPOTENCY_KEYS).document(seed).get()
    assert held.get("expires_at") > datetime.now(UTC) + timedelta(hours=24)
    assert topology.IDEMPOTENCY_KEYS.ttl_field == "expires_at"


async def test_the_claim_of_a_dead_holder_is_taken_over(
    api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = random_id()
    first = await post(api, key)
    seed = content_id("idempotency", "u", "c", key)
    reference = clients.collection(topology.IDEMPOTENCY_KEYS).document(seed)
    held = (await reference.get()).to_dict()
    assert held is not None
    await reference.set({name: held[name] for name in ("fingerprint", "claimed_at", "expires_at")})
    monkeypatch.setattr(idempotency, "PATIENCE_S", 0.1)
    assert (await post(api, key)).status_code == 409  # it may be at work still
    monkeypatch.setattr(idempotency, "LEASE", timedelta(0))
    assert (await post(api, key)).json()["id"] == first.json()["id"]
