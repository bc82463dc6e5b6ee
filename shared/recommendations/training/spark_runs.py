"""Has Spark factorise what lies in the bucket of trainings, as a Dataproc Serverless batch.

A run is named by what it is given: a job that was killed and finds the same again waits for the
batch that it had started. What it wrote for Spark, who liked what by numbers, is deleted once the
factors are read; what a killed one left, by the next.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from shared.platform.errors import Unavailable
from shared.platform.settings import settings
from shared.recommendations.collaborative import spark_batch
from shared.recommendations.training import store
from shared.topology import TRAININGS

if TYPE_CHECKING:
    from shared.recommendations.collaborative.factors import Factorization, Factors
    from shared.recommendations.collaborative.interactions import Interactions

FOLDER = "spark"
LEFT_AFTER = timedelta(days=2)  # what is older is nobody's
_log = logging.getLogger(__name__)


async def factorize(interactions: Interactions, config: Factorization, *, seed: int) -> Factors:
    """The factors by MLlib. Raises Unavailable where the batch cannot be started or fails."""
    import httpx

    name = _name(interactions, config, seed)
    run = f"{FOLDER}/{name}"
    given = settings()
    body = spark_batch.batch(
        given.spark_program,
        spark_batch.arguments(
            interactions,
            config,
            seed=seed,
            source=store.address(f"{run}/interactions"),
            target=store.address(f"{run}/factors"),
        ),
        service_account=given.spark_account,
        subnetwork=given.spark_subnetwork,
        staging_bucket=given.bucket(TRAININGS.name),
    )
    with tempfile.TemporaryDirectory(prefix="spark-") as scratch:
        written, made = Path(scratch) / "interactions", Path(scratch) / "factors"
        await asyncio.to_thread(spark_batch.write_interactions, interactions, written)
        await store.delete(FOLDER, before=datetime.now(UTC) - LEFT_AFTER)
        await store.upload(written, f"{run}/interactions")
        _log.info("Spark factorises as the batch %s", name)
        try:
            await store.run_batch(name, body)
            for side in ("users", "items"):
                await store.download(f"{run}/factors/{side}", made / side)
        except (spark_batch.BatchFailed, httpx.HTTPError) as error:
            raise Unavailable(f"Spark has not factorised: {error}") from error
        finally:
            await store.delete(run)
        return await asyncio.to_thread(spark_batch.read_factors, interactions, config, made)


def _name(interactions: Interactions, config: Factorization, seed: int) -> str:
    """4 to 63 of a-z, 0-9 and -, as Dataproc wants it."""
    matrix = interactions.matrix
    digest = hashlib.sha256(f"{config} {seed}".encode())
    for array in (matrix.indptr, matrix.indices, matrix.data):
        digest.update(array.tobytes())
    return f"factorise-{digest.hexdigest()[:24]}"
