"""The emulator of Cloud Run's traffic and of Cloud Monitoring's series, over HTTP."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from emulators.processes import accepts, free_port
from shared import topology
from tests.emulator.conftest import process

REGION = "us-central1"
AT = f"/v2/projects/p/locations/{REGION}"
CATALOG = f"{AT}/services/catalog"
FIRST, SECOND = "catalog-00001-seg", "catalog-00002-seg"
NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)
BY_REVISION = "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION"


@pytest.fixture
def api(logs: Path) -> Iterator[httpx.Client]:
    port = free_port()
    command: list[str | Path] = [sys.executable, "-m", "emulators.cloud_run", "--port", str(port)]
    command += ["--project", "p", "--regions", REGION]
    with (
        process(command, accepts(port), logs / "cloud_run_alone.log"),
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client,
    ):
        yield client


def deploy(api: httpx.Client, **more: Any) -> str:
    answer = api.post("/_deploy", json={"region": REGION, "service": "catalog", **more})
    name: str = answer.raise_for_status().json()["revision"]
    return name


def patch(api: httpx.Client, *targets: tuple[str, int], etag: str | None = None) -> httpx.Response:
    traffic = [
        {"type": BY_REVISION, "revision": revision, "percent": percent}
        for revision, percent in targets
    ]
    body = {"traffic": traffic, **({"etag": etag} if etag else {})}
    return api.patch(CATALOG, params={"updateMask": "traffic"}, json=body)


def test_every_function_of_the_topology_is_a_service(api: httpx.Client) -> None:
    jobs = {job.name for job in topology.JOBS}
    for function in topology.ENTRIES.keys() - jobs:
        name = function.replace("_", "-")
        found = api.get(f"{AT}/services/{name}").raise_for_status().json()
        assert found["latestReadyRevision"].endswith(f"/{name}/revisions/{name}-00001-seg")
    assert api.get(f"{AT}/services/nobody").status_code == 404
    assert api.get(CATALOG.replace("/p/", "/another/")).status_code == 404


def test_a_revision_that_is_not_ready_is_made_and_not_the_latest_ready(api: httpx.Client) -> None:
    assert deploy(api, ready=False) == SECOND
    found = api.get(CATALOG).json()
    assert found["latestCreatedRevision"].endswith(SECOND)
    assert found["latestReadyRevision"].endswith(FIRST)


def test_traffic_is_set_against_the_present_etag_alone(api: httpx.Client) -> None:
    deploy(api)
    etag = api.get(CATALOG).json()["etag"]
    assert patch(api, (FIRST, 99), (SECOND, 1), etag=etag).json()["done"]
    late = patch(api, (FIRST, 100), etag=etag)
    assert (late.status_code, late.json()["error"]["status"]) == (409, "ABORTED")
    assert [target["percent"] for target in api.get(CATALOG).json()["traffic"]] == [99, 1]


def test_bad_traffic_is_refused(api: httpx.Client) -> None:
    assert patch(api, (FIRST, 99)).status_code == 400
    assert patch(api, ("catalog-00009-seg", 100)).status_code == 400
    assert api.patch(CATALOG, params={"updateMask": "template"}, json={}).status_code == 501


def test_an_operation_takes_the_time_that_is_asked_for(api: httpx.Client) -> None:
    api.post("/_faults", json={"method": "PATCH", "operation_s": 0.3})
    operation = patch(api, (FIRST, 100)).json()
    assert "done" not in operation
    assert api.get(CATALOG).json()["reconciling"]
    time.sleep(0.4)
    assert api.get(f"/v2/{operation['name']}").json()["done"]
    assert not api.get(CATALOG).json()["reconciling"]


def test_faults_are_used_up(api: httpx.Client) -> None:
    fault = {"method": "GET", "path": "catalog$", "status": 503, "times": 2}
    api.post("/_faults", json=fault)
    assert [api.get(CATALOG).status_code for _ in range(3)] == [503, 503, 200]
    assert api.get("/_faults").json() == {"faults": []}
    assert api.post("/_faults", json={"method": "GET", "mood": "bad"}).status_code == 400


def report(api: httpx.Client, revision: str, minute: float, ms: float, **counts: int) -> None:
    at = (NOON + timedelta(minutes=minute)).isoformat()
    requests = {name.lstrip("_"): count for name, count in counts.items()}
    body = {"region": REGION, "service": "catalog", "revision": revision, "at": at}
    body |= {"requests": requests, "latency_ms": ms}  # type: ignore[dict-item]
    api.post("/_traffic", json=body).raise_for_status()


def series(api: httpx.Client, **changes: Any) -> httpx.Response:
    query = {
        "filter": 'metric.type = "run.googleapis.com/request_count" AND '
        f'resource.labels.revision_name = one_of("{FIRST}", "{SECOND}")',
        "interval.startTime": NOON.isoformat(),
        "interval.endTime": (NOON + timedelta(minutes=10)).isoformat(),
        "aggregation.alignmentPeriod": "600s",
        "aggregation.perSeriesAligner": "ALIGN_SUM",
        "aggregation.crossSeriesReducer": "REDUCE_SUM",
        "aggregation.groupByFields": ["resource.labels.revision_name"],
        **{name.replace("__", "."): value for name, value in changes.items()},
    }
    return api.get("/v3/projects/p/timeSeries", params=query)


def test_counts_are_summed_by_group_within_the_interval(api: httpx.Client) -> None:
    deploy(api)
    report(api, FIRST, 1, 20, _2xx=90, _5xx=10)
    report(api, FIRST, 2, 20, _2xx=5)
    report(api, SECOND, 2, 20, _2xx=7)
    report(api, SECOND, 11, 20, _2xx=1000)
    found = {
        one["resource"]["labels"]["revision_name"]: one["points"][0]["value"]["int64Value"]
        for one in series(api).json()["timeSeries"]
    }
    assert found == {FIRST: "105", SECOND: "7"}


def test_percentiles_are_those_of_all_requests_of_a_group(api: httpx.Client) -> None:
    report(api, FIRST, 1, 20, _2xx=96)
    report(api, FIRST, 1, 500, _2xx=2, _5xx=2)
    text = 'metric.type = "run.googleapis.com/request_latencies"'
    for reducer, expected in (("REDUCE_PERCENTILE_95", 20.0), ("REDUCE_PERCENTILE_99", 500.0)):
        answer = series(api, filter=text, aggregation__crossSeriesReducer=reducer).json()
        assert answer["timeSeries"][0]["points"][0]["value"] == {"doubleValue": expected}


def test_nothing_measured_is_an_empty_answer(api: httpx.Client) -> None:
    assert series(api).json() == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"filter": 'metric.type > "x"'},
        {"filter": 'metric.type = "compute.googleapis.com/instance/uptime"'},
        {"interval__endTime": "soon"},
        {"aggregation__alignmentPeriod": "30s"},
        {"aggregation__perSeriesAligner": "ALIGN_RATE"},
        {"aggregation__crossSeriesReducer": "REDUCE_MEAN"},
        {"aggregation__groupByFields": ["resource.labels.colour"]},
    ],
)
def test_what_it_cannot_answer_it_refuses(api: httpx.Client, changes: dict[str, Any]) -> None:
    report(api, FIRST, 1, 20, _2xx=1)
    refused = series(api, **changes)
    assert (refused.status_code, refused.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")
