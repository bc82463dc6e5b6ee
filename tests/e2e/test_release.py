"""A release in the local cloud: the job gives it requests, an incident on the topic takes them."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from emulators.cloud import PROJECT, REGION
from shared import topology
from tests.whole_cloud import WholeCloud, eventually

SERVICE = "lyrics"
OLD, NEW = f"{SERVICE}-00001-seg", f"{SERVICE}-00002-seg"


@pytest.fixture(scope="module")
def cloud_run(whole_cloud: WholeCloud) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://{whole_cloud.emulator('cloud_run')}") as client:
        yield client


def shares(cloud_run: httpx.Client) -> dict[str, int]:
    path = f"/v2/projects/{PROJECT}/locations/{REGION}/services/{SERVICE}"
    traffic = cloud_run.get(path).raise_for_status().json()["traffic"]
    return {target.get("revision", ""): target["percent"] for target in traffic}


def publish(cloud: WholeCloud, payload: Any) -> None:
    """What Cloud Monitoring's notification channel does."""
    data = base64.b64encode(json.dumps(payload).encode()).decode()
    topic = f"projects/{PROJECT}/topics/{topology.SLO_BURN.name}"
    url = f"http://{cloud.emulator('pubsub')}/v1/{topic}:publish"
    httpx.post(url, json={"messages": [{"data": data}]}).raise_for_status()


def buried(cloud: WholeCloud) -> list[tuple[Any, str]]:
    """Pushes on the dead-letter topic that nobody has pulled yet: their payloads and reasons."""
    name = f"projects/{PROJECT}/subscriptions/{topology.SLO_BURN.dead_letter}.kept"
    url = f"http://{cloud.emulator('pubsub')}/v1/{name}:pull"
    body = {"maxMessages": 10, "returnImmediately": True}
    answer = httpx.post(url, json=body, timeout=30).raise_for_status().json()
    found = []
    for received in answer.get("receivedMessages", []):
        message = received["message"]
        push = json.loads(base64.b64decode(message["data"]))
        payload = json.loads(base64.b64decode(push["message"]["data"]))
        found.append((payload, message["attributes"]["reason"]))
    return found


def test_a_release_starts_and_a_burning_budget_ends_it(
    whole_cloud: WholeCloud, cloud_run: httpx.Client
) -> None:
    whole_cloud.cloud.run_job("advance_rollouts")
    assert shares(cloud_run) == {OLD: 100}
    where = {"region": REGION, "service": SERVICE, "made_at": "2026-01-01T00:00:00+00:00"}
    cloud_run.post("/_deploy", json=where).raise_for_status()
    whole_cloud.cloud.run_job("advance_rollouts")
    assert shares(cloud_run) == {NEW: 1, OLD: 99}

    incident = {"incident_id": str(uuid.uuid4()), "state": "open", "started_at": 1_800_000_000}
    publish(whole_cloud, {"version": "1.2", "incident": incident})
    eventually(lambda: shares(cloud_run) == {OLD: 100})
    whole_cloud.cloud.run_job("advance_rollouts")
    assert shares(cloud_run) == {OLD: 100}


def test_what_is_no_incident_is_buried_with_its_reason(whole_cloud: WholeCloud) -> None:
    payload = {"version": "1.2", "note": str(uuid.uuid4())}
    publish(whole_cloud, payload)
    found: dict[str, str] = {}

    def arrived() -> bool:
        found.update({json.dumps(one): reason for one, reason in buried(whole_cloud)})
        return json.dumps(payload) in found

    eventually(arrived)
    reason = found[json.dumps(payload)]
    assert "malformed event" in reason
    assert "incident" in reason
