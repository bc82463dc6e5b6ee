"""Rendering asks the settings for addresses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import local_settings


@pytest.fixture(autouse=True, scope="module")
def _settings() -> Iterator[None]:
    with local_settings.environment():
        yield
