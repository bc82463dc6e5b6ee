"""Indexes are built in one thread: beside other tests the threads of faiss and BLAS mostly wait for
each other."""

from __future__ import annotations

from collections.abc import Iterator

import faiss  # noqa: F401 - a limit holds for what is loaded
import pytest
from threadpoolctl import threadpool_limits


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    with threadpool_limits(1):
        yield
