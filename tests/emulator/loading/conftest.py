"""What loading a catalogue touches: Firestore, Bigtable, storage; and files to load."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from emulators.processes import accepts, free_port
from tests import local_settings
from tests.emulator.conftest import process

VARIABLES = ("STORAGE_EMULATOR_HOST", "SEGUE_STORAGE_URL", "SEGUE_ANONYMOUS")
Write = Callable[..., Path]


@pytest.fixture(scope="package")
def stores(
    firestore: str, bigtable: str, settings_env: pytest.MonkeyPatch, logs: Path
) -> Iterator[None]:
    """Every store that a load writes to; the storage of other folders is put back afterwards."""
    before = {name: os.environ.get(name) for name in VARIABLES}
    port = free_port()
    command: list[str | Path] = [sys.executable, "-m", "emulators.storage", "--port", str(port)]
    command += ["--data-dir", logs / "loading"]
    url = f"http://127.0.0.1:{port}"
    with process(command, accepts(port), logs / "loading-storage.log"):
        for name, value in zip(VARIABLES, (url, url, "true"), strict=True):
            settings_env.setenv(name, value)
        local_settings.forget_settings()
        yield
    for name, was in before.items():
        if was is None:
            settings_env.delenv(name)
        else:
            settings_env.setenv(name, was)
    local_settings.forget_settings()


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes lines, given as objects or as text, to a file."""

    def make(*lines: dict[str, Any] | str, name: str = "catalogue.jsonl") -> Path:
        path = tmp_path / name
        texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
        path.write_text("\n".join(texts) + "\n")
        return path

    return make
