"""Immutable versions of what jobs build, and which of them serves. Pure.

In a folder of the models bucket lie `<version>/<files>`, beside them `<version>/manifest.json`,
which is written once they are whole, and `current.json`, the pointer, which alone ever changes. A
version that nobody can read never hides the one before it (F188).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field

POINTER = "current.json"
MANIFEST = "manifest.json"
PREVIOUS_KEPT = 5  # named by the pointer
KEPT = 3  # of the newest, at any age
KEPT_FOR = timedelta(days=2)
# A build that has lost more is taken for one whose sources could not be read.
MOST_LOST = 0.5

_VERSION = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}")


class Unreadable(Exception):
    """What should be there is missing or is not what it should be; the text says which."""


class File(BaseModel):
    """One file of a version; `name` is relative to it, with slashes."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(pattern=r"^\.?[\w-][\w.-]*(/\.?[\w-][\w.-]*)*$")
    size_bytes: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Manifest(BaseModel):
    """What a version consists of. `counts` say of how many it was made, by type; what changed from
    `built_at` on may be missing in it."""

    model_config = ConfigDict(frozen=True)

    version: str
    format: int
    built_at: datetime
    counts: dict[str, int]
    files: tuple[File, ...]

    @property
    def size_bytes(self) -> int:
        """Of all files."""
        return sum(file.size_bytes for file in self.files)


class Pointer(BaseModel):
    """Which version serves, and which did before it, newest first."""

    model_config = ConfigDict(frozen=True)

    current: str
    previous: tuple[str, ...] = ()


def new_version(now: datetime, tie: int) -> str:
    """The name of a version begun at `now`: names are ordered as their times, to the microsecond
    (five of the hex digits), and `tie` (0..4095, by chance) tells two builds of one apart."""
    begun = now.astimezone(UTC)
    return f"{begun:%Y%m%dT%H%M%SZ}-{begun.microsecond:05x}{tie:03x}"


def is_version(text: str) -> bool:
    """Whether `text` is the name of a version."""
    return _VERSION.fullmatch(text) is not None


def flipped(pointer: Pointer | None, version: str) -> Pointer | None:
    """The pointer after `version` is built; None where a newer one serves already, since two
    builders may end in any order."""
    if pointer is None:
        return Pointer(current=version)
    if pointer.current >= version:
        return None
    previous = (pointer.current, *pointer.previous)[:PREVIOUS_KEPT]
    return Pointer(current=version, previous=previous)


def pointed_back(pointer: Pointer | None, version: str) -> Pointer:
    """The pointer after an operator has `version` serve: what is newer serves no more, not even
    where `version` cannot be read, until a build that is newer still."""
    named = (pointer.current, *pointer.previous) if pointer else ()
    previous = tuple(one for one in named if one < version)[:PREVIOUS_KEPT]
    return Pointer(current=version, previous=previous)


def to_open(pointer: Pointer | None, listed: Iterable[str]) -> list[str]:
    """Versions in the order in which to try them: what the pointer says, or, where it cannot be
    read (None), those that are there, newest first."""
    if pointer is None:
        return sorted(filter(is_version, listed), reverse=True)
    return list(dict.fromkeys((pointer.current, *pointer.previous)))


def expired(listed: Iterable[str], pointer: Pointer, now: datetime) -> list[str]:
    """Which of the versions that are `listed` can go: those that began long enough ago and are
    neither the current one nor among the newest. What a builder left that was killed is one."""
    versions = sorted(filter(is_version, listed), reverse=True)
    newest = [one for one in versions if one <= pointer.current][:KEPT]
    return [
        one
        for one in versions
        if one not in newest and one != pointer.current and now - _begun(one) > KEPT_FOR
    ]


def losses(before: Mapping[str, int], after: Mapping[str, int]) -> str | None:
    """What a build has lost that must not go unseen, in words; None where it may serve."""
    had, has = sum(before.values()), sum(after.values())
    if has >= had * (1 - MOST_LOST):
        return None
    details = ", ".join(
        f"{kind} {count:,} -> {after.get(kind, 0):,}" for kind, count in sorted(before.items())
    )
    return f"it has {has:,} in all, the version before {had:,} ({details})"


def unfit(manifest: Manifest, version: str, known: int) -> str | None:
    """Why code that reads the format `known` cannot serve what `manifest` describes as `version`,
    in words; None where it can."""
    if manifest.version != version:
        return f"its manifest is that of {manifest.version}"
    if manifest.format != known:
        return f"its format is {manifest.format}, known is {known}"
    return None


def missing(manifest: Manifest, sizes: Mapping[str, int]) -> Sequence[str]:
    """The files that a folder with files of `sizes` lacks or has in another size."""
    return [file.name for file in manifest.files if sizes.get(file.name) != file.size_bytes]


def _begun(version: str) -> datetime:
    return datetime.strptime(version[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
