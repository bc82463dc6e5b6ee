"""Manifests in the audio bucket, read once: a path below an asset version never changes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from shared import topology
from shared.platform import clients

MAX_MANIFEST_BYTES = 4_000_000  # a day of six-second segments; anything larger is no manifest
READ_TIMEOUT_S = 10


async def read_manifests(paths: Sequence[str]) -> dict[str, bytes]:
    """Those objects that exist, by path in the audio bucket."""
    found = await asyncio.gather(*(asyncio.to_thread(_read, path) for path in paths))
    return {path: body for path, body in zip(paths, found, strict=True) if body is not None}


def _read(path: str) -> bytes | None:
    from google.api_core.exceptions import NotFound, RequestRangeNotSatisfiable

    blob = clients.bucket(topology.AUDIO).blob(path)
    try:
        return bytes(blob.download_as_bytes(end=MAX_MANIFEST_BYTES - 1, timeout=READ_TIMEOUT_S))
    except (NotFound, RequestRangeNotSatisfiable):  # the latter: an empty object
        return None
