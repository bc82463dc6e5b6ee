"""Small objects of a bucket, whole."""

from __future__ import annotations

import asyncio

from shared import topology
from shared.platform import clients

# A read holds one of a few threads. The client's own two minutes would, while Cloud Storage is
# silent, soon hold them all.
SILENCE_S = 5.0  # from the socket
TRIED_FOR_S = 10.0


async def read(bucket: topology.Bucket, name: str) -> bytes | None:
    """The object `name`, None where there is none."""
    from google.api_core.exceptions import NotFound
    from google.cloud.storage.retry import DEFAULT_RETRY

    def download() -> bytes | None:
        try:
            content: bytes = (
                clients.bucket(bucket)
                .blob(name)
                .download_as_bytes(timeout=SILENCE_S, retry=DEFAULT_RETRY.with_timeout(TRIED_FOR_S))
            )
        except NotFound:
            return None
        return content

    return await asyncio.to_thread(download)


async def write(bucket: topology.Bucket, name: str, content: bytes, content_type: str) -> None:
    """Stores `content` over what is there; returns when it is stored."""
    blob = clients.bucket(bucket).blob(name)
    await asyncio.to_thread(blob.upload_from_string, content, content_type)
