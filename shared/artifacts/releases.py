"""From the folder of a finished build to the version that serves.

Everything is done so that a builder may die at any line, and two may work at once: files lie below
a name of their own, the manifest makes them whole, and one conditional write makes them serve.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from shared.artifacts import opening, store, versions
from shared.artifacts.following import Following
from shared.artifacts.opening import Artifact
from shared.artifacts.versions import File, Manifest, Unreadable

LISTED = 20  # versions that are offered in place of one that is not there
T = TypeVar("T")
_log = logging.getLogger(__name__)


class Refused(Exception):
    """The build must not serve; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Release:
    """What became of a build. It does not serve where a newer one does already."""

    manifest: Manifest
    serves: bool
    deleted: tuple[str, ...]  # versions


async def check_losses(artifact: Artifact[Any], counts: Mapping[str, int]) -> None:
    """Raises Refused for a build of `counts` that has lost most of what the last good version
    has."""
    before = await _last_good(artifact)
    if before is not None and (lost := versions.losses(before.counts, counts)):
        raise Refused(
            f"The new {artifact.title} does not serve: {lost}. If that is meant, run the job with "
            "--force; if not, see what became of the catalogue."
        )


async def stage(
    artifact: Artifact[T],
    folder: Path,
    version: str,
    built_at: datetime,
    counts: Mapping[str, int],
    check: Callable[[T], Awaitable[None]],
) -> Manifest:
    """Stores the files in `folder`, for `serve`, if a copy fetched from the bucket opens and
    `check` does not raise Refused for it. What is never served is cleared away some days later, or
    at once by `discard`. Raises Refused; then nothing of it is left."""
    files = await asyncio.to_thread(_files, folder)
    manifest = Manifest(
        version=version,
        format=artifact.format,
        built_at=built_at,
        counts=dict(counts),
        files=files,
    )
    await store.upload(artifact.folder, version, folder, files, artifact.bucket)
    try:
        await check(await opening.open_files(artifact, manifest))
    except (Refused, Unreadable) as error:
        await discard(artifact, manifest)
        raise Refused(f"The new {artifact.title} does not serve: {error}") from error
    return manifest


async def serve(artifact: Artifact[Any], staged: Manifest) -> Release:
    """Makes serve what was staged, unless a newer one does already."""
    await store.write_manifest(artifact.folder, staged, artifact.bucket)
    serves = await _flip(artifact, staged.version)
    return Release(staged, serves, await _tidy(artifact))


async def discard(artifact: Artifact[Any], staged: Manifest) -> None:
    """Removes what was staged and is not to serve."""
    await store.delete_version(artifact.folder, staged.version, artifact.bucket)


async def use(artifact: Artifact[T], version: str) -> None:
    """Points back to `version`, as an operator wants it, once a copy of it opens: it serves, and
    nothing that is newer, until the next build ends. Raises Refused for a version that is not there
    or cannot be read."""
    listed = sorted(await store.list_versions(artifact.folder, artifact.bucket), reverse=True)
    if version not in listed:
        there = ", ".join(listed[:LISTED]) or "none"
        raise Refused(f"There is no {artifact.title} {version!r}; the newest are: {there}")
    try:
        await Following(artifact).open(version)
    except Unreadable as error:
        raise Refused(f"It cannot be used: {error}") from error
    while True:
        held = await store.read_pointer(artifact.folder, artifact.bucket)
        pointer = versions.pointed_back(held.pointer, version)
        if await store.write_pointer(artifact.folder, pointer, held.generation, artifact.bucket):
            _log.warning("%s serves, as an operator wants it", version)
            return


async def _flip(artifact: Artifact[Any], version: str) -> bool:
    """Makes the pointer name `version`; False where it names a newer one."""
    while True:
        held = await store.read_pointer(artifact.folder, artifact.bucket)
        if held.fault:
            _log.error("%s; it is written anew", held.fault)
        pointer = versions.flipped(held.pointer, version)
        if pointer is None:
            return False
        if await store.write_pointer(artifact.folder, pointer, held.generation, artifact.bucket):
            return True


async def _tidy(artifact: Artifact[Any]) -> tuple[str, ...]:
    folder, bucket = artifact.folder, artifact.bucket
    held = await store.read_pointer(folder, bucket)
    if held.pointer is None:
        return ()
    listed = await store.list_versions(folder, bucket)
    old = versions.expired(listed, held.pointer, datetime.now(UTC))
    for version in old:
        await store.delete_version(folder, version, bucket)
    return tuple(old)


async def _last_good(artifact: Artifact[Any]) -> Manifest | None:
    folder, bucket = artifact.folder, artifact.bucket
    held = await store.read_pointer(folder, bucket)
    listed = await store.list_versions(folder, bucket) if held.fault else ()
    for version in versions.to_open(held.pointer, listed):
        try:
            return await store.read_manifest(folder, version, bucket)
        except Unreadable as error:
            _log.warning("passed over: %s", error)
    return None


def _files(folder: Path) -> tuple[File, ...]:
    found = []
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        name = path.relative_to(folder).as_posix()
        found.append(File(name=name, size_bytes=path.stat().st_size, sha256=digest))
    return tuple(found)
