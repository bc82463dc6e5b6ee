"""Objects of features in the lake (bucket `lake`), by name."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from shared import topology
from shared.platform import clients, objects

PARQUET = "application/vnd.apache.parquet"


async def names(folder: str) -> list[str]:
    """The objects in `folder/`, by name."""

    def listed() -> list[str]:
        return sorted(
            blob.name for blob in clients.bucket(topology.LAKE).list_blobs(prefix=f"{folder}/")
        )

    return await asyncio.to_thread(listed)


async def read(name: str) -> bytes:
    """The object `name`, which is there."""
    content = await objects.read(topology.LAKE, name)
    assert content is not None
    return content


async def write(name: str, content: bytes, content_type: str = PARQUET) -> None:
    """Stores an object whole, over what is there."""
    await objects.write(topology.LAKE, name, content, content_type)


async def remove(some: Iterable[str]) -> None:
    """Removes objects; those that are gone make no difference."""
    from google.api_core.exceptions import NotFound

    def removed(name: str) -> None:
        try:
            clients.bucket(topology.LAKE).blob(name).delete()
        except NotFound:
            return

    for name in some:
        await asyncio.to_thread(removed, name)
