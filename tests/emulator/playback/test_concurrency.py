"""How many devices sound at once, over HTTP and against Firestore."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from shared.platform.errors import Forbidden
from shared.platform.ids import random_id
from shared.playback import leases, store
from shared.playback.leases import Claim, Slot
from tests.emulator.catalog.functions import function
from tests.emulator.playback.conftest import Published
from tests.emulator.playback.test_playback_function import base64url, token_of

HEARTBEAT = "/v1/playback/heartbeat"


async def beat(user: str, *, tier: str = "premium", **body: Any) -> httpx.Response:
    async with function("playback", user=user, tier=tier) as client:
        return await client.post(HEARTBEAT, json=body)


async def test_twenty_devices_at_once_get_as_many_places_as_there_are(firestore: str) -> None:
    user_id = random_id()

    async def acquire(number: int) -> bool:
        def lease(held: tuple[Slot, ...]) -> tuple[Slot, ...]:
            claim = Claim(f"device:{number}")
            return leases.leased(held, claim, "premium", 1_800_000_000_000, by_licence=True)

        try:
            await store.change_slots(user_id, lease)
        except Forbidden:
            return False
        return True

    admitted = await asyncio.gather(*(acquire(number) for number in range(20)))
    assert sum(admitted) == leases.most_streams("premium")


async def test_a_device_over_the_limit_is_refused_until_one_stops(
    firestore: str, bigtable: str
) -> None:
    user = random_id()
    first = await beat(user, tier="free", device_id="laptop")
    assert first.status_code == 200, first.text
    assert (first.json()["streams"], first.json()["limit"], first.json()["heartbeat_s"]) == (
        1,
        1,
        30,
    )
    assert (await beat(user, tier="free", device_id="laptop")).status_code == 200
    refused = await beat(user, tier="free", device_id="phone")
    assert refused.status_code == 403
    assert refused.json()["error"]["reason"] == "CONCURRENT_STREAMS_LIMIT"
    stopped = await beat(user, tier="free", device_id="laptop", stopped=True)
    assert (stopped.status_code, stopped.content) == (204, b"")
    assert (await beat(user, tier="free", device_id="phone")).status_code == 200


async def test_what_is_wrong_with_a_heartbeat_is_said(published: Published) -> None:
    assert (await beat("x")).status_code == 400
    assert (await beat("x", session="s" * 300)).status_code == 400
    assert (await beat("x", session="forged")).status_code == 403
    async with function("playback", scope="user-read-private") as client:
        assert (await client.post(HEARTBEAT, json={"device_id": "a"})).status_code == 403


async def test_a_licence_takes_a_place(published: Published) -> None:
    user = random_id()

    async def licence(device: str | None, tier: str = "free") -> httpx.Response:
        async with function("playback", user=user, tier=tier) as client:
            headers = {"x-device-id": device} if device else {}
            query = {"track_id": published.track.id}
            opened = (
                await client.get("/v1/playback/manifest", params=query, headers=headers)
            ).json()
            kid = published.keys.cmaf_kid
            answer = await client.post(
                "/v1/playback/license",
                params={"session": token_of(opened)},
                headers=headers,
                json={"kids": [base64url(bytes.fromhex(kid))]},
            )
            last.append(token_of(opened))
            return answer

    last: list[str] = []
    assert (await licence("laptop")).status_code == 200
    assert (await licence("laptop")).status_code == 200  # the next track, prepared
    refused = await licence("phone")
    assert refused.status_code == 403
    assert refused.json()["error"]["reason"] == "CONCURRENT_STREAMS_LIMIT"
    assert (await licence(None, tier="premium")).status_code == 200  # a stock player
    assert (await licence(None, tier="premium")).status_code == 200
    kept = await beat(user, session=last[-1])
    assert (kept.status_code, kept.json()["streams"]) == (200, 2)
    taken_over = await beat(user, session=last[-2])
    assert taken_over.json()["error"]["reason"] == "CONCURRENT_STREAMS_LIMIT"
    assert (await beat("somebody", session=last[-1])).json()["error"]["reason"] == "OTHER_USER"


pytestmark = pytest.mark.usefixtures("settings_env")
