"""Object contents on disk: one file per generation, never rewritten.

The package keeps an object at `<bucket>/<name>`, so `a` and `a/b` cannot both exist and a reader
sees a half-written file. Here a body is written aside, then renamed to a name made of bucket,
object and generation; a reader that holds it open keeps it when the object is replaced.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import google_crc32c

CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Body:
    """A complete body that no object owns yet."""

    path: Path
    size_bytes: int
    md5: str  # base64, as the API gives it
    crc32c: str  # base64


class BlobFiles:
    """The folder `root`: `objects/` holds bodies of objects, `parts/` those still arriving."""

    def __init__(self, root: Path) -> None:
        self._objects = root / "objects"
        self._parts = root / "parts"
        self._objects.mkdir(parents=True, exist_ok=True)
        self._parts.mkdir(parents=True, exist_ok=True)

    def path(self, bucket: str, name: str, generation: str) -> Path:
        """Where the body of one generation lies."""
        key = hashlib.sha256(f"{bucket}/{name}#{generation}".encode()).hexdigest()
        return self._objects / key[:2] / key

    def part(self, key: str) -> Path:
        """The growing file of an upload session."""
        return self._parts / hashlib.sha256(key.encode()).hexdigest()

    def aside(self, content: bytes | Path) -> Body:
        """Write `content` (or copy the file) where no object points yet."""
        target = self._parts / f"body-{uuid.uuid4().hex}"
        if isinstance(content, Path):
            shutil.copyfile(content, target)
            return body_of(target)
        target.write_bytes(content)
        return Body(
            target,
            len(content),
            _base64(hashlib.md5(content, usedforsecurity=False).digest()),
            _base64(google_crc32c.Checksum(content).digest()),
        )

    def adopt(self, body: Body, bucket: str, name: str, generation: str) -> None:
        """Make `body` the content of a generation."""
        target = self.path(bucket, name, generation)
        target.parent.mkdir(exist_ok=True)
        body.path.replace(target)

    def remove(self, bucket: str, name: str, generation: str) -> None:
        """Forget a generation's content."""
        self.path(bucket, name, generation).unlink(missing_ok=True)

    def sweep(self, wanted: Iterable[Path]) -> None:
        """Remove every file that is not in `wanted`: what a killed process left behind."""
        keep = set(wanted)
        for path in (*self._objects.glob("*/*"), *self._parts.iterdir()):
            if path not in keep:
                path.unlink(missing_ok=True)


def body_of(path: Path) -> Body:
    """Checksums and size of a complete file, read once in pieces."""
    md5 = hashlib.md5(usedforsecurity=False)
    crc32c = google_crc32c.Checksum()
    size = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            md5.update(chunk)
            crc32c.update(chunk)
            size += len(chunk)
    return Body(path, size, _base64(md5.digest()), _base64(crc32c.digest()))


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")
