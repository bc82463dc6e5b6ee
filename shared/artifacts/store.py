"""Versions in a bucket (the models bucket, where no other is named), each kind in a folder of its
own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from shared.artifacts import versions
from shared.artifacts.versions import File, Manifest, Pointer, Unreadable
from shared.platform import clients
from shared.topology import MODELS, Bucket

if TYPE_CHECKING:
    from google.cloud.storage import Blob

TRANSFERS = 8  # files at once
POINTER_PATIENCE_S = 5.0  # an instance's first request waits so long where storage is away


@dataclass(frozen=True, slots=True)
class HeldPointer:
    """The pointer as the bucket has it: None where there is none, or, with a `fault`, none that
    can be read. `generation` is 0 where there is none."""

    pointer: Pointer | None
    generation: int
    fault: str | None = None


async def read_pointer(folder: str, bucket: Bucket = MODELS) -> HeldPointer:
    """The pointer of `folder`. Raises what Cloud Storage raises, after `POINTER_PATIENCE_S`."""
    from google.api_core.exceptions import NotFound
    from google.cloud.storage.retry import DEFAULT_RETRY

    name = f"{folder}/{versions.POINTER}"

    def read() -> HeldPointer:
        blob = _blob(name, bucket)
        try:
            text = blob.download_as_bytes(retry=DEFAULT_RETRY.with_timeout(POINTER_PATIENCE_S))
        except NotFound:
            return HeldPointer(None, 0)
        generation = int(blob.generation or 0)  # of these very bytes: it comes with them
        try:
            return HeldPointer(Pointer.model_validate_json(text), generation)
        except ValidationError as error:
            return HeldPointer(None, generation, f"{name}: {error}")

    return await asyncio.to_thread(read)


async def write_pointer(
    folder: str, pointer: Pointer, generation: int, bucket: Bucket = MODELS
) -> bool:
    """Stores the pointer over the one of `generation` (0: none); False if that is not there any
    longer."""
    from google.api_core.exceptions import PreconditionFailed

    def write() -> bool:
        try:
            _blob(f"{folder}/{versions.POINTER}", bucket).upload_from_string(
                pointer.model_dump_json(), "application/json", if_generation_match=generation
            )
        except PreconditionFailed:
            return False
        return True

    return await asyncio.to_thread(write)


async def list_versions(folder: str, bucket: Bucket = MODELS) -> list[str]:
    """Every version of which anything is there, whole or not."""

    def listed() -> list[str]:
        found = clients.bucket(bucket).list_blobs(prefix=f"{folder}/", delimiter="/")
        for _ in found:  # the prefixes are known once the pages are drawn
            pass
        return [prefix.split("/")[-2] for prefix in found.prefixes]

    return [one for one in await asyncio.to_thread(listed) if versions.is_version(one)]


async def read_manifest(folder: str, version: str, bucket: Bucket = MODELS) -> Manifest:
    """The version's manifest. Raises Unreadable."""
    from google.api_core.exceptions import NotFound

    name = f"{folder}/{version}/{versions.MANIFEST}"
    try:
        text = await asyncio.to_thread(_blob(name, bucket).download_as_bytes)
        return Manifest.model_validate_json(text)
    except (NotFound, ValidationError) as error:
        raise Unreadable(f"{name}: {error}") from error


async def write_manifest(folder: str, manifest: Manifest, bucket: Bucket = MODELS) -> None:
    """Stores the manifest: with it the version is whole."""
    blob = _blob(f"{folder}/{manifest.version}/{versions.MANIFEST}", bucket)
    await asyncio.to_thread(blob.upload_from_string, manifest.model_dump_json(), "application/json")


async def upload(
    folder: str, version: str, where: Path, files: Iterable[File], bucket: Bucket = MODELS
) -> None:
    """Stores `files`, which lie in `where` on this machine."""

    def one(file: File) -> None:
        _blob(f"{folder}/{version}/{file.name}", bucket).upload_from_filename(
            str(where / file.name), content_type="application/octet-stream"
        )

    await _in_threads(partial(one, file) for file in files)


async def download(
    folder: str, version: str, where: Path, files: Iterable[File], bucket: Bucket = MODELS
) -> None:
    """Fetches `files` into `where`. Raises Unreadable for one that is missing or altered."""

    def one(file: File) -> None:
        _download(_blob(f"{folder}/{version}/{file.name}", bucket), where / file.name, file)

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


async def delete_version(folder: str, version: str, bucket: Bucket = MODELS) -> None:
    """Deletes whatever is there of a version, its manifest first."""
    from google.api_core.exceptions import NotFound

    prefix = f"{folder}/{version}/"

    def delete(name: str) -> None:
        try:
            _blob(name, bucket).delete()
        except NotFound:
            return  # another builder was faster

    def listed() -> list[str]:
        return [one.name for one in clients.bucket(bucket).list_blobs(prefix=prefix)]

    await asyncio.to_thread(delete, prefix + versions.MANIFEST)
    await _in_threads(partial(delete, name) for name in await asyncio.to_thread(listed))


def _blob(name: str, bucket: Bucket) -> Blob:
    return clients.bucket(bucket).blob(name)


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
