"""Resumable uploads of both APIs: bytes go from the socket to a file that only grows.

Source: cloud.google.com/storage/docs/performing-resumable-uploads. What arrived before a
connection broke is kept, so that a client can ask with `Content-Range: bytes */N` and go on.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gcp_storage_emulator.exceptions import NotFound

from emulators.storage.blobs import CHUNK_BYTES, body_of
from emulators.storage.store import LIMITS, DurableStorage

Read = Callable[[int], bytes]

_RANGE = re.compile(r"bytes (?:(\d+)-(\d+|\*)|\*)/(\d+|\*)")


class UploadRefused(Exception):
    """The upload breaks what it declared: 400, and the session ends unless `keeps` says not."""

    def __init__(self, code: str, message: str, keeps: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.keeps = keeps


@dataclass(frozen=True, slots=True)
class Progress:
    """Bytes held so far; `resource` when they became an object."""

    received: int
    resource: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ContentRange:
    """`start` None asks for the status; `total` None is not known yet."""

    start: int | None
    total: int | None


def content_range(header: str | None) -> ContentRange:
    """Read `Content-Range`; without one the request holds the whole object."""
    if header is None:
        return ContentRange(0, None)
    match = _RANGE.fullmatch(header.strip())
    if not match:
        raise UploadRefused("InvalidArgument", f"Content-Range: {header}", keeps=True)
    start, _, total = match.groups()
    return ContentRange(None if start is None else int(start), None if total == "*" else int(total))


def receive(
    storage: DurableStorage,
    session: str,
    header: str | None,
    length: int | None,
    read: Read,
) -> Progress:
    """Take one request of a session; raises NotFound, UploadRefused and what `finalise` raises.

    `length` is the body's, None when it is chunked; `read(n)` gives at most n bytes, b"" at its
    end, and raises ConnectionError when the connection broke: what came before it is kept.
    """
    with storage.lock:
        if done := storage.finished.get(session):
            return Progress(int(done["size"]), done)
        if session not in storage.resumable:
            raise NotFound
        resource = dict(storage.resumable[session])
    limits = resource.pop(LIMITS, {})
    span = content_range(header)
    owner = object()
    if span.start is not None:
        storage.owners[session] = owner  # an older connection may not write any more
    part = storage.blobs.part(session)
    received = part.stat().st_size if part.exists() else 0
    declared = limits.get("length")
    maximum = limits.get("max")
    total = span.total
    if total is not None and declared is not None and total != declared:
        _refuse(storage, session, "InvalidArgument", f"{total} bytes, but {declared} declared")
    if maximum is not None and total is not None and total > maximum:
        _too_large(storage, session, maximum)

    if span.start is not None:
        if header is None and received:
            part.write_bytes(b"")  # a whole body starts the object anew
            received = 0
        if span.start > received:
            raise UploadRefused("InvalidArgument", f"next byte is {received}", keeps=True)
        if header is None and length is not None:
            total = length
            if declared is not None and length != declared:
                _refuse(storage, session, "InvalidArgument", f"{length} bytes, {declared} declared")
        bound = _least(total, declared, maximum)
        if length is not None and bound is not None and span.start + length > bound:
            if maximum is not None and bound == maximum:
                _too_large(storage, session, maximum)
            _refuse(storage, session, "InvalidArgument", f"more than the {bound} bytes declared")
        skip = received - span.start
        with part.open("ab", buffering=0) as file:
            while chunk := read(CHUNK_BYTES):
                if skip:
                    chunk, skip = chunk[skip:], max(0, skip - len(chunk))
                if bound is not None and received + len(chunk) > bound:
                    _refuse(storage, session, "EntityTooLarge", f"more than {bound} bytes")
                with storage.lock:
                    if storage.owners.get(session) is not owner:
                        raise UploadRefused("Aborted", "a newer request took over", keeps=True)
                    file.write(chunk)
                received += len(chunk)
        if header is None:
            total = received

    if total is None or received < total:
        return Progress(received)
    minimum = limits.get("min")
    if minimum is not None and received < minimum:
        _refuse(storage, session, "EntityTooSmall", f"fewer than {minimum} bytes")
    if maximum is not None and received > maximum:
        _too_large(storage, session, maximum)
    storage.owners.pop(session, None)
    storage.finalise(body_of(part), resource["bucket"], resource["name"], resource, session)
    return Progress(received, resource)


def _least(*values: int | None) -> int | None:
    return min((value for value in values if value is not None), default=None)


def _too_large(storage: DurableStorage, session: str, maximum: int) -> None:
    _refuse(
        storage,
        session,
        "EntityTooLarge",
        f"Your proposed upload exceeds the maximum object size specified: {maximum} bytes",
    )


def _refuse(storage: DurableStorage, session: str, code: str, message: str) -> None:
    storage.end_session(session)
    raise UploadRefused(code, message)
