"""The Cloud Run Admin API v2, as far as traffic goes, and Cloud Monitoring's time series.

`python -m emulators.cloud_run --port P --project NAME --regions us-central1,europe-west1`

Every function of the topology is a service with one revision in each region, and its traffic
follows the latest, as on a service that was just made. Beside Google's paths there are ours, for
tests and for trying a release out by hand:

    POST /_deploy   {"region", "service", "ready": true, "made_at": now}   a new revision
    POST /_traffic  {"region", "service", "revision", "at": now, "requests": {"2xx": 990}, \
"latency_ms": 20}
    POST /_faults   {"method": "PATCH", "path": "regex", "status": 503, "times": 1}
                    {"method": "PATCH", "operation_s": 5}    its operation takes so long
    GET, DELETE /_faults   those that are left
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from emulators.serving import Server
from emulators.time_series import InvalidQuery, Requests, TimeSeries
from shared import topology

OPERATION_S = 0.0  # Cloud Run's take some seconds; ours are done as they are answered
LATEST = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
BY_REVISION = "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION"
STATUS_NAMES = {
    400: "INVALID_ARGUMENT",
    404: "NOT_FOUND",
    409: "ABORTED",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
}


@dataclass(slots=True)
class Fault:
    """What happens to the next `times` requests of this kind."""

    method: str
    path: str = ""
    status: int | None = None
    operation_s: float | None = None
    times: int = 1


@dataclass(slots=True)
class Service:
    """One service; revision `n` of its `revisions` is the n-th that was made."""

    name: str  # the full resource name
    revisions: dict[str, datetime] = field(default_factory=dict)  # short name -> made at
    latest_ready: str = ""
    traffic: list[dict[str, Any]] = field(
        default_factory=lambda: [{"type": LATEST, "percent": 100}]
    )
    generation: int = 0
    settled_at: float = 0.0  # time.monotonic

    def deploy(self, made_at: datetime, *, ready: bool = True) -> str:
        """Makes a revision; one that is not ready never gets traffic."""
        short = self.name.rpartition("/")[2]
        revision = f"{short}-{len(self.revisions) + 1:05d}-seg"
        self.revisions[revision] = made_at
        if ready:
            self.latest_ready = revision
        self.generation += 1
        return revision

    @property
    def etag(self) -> str:
        """Another one after each change."""
        return f'"{self.generation:x}"'

    def shown(self) -> dict[str, Any]:
        """The resource as the API answers it."""
        reconciling = time.monotonic() < self.settled_at
        state = "CONDITION_RECONCILING" if reconciling else "CONDITION_SUCCEEDED"
        return {
            "name": self.name,
            "generation": str(self.generation),
            "labels": {"goog-managed-by": "cloudfunctions"},
            "etag": self.etag,
            "latestReadyRevision": self._full(self.latest_ready),
            "latestCreatedRevision": self._full(list(self.revisions)[-1]),
            "traffic": self.traffic,
            "reconciling": reconciling,
            "terminalCondition": {"type": "Ready", "state": state},
        }

    def shown_revision(self, revision: str) -> dict[str, Any]:
        """The resource of one of its revisions."""
        return {
            "name": self._full(revision),
            "service": self.name.rpartition("/")[2],
            "createTime": self.revisions[revision].isoformat(),
        }

    def _full(self, revision: str) -> str:
        return f"{self.name}/revisions/{revision}"


class CloudRun:
    """The state of all regions and the handlers of all paths."""

    def __init__(self, project: str, regions: Sequence[str]) -> None:
        self._services: dict[str, Service] = {}
        self._operations: dict[str, tuple[Service, float]] = {}  # -> done at
        self._faults: list[Fault] = []
        self._series = TimeSeries()
        self._project = project
        for region in regions:
            for entry in topology.ENTRIES.values():
                if isinstance(entry, topology.Job):
                    continue
                service = Service(self._name(region, entry.name.replace("_", "-")))
                service.deploy(datetime.now(UTC))
                self._services[service.name] = service

    def app(self) -> Starlette:
        """The ASGI application."""
        at = "/v2/projects/{project}/locations/{region}"
        routes = [
            Route(at + "/services/{service}", self._get),
            Route(at + "/services/{service}", self._patch, methods=["PATCH"]),
            Route(at + "/services/{service}/revisions/{revision}", self._get_revision),
            Route(at + "/operations/{operation}", self._get_operation),
            Route("/v3/projects/{project}/timeSeries", self._list_time_series),
            Route("/_deploy", self._deploy, methods=["POST"]),
            Route("/_traffic", self._report, methods=["POST"]),
            Route("/_faults", self._change_faults, methods=["GET", "POST", "DELETE"]),
        ]
        return Starlette(routes=routes, exception_handlers={HTTPException: _refusal})

    def _name(self, region: str, service: str) -> str:
        return f"projects/{self._project}/locations/{region}/services/{service}"

    def _find(self, region: str, service: str) -> Service:
        name = self._name(region, service)
        if name not in self._services:
            raise HTTPException(404, f"Resource '{name}' was not found")
        return self._services[name]

    def _of(self, request: Request) -> Service:
        where = request.path_params
        if where["project"] != self._project:
            raise HTTPException(404, f"Project '{where['project']}' was not found")
        return self._find(where["region"], where["service"])

    def _fault(self, request: Request) -> Fault | None:
        """The fault that is queued for `request`. Raises where it is a status."""
        for fault in self._faults:
            if fault.method == request.method and re.search(fault.path, request.url.path):
                fault.times -= 1
                if not fault.times:
                    self._faults.remove(fault)
                if fault.status is not None:
                    raise HTTPException(fault.status, "a fault that was queued")
                return fault
        return None

    # --- Google's -----------------------------------------------------------------------------

    async def _get(self, request: Request) -> Response:
        self._fault(request)
        return JSONResponse(self._of(request).shown())

    async def _get_revision(self, request: Request) -> Response:
        self._fault(request)
        service, revision = self._of(request), request.path_params["revision"]
        if revision not in service.revisions:
            raise HTTPException(404, f"Revision '{revision}' was not found")
        return JSONResponse(service.shown_revision(revision))

    async def _patch(self, request: Request) -> Response:
        fault = self._fault(request)
        service, body = self._of(request), await request.json()
        if request.query_params.get("updateMask") != "traffic":
            raise HTTPException(501, "this emulator updates `traffic` alone")
        if body.get("etag") not in (None, service.etag):
            raise HTTPException(409, f"etag {body['etag']} is not the present {service.etag}")
        _check_traffic(service, body["traffic"])
        service.traffic = body["traffic"]
        service.generation += 1
        seconds = fault.operation_s if fault and fault.operation_s is not None else OPERATION_S
        service.settled_at = time.monotonic() + seconds
        parent = service.name.rpartition("/services/")[0]
        operation = f"{parent}/operations/{len(self._operations) + 1}"
        self._operations[operation] = service, service.settled_at
        return self._shown_operation(operation)

    async def _get_operation(self, request: Request) -> Response:
        self._fault(request)
        name = request.url.path.removeprefix("/v2/")
        if name not in self._operations:
            raise HTTPException(404, f"Operation '{name}' was not found")
        return self._shown_operation(name)

    def _shown_operation(self, name: str) -> Response:
        service, done_at = self._operations[name]
        if time.monotonic() < done_at:
            return JSONResponse({"name": name, "metadata": service.shown()})
        return JSONResponse({"name": name, "done": True, "response": service.shown()})

    async def _list_time_series(self, request: Request) -> Response:
        self._fault(request)
        groups = request.query_params.getlist("aggregation.groupByFields")
        try:
            found = self._series.list(dict(request.query_params), groups)
        except InvalidQuery as error:
            raise HTTPException(400, str(error)) from error
        return JSONResponse({"timeSeries": found} if found else {})

    # --- ours ---------------------------------------------------------------------------------

    async def _deploy(self, request: Request) -> Response:
        body = await request.json()
        service = self._find(body["region"], body["service"])
        made_at = _time(body.get("made_at"))
        revision = service.deploy(made_at, ready=body.get("ready", True))
        return JSONResponse(service.shown_revision(revision) | {"revision": revision}, 201)

    async def _report(self, request: Request) -> Response:
        body = await request.json()
        service = self._find(body["region"], body["service"])
        if body["revision"] not in service.revisions:
            raise HTTPException(404, f"Revision '{body['revision']}' was not found")
        where = (body["region"], body["service"], body["revision"])
        for code_class, count in body["requests"].items():
            latency_ms = float(body.get("latency_ms", 20))
            at = _time(body.get("at"))
            self._series.report(Requests(at, *where, code_class, count, latency_ms))
        return Response(status_code=204)

    async def _change_faults(self, request: Request) -> Response:
        if request.method == "DELETE":
            self._faults.clear()
        elif request.method == "POST":
            try:
                self._faults.append(Fault(**await request.json()))
            except TypeError as error:
                raise HTTPException(400, str(error)) from error
        return JSONResponse({"faults": [asdict(fault) for fault in self._faults]})


def _check_traffic(service: Service, traffic: Sequence[dict[str, Any]]) -> None:
    for target in traffic:
        if target.get("type") == BY_REVISION and target.get("revision") not in service.revisions:
            raise HTTPException(400, f"Revision '{target.get('revision')}' does not exist")
        if target.get("type") not in (BY_REVISION, LATEST):
            raise HTTPException(400, "a traffic target needs a type")
    if sum(target.get("percent", 0) for target in traffic) != 100:
        raise HTTPException(400, "the traffic must add up to 100 percent")


def _time(text: str | None) -> datetime:
    return datetime.now(UTC) if text is None else datetime.fromisoformat(text)


async def _refusal(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = STATUS_NAMES.get(error.status_code, "UNKNOWN")
    body = {"code": error.status_code, "message": error.detail, "status": status}
    return JSONResponse({"error": body}, error.status_code)


def main() -> None:
    """Serves until SIGTERM."""
    parser = argparse.ArgumentParser(prog="emulators.cloud_run", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--project", required=True)
    parser.add_argument("--regions", required=True, help="separated by commas")
    options = parser.parse_args()
    config = uvicorn.Config(
        CloudRun(options.project, options.regions.split(",")).app(),
        host="127.0.0.1",
        port=options.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=1,
    )
    Server(config).run()


if __name__ == "__main__":
    main()
