"""Listeners for the client tests."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from emulators import seed
from tests.clients.listening import Listener
from tests.whole_cloud import WholeCloud


@pytest.fixture(scope="session")
def web() -> Iterator[httpx.Client]:
    """HTTP without a token, as a player asks a CDN."""
    with httpx.Client(timeout=30, trust_env=False) as client:
        yield client


@pytest.fixture(scope="session")
def listener(whole_cloud: WholeCloud, web: httpx.Client) -> Iterator[Listener]:
    """The demo user, who has Premium."""
    with whole_cloud.client(seed.DEMO_USER) as api:
        yield Listener(api, web)


@pytest.fixture(scope="session")
def free_listener(whole_cloud: WholeCloud, web: httpx.Client) -> Iterator[Listener]:
    """A second user, without Premium."""
    with whole_cloud.client(seed.FREE_USER) as api:
        yield Listener(api, web)
