"""From a player's report to the changed feature in Bigtable (F209): how long it takes.

The clock starts when the request is sent and stops when a reader of the online features sees them
changed, so it holds the API, Pub/Sub, the push to the function, both writes, and the look (a read
of the person's signals, every few ms).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from emulators.cloud import LocalCloud
from shared.platform.ids import random_id
from shared.signals import service
from shared.signals.counting import TrackCounts
from shared.signals.features import pair_features, track_features
from shared.signals.store import counts
from tests import local_settings
from tests.bench import local
from tests.bench.report import Report, percentile

SKIPS = 100
SAVES = 50
LOOK_S = 0.005
GIVEN_UP_S = 30.0
WANTED_MS = 1_000
SHARES = (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0))

Changed = Callable[[], Awaitable[bool]]


def run(cloud: LocalCloud) -> None:
    """Skips and saves, one after the other, each of another track."""
    with local_settings.environment(**cloud.environment()):
        skips, counted, saves = asyncio.run(_measured(cloud))
    report = Report(
        "feature_latency",
        f"{len(skips)} skips and {len(saves)} saves through the API of the local cloud, one after "
        f"the other; looked for every {LOOK_S * 1000:.0f} ms",
    )
    for what, values in (
        ("a skip is in the person's features", skips),
        ("a skip is in the track's features", counted),
        ("a save is in the person's features", saves),
    ):
        for name, share in SHARES:
            wanted = f"< {WANTED_MS} ms" if name == "p95" else ""
            report.add(f"{what}: {name}", percentile(values, share), "ms", wanted)
    report.show()


async def _measured(cloud: LocalCloud) -> tuple[list[float], list[float], list[float]]:
    scope = "streaming user-read-private user-library-modify"
    headers = {"Authorization": f"Bearer {local.access_token(cloud, scope)}"}
    async with httpx.AsyncClient(base_url=cloud.url, headers=headers, timeout=60) as api:
        user_id = (await api.get("/v1/me")).raise_for_status().json()["id"]
        for _ in range(5):  # functions and clients warm, as in a running service
            await _skipped(api, user_id)
        both = [await _skipped(api, user_id) for _ in range(SKIPS)]
        track_id = local.any_track(cloud)
        saves = [await _saved(api, user_id, track_id) for _ in range(SAVES)]
    return [one for one, _ in both], [one for _, one in both], saves


async def _skipped(api: httpx.AsyncClient, user_id: str) -> tuple[float, float]:
    track_id = random_id()
    event = {
        "event_id": random_id(),
        "type": "skipped",
        "track_id": track_id,
        "session_id": random_id(),
        "position_ms": 5_000,
        "ts": service.now_ms(),
    }

    async def of_person() -> bool:
        return (await _pair(user_id, track_id))["pair_skips_28d"] == 1

    async def of_track() -> bool:
        found: TrackCounts = (await counts.read([track_id]))[track_id]  # past the cache
        return track_features(found, service.now_ms())["track_skip_rate_1h"] > 0.5

    began = await _sent(api, "POST", "/v1/events", json={"events": [event]})
    seen = await asyncio.gather(_until(of_person, began), _until(of_track, began))
    return seen[0], seen[1]


async def _saved(api: httpx.AsyncClient, user_id: str, track_id: str) -> float:
    await _sent(api, "DELETE", f"/v1/me/tracks/{track_id}")

    async def is_saved() -> bool:
        return (await _pair(user_id, track_id))["pair_is_saved"] == 1

    async def is_gone() -> bool:
        return not await is_saved()

    await _until(is_gone, time.perf_counter())
    began = await _sent(api, "PUT", f"/v1/me/tracks/{track_id}")
    return await _until(is_saved, began)


async def _sent(api: httpx.AsyncClient, method: str, path: str, **body: Any) -> float:
    """When the request was sent that the API took: a listener is patient with its rate limits."""
    while True:
        began = time.perf_counter()
        answer = await api.request(method, path, **body)
        if answer.status_code != httpx.codes.TOO_MANY_REQUESTS:
            answer.raise_for_status()
            return began
        await asyncio.sleep(float(answer.headers.get("retry-after", 1)))


async def _pair(user_id: str, track_id: str) -> dict[str, float]:
    return pair_features(await service.signals_of(user_id), track_id, (), service.now_ms())


async def _until(changed: Changed, began: float) -> float:
    """Milliseconds from `began` until `changed`."""
    while not await changed():
        if time.perf_counter() - began > GIVEN_UP_S:
            raise TimeoutError(f"a feature did not change within {GIVEN_UP_S:.0f} s")
        await asyncio.sleep(LOOK_S)
    return (time.perf_counter() - began) * 1000
