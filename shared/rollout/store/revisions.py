"""Revisions and their traffic, in the Cloud Run Admin API v2
(cloud.google.com/run/docs/reference/rest/v2/projects.locations.services)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.platform import clients
from shared.platform.errors import NotFound, Unavailable
from shared.platform.settings import settings
from shared.rollout.models import Service, Target
from shared.rollout.store.rest import call

OPERATION_TIMEOUT_S = 120.0
OPERATION_PAUSE_S = 0.5  # between two looks at it
BY_REVISION = "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION"


def _path(region: str, name: str) -> str:
    return f"projects/{settings().project}/locations/{region}/services/{name}"


async def service(region: str, name: str) -> Service | None:
    """The service `name`; None where a region has none. Raises Unavailable."""
    try:
        answer = await call(clients.run(), "GET", f"/v2/{_path(region, name)}")
    except NotFound:
        return None
    return Service(
        region=region,
        name=name,
        etag=answer["etag"],
        latest_ready=_last(answer.get("latestReadyRevision", "")),
        targets=tuple(
            Target(
                revision=_last(target.get("revision", "")) or None,
                percent=target.get("percent", 0),
                tag=target.get("tag", ""),
            )
            for target in answer.get("traffic", ())
        ),
        reconciling=answer.get("reconciling", False),
    )


def _last(resource_name: str) -> str:
    """Some fields hold a revision's full resource name, some its own alone."""
    return resource_name.rpartition("/")[2]


async def made_at(service: Service, revision: str) -> datetime:
    """When `revision` was deployed. Raises NotFound, Unavailable."""
    path = f"/v2/{_path(service.region, service.name)}/revisions/{revision}"
    answer = await call(clients.run(), "GET", path)
    return datetime.fromisoformat(answer["createTime"])


async def shift(service: Service, shares: Mapping[str, int]) -> None:
    """Gives the revisions these shares of the requests, in percent; tags stay. Returns once it is
    done.

    Raises Conflict when the service is no longer as it was read, and Unavailable when Cloud Run
    has not done it, which it still may.
    """
    traffic: list[dict[str, Any]] = [
        {"type": BY_REVISION, "revision": revision, "percent": percent}
        for revision, percent in shares.items()
    ]
    traffic += [
        {"type": BY_REVISION, "revision": revision, "tag": target.tag}
        for target in service.targets
        if target.tag and (revision := target.revision or service.latest_ready)
    ]
    path = _path(service.region, service.name)
    operation = await call(
        clients.run(),
        "PATCH",
        f"/v2/{path}",
        params={"updateMask": "traffic"},
        json={"name": path, "etag": service.etag, "traffic": traffic},
    )
    try:
        async with asyncio.timeout(OPERATION_TIMEOUT_S):
            while not operation.get("done"):
                await asyncio.sleep(OPERATION_PAUSE_S)
                operation = await call(clients.run(), "GET", f"/v2/{operation['name']}")
    except TimeoutError:
        raise Unavailable(f"{path}: traffic is not set after {OPERATION_TIMEOUT_S:g} s") from None
    if "error" in operation:
        raise Unavailable(f"{path}: traffic was not set: {operation['error']}")
