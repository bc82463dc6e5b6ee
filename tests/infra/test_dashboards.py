"""Dashboards: Monitoring takes them, queries read what is there, nothing declared is missing."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Iterator
from typing import Any

import promql_parser
import pytest

from infra import names
from infra.components.functions import Deployable
from infra.monitoring import dashboards
from infra.monitoring.charts import COLUMNS, MAX_WIDGETS, Row, dashboard, text
from infra.monitoring.runbooks import work
from shared import topology
from tests.infra import monitoring_metrics

DRAWN = dashboards.dashboards()


def tiles(name: str) -> list[dict[str, Any]]:
    return list(DRAWN[name]["mosaicLayout"]["tiles"])


def queries(drawn: object) -> Iterator[str]:
    if isinstance(drawn, dict):
        for key, value in drawn.items():
            if key == "prometheusQuery":
                yield value
            else:
                yield from queries(value)
    elif isinstance(drawn, list):
        for one in drawn:
            yield from queries(one)


@pytest.mark.parametrize("name", DRAWN)
def test_it_keeps_to_the_limits(name: str) -> None:
    layout = DRAWN[name]["mosaicLayout"]
    assert layout["columns"] == COLUMNS == 48
    assert 0 < len(layout["tiles"]) <= MAX_WIDGETS == 100
    taken: set[tuple[int, int]] = set()
    for tile in layout["tiles"]:
        cells = set(
            itertools.product(
                range(left := tile.get("xPos", 0), left + tile["width"]),
                range(top := tile.get("yPos", 0), top + tile["height"]),
            )
        )
        assert cells, "no area"
        assert not cells & taken, f"{tile['widget']['title']} lies over another"
        assert left + tile["width"] <= COLUMNS
        taken |= cells


def empty(drawn: Any, path: str = "") -> Iterator[str]:
    """Where something is zero or empty."""
    if isinstance(drawn, dict | list):
        parts = drawn.items() if isinstance(drawn, dict) else enumerate(drawn)
        for name, part in parts:
            yield from empty(part, f"{path}.{name}")
    if not drawn:
        yield path


@pytest.mark.parametrize("name", DRAWN)
def test_nothing_is_said_that_the_api_leaves_out(name: str) -> None:
    """Else each `pulumi up` finds a difference."""
    assert list(empty(DRAWN[name])) == []


@pytest.mark.parametrize("name", DRAWN)
def test_every_query_reads_what_is_there(name: str) -> None:
    found = list(queries(DRAWN[name]))
    assert found or name == "runbooks"
    assert [fault for query in found for fault in monitoring_metrics.faults(query)] == []


def test_every_function_has_rate_errors_duration_and_instances() -> None:
    drawn = [query for name in ("functions", "pipeline") for query in queries(DRAWN[name])]
    read: dict[str, set[str]] = {}
    for query in drawn:
        for selector in monitoring_metrics.selectors(query):
            if service := selector.labels.get("service_name"):
                read.setdefault(service, set()).add(selector.name)
    entries: list[Deployable] = [*topology.HTTP_FUNCTIONS, *topology.EVENT_FUNCTIONS]
    for function in entries:
        assert read[names.service(function)] == {
            "run_googleapis_com:request_count",
            "run_googleapis_com:request_latencies_bucket",
            "run_googleapis_com:container_instance_count",
            "run_googleapis_com:container_startup_latencies_bucket",
        }
        shown = [q for q in drawn if f'service_name="{names.service(function)}"' in q]
        for wanted in ('"5xx"', '"4xx"', "quantile(0.5,", "quantile(0.95,", "quantile(0.99,"):
            assert any(wanted in query for query in shown), (function.name, wanted)


def test_every_job_queue_and_topic_is_on_the_pipeline() -> None:
    drawn = "\n".join(queries(DRAWN["pipeline"]))
    for job in topology.JOBS:
        assert names.service(job) in drawn
    for queue in topology.QUEUES:
        assert f'queue_id="{queue.name}"' in drawn
    for topic in topology.TOPICS:
        assert topic.dead_letter in drawn


def test_a_new_function_gets_its_row_and_a_second_page(monkeypatch: pytest.MonkeyPatch) -> None:
    template = topology.HTTP_FUNCTIONS[0]
    many = tuple(dataclasses.replace(template, name=f"new_{n}") for n in range(30))
    monkeypatch.setattr(topology, "HTTP_FUNCTIONS", many)
    drawn = dashboards.dashboards()
    assert {name for name in drawn if name.startswith("functions")} == {
        "functions",
        "functions-2",
    }
    both = json.dumps([drawn["functions"], drawn["functions-2"]])
    assert all(f'service_name=\\"new-{n}\\"' in both for n in range(30))


def test_more_widgets_than_fit_are_refused() -> None:
    row = Row(tuple(text(str(n), "") for n in range(4)))
    with pytest.raises(ValueError, match="104 widgets; a dashboard holds 100"):
        dashboard("too large", [row] * 26)


def test_every_entry_has_a_runbook_that_names_what_it_needs() -> None:
    shown = {
        tile["widget"]["title"]: tile["widget"]["text"]["content"] for tile in tiles("runbooks")
    }
    assert set(shown) == set(topology.ENTRIES)
    for entry in topology.ENTRIES.values():
        for needed in (*entry.reads, *entry.writes, *entry.publishes, *entry.uses):
            assert f"`{needed.name}`" in shown[entry.name]


def test_a_runbook_is_headings_and_steps_of_the_stacks_project() -> None:
    told = work.DEAD_LETTERS.markdown("my-project")
    assert [line for line in told.splitlines() if line.startswith("#")] == [
        "## What happened",
        "## What to look at",
        "## First steps",
    ]
    assert "--project my-project" in told
    assert "$PROJECT" not in told


def test_experience_is_shown_by_cdn_with_the_targets() -> None:
    titles = {tile["widget"]["title"]: tile["widget"] for tile in tiles("playback")}
    limits = {
        title: chart["xyChart"]["thresholds"][0]["value"]
        for title, chart in titles.items()
        if "thresholds" in chart["xyChart"]
    }
    assert limits == {
        "Press to first sound (F063)": 500,
        "p50 to first sound by CDN (F064)": 150,
        "p95 to first sound by CDN (F064)": 350,
    }


@pytest.mark.parametrize("name", DRAWN)
def test_prometheus_takes_every_query(name: str) -> None:
    for query in queries(DRAWN[name]):
        promql_parser.parse(query.replace("${__interval}", "5m"))  # Monitoring fills that in
