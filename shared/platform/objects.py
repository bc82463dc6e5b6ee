"""Small objects of a bucket, whole."""

from __future__ import annotations

import asyncio

from shared import topology
from shared.platform import clients


async def read(bucket: topology.Bucket, name: str) -> bytes | None:
    """The object `name`, None where there is none."""
    from google.api_core.exceptions import NotFound

    def download() -> bytes | None:
        try:
            content: bytes = clients.bucket(bucket).blob(name).download_as_bytes()
        except NotFound:
            return None
        return content

    return await asyncio.to_thread(download)


async def write(bucket: topology.Bucket, name: str, content: bytes, content_type: str) -> None:
    """Stores `content` over what is there; returns when it is stored."""
    blob = clients.bucket(bucket).blob(name)
    await asyncio.to_thread(blob.upload_from_string, content, content_type)
