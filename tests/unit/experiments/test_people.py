"""Millions of people in the memory of a job."""

from __future__ import annotations

import tracemalloc
from dataclasses import fields

import numpy as np
import pytest

from shared.experiments.analysis import analyse
from shared.experiments.people import IN_TWO, OTHER, People, stacked
from shared.experiments.warehouse import MOST_PEOPLE
from shared.topology import JOBS
from tests.unit.experiments.conftest import NOW, experiment, people


def test_pages_become_one_table_in_their_order() -> None:
    of = experiment()
    everybody = people(of, 50, 1)
    everybody[3] = everybody[3]._replace(variant=None, is_suspected=True)
    everybody[4] = everybody[4]._replace(variant="of-an-older-definition")
    made = People.together(
        [stacked(of, everybody[:20]), stacked(of, []), stacked(of, everybody[20:])]
    )
    assert len(made) == 50
    assert made.arm.tolist()[3:5] == [IN_TWO, OTHER]
    names = [variant.name for variant in of.variants]
    assert [names[arm] for arm in made.arm[5:]] == [one.variant for one in everybody[5:]]
    assert made.is_suspected.nonzero()[0].tolist() == [3]
    assert made.first_s.tolist() == [one.first_ts.timestamp() for one in everybody]
    for name in ("after", "before", "soon"):
        wanted = np.array([getattr(one, name) for one in everybody])
        assert getattr(made, name) == pytest.approx(wanted, rel=1e-6)
    assert len(People.together([])) == 0


def test_the_job_holds_as_many_people_as_it_asks_for() -> None:
    of = experiment()
    page = stacked(of, people(of, 2_000, 2))
    analyse(of, page, {}, NOW)  # imports what it needs
    tracemalloc.start()
    made = People.together([page] * 100)
    analyse(of, made, {}, NOW)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    pages = sum(getattr(page, field.name).nbytes for field in fields(People)) / len(page)
    (job,) = (one for one in JOBS if one.name == "experiment_report")
    # Half of it is for the interpreter, its libraries and the page that is being read.
    assert peak > pages * len(made)
    assert (peak / len(made) + pages) * MOST_PEOPLE < job.memory_mb * 2**20 / 2
