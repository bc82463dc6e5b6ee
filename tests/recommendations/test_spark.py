"""Two engines, one result: Spark's MLlib finds what ours finds, with parameters that follow from
ours."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from emulators import environments
from shared.recommendations.collaborative import spark_batch
from shared.recommendations.collaborative.evaluation import by_vectors, evaluate
from shared.recommendations.collaborative.factors import Factorization, factorize
from shared.recommendations.collaborative.interactions import Interactions, split
from shared.recommendations.collaborative.spark_batch import (
    arguments,
    read_factors,
    write_interactions,
)
from shared.recommendations.items import FoldIn
from tests.recommendations.data import MOVIELENS, load

PROGRAM = Path(spark_batch.__file__).with_name("spark.py")
PEOPLE = 1_000
AGREEMENT = 0.02  # of recall@50, relative
SEED = 3


@pytest.fixture(scope="module")
def python() -> Path:
    """An interpreter that has pyspark."""
    if shutil.which("java") is None:
        pytest.skip("needs a Java runtime (17 or newer) for Spark")
    try:
        return environments.ensure_python("spark")
    except environments.EnvironmentFailed as error:
        pytest.fail(f"no environment for Spark: {error}")


def run(python: Path, given: Sequence[str]) -> None:
    """Runs the program on two processors, as a batch would on many machines."""
    argv = [str(python), str(PROGRAM), *given, "--master", "local[2]", "--blocks", "2"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-4_000:]


@pytest.fixture(scope="module")
def some_people() -> Interactions:
    """A part of MovieLens that Spark masters within a minute."""
    if not MOVIELENS.is_dir():
        pytest.skip(f"needs {'/'.join(MOVIELENS.parts[-3:])} beside the project")
    everybody = load(MOVIELENS)
    drawn = np.random.default_rng(SEED).choice(
        everybody.matrix.shape[0], size=PEOPLE, replace=False
    )
    matrix = everybody.matrix[np.sort(drawn)]
    return Interactions([everybody.user_ids[row] for row in drawn], everybody.item_ids, matrix)


def test_both_engines_recall_the_same_and_score_alike(
    python: Path, some_people: Interactions, tmp_path: Path
) -> None:
    training, held = split(some_people, 0.2, SEED)
    config = Factorization(FoldIn(0.1, 0.01, 1.0), dimensions=32, iterations=8)
    ours = factorize(training, config, seed=SEED)

    write_interactions(training, tmp_path / "interactions")
    source, target = str(tmp_path / "interactions"), str(tmp_path / "factors")
    run(python, arguments(training, config, seed=SEED, source=source, target=target))
    theirs = read_factors(training, config, tmp_path / "factors")

    popular = np.asarray(training.matrix.sum(axis=0)).ravel()
    baseline = evaluate(lambda users: np.tile(popular, (len(users), 1)), training, held)
    found = [evaluate(by_vectors(factors), training, held) for factors in (ours, theirs)]
    assert found[1].recall_50 == pytest.approx(found[0].recall_50, rel=AGREEMENT), found
    assert found[1].recall_50 > 1.4 * baseline.recall_50

    pairs = training.matrix.nonzero()
    means = [
        float(np.einsum("ij,ij->i", one.users[pairs[0]], one.items[pairs[1]]).mean())
        for one in (ours, theirs)
    ]
    assert means[1] == pytest.approx(means[0], rel=0.1)
