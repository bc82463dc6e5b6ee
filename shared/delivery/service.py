"""Delivery's use cases: tokens for a listener, probes of every CDN, priming of a new track."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from shared.delivery import store
from shared.delivery.cdn_selection import order_cdns
from shared.delivery.health import PROBE_TIMEOUT_MS, PROBE_TRIES, after_probe
from shared.delivery.models import (
    CdnHealth,
    PrimingTask,
    ProbeResult,
    SignedCandidate,
    SignedDelivery,
    SignedPrefix,
    audio_prefix,
    checked_prefix,
)
from shared.delivery.priming import FIRST_BYTES, first_files, is_playlist, is_whole, next_paths
from shared.delivery.signing import SignatureCache, SigningKey, SigningKeyError, sign_prefix
from shared.platform.errors import InvalidInput, Unavailable
from shared.platform.settings import Cdn, settings

if TYPE_CHECKING:
    import httpx

    from shared.catalog.models import TrackPublished

PLATFORM_UID = "segue-platform"  # in tokens for our own probes and priming
PROBE_PREFIX = "/audio/health/"
PROBE_OBJECT = "probe"  # a few bytes; where it is absent, a 404 is an answer as well
PRIMING_CONNECTIONS = 8
PRIMING_TIMEOUT_S = 30
_ANSWERED = frozenset({200, 206, 404})

_log = logging.getLogger(__name__)
_signatures = SignatureCache()


async def signed_prefixes(prefix: str, uid: str, now: datetime | None = None) -> SignedDelivery:
    """Tokens that open `prefix` (`/bucket/…/`) to user `uid` on every usable CDN, best first.

    A CDN without a usable key is left out and logged. Raises Unavailable when none is left,
    ValueError for a prefix or uid that cannot be signed.
    """
    now = now or datetime.now(UTC)
    keys = store.held_keys(settings().cdns)
    if len(keys) == len(settings().cdns):  # all but an instance's first requests
        health = await store.read_health()
    else:
        health, keys = await asyncio.gather(store.read_health(), _usable_keys(settings().cdns))
    cdns = [cdn for cdn in settings().cdns if cdn.name in keys]
    if not cdns:
        raise Unavailable("Playback is unavailable right now; please try again.")
    decision = order_cdns(cdns, health, now)
    candidates = tuple(
        SignedCandidate(
            one, sign_prefix(one.cdn, keys[one.cdn.name], prefix, uid, now, _signatures)
        )
        for one in decision.candidates
    )
    expires_at = min(one.signed.expires_at for one in candidates)
    return SignedDelivery(candidates, decision, expires_at)


async def _usable_keys(cdns: tuple[Cdn, ...]) -> dict[str, SigningKey]:
    from google.api_core.exceptions import GoogleAPICallError, RetryError

    async def key_of(cdn: Cdn) -> SigningKey | None:
        try:
            return await store.signing_key(cdn)
        except (GoogleAPICallError, RetryError, SigningKeyError) as error:
            _log.error("no usable key for CDN %s: %s", cdn.name, error)
            return None

    found = await asyncio.gather(*map(key_of, cdns))
    return {cdn.name: key for cdn, key in zip(cdns, found, strict=True) if key is not None}


async def probe_cdns() -> list[CdnHealth]:
    """Measures every CDN side by side, writes and returns their health."""
    import httpx

    before = await store.read_health(fresh=True)
    timeout = httpx.Timeout(PROBE_TIMEOUT_MS / 1000)
    async with httpx.AsyncClient(timeout=timeout) as client:
        probes = await asyncio.gather(*(_probe(client, cdn) for cdn in settings().cdns))
    now = datetime.now(UTC)
    after = [after_probe(before.get(probe.cdn), probe, now) for probe in probes]
    await asyncio.gather(*map(store.write_health, after))
    return after


async def _probe(client: httpx.AsyncClient, cdn: Cdn) -> ProbeResult:
    """Asks for the signed probe object several times; an edge that refuses our token is as little
    use to a listener as one that is down."""
    import httpx

    key = (await _usable_keys((cdn,))).get(cdn.name)
    if key is None:
        return ProbeResult(cdn.name, PROBE_TRIES, ())
    url = sign_prefix(cdn, key, PROBE_PREFIX, PLATFORM_UID, datetime.now(UTC)).url(PROBE_OBJECT)
    latencies = []
    for _ in range(PROBE_TRIES):
        started = time.perf_counter()
        try:
            answer = await client.get(url)
        except httpx.HTTPError as error:
            _log.info("probe of %s failed: %r", cdn.name, error)
            continue
        if answer.status_code in _ANSWERED:
            latencies.append(round((time.perf_counter() - started) * 1000))
    return ProbeResult(cdn.name, PROBE_TRIES, tuple(latencies))


async def queue_track_priming(event: TrackPublished) -> None:
    """Queues one task per CDN for a published track; an event that arrives twice queues nothing
    new."""
    # Not above: those who only sign start without the catalog.
    from shared.catalog import service as catalog

    track = await catalog.get_track(event.track_id)
    prefix = audio_prefix(f"{event.track_id}/{event.asset_version}")
    await queue_priming(prefix, first_files(track, event.asset_version))


async def queue_priming(prefix: str, paths: tuple[str, ...]) -> None:
    """Queues one task per CDN that fetches `paths` below `prefix` through it."""
    checked_prefix(prefix)
    await asyncio.gather(
        *(
            store.queue_priming(PrimingTask(cdn=cdn.name, prefix=prefix, paths=paths))
            for cdn in settings().cdns
        )
    )


async def prime(task: PrimingTask) -> int:
    """Fetches the task's objects through its CDN, playlists followed to their first segments;
    the number of objects fetched.

    Raises InvalidInput for an unknown CDN or a prefix that cannot be signed, Unavailable (worth
    another try) when any fetch fails.
    """
    import httpx

    cdn = next((cdn for cdn in settings().cdns if cdn.name == task.cdn), None)
    if cdn is None:
        raise InvalidInput(f"There is no CDN {task.cdn!r}.")
    key = (await _usable_keys((cdn,))).get(cdn.name)
    if key is None:
        raise Unavailable(f"CDN {cdn.name} has no usable key.")
    try:
        signed = sign_prefix(cdn, key, task.prefix, PLATFORM_UID, datetime.now(UTC), _signatures)
    except ValueError as error:
        raise InvalidInput(str(error)) from error
    limits = httpx.Limits(max_connections=PRIMING_CONNECTIONS)
    async with httpx.AsyncClient(timeout=PRIMING_TIMEOUT_S, limits=limits) as client:
        fetched: set[str] = set()
        wanted = set(task.paths)
        while wanted:
            found = await asyncio.gather(*(_fetch(client, signed, path) for path in wanted))
            fetched |= wanted
            wanted = {path for paths in found for path in paths} - fetched
    return len(fetched)


async def _fetch(client: httpx.AsyncClient, signed: SignedPrefix, path: str) -> list[str]:
    """Fetches one object and throws it away; what to fetch next, if it is a playlist."""
    import httpx

    try:
        headers = {} if is_whole(path) else {"range": FIRST_BYTES}
        async with client.stream("GET", signed.url(path), headers=headers) as answer:
            if answer.status_code not in (200, 206):
                raise Unavailable(f"{signed.cdn} answered {answer.status_code} to {path}")
            if is_playlist(path):
                folder = path.rpartition("/")[0]
                above = f"{folder}/" if folder else ""
                return [above + one for one in next_paths((await answer.aread()).decode())]
            async for _ in answer.aiter_raw():
                pass
    except httpx.HTTPError as error:
        raise Unavailable(f"{signed.cdn} did not answer for {path}: {error!r}") from error
    return []
