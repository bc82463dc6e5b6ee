"""BigQuery with what the topology declares, and storage, for tests that learn from the one and
write to the other."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
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

DATASET = f"{local_settings.PROJECT}.{topology.WAREHOUSE_DATASET}"
_AT_ONCE = 2_000


@contextmanager
def bigquery_and_storage(logs: Path, name: str) -> Iterator[str]:
    """Both run, and the settings lead to them; yields BigQuery's URL. `name` tells their logs and
    their files from others'."""
    project, port, storage_port = local_settings.PROJECT, free_port(), free_port()
    argv, env = bigquery.command(emulator_python("bigquery"), port, project=project)
    url, storage_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{storage_port}"
    storage: list[str | Path] = [sys.executable, "-m", "emulators.storage"]
    storage += ["--port", str(storage_port), "--data-dir", logs / f"{name}-files"]

    def ready() -> bool:
        with suppress(httpx.TransportError):
            return httpx.get(f"{url}/readyz").is_success
        return False

    async def provisioned() -> None:
        async with httpx.AsyncClient(timeout=60) as client:
            await provision.warehouse(client, url, project)

    with pytest.MonkeyPatch.context() as patch:
        for variable, value in env.items():
            patch.setenv(variable, value)
        with (
            process(argv, ready, logs / f"{name}-bigquery.log"),
            process(storage, accepts(storage_port), logs / f"{name}-storage.log"),
        ):
            asyncio.run(provisioned())
            patch.setenv("BIGQUERY_EMULATOR_HOST", url)
            patch.setenv("STORAGE_EMULATOR_HOST", storage_url)
            patch.setenv("SEGUE_STORAGE_URL", storage_url)
            patch.setenv("SEGUE_ANONYMOUS", "true")
            local_settings.forget_settings()
            yield url
    local_settings.forget_settings()


def insert(table: topology.WarehouseTable, rows: Sequence[dict[str, Any]]) -> None:
    """Rows as the export writes them: without ids, so that a repeated one is there twice."""
    for start in range(0, len(rows), _AT_ONCE):
        part = [
            {"message_id": random_id(), "publish_time": datetime.now(UTC).isoformat(), **row}
            for row in rows[start : start + _AT_ONCE]
        ]
        refused = clients.bigquery().insert_rows_json(
            f"{DATASET}.{table.name}", part, row_ids=[None] * len(part)
        )
        assert refused == []
