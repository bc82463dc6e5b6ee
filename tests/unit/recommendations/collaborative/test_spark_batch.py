from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from shared.recommendations.collaborative.factors import Factorization
from shared.recommendations.collaborative.interactions import Interactions
from shared.recommendations.collaborative.spark_batch import (
    arguments,
    batch,
    read_factors,
    write_interactions,
)
from shared.recommendations.items import FoldIn

DATA = Interactions.of([("a", "x", 1.0), ("a", "y", 1.0), ("b", "y", 1.0), ("c", "z", 1.0)])
CONFIG = Factorization(FoldIn(0.25, 0.01, 1.0), dimensions=2, iterations=3)


def test_the_penalties_of_both_engines_are_equal_in_sum() -> None:
    given = arguments(DATA, CONFIG, seed=1, source="in", target="out")
    found = dict(zip(given[::2], given[1::2], strict=True))

    a0, expected_score = 0.25, 1 / 1.25
    ours = 0.01 * sum(n + a0 * 3 for n in (2, 1, 1)) / (a0 * expected_score)
    assert float(found["--regularization"]) * (2 + 1 + 1) == pytest.approx(ours)
    assert float(found["--alpha"]) == 4
    assert (found["--dimensions"], found["--iterations"], found["--seed"]) == ("2", "3", "1")


def test_spark_scales_by_frequency_alone() -> None:
    config = Factorization(FoldIn(0.25, 0.01, 0.5))
    with pytest.raises(ValueError, match="frequency_exponent to 1"):
        arguments(DATA, config, seed=1, source="in", target="out")


def test_factors_are_read_by_their_numbers_whatever_the_order(tmp_path: Path) -> None:
    for name, ids in (("users", [2, 0]), ("items", [1, 2, 0])):
        vectors = [[float(number), 1.0] for number in ids]
        kinds = pa.schema([("id", pa.int32()), ("features", pa.list_(pa.float32()))])
        (tmp_path / name).mkdir()
        table = pa.table({"id": ids, "features": vectors}, schema=kinds)
        parquet.write_table(table, tmp_path / name / "part-0.parquet")

    factors = read_factors(DATA, CONFIG, tmp_path)

    scale = np.sqrt(1 / 1.25)
    assert factors.users == pytest.approx(np.array([[0, 1], [0, 0], [2, 1]]) * scale)
    assert factors.items == pytest.approx(np.array([[0, 1], [1, 1], [2, 1]]) * scale)


def test_interactions_are_written_as_the_program_reads_them(tmp_path: Path) -> None:
    write_interactions(DATA, tmp_path / "in")

    table = parquet.read_table(tmp_path / "in")

    assert [str(one) for one in table.schema.types] == ["int32", "int32", "float"]
    rows = zip(*(table.column(name).to_pylist() for name in ("user", "item")), strict=True)
    assert list(rows) == [(0, 0), (0, 1), (1, 1), (2, 2)]


def test_a_batch_is_what_the_reference_calls_it() -> None:
    body = batch(
        "gs://b/spark.py",
        ["--seed", "1"],
        service_account="s@p",
        subnetwork="default",
        staging_bucket="b",
    )

    assert body["pysparkBatch"] == {"mainPythonFileUri": "gs://b/spark.py", "args": ["--seed", "1"]}
    assert body["environmentConfig"]["executionConfig"]["ttl"] == "21600s"
