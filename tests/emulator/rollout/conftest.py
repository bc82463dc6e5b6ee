from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from emulators.processes import accepts, free_port
from shared import topology
from shared.platform import clients
from shared.platform.settings import settings
from shared.rollout.models import Rollout
from shared.rollout.store import rollouts
from tests import local_settings
from tests.emulator.conftest import process

HOME, ASIA, EUROPE = "us-central1", "asia-east1", "europe-west1"
START = datetime(2026, 11, 3, 12, tzinfo=UTC)
LONG_AGO = START - timedelta(hours=2)


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


@dataclass(frozen=True)
class CloudRun:
    """The emulator, as Google's console and the passing of time would use it."""

    http: httpx.Client
    service: str = "lyrics"

    def _post(self, where: str, /, **body: Any) -> Any:
        answer = self.http.post(where, json=body).raise_for_status()
        return answer.json() if answer.content else None

    def deploy(self, region: str = HOME, made_at: datetime = LONG_AGO) -> str:
        """What `pulumi up` does: a new revision, which gets traffic if the service says so."""
        made = self._post(
            "/_deploy", region=region, service=self.service, made_at=made_at.isoformat()
        )
        name: str = made["revision"]
        return name

    def serve(self, revision: str, at: datetime, region: str = HOME, **report: Any) -> None:
        """Requests to a revision: `requests` by class of code, all after `latency_ms`."""
        report = {"requests": {"2xx": 1000}, **report}
        where = {"region": region, "service": self.service, "revision": revision}
        self._post("/_traffic", **where, at=at.isoformat(), **report)

    def fault(self, **fault: Any) -> None:
        self._post("/_faults", **fault)

    def faults_left(self) -> Sequence[dict[str, Any]]:
        left: list[dict[str, Any]] = self.http.get("/_faults").json()["faults"]
        return left

    def _path(self, region: str) -> str:
        project = f"projects/{local_settings.PROJECT}"
        return f"/v2/{project}/locations/{region}/services/{self.service}"

    def resource(self, region: str = HOME) -> dict[str, Any]:
        found: dict[str, Any] = self.http.get(self._path(region)).raise_for_status().json()
        return found

    def shares(self, region: str = HOME) -> dict[str, int]:
        """Revision -> percent, `LATEST` for whichever is the latest."""
        return {
            target.get("revision", "LATEST"): target["percent"]
            for target in self.resource(region)["traffic"]
            if target.get("percent")
        }

    def by_hand(self, region: str = HOME, **shares: int) -> None:
        """`gcloud run services update-traffic --to-revisions`, by number of the revision."""
        self.set_traffic(
            [
                {
                    "type": "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION",
                    "revision": f"{self.service}-{int(number.lstrip('r')):05d}-seg",
                    "percent": percent,
                }
                for number, percent in shares.items()
            ],
            region,
        )

    def set_traffic(self, traffic: Sequence[dict[str, Any]], region: str = HOME) -> None:
        mask = {"updateMask": "traffic"}
        answer = self.http.patch(self._path(region), params=mask, json={"traffic": traffic})
        answer.raise_for_status()

    async def remembered(self, region: str = HOME) -> Rollout:
        return (await rollouts.read(region, self.service)).rollout


@pytest.fixture
async def cloud_run(
    firestore: str, settings_env: pytest.MonkeyPatch, logs: Path
) -> AsyncIterator[CloudRun]:
    """Every function with one revision in each region, and nothing remembered of any. The settings
    name the home region alone."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command: list[str | Path] = [sys.executable, "-m", "emulators.cloud_run", "--port", str(port)]
    command += ["--project", local_settings.PROJECT, "--regions", ",".join((HOME, ASIA, EUROPE))]
    with process(command, accepts(port), logs / "cloud_run.log"), pytest.MonkeyPatch.context() as p:
        for name in ("SEGUE_RUN_ENDPOINT", "SEGUE_MONITORING_ENDPOINT"):
            p.setenv(name, url)
        p.setenv("SEGUE_ANONYMOUS", "true")
        local_settings.forget_settings()
        async for snapshot in clients.collection(topology.ROLLOUTS).stream():
            await snapshot.reference.delete()
        with httpx.Client(base_url=url, timeout=10) as http:
            yield CloudRun(http)
        await clients.run().aclose()
        await clients.monitoring().aclose()
    local_settings.forget_settings()


@pytest.fixture
def three_regions(cloud_run: CloudRun) -> Iterator[None]:
    """The settings name all regions."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEGUE_REGIONS", f'["{HOME}", "{EUROPE}", "{ASIA}"]')
        settings.cache_clear()
        yield
    settings.cache_clear()
