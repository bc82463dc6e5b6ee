from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import local_settings


@pytest.fixture(autouse=True)
def settings_env() -> Iterator[pytest.MonkeyPatch]:
    with local_settings.environment() as patch:
        yield patch
