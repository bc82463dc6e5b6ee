"""A small catalogue in the engine of this process."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared.search import pipeline
from shared.search.local.building import build
from shared.search.local.engine import LocalEngine
from shared.search.models import SearchDocument, SearchRequest

BUILT_AT = datetime(2026, 11, 22, tzinfo=UTC)
Open = Callable[[list[SearchDocument]], LocalEngine]


@pytest.fixture
def opened(tmp_path: Path) -> Open:
    """Builds an index of documents and opens it."""
    count = 0

    def make(documents: list[SearchDocument]) -> LocalEngine:
        nonlocal count
        count += 1
        build(documents, tmp_path / f"index-{count}", f"v{count}", BUILT_AT)
        return LocalEngine.open(tmp_path / f"index-{count}")

    return make


async def found(engine: LocalEngine, query: str, **asked: object) -> list[str]:
    """Ids of the tracks that a query finds, in their order."""
    request = {"query": query, "types": ("track",), "limit": 50} | asked
    results = await pipeline.search(engine, SearchRequest(**request), "view")  # type: ignore[arg-type]
    return [one for page in results.pages.values() for one in page.ids]
