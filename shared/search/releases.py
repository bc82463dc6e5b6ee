"""What a finished index must show before it serves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from shared.artifacts import releases
from shared.artifacts.releases import Refused, Release
from shared.search import pipeline
from shared.search.artifact import INDEX
from shared.search.models import Engine, SearchDocument, SearchRequest


async def check_losses(counts: Mapping[str, int]) -> None:
    """Raises Refused for a build of `counts` documents by type that has lost most of what the
    last good version has."""
    await releases.check_losses(INDEX, counts)


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

    async def check(engine: Engine) -> None:
        await _check(engine, popular)

    staged = await releases.stage(INDEX, folder, version, built_at, counts, check)
    return await releases.serve(INDEX, staged)


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
