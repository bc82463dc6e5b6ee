"""Which version an instance serves from: the one that the pointer names, or the last good one."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from math import inf
from typing import Generic, TypeVar

from shared.artifacts import opening, store, versions
from shared.artifacts.opening import Artifact
from shared.artifacts.versions import Unreadable

RETRY_S = 300.0  # before a version that proved broken is fetched again
T = TypeVar("T")
S = TypeVar("S")
_log = logging.getLogger(__name__)


class Following(Generic[T]):
    """Opens versions of one kind, and remembers which of them cannot be."""

    def __init__(self, artifact: Artifact[T]) -> None:
        self.artifact = artifact
        self.previous: tuple[str, ...] = ()  # what the pointer named before, newest first
        self._broken: dict[str, float] = {}  # by version, when to try again

    async def newest(self, current: str, opened: Callable[[str], Awaitable[S]]) -> S | None:
        """What `opened` makes of the version that is to serve in place of `current` (empty: none
        does yet); None where there is no better one. Where that raises Unreadable, the version
        before comes next.

        Raises what Cloud Storage raises.
        """
        held = await store.read_pointer(self.artifact.folder, self.artifact.bucket)
        if held.fault:
            _log.error("the pointer of the %s cannot be read: %s", self.artifact.title, held.fault)
        self.previous = tuple(held.pointer.previous) if held.pointer else ()
        # Without a pointer whatever serves is as good as what is listed.
        listed = (
            await store.list_versions(self.artifact.folder, self.artifact.bucket)
            if held.pointer is None and not current
            else ()
        )
        for version in versions.to_open(held.pointer, listed):
            if version == current:
                return None
            if self.is_broken(version):
                continue
            try:
                return await opened(version)
            except Unreadable as error:
                _log.error("the last good %s serves on: %s", self.artifact.title, error)
        return None

    async def open(self, version: str) -> T:
        """Fetches and opens a version. Raises Unreadable; then it `is_broken` for `RETRY_S`."""
        artifact = self.artifact
        manifest = await store.read_manifest(artifact.folder, version, artifact.bucket)
        try:
            if fault := versions.unfit(manifest, version, artifact.format):
                raise Unreadable(f"{artifact.title} {version}: {fault}")
            found = await opening.open_files(artifact, manifest)
        except Unreadable:
            # Not where the manifest is missing: it may be on its way, and costs little to ask for.
            self._broken[version] = time.monotonic() + RETRY_S
            raise
        self._broken.pop(version, None)
        return found

    def is_broken(self, version: str) -> bool:
        """Whether it proved to be lately, so that it is not worth another try yet."""
        return time.monotonic() < self._broken.get(version, -inf)
