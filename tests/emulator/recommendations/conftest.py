"""Storage of a module's own."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from emulators.processes import accepts, free_port
from tests import local_settings
from tests.emulator.conftest import process


@pytest.fixture(scope="module")
def storage(settings_env: pytest.MonkeyPatch, logs: Path) -> Iterator[str]:
    """Cloud Storage with empty buckets; its URL."""
    port = free_port()
    name = f"storage-{port}"
    command: list[str | Path] = [sys.executable, "-m", "emulators.storage", "--port", str(port)]
    url = f"http://127.0.0.1:{port}"
    with (
        process([*command, "--data-dir", logs / name], accepts(port), logs / f"{name}.log"),
        pytest.MonkeyPatch.context() as patch,
    ):
        for variable, value in {
            "STORAGE_EMULATOR_HOST": url,
            "SEGUE_STORAGE_URL": url,
            "SEGUE_ANONYMOUS": "true",
        }.items():
            patch.setitem(os.environ, variable, value)
        local_settings.forget_settings()
        yield url
    local_settings.forget_settings()
