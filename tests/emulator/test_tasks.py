"""The Cloud Tasks emulator as the local cloud starts it."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.api_core.exceptions import AlreadyExists
from google.cloud import tasks_v2
from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksGrpcTransport

from emulators import tasks
from emulators.environments import python_of
from emulators.processes import accepts, free_port, popen
from shared import topology

ROOT = Path(__file__).parents[2]
PARENT = "projects/segue-local/locations/us-central1/queues"


@pytest.fixture(scope="module")
def client() -> Iterator[tasks_v2.CloudTasksClient]:
    """The unmodified client."""
    python = Path(os.environ.get("SEGUE_TASKS_PYTHON") or python_of("tasks"))
    if not python.exists():
        message = "the environment of the tasks emulator is missing: `nox -s up` makes it"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    port = free_port()
    argv, env = tasks.command(python, port)
    process = popen(argv, env={**os.environ, **env}, cwd=ROOT)
    deadline = time.monotonic() + 30
    while not accepts(port)():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield tasks_v2.CloudTasksClient(transport=CloudTasksGrpcTransport(channel=channel))
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0


@pytest.fixture
def target() -> Iterator[tuple[str, list[dict[str, str]], list[int]]]:
    """A server's URL, the headers it got, the statuses it answers with (else 200)."""
    received: list[dict[str, str]] = []
    statuses: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            headers = {name.lower(): value for name, value in self.headers.items()}
            received.append(headers | {"body": body, "path": self.path})
            self.send_response(statuses.pop(0) if statuses else 200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", received, statuses
    server.shutdown()
    server.server_close()


def wait_for(received: list[dict[str, str]], count: int) -> None:
    deadline = time.monotonic() + 20
    while len(received) < count:
        assert time.monotonic() < deadline, received
        time.sleep(0.05)


def task(url: str, body: bytes, name: str | None = None) -> dict[str, Any]:
    request: dict[str, Any] = {
        "http_request": {
            "url": url,
            "http_method": "POST",
            "headers": {"Content-Type": "application/json"},
            "body": body,
        }
    }
    if name:
        request["name"] = name
    return request


def test_the_topology_s_queues_exist(client: tasks_v2.CloudTasksClient) -> None:
    names = {queue.name for queue in client.list_queues(parent=PARENT.removesuffix("/queues"))}
    assert names == {f"{PARENT}/{queue.name}" for queue in topology.QUEUES}


def test_a_task_arrives_and_is_tried_again_when_refused(
    client: tasks_v2.CloudTasksClient,
    target: tuple[str, list[dict[str, str]], list[int]],
) -> None:
    url, received, statuses = target
    statuses.append(503)
    queue = topology.QUEUES[0]
    client.create_task(parent=f"{PARENT}/{queue.name}", task=task(url + queue.path, b'{"a": 1}'))
    wait_for(received, 2)
    assert [r["x-cloudtasks-taskretrycount"] for r in received] == ["0", "1"]
    assert (received[1]["body"], received[1]["path"]) == ('{"a": 1}', queue.path)
    assert received[0]["x-cloudtasks-taskname"] == received[1]["x-cloudtasks-taskname"]


def test_a_target_that_restarts_for_some_seconds_still_gets_its_task(
    client: tasks_v2.CloudTasksClient,
    target: tuple[str, list[dict[str, str]], list[int]],
) -> None:
    url, received, statuses = target
    statuses.extend([503] * 5)
    started = time.monotonic()
    client.create_task(parent=f"{PARENT}/{topology.QUEUES[0].name}", task=task(url, b"{}"))
    wait_for(received, 6)
    assert time.monotonic() - started > 3


def test_a_named_task_is_taken_once(
    client: tasks_v2.CloudTasksClient,
    target: tuple[str, list[dict[str, str]], list[int]],
) -> None:
    url, received, _ = target
    parent = f"{PARENT}/{topology.QUEUES[0].name}"
    client.create_task(parent=parent, task=task(url, b"{}", f"{parent}/tasks/once"))
    with pytest.raises(AlreadyExists):
        client.create_task(parent=parent, task=task(url, b"{}", f"{parent}/tasks/once"))
    wait_for(received, 1)
    time.sleep(0.3)
    assert len(received) == 1
