"""What Spark is given and what it makes, in the bucket of trainings, and the batches themselves."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.platform import clients
from shared.platform.settings import settings
from shared.recommendations.collaborative import spark_batch
from shared.topology import TRAININGS

if TYPE_CHECKING:
    from google.cloud.storage import Blob


def address(name: str) -> str:
    """Where Spark finds what is called `name` here."""
    return f"gs://{settings().bucket(TRAININGS.name)}/{name}"


async def upload(folder: Path, name: str) -> None:
    """Stores the files of `folder` below `name`."""

    def store() -> None:
        for path in folder.iterdir():
            blob = clients.bucket(TRAININGS).blob(f"{name}/{path.name}")
            blob.upload_from_filename(str(path))

    await asyncio.to_thread(store)


async def download(name: str, folder: Path) -> None:
    """Fetches the Parquet files below `name` into `folder`, which is made; Spark leaves markers
    beside them."""

    def fetch() -> None:
        folder.mkdir(parents=True)
        for blob in _listed(name):
            if blob.name.endswith(".parquet"):
                blob.download_to_filename(str(folder / Path(blob.name).name))

    await asyncio.to_thread(fetch)


async def delete(name: str, *, before: datetime | None = None) -> None:
    """Deletes what is below `name`; with `before` what was made earlier alone."""

    def remove() -> None:
        for blob in _listed(name):
            if before is None or blob.time_created < before:
                blob.delete()

    await asyncio.to_thread(remove)


async def run_batch(name: str, body: dict[str, Any]) -> None:
    """Runs a batch in this region to its end. Raises what `spark_batch.run_on_dataproc` raises."""
    parent = f"projects/{settings().project}/locations/{settings().region}"
    await spark_batch.run_on_dataproc(clients.dataproc(), parent, name, body)


def _listed(name: str) -> list[Blob]:
    return list(clients.bucket(TRAININGS).list_blobs(prefix=f"{name}/"))
