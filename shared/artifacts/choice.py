"""Which version of something learned is in use, since when, and that version at hand.

`<folder>/<version>/` in the models bucket holds what was learned and the report that says how;
`<folder>/current.json` which version is used from when on. A change takes effect only once every
instance has had the time to see it, and what is asked "as of" an earlier moment is still answered
by the version of that moment: whatever instance answers, all answer alike.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from shared.platform import objects
from shared.topology import MODELS

LOOK_S = 600.0  # how often an instance looks
SETTLING = timedelta(seconds=1.5 * LOOK_S)  # from a change of the pointer to its effect
MOST_USES = 3
T = TypeVar("T")
_log = logging.getLogger(__name__)


class Unusable(Exception):
    """A version is missing, altered, or not of this code's features; the text says which."""


class Use(BaseModel):
    """From `since` on `version` is used; None: nothing learned."""

    model_config = ConfigDict(frozen=True)

    version: str | None
    since: AwareDatetime


class Pointer(BaseModel):
    """What is used, newest first."""

    model_config = ConfigDict(frozen=True)

    uses: tuple[Use, ...] = ()

    def version_at(self, moment: datetime) -> str | None:
        """The version that is used at `moment`."""
        return next((one.version for one in self.uses if one.since <= moment), None)

    def followed_by(self, version: str | None, now: datetime) -> Pointer:
        """With `version` used from soon after `now` on. What had not come into effect by then
        never will."""
        since = now + SETTLING
        before = [one for one in self.uses if one.since < since]
        return Pointer(uses=(Use(version=version, since=since), *before)[:MOST_USES])


class Choice(Generic[T]):
    """The versions below `folder`; `load` reads one of them (raises Unusable)."""

    def __init__(self, folder: str, load: Callable[[str], Awaitable[T]]) -> None:
        self.path = f"{folder}/current.json"
        self._load = load
        self._pointer = Pointer()
        self._loaded: dict[str, T | None] = {}  # None: found unusable

    async def read(self) -> Pointer:
        """What is used. Raises Unusable for a pointer that cannot be read."""
        content = await objects.read(MODELS, self.path)
        if content is None:
            return Pointer()
        try:
            return Pointer.model_validate_json(content)
        except ValidationError as error:
            raise Unusable(f"{self.path}: {error}") from error

    async def use(self, version: str | None) -> Pointer:
        """Has `version` (None: nothing learned) used, in a quarter of an hour."""
        try:
            before = await self.read()
        except Unusable as error:
            _log.error("replaced: %s", error)
            before = Pointer()
        pointer = before.followed_by(version, datetime.now(UTC))
        content = pointer.model_dump_json().encode()
        await objects.write(MODELS, self.path, content, "application/json")
        return pointer

    async def look(self) -> None:
        """Reads what is used, and each version that is not at hand. Raises what the bucket
        raises; then all stays as it was."""
        try:
            pointer = await self.read()
        except Unusable as error:
            _log.error("nothing learned is used: %s", error)
            pointer = Pointer()
        wanted = {one.version for one in pointer.uses if one.version}
        loaded = {name: one for name, one in self._loaded.items() if name in wanted}
        for version in wanted - loaded.keys():
            try:
                loaded[version] = await self._load(version)
                _log.info("%s: %s is loaded", self.path, version)
            except Unusable as error:
                _log.error("%s: %s is not used: %s", self.path, version, error)
                loaded[version] = None
        # The versions first: no call may find one that is not there yet.
        self._loaded, self._pointer = loaded, pointer

    def at(self, moment: datetime | None = None) -> T | None:
        """What is in use at the `moment` (None: now), as of the last look; None where that is
        nothing learned."""
        version = self._pointer.version_at(moment or datetime.now(UTC))
        return self._loaded.get(version) if version else None
