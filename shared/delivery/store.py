"""CDN health in Firestore (`cdn_health/{cdn}`), CDN keys in Secret Manager, priming tasks in
Cloud Tasks. Reads on the way to a manifest are kept in bounded caches."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from cachetools import TTLCache

from shared.delivery.models import CdnHealth, PrimingTask
from shared.delivery.signing import SigningKey, load_key
from shared.platform import clients
from shared.platform.cache import ReadThroughCache
from shared.platform.ids import content_id
from shared.platform.settings import Cdn, settings
from shared.topology import CDN_HEALTH, CDN_KEYS, CDN_PRIMING

if TYPE_CHECKING:
    from google.cloud.firestore import DocumentSnapshot

HEALTH_KEPT_S = 15  # probes write once a minute
KEYS_KEPT_S = 3600  # versions are pinned and never change; this only bounds a destroyed one
READ_TIMEOUT_S = 2

_log = logging.getLogger(__name__)
_EVERY = ""  # the one key: all CDNs are read together
_last_health: dict[str, CdnHealth] = {}
_keys: TTLCache[str, SigningKey] = TTLCache(64, ttl=KEYS_KEPT_S)


def forget() -> None:
    """Empties the caches, so that the next read sees what others wrote."""
    _health.clear()
    _last_health.clear()
    _keys.clear()


async def read_health(*, fresh: bool = False) -> dict[str, CdnHealth]:
    """Health by CDN name, at most `HEALTH_KEPT_S` old (`fresh`: read now).

    When Firestore does not answer, the last known health (or none) is returned and the failure
    logged: a listener must not wait for a statistic.
    """
    if fresh:
        _health.forget(_EVERY)
    return await _health.get(_EVERY) or {}


async def _load_health(keys: Sequence[str]) -> dict[str, dict[str, CdnHealth]]:
    from google.api_core.exceptions import GoogleAPICallError, RetryError

    try:
        found = {
            health.cdn: health
            async for snapshot in clients.collection(CDN_HEALTH).stream(timeout=READ_TIMEOUT_S)
            if (health := _to_health(snapshot)) is not None
        }
    except (GoogleAPICallError, RetryError) as error:
        _log.warning("CDN health is unreadable, using the last known: %s", error)
        found = dict(_last_health)
    _last_health.clear()
    _last_health.update(found)
    return dict.fromkeys(keys, found)


_health: ReadThroughCache[str, dict[str, CdnHealth]] = ReadThroughCache(
    _load_health, maximum=1, ttl_s=HEALTH_KEPT_S, negative_ttl_s=0
)


async def write_health(health: CdnHealth) -> None:
    """Replaces what is known of one CDN."""
    await (
        clients.collection(CDN_HEALTH)
        .document(health.cdn)
        .set(
            {
                "is_healthy": health.is_healthy,
                "latency_ms": health.latency_ms,
                "availability": health.availability,
                "checked_at": health.checked_at,
                "tries": [{"answered": good, "tried": tried} for good, tried in health.tries],
            }
        )
    )


def _key_version(cdn: Cdn) -> str:
    secret = f"{CDN_KEYS.name}-{cdn.name}"
    return f"projects/{settings().project}/secrets/{secret}/versions/{cdn.key_version}"


def held_keys(cdns: Iterable[Cdn]) -> dict[str, SigningKey]:
    """Those keys of `cdns` that are in the cache, by CDN name."""
    found = {cdn.name: _keys.get(_key_version(cdn)) for cdn in cdns}
    return {name: key for name, key in found.items() if key is not None}


async def signing_key(cdn: Cdn) -> SigningKey:
    """The private or shared key of `cdn`, in the version that its settings pin.

    Raises SigningKeyError when the secret is of the wrong form, Google's NotFound without one.
    """
    version = _key_version(cdn)
    key = _keys.get(version)
    if key is None:
        answer = await clients.secret_manager().access_secret_version(name=version)
        key = load_key(cdn.provider, answer.payload.data)
        _keys[version] = key
    return key


async def queue_priming(task: PrimingTask) -> None:
    """Queues `task`, once: its name follows from CDN and prefix, so an event that arrives twice
    queues one."""
    from google.api_core.exceptions import AlreadyExists

    config = settings()
    queue = f"projects/{config.project}/locations/{config.region}/queues/{CDN_PRIMING.name}"
    target = config.task_target(CDN_PRIMING.target)
    request: dict[str, Any] = {
        "name": f"{queue}/tasks/{content_id(task.cdn, task.prefix)}",
        "http_request": {
            "url": target.url + CDN_PRIMING.path,
            "http_method": "POST",
            "headers": {"content-type": "application/json"},
            "body": task.model_dump_json().encode(),
            "oidc_token": {
                "service_account_email": target.account,
                "audience": target.audience,
            },
        },
    }
    try:
        await clients.tasks().create_task(request={"parent": queue, "task": request})
    except AlreadyExists:
        _log.info("priming of %s on %s is already queued", task.prefix, task.cdn)


def _to_health(snapshot: DocumentSnapshot[Any]) -> CdnHealth | None:
    document = snapshot.to_dict() or {}
    try:
        return CdnHealth(
            cdn=snapshot.id,
            is_healthy=bool(document["is_healthy"]),
            latency_ms=int(document["latency_ms"]),
            availability=float(document["availability"]),
            checked_at=document["checked_at"],
            tries=tuple((one["answered"], one["tried"]) for one in document.get("tries", ())),
        )
    except (KeyError, TypeError, ValueError):
        _log.error("cdn_health/%s is malformed and counts as not measured", snapshot.id)
        return None
