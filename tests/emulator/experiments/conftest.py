"""A warehouse, a bucket and definitions of their own, and jobs that are held to the topology."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from emulators import bigquery, provision
from emulators.processes import accepts, free_port
from shared import topology
from shared.platform import clients
from shared.platform.ids import random_id
from tests import local_settings
from tests.emulator.conftest import process
from tests.emulator.test_bigquery import emulator_python

ROOT = Path(__file__).parents[3]
PROJECT = local_settings.PROJECT
DATASET = f"{PROJECT}.{topology.WAREHOUSE_DATASET}"

Job = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="package")
def cloud(settings_env: pytest.MonkeyPatch, firestore: str, logs: Path) -> Iterator[str]:
    """BigQuery with what the topology declares, storage and Firestore; yields BigQuery's URL."""
    port, storage_port = free_port(), free_port()
    argv, env = bigquery.command(emulator_python("bigquery"), port, project=PROJECT)
    url, storage_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{storage_port}"
    storage: list[str | Path] = [sys.executable, "-m", "emulators.storage"]
    storage += ["--port", str(storage_port), "--data-dir", logs / "reports"]

    def ready() -> bool:
        with suppress(httpx.TransportError):
            return httpx.get(f"{url}/readyz").is_success
        return False

    async def provisioned() -> None:
        async with httpx.AsyncClient(timeout=60) as client:
            await provision.warehouse(client, url, PROJECT)

    with pytest.MonkeyPatch.context() as patch:
        for name, value in env.items():
            patch.setenv(name, value)
        with (
            process(argv, ready, logs / "bigquery-experiments.log"),
            process(storage, accepts(storage_port), logs / "reports.log"),
        ):
            asyncio.run(provisioned())
            patch.setenv("BIGQUERY_EMULATOR_HOST", url)
            patch.setenv("STORAGE_EMULATOR_HOST", storage_url)
            patch.setenv("SEGUE_STORAGE_URL", storage_url)
            patch.setenv("SEGUE_ANONYMOUS", "true")
            local_settings.forget_settings()
            yield url
    local_settings.forget_settings()


@pytest.fixture
async def nothing_defined(firestore: str) -> None:
    """No experiments: those of other tests are gone."""
    async for snapshot in clients.collection(topology.EXPERIMENTS).stream():
        await snapshot.reference.delete()


def insert(table: topology.WarehouseTable, rows: Sequence[dict[str, Any]]) -> None:
    """Rows as the export writes them: without ids, so that a repeated one is there twice."""
    for start in range(0, len(rows), 2_000):
        part = [
            {"message_id": random_id(), "publish_time": datetime.now(UTC).isoformat(), **row}
            for row in rows[start : start + 2_000]
        ]
        refused = clients.bigquery().insert_rows_json(
            f"{DATASET}.{table.name}", part, row_ids=[None] * len(part)
        )
        assert refused == []


@pytest.fixture
def job(cloud: str) -> Job:
    """Runs a job by its name, held to what the topology declares."""

    def run(name: str, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "emulators.job_host", name, *arguments],
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return run
