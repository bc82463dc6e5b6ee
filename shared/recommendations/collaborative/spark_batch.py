"""Starts `spark.py`, for what one machine does not hold, and reads what it made.

MLlib scales its regularisation by n alone where ours has n + a0 N (`items.FoldIn`), the same
penalty for every vector in place of which it has a greater one for the frequent. So its lambda is
chosen such that both penalise all vectors together equally: the sum of n over the vectors of a side
is the number of pairs, that of a0 N is a0 * users * items, for either side. What both engines find
then agrees within 2 % (tests/recommendations/test_spark.py).

A person's vector is solved with our own loss when they are served (`folding`), so the item factors
are what matters.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from shared.recommendations.collaborative.factors import Factorization, Factors

if TYPE_CHECKING:
    import httpx
    from numpy.typing import NDArray

    from shared.recommendations.collaborative.interactions import Interactions

# Spark 3.5; its image holds numpy, which MLlib wants.
RUNTIME_VERSION = "2.3"
LONGEST_S = 6 * 3600
POLL_S = 30.0
ENDED = ("SUCCEEDED", "FAILED", "CANCELLED")


class BatchFailed(RuntimeError):
    """Spark did not end well; the message holds its last words."""


def arguments(
    interactions: Interactions, config: Factorization, *, seed: int, source: str, target: str
) -> list[str]:
    """What `spark.py` is started with so that it minimises our loss as nearly as it can.

    Ours divided by a0 is MLlib's, with alpha = 1 / a0, for factors that are larger by
    1 / sqrt(`_expected`). Raises ValueError for a frequency exponent that is not 1."""
    params, matrix = config.params, interactions.matrix
    if params.frequency_exponent != 1:
        raise ValueError("MLlib scales by frequency: set frequency_exponent to 1 for Spark.")
    a0 = params.unobserved_weight
    penalty = params.regularization * (1 + a0 * matrix.shape[0] * matrix.shape[1] / matrix.nnz)
    return [
        *("--input", source, "--output", target, "--seed", str(seed)),
        *("--dimensions", str(config.dimensions), "--iterations", str(config.iterations)),
        *("--alpha", repr(1 / a0)),
        *("--regularization", repr(penalty / (a0 * _expected(interactions, config)))),
    ]


def write_interactions(interactions: Interactions, path: Path) -> None:
    """As `spark.py` reads them, users and items by their row and column."""
    import pyarrow as pa
    from pyarrow import parquet

    matrix = interactions.matrix
    users = np.repeat(np.arange(matrix.shape[0], dtype=np.int32), np.diff(matrix.indptr))
    columns = {"user": users, "item": matrix.indices.astype(np.int32), "confidence": matrix.data}
    path.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pa.table(columns), path / "part-0.parquet")


def read_factors(interactions: Interactions, config: Factorization, path: Path) -> Factors:
    """What `spark.py` wrote, in our order and scale; zeros for who has no interactions."""
    scale = np.sqrt(_expected(interactions, config), dtype=np.float32)
    users, items = interactions.matrix.shape
    return Factors(
        _side(path / "users", users, config.dimensions) * scale,
        _side(path / "items", items, config.dimensions) * scale,
    )


def batch(
    program: str,
    given: Sequence[str],
    *,
    service_account: str,
    subnetwork: str,
    staging_bucket: str,
) -> dict[str, Any]:
    """The body of `projects.locations.batches.create`. `program` is where a bucket holds `spark.py`
    (gs://…); the account needs roles/dataproc.worker and the buckets' objects, the subnetwork
    Private Google Access. What Spark keeps beside goes to the bucket `staging_bucket`, not to one
    that Dataproc would make."""
    return {
        "pysparkBatch": {"mainPythonFileUri": program, "args": list(given)},
        "runtimeConfig": {"version": RUNTIME_VERSION},
        "environmentConfig": {
            "executionConfig": {
                "serviceAccount": service_account,
                "subnetworkUri": subnetwork,
                "stagingBucket": staging_bucket,
                "ttl": f"{LONGEST_S}s",
            }
        },
    }


async def run_on_dataproc(
    http: httpx.AsyncClient, parent: str, batch_id: str, body: dict[str, Any]
) -> None:
    """Submits a batch and waits for its end. `http` has https://dataproc.googleapis.com as its base
    and adds credentials; `parent` is projects/…/locations/…; `batch_id` (4..63 of a-z, 0-9, -)
    tells runs apart: one that was submitted before is waited for, so that a job that was killed
    goes on where it was. Raises BatchFailed, httpx.HTTPStatusError.

    Written by the API's reference; no emulator of it exists to run it against."""
    answer = await http.post(f"/v1/{parent}/batches", params={"batchId": batch_id}, json=body)
    if answer.status_code != 409:  # ALREADY_EXISTS
        answer.raise_for_status()
    while True:
        found = (await http.get(f"/v1/{parent}/batches/{batch_id}")).raise_for_status().json()
        if found["state"] in ENDED:
            break
        await asyncio.sleep(POLL_S)
    if found["state"] != "SUCCEEDED":
        raise BatchFailed(f"{batch_id}: {found['state']}: {found.get('stateMessage', '')}")


def _expected(interactions: Interactions, config: Factorization) -> float:
    """The score at which our loss is least for an observed pair, c / (c + a0); MLlib's is 1."""
    confidence = float(interactions.matrix.data.mean())
    return confidence / (confidence + config.params.unobserved_weight)


def _side(path: Path, count: int, dimensions: int) -> NDArray[np.float32]:
    from pyarrow import parquet

    table = parquet.read_table(path)
    vectors = np.zeros((count, dimensions), dtype=np.float32)
    flat = table.column("features").combine_chunks().flatten().to_numpy()
    vectors[table.column("id").to_numpy()] = flat.reshape(-1, dimensions)
    return vectors
