"""Masters, renditions and images in storage. The client blocks, so it works in threads."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from shared import topology
from shared.ingestion.models import MasterObject
from shared.platform import clients
from shared.platform.secrets import secret
from shared.platform.settings import settings

TRANSFER_TIMEOUT_S = 300
HASH_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """An object of a bucket; `name` is its full path."""

    name: str
    size_bytes: int
    generation: int
    created_at: datetime
    metadata: dict[str, str]


def _info(blob: Any) -> ObjectInfo:
    return ObjectInfo(
        blob.name,
        int(blob.size or 0),
        int(blob.generation),
        blob.time_created,
        dict(blob.metadata or {}),
    )


async def stat_master(source: MasterObject) -> ObjectInfo | None:
    """What is known of a master, None where that generation is gone."""
    bucket = clients.bucket(topology.MASTERS)
    blob = await asyncio.to_thread(bucket.get_blob, source.name)
    return _info(blob) if blob is not None and blob.generation == source.generation else None


async def masters(page_size: int = 300) -> AsyncIterator[list[ObjectInfo]]:
    """All masters, page by page."""
    bucket = clients.bucket(topology.MASTERS)
    pages = bucket.client.list_blobs(bucket, page_size=page_size).pages
    while (page := await asyncio.to_thread(next, pages, None)) is not None:
        yield [_info(blob) for blob in page]


async def download(bucket: topology.Bucket, name: str, target: Path) -> str:
    """Downloads an object to `target`; returns its SHA-256 in hex. Raises NotFound of
    google.api_core where it is gone."""

    def work() -> str:
        blob = clients.bucket(bucket).blob(name)
        blob.download_to_filename(target, timeout=TRANSFER_TIMEOUT_S)
        digest = hashlib.sha256()
        with target.open("rb") as file:
            while chunk := file.read(HASH_CHUNK_BYTES):
                digest.update(chunk)
        return digest.hexdigest()

    return await asyncio.to_thread(work)


async def read(bucket: topology.Bucket, name: str) -> bytes:
    """A small object, whole."""
    blob = clients.bucket(bucket).blob(name)
    content: bytes = await asyncio.to_thread(blob.download_as_bytes, timeout=TRANSFER_TIMEOUT_S)
    return content


async def write(
    bucket: topology.Bucket,
    name: str,
    content: bytes | Path,
    content_type: str,
    metadata: dict[str, str] | None = None,
) -> None:
    """Writes an object with its bucket's cache headers and custom `metadata`; the same again is
    harmless."""
    blob = clients.bucket(bucket).blob(name)
    blob.cache_control = bucket.cache_control
    blob.metadata = metadata
    if isinstance(content, Path):
        send, value = blob.upload_from_filename, str(content)
    else:
        send, value = blob.upload_from_string, content  # type: ignore[assignment]
    await asyncio.to_thread(send, value, content_type=content_type, timeout=TRANSFER_TIMEOUT_S)


async def exists(bucket: topology.Bucket, name: str) -> bool:
    """Whether the object is there."""
    return bool(await asyncio.to_thread(clients.bucket(bucket).blob(name).exists))


async def below(bucket: topology.Bucket, prefix: str) -> list[ObjectInfo]:
    """All objects below `prefix`."""
    held = clients.bucket(bucket)
    blobs = await asyncio.to_thread(lambda: list(held.client.list_blobs(held, prefix=prefix)))
    return [_info(blob) for blob in blobs]


async def delete(bucket: topology.Bucket, names: Sequence[str]) -> None:
    """Deletes objects; those that are gone do not matter."""

    def work() -> None:
        held = clients.bucket(bucket)
        held.delete_blobs([held.blob(name) for name in names], on_error=lambda _: None)

    await asyncio.to_thread(work)


async def sign_upload(name: str, headers: dict[str, str], life: dt.timedelta) -> str:
    """V4-signed URL that starts a resumable upload of one new master with exactly `headers`."""
    from google.auth.crypt import RSASigner
    from google.cloud.storage._signing import generate_signed_url_v4
    from google.oauth2.service_account import Credentials

    key = await secret(topology.UPLOAD_SIGNING_KEY)
    config = settings()
    credentials = Credentials(  # type: ignore[no-untyped-call]
        RSASigner.from_string(key.decode()),  # type: ignore[no-untyped-call]
        config.upload_account,
        "https://oauth2.googleapis.com/token",
    )
    # The library's helper below `Blob.generate_signed_url`, which would want a client: signing
    # needs the uploaders' key and no access of our own to the bucket.
    url: str = generate_signed_url_v4(
        credentials,
        resource=f"/{config.bucket(topology.MASTERS.name)}/{quote(name, safe='/~')}",
        expiration=life,
        api_access_endpoint=config.storage_url,
        method="RESUMABLE",
        headers=headers,
    )
    return url
