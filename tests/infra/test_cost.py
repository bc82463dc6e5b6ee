"""The floor of the bill, worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from infra import cost, stacks
from infra.config import StackConfig
from infra.runtime import Resource, Tree
from tests.infra.trees import tree_of


def resource(type_: str, name: str = "x", **inputs: Any) -> Resource:
    return Resource(
        urn=f"{type_}::{name}",
        type=type_,
        name=name,
        parent="",
        custom=True,
        inputs=inputs,
        secrets=frozenset(),
        dependencies=frozenset(),
        protect=False,
    )


def bill(*resources: Resource) -> dict[str, float]:
    return {line.what: round(line.usd, 2) for line in cost.floor(resources)}


def test_three_clusters_of_a_node() -> None:
    cluster = {"autoscalingConfig": {"minNodes": 1}}
    instance = resource("gcp:bigtable/instance:Instance", clusters=[cluster] * 3)
    assert bill(instance) == {"Bigtable": 1423.50}  # 3 × 0.65 × 730


def test_a_function_that_waits() -> None:
    service = {"minInstanceCount": 2, "availableCpu": "1", "availableMemory": "512Mi"}
    function = resource("gcp:cloudfunctionsv2/function:Function", serviceConfig=service)
    # 2 × 2,628,000 s × (1 + 0.5) × 0.0000025
    assert bill(function) == {"Functions": 19.71}


def test_a_job_each_minute_is_never_idle() -> None:
    container = {"resources": {"limits": {"cpu": "1", "memory": "1024Mi"}}}
    template = {"taskCount": 1, "template": {"containers": [container]}}
    job = resource("gcp:cloudrunv2/job:Job", "probe", template=template)
    schedule = resource("gcp:cloudscheduler/job:Job", "probe", schedule="* * * * *")
    # 43,200 minutes × 60 s × 0.00002
    assert bill(job, schedule) == {"Jobs": 51.84, "Scheduler": 0.10}
    assert bill(job) == {}


@pytest.mark.parametrize(
    ("cron", "runs"), [("* * * * *", 43_200), ("*/15 * * * *", 2_880), ("0 4 * * *", 30)]
)
def test_runs_a_month(cron: str, runs: int) -> None:
    assert cost.runs_a_month(cron) == runs


def test_the_readme_has_the_figures() -> None:
    readme = (stacks.ROOT / "README.md").read_text()
    totals = [
        f"{cost.total(cost.floor(tree_of(stack)[1].resources)):,.2f}" for stack in ("dev", "prod")
    ]
    assert f"| **at least** | **{totals[0]}** | **{totals[1]}** |" in readme


def test_a_small_stack_costs_less_than_a_large_one(made: tuple[StackConfig, Tree]) -> None:
    config, tree = made
    lines = cost.floor(tree.resources)
    assert [line.usd for line in lines] == sorted((line.usd for line in lines), reverse=True)
    floor = cost.total(lines)
    assert 400 < floor < 900 if config.stack == "dev" else 1_500 < floor < 3_000
    assert ("Functions" in {line.what for line in lines}) is not config.scale_to_zero
