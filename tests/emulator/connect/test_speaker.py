"""The local cloud's loudspeaker, against two hosts of the functions."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx

from emulators.speaker import NAME, Account, Speaker
from shared.platform.ids import random_id
from tests.emulator.catalog.functions import access_token
from tests.emulator.connect.conftest import SCOPES, Person, headers


@asynccontextmanager
async def speaker(url: str, user_id: str, tier: str = "premium") -> AsyncIterator[Account]:
    """A loudspeaker that is on while the body runs."""
    account = Account(url, f"{url}/accounts", "app", f"{url}/callback", user_id, "")
    task = asyncio.create_task(Speaker(account, access_token(user_id, SCOPES, tier)).run())
    try:
        yield account
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(call: Any, check: Any, within_s: float = 5.0) -> Any:
    deadline = time.monotonic() + within_s
    while not check(answer := await call()):
        assert time.monotonic() < deadline, answer
        await asyncio.sleep(0.05)
    return answer


async def test_it_takes_the_lead_plays_what_it_is_told_and_leaves(
    hosts: list[str], album: list[str]
) -> None:
    user_id = random_id()
    async with httpx.AsyncClient(
        base_url=hosts[1], headers=headers(user_id), trust_env=False, timeout=30
    ) as api:
        person = Person(user_id, api)

        async def devices() -> list[dict[str, Any]]:
            answer = await person.do("GET", "/devices", 200)
            found: list[dict[str, Any]] = answer["devices"]
            return found

        async with speaker(hosts[0], user_id) as account:
            (device,) = await until(devices, lambda there: there and there[0]["is_active"])
            assert (device["id"], device["name"], device["type"]) == (
                account.device_id,
                NAME,
                "Speaker",
            )
            await person.play(uris=album[1:4], position_ms=199_500)
            # without a device named: it is the active one
            playing = await until(person.now, lambda now: now["item"]["uri"] == album[2])
            assert playing["device"]["id"] == account.device_id
            assert playing["progress_ms"] < 3_000
            await asyncio.sleep(0.3)
            state = await person.do(
                "PUT",
                "/state",
                200,
                params={"device_id": account.device_id},
                json={"version": 2, "position_ms": playing["progress_ms"], "is_playing": True},
            )
            assert state["version"] == 2  # the lead and the command: its own reports fit
        assert await devices() == []


async def test_a_free_listener_has_one_too(hosts: list[str]) -> None:
    user_id = random_id()
    signed = headers(user_id, tier="free")
    async with (
        httpx.AsyncClient(base_url=hosts[0], headers=signed, trust_env=False, timeout=30) as api,
        speaker(hosts[0], user_id, "free"),
    ):
        person = Person(user_id, api)

        async def active() -> bool:
            there = (await person.do("GET", "/devices", 200))["devices"]
            return any(one["is_active"] for one in there)

        await until(active, bool)
