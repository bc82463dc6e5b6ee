"""A topology that cannot be deployed stops before any resource, with every fault at once."""

from __future__ import annotations

import pytest
from pulumi.runtime.settings import get_monitor

from infra import checks, stacks
from infra.checks import TopologyError
from infra.program import declare
from infra.runtime import run_on_mocks
from shared import topology


def test_every_function_and_the_jobs_have_their_source() -> None:
    found = checks.sources()
    jobs = {job.name for job in topology.JOBS}
    assert set(found.functions) == set(topology.ENTRIES) - jobs
    assert "Dockerfile" in found.jobs.files


def test_every_fault_is_named_before_anything_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    faulty = (
        topology.HttpFunction(name="unwritten", routes=(topology.Route("/v1/unwritten"),)),
        topology.HttpFunction(name="a_function_with_a_very_long_name", routes=()),
        topology.HttpFunction(name="greedy", routes=(topology.Route("/v1/search"),)),
        topology.HttpFunction(name="confused", routes=(), uses=(topology.TRACKS,)),
    )
    monkeypatch.setattr(topology, "HTTP_FUNCTIONS", (*topology.HTTP_FUNCTIONS, *faulty))
    for function in faulty:
        monkeypatch.setitem(topology.ENTRIES, function.name, function)
    config = stacks.example("dev")
    with pytest.raises(TopologyError) as caught:
        run_on_mocks(lambda: declare(config), stack="dev")
    assert getattr(get_monitor(), "registered", None) == []
    message = str(caught.value)
    for fault in (
        "functions/unwritten/main.py is missing",
        "fn-a-function-with-a-very-long-name: a service account's id has at most 30 characters",
        "/v1/search is served by search and by greedy",
        "confused uses the collection tracks",
    ):
        assert fault in message
