"""Changes of documents in Firestore (`search_changes`, by key) and versions of the index in the
models bucket."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from zlib import crc32

from pydantic import ValidationError

from shared import topology
from shared.platform import clients
from shared.platform.contention import retried
from shared.search import versions
from shared.search.models import Change, SearchDocument
from shared.search.versions import File, Manifest, Pointer

if TYPE_CHECKING:
    from google.cloud.storage import Blob

# One range of an index that only grows takes 500 writes a second; each slice is one.
# https://cloud.google.com/firestore/docs/best-practices
SLICES = 4
KEPT_FOR = timedelta(days=3)  # a change; no index that is older may serve
COMMIT_WRITES = 500  # Firestore's limit
TRANSFERS = 8  # files at once
POINTER_PATIENCE_S = 5.0  # an instance's first request waits so long where storage is away
_log = logging.getLogger(__name__)


class Unreadable(Exception):
    """An object of the bucket is missing or is not what it should be; the text says which."""


# --- changes ----------------------------------------------------------------------------------


async def write_changes(documents: Mapping[str, SearchDocument | None], now: datetime) -> None:
    """Notes by key what each document is from now on, or that it is gone (None)."""
    from google.api_core.exceptions import ServiceUnavailable
    from google.cloud.firestore import SERVER_TIMESTAMP

    collection = clients.collection(topology.SEARCH_CHANGES)
    left = list(documents.items())
    for start in range(0, len(left), COMMIT_WRITES):
        batch = clients.firestore().batch()
        for key, document in left[start : start + COMMIT_WRITES]:
            fields = {
                "document": document and document.model_dump_json(exclude_defaults=True),
                "changed_at": SERVER_TIMESTAMP,
                "slice": crc32(key.encode()) % SLICES,
                "expires_at": now + KEPT_FOR,
            }
            batch.set(collection.document(key), fields)
        await retried(batch.commit, ServiceUnavailable)


async def read_changes(since: datetime) -> AsyncIterator[Change]:
    """Documents that changed after `since`, by the server's clock, as they are now."""
    from google.cloud.firestore import FieldFilter

    query = (
        clients.collection(topology.SEARCH_CHANGES)
        .where(filter=FieldFilter("slice", "in", list(range(SLICES))))
        .where(filter=FieldFilter("changed_at", ">", since))
        .order_by("changed_at")
    )
    async for snapshot in query.stream():
        text = snapshot.get("document")
        try:
            document = SearchDocument.model_validate_json(text) if text else None
        except ValidationError:
            # Of a newer version of this code: what is in the index may be wrong, so it is hidden.
            _log.exception("the change of %s cannot be read", snapshot.id)
            document = None
        # The commit's time, and not the field: whoever has read up to a commit lacks none before.
        yield Change(snapshot.id, document, snapshot.update_time)


# --- versions ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HeldPointer:
    """The pointer as the bucket has it: None where there is none, or, with a `fault`, none that
    can be read. `generation` is 0 where there is none."""

    pointer: Pointer | None
    generation: int
    fault: str | None = None


async def read_pointer() -> HeldPointer:
    """The pointer. Raises what Cloud Storage raises, after `POINTER_PATIENCE_S`."""
    from google.api_core.exceptions import NotFound
    from google.cloud.storage.retry import DEFAULT_RETRY

    def read() -> HeldPointer:
        blob = _blob(versions.POINTER)
        try:
            text = blob.download_as_bytes(retry=DEFAULT_RETRY.with_timeout(POINTER_PATIENCE_S))
        except NotFound:
            return HeldPointer(None, 0)
        generation = int(blob.generation or 0)  # of these very bytes: it comes with them
        try:
            return HeldPointer(Pointer.model_validate_json(text), generation)
        except ValidationError as error:
            return HeldPointer(None, generation, f"{versions.POINTER}: {error}")

    return await asyncio.to_thread(read)


async def write_pointer(pointer: Pointer, generation: int) -> bool:
    """Stores the pointer over the one of `generation` (0: none); False if that is not there any
    longer."""
    from google.api_core.exceptions import PreconditionFailed

    def write() -> bool:
        try:
            _blob(versions.POINTER).upload_from_string(
                pointer.model_dump_json(), "application/json", if_generation_match=generation
            )
        except PreconditionFailed:
            return False
        return True

    return await asyncio.to_thread(write)


async def list_versions() -> list[str]:
    """Every version of which anything is there, whole or not."""

    def listed() -> list[str]:
        found = clients.bucket(topology.MODELS).list_blobs(
            prefix=f"{versions.FOLDER}/", delimiter="/"
        )
        for _ in found:  # the prefixes are known once the pages are drawn
            pass
        return [prefix.split("/")[1] for prefix in found.prefixes]

    return [one for one in await asyncio.to_thread(listed) if versions.is_version(one)]


async def read_manifest(version: str) -> Manifest:
    """The version's manifest. Raises Unreadable."""
    from google.api_core.exceptions import NotFound

    name = f"{versions.FOLDER}/{version}/{versions.MANIFEST}"
    try:
        return Manifest.model_validate_json(await asyncio.to_thread(_blob(name).download_as_bytes))
    except (NotFound, ValidationError) as error:
        raise Unreadable(f"{name}: {error}") from error


async def write_manifest(manifest: Manifest) -> None:
    """Stores the manifest: with it the version is whole."""
    blob = _blob(f"{versions.FOLDER}/{manifest.version}/{versions.MANIFEST}")
    await asyncio.to_thread(blob.upload_from_string, manifest.model_dump_json(), "application/json")


async def upload(version: str, folder: Path, files: Iterable[File]) -> None:
    """Stores `files`, which lie in `folder`."""

    def one(file: File) -> None:
        _blob(f"{versions.FOLDER}/{version}/{file.name}").upload_from_filename(
            str(folder / file.name), content_type="application/octet-stream"
        )

    await _in_threads(partial(one, file) for file in files)


async def download(version: str, folder: Path, files: Iterable[File]) -> None:
    """Fetches `files` into `folder`. Raises Unreadable for one that is missing or altered."""

    def one(file: File) -> None:
        _download(_blob(f"{versions.FOLDER}/{version}/{file.name}"), folder / file.name, file)

    await _in_threads(partial(one, file) for file in files)


def _download(blob: Blob, path: Path, file: File) -> None:
    import hashlib

    from google.api_core.exceptions import NotFound
    from google.cloud.storage.exceptions import DataCorruption

    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        blob.download_to_filename(str(path))
    except (NotFound, DataCorruption) as error:
        raise Unreadable(f"{blob.name}: {error}") from error
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if digest != file.sha256:
        raise Unreadable(f"{blob.name}: its SHA-256 is {digest}, not {file.sha256}")


async def delete_version(version: str) -> None:
    """Deletes whatever is there of a version, its manifest first."""
    from google.api_core.exceptions import NotFound

    prefix = f"{versions.FOLDER}/{version}/"

    def delete(name: str) -> None:
        try:
            _blob(name).delete()
        except NotFound:
            return  # another builder was faster

    def listed() -> list[str]:
        return [one.name for one in clients.bucket(topology.MODELS).list_blobs(prefix=prefix)]

    await asyncio.to_thread(delete, prefix + versions.MANIFEST)
    await _in_threads(partial(delete, name) for name in await asyncio.to_thread(listed))


def _blob(name: str) -> Blob:
    return clients.bucket(topology.MODELS).blob(name)


async def _in_threads(calls: Iterable[partial[None]]) -> None:
    """Makes all calls, a few at a time; raises the first failure once none is under way."""
    allowed = asyncio.Semaphore(TRANSFERS)

    async def made(call: partial[None]) -> None:
        async with allowed:
            await asyncio.to_thread(call)

    try:
        async with asyncio.TaskGroup() as group:
            for call in calls:
                group.create_task(made(call))
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
