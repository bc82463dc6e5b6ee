"""Signals to write and read back."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from emulators import bigquery, provision
from emulators.processes import accepts, free_port
from shared.platform.ids import random_id
from shared.signals.models import Signal
from tests import local_settings
from tests.emulator.conftest import process
from tests.emulator.test_bigquery import emulator_python

NOW = datetime.now(UTC).replace(microsecond=0)
Make = Callable[..., Signal]


@pytest.fixture
def user_id() -> str:
    return random_id()


@pytest.fixture
def track_id() -> str:
    return random_id()


@pytest.fixture
def made(user_id: str, track_id: str) -> Make:
    """A signal of the user's about the track, `ago_s` seconds old; other fields by name."""

    def make(kind: str = "play", ago_s: float = 0, **changes: Any) -> Signal:
        fields: dict[str, Any] = {
            "event_id": random_id(),
            "user_id": user_id,
            "kind": kind,
            "ts": NOW - timedelta(seconds=ago_s),
            "track_id": track_id,
        }
        return Signal.model_validate(fields | changes)

    return make


@pytest.fixture(scope="session")
def cloud(settings_env: pytest.MonkeyPatch, logs: Path) -> Iterator[str]:
    """BigQuery with what the topology declares, and storage; yields BigQuery's URL."""
    project, port, storage_port = local_settings.PROJECT, free_port(), free_port()
    argv, env = bigquery.command(emulator_python("bigquery"), port, project=project)
    url, storage_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{storage_port}"
    storage: list[str | Path] = [sys.executable, "-m", "emulators.storage"]
    storage += ["--port", str(storage_port), "--data-dir", logs / "lake"]

    def ready() -> bool:
        with suppress(httpx.TransportError):
            return httpx.get(f"{url}/readyz").is_success
        return False

    async def provisioned() -> None:
        async with httpx.AsyncClient(timeout=60) as client:
            await provision.warehouse(client, url, project)

    with pytest.MonkeyPatch.context() as patch:
        for name, value in env.items():
            patch.setenv(name, value)
        with (
            process(argv, ready, logs / "bigquery.log"),
            process(storage, accepts(storage_port), logs / "lake.log"),
        ):
            asyncio.run(provisioned())
            patch.setenv("BIGQUERY_EMULATOR_HOST", url)
            patch.setenv("STORAGE_EMULATOR_HOST", storage_url)
            patch.setenv("SEGUE_STORAGE_URL", storage_url)
            patch.setenv("SEGUE_ANONYMOUS", "true")
            local_settings.forget_settings()
            yield url
    local_settings.forget_settings()
