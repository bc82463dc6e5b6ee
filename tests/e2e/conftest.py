"""The world that whole-API tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sample import World
from tests.whole_cloud import WholeCloud


@pytest.fixture(scope="session")
def world(whole_cloud: WholeCloud) -> Iterator[World]:
    """The demo listener with everything in place."""
    made = World(whole_cloud)
    yield made
    made.close()
