"""From the folder of a finished build to the version that serves.

Everything is done so that a builder may die at any line, and two may work at once: files lie below
a name of their own, the manifest makes them whole, and one conditional write makes them serve.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from shared.search import opening, pipeline, store, versions
from shared.search.models import Engine, SearchDocument, SearchRequest
from shared.search.store import Unreadable
from shared.search.versions import File, Manifest

_log = logging.getLogger(__name__)


class Refused(Exception):
    """The build must not serve; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Release:
    """What became of a build. It does not serve where a newer one does already."""

    manifest: Manifest
    serves: bool
    deleted: tuple[str, ...]  # versions


async def check_losses(counts: Mapping[str, int]) -> None:
    """Raises Refused for a build of `counts` documents by type that has lost most of what the
    last good version has."""
    before = await _last_good()
    if before is not None and (lost := versions.losses(before.counts, counts)):
        raise Refused(
            f"The new search index does not serve: {lost}. If that is meant, run the job with "
            "--force; if not, see what became of the catalogue."
        )


async def release(
    folder: Path,
    version: str,
    built_at: datetime,
    counts: Mapping[str, int],
    popular: Sequence[SearchDocument],
) -> Release:
    """Stores the index in `folder` and makes it serve, once a copy fetched from the bucket finds
    documents of each type in `popular` by their names.

    Raises Refused; then nothing of it is left.
    """
    from shared.search.local.building import FORMAT

    files = await asyncio.to_thread(_files, folder)
    manifest = Manifest(
        version=version, format=FORMAT, built_at=built_at, counts=dict(counts), files=files
    )
    await store.upload(version, folder, files)
    try:
        await _check(await opening.open_files(manifest), popular)
    except (Refused, Unreadable) as error:
        await store.delete_version(version)
        raise Refused(f"The new search index does not serve: {error}") from error
    await store.write_manifest(manifest)
    serves = await _flip(version)
    return Release(manifest, serves, await _tidy())


async def _check(engine: Engine, popular: Sequence[SearchDocument]) -> None:
    """Raises Refused for a type of which no document is found by its own name."""
    failed: dict[str, str] = {}
    found: set[str] = set()
    for document in popular:
        if document.type in found:
            continue
        request = SearchRequest(query=document.name, types=(document.type,), limit=50)
        results = await pipeline.search(engine, request, "")
        hits = results.pages[document.type].items
        # Of several with its name, or its recording, another may stand for it.
        if any(one.id == document.id or one.card.name == document.name for one in hits):
            found.add(document.type)
        else:
            failed[document.type] = f"{document.key} is not found by its name {document.name!r}"
    if lacking := [text for kind, text in failed.items() if kind not in found]:
        raise Refused("; ".join(lacking))


async def _flip(version: str) -> bool:
    """Makes the pointer name `version`; False where it names a newer one."""
    while True:
        held = await store.read_pointer()
        if held.fault:
            _log.error("%s; it is written anew", held.fault)
        pointer = versions.flipped(held.pointer, version)
        if pointer is None:
            return False
        if await store.write_pointer(pointer, held.generation):
            return True


async def _tidy() -> tuple[str, ...]:
    held = await store.read_pointer()
    if held.pointer is None:
        return ()
    old = versions.expired(await store.list_versions(), held.pointer, datetime.now(UTC))
    for version in old:
        await store.delete_version(version)
    return tuple(old)


async def _last_good() -> Manifest | None:
    held = await store.read_pointer()
    listed = await store.list_versions() if held.fault else ()
    for version in versions.to_open(held.pointer, listed):
        try:
            return await store.read_manifest(version)
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
