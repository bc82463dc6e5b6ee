"""Many documents into Firestore, fast: for loaders, which write a whole catalogue.

The client's own encoder spends half a millisecond on a document with a few dozen array elements,
so here documents become protobuf messages directly; they then travel through the same client, in
commits of 500, several under way at once. Nothing is read: each document replaces what is there,
or with `merge` what it names of it, so the same load again changes nothing, and one that failed
half-way is simply run again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from shared.platform import clients
from shared.platform.contention import retried

if TYPE_CHECKING:
    from shared import topology

COMMIT_WRITES = 500  # Firestore's limit
COMMIT_FIELDS = 40_000  # array elements count: an index entry each, and a commit is 10 MiB at most
COMMITS_UNDER_WAY = 4

Document = tuple[str, Mapping[str, Any]]  # id, fields


async def write(
    declared: topology.Collection, documents: Iterable[Document], *, merge: bool = False
) -> int:
    """Stores every document of `documents` (id, fields) in `declared`; returns how many.

    With `merge` what a document does not name, also within its mappings, stays as it is.

    `documents` is drawn as commits go out, so a generator is never held whole. Fields are None,
    bool, int, float, str, bytes, datetime, and lists and mappings of those. Raises what Firestore
    raises; commits that lost a race are made again.
    """
    source = _commits(documents)
    written = 0

    async def work() -> None:
        nonlocal written
        for part in source:
            await _commit(declared, part, merge)
            written += len(part)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(COMMITS_UNDER_WAY):
                group.create_task(work())
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return written


def _commits(documents: Iterable[Document]) -> Iterator[list[Document]]:
    """`documents` in parts that Firestore takes in one commit."""
    drawn = iter(documents)
    part: list[Document] = []
    size = 0
    while following := list(islice(drawn, 1)):
        document = following[0]
        weight = sum(
            len(value) if isinstance(value, (list, tuple)) else 1 for value in document[1].values()
        )
        if part and (len(part) == COMMIT_WRITES or size + weight > COMMIT_FIELDS):
            yield part
            part, size = [], 0
        part.append(document)
        size += weight
    if part:
        yield part


async def _commit(declared: topology.Collection, documents: list[Document], merge: bool) -> None:
    from google.api_core.exceptions import ServiceUnavailable
    from google.cloud.firestore_v1.types import CommitRequest

    client = clients.firestore()
    database: str = client._database_string
    request = CommitRequest.pb(CommitRequest(database=database))
    for document_id, fields in documents:
        write = request.writes.add()
        if merge:
            write.update_mask.field_paths.extend(_paths(_named(fields)))
        update = write.update
        update.name = f"{database}/documents/{declared.name}/{document_id}"
        for name, value in fields.items():
            _encode(update.fields[name], value)
    wrapped = CommitRequest.wrap(request)
    await retried(
        lambda: client._firestore_api.commit(
            request=wrapped, metadata=client._rpc_metadata, timeout=60
        ),
        ServiceUnavailable,
    )


def _named(fields: Mapping[str, Any]) -> tuple[tuple[str, ...], ...]:
    """The way to every field that is no mapping, or an empty one."""
    found: list[tuple[str, ...]] = []
    for name, value in fields.items():
        if isinstance(value, Mapping) and value:
            found.extend((name, *rest) for rest in _named(value))
        else:
            found.append((name,))
    return tuple(found)


@lru_cache(64)
def _paths(named: tuple[tuple[str, ...], ...]) -> list[str]:
    from google.cloud.firestore_v1.field_path import render_field_path

    return [render_field_path(way) for way in named]


def _encode(into: Any, value: Any) -> None:
    """Sets the protobuf `Value` `into` to `value`."""
    if isinstance(value, str):
        into.string_value = value
    elif value is None:
        into.null_value = 0
    elif isinstance(value, bool):
        into.boolean_value = value
    elif isinstance(value, int):
        into.integer_value = value
    elif isinstance(value, float):
        into.double_value = value
    elif isinstance(value, (list, tuple)):
        into.array_value.SetInParent()
        for element in value:
            _encode(into.array_value.values.add(), element)
    elif isinstance(value, Mapping):
        into.map_value.SetInParent()
        for name, member in value.items():
            _encode(into.map_value.fields[name], member)
    elif isinstance(value, bytes):
        into.bytes_value = value
    else:
        into.timestamp_value.FromDatetime(value)
