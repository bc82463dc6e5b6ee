"""Versions on this machine: fetched whole or not at all, checked, and opened.

On Google Cloud the temporary folder is memory, so what no longer serves is removed at once; files
that are mapped stay readable until they are let go.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import shutil
import tempfile
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar
from uuid import uuid4

from shared.artifacts import store, versions
from shared.artifacts.versions import Manifest, Unreadable
from shared.platform.settings import settings
from shared.topology import MODELS, Bucket

T = TypeVar("T")
_PART = ".part-"  # a folder that is not whole
_log = logging.getLogger(__name__)


class Broken(Exception):
    """Files are missing, cut off, or of another format; the text says which."""


@dataclass(frozen=True, slots=True)
class Artifact(Generic[T]):
    """A kind of what jobs build and instances serve from.

    Its versions lie in `folder` of `bucket`; `title` is how logs and people call one;
    `format` is the one of its files that this code reads. `open` makes of the files in a folder
    what serves, or raises Broken.
    """

    folder: str
    title: str
    format: int
    open: Callable[[Path], T]
    bucket: Bucket = MODELS


async def open_files(artifact: Artifact[T], manifest: Manifest) -> T:
    """What serves, of the files that `manifest` names. Raises Unreadable for what is not whole or
    altered in the bucket."""
    folder = _root(artifact) / manifest.version
    had = await asyncio.to_thread(_is_whole, folder, manifest)
    if not had:
        await _fetch(artifact, manifest, folder)
    try:
        return await asyncio.to_thread(artifact.open, folder)
    except Broken as error:
        await asyncio.to_thread(_remove, folder)
        if not had:
            raise Unreadable(f"{artifact.title} {manifest.version}: {error}") from error
    # What lay here was damaged, or another process removed it meanwhile.
    _log.warning("%s %s is fetched again", artifact.title, manifest.version)
    return await open_files(artifact, manifest)


async def forget_before(artifact: Artifact[Any], version: str, kept: Collection[str]) -> None:
    """Removes the versions older than `version` from this machine, but for `kept`. A newer one
    may be another process's."""

    def remove() -> None:
        root = _root(artifact)
        for folder in root.iterdir() if root.exists() else ():
            is_old = versions.is_version(folder.name) and folder.name < version
            if is_old and folder.name not in kept:
                _remove(folder)

    await asyncio.to_thread(remove)


async def _fetch(artifact: Artifact[Any], manifest: Manifest, folder: Path) -> None:
    """Makes `folder`, in one step once every file is there and as the manifest says."""
    part = folder.with_name(f"{_PART}{folder.name}-{uuid4().hex[:8]}")
    try:
        await store.download(
            artifact.folder, manifest.version, part, manifest.files, artifact.bucket
        )
        await asyncio.to_thread(_adopt, part, folder, manifest)
    finally:
        await asyncio.to_thread(shutil.rmtree, part, ignore_errors=True)


def _adopt(part: Path, folder: Path, manifest: Manifest) -> None:
    if folder.exists() and not _is_whole(folder, manifest):
        _remove(folder)
    try:
        part.rename(folder)
    except OSError:
        if not _is_whole(folder, manifest):  # or another process was faster
            raise


def _remove(folder: Path) -> None:
    """Removes a folder, so that nobody finds half of it."""
    aside = folder.with_name(f"{_PART}{folder.name}-{uuid4().hex[:8]}")
    try:
        folder.rename(aside)
    except FileNotFoundError:
        return
    shutil.rmtree(aside, ignore_errors=True)


def _is_whole(folder: Path, manifest: Manifest) -> bool:
    sizes = {
        str(path.relative_to(folder)): path.stat().st_size
        for path in folder.rglob("*")
        if path.is_file()
    }
    return not versions.missing(manifest, sizes)


def _root(artifact: Artifact[Any]) -> Path:
    """This bucket's folder for its kind: of several local clouds each has its own."""
    bucket = f"{settings().storage_url}/{settings().bucket(artifact.bucket.name)}"
    digest = hashlib.sha256(bucket.encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"segue-{artifact.folder}-{digest}"
