"""All documents of a Firestore collection, for jobs that read it whole."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from shared import topology
from shared.platform import clients
from shared.platform.contention import retried

PAGE = 1_000  # documents in one query
PATIENCE_S = 120.0  # with one page
_log = logging.getLogger(__name__)

M = TypeVar("M", bound=BaseModel)


async def scan(
    declared: topology.Collection, model: type[M], *, without: Collection[str] = ()
) -> AsyncIterator[list[M]]:
    """Every document of the collection once, by id, a page at a time; fields in `without` are not
    read and must have a default.

    What changes meanwhile may be read as it was or as it is. A document that does not fit `model`
    is logged and left out: one of them must not keep all others from being read. Raises
    Unavailable where a page does not come, however often it is asked for.
    """
    fields = [name for name in model.model_fields if name not in without]
    after = ""
    while page := await _page(declared, fields, after):
        after = page[-1][0]
        yield [one for key, raw in page if (one := _parsed(declared, model, key, raw)) is not None]


async def _page(
    declared: topology.Collection, fields: list[str], after: str
) -> list[tuple[str, dict[str, Any]]]:
    from google.api_core.exceptions import DeadlineExceeded, InternalServerError, ServiceUnavailable

    collection = clients.collection(declared)
    query = collection.select(fields).order_by("__name__").limit(PAGE)
    if after:
        query = query.start_after({"__name__": collection.document(after)})

    async def once() -> list[tuple[str, dict[str, Any]]]:
        return [(one.id, one.to_dict() or {}) async for one in query.stream()]

    return await retried(
        once, DeadlineExceeded, InternalServerError, ServiceUnavailable, patience_s=PATIENCE_S
    )


def _parsed(
    declared: topology.Collection, model: type[M], key: str, raw: Mapping[str, Any]
) -> M | None:
    try:
        return model.model_validate(raw)
    except ValidationError:
        _log.exception("%s/%s is left out: it does not fit %s", declared.name, key, model.__name__)
        return None
