"""The eventing process between real emulators and a function host of the test's own."""

from __future__ import annotations

import asyncio
import base64
import json
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from google.pubsub_v1 import PublisherClient, SubscriberClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport
from joserfc import jwt
from joserfc.jwk import KeySet

from emulators.eventing.pubsub import PubSub
from emulators.processes import free_port, popen
from shared import topology

ROOT = Path(__file__).parents[2]
EMAIL = "events@segue-local.iam.gserviceaccount.com"
AUDIENCE = "http://127.0.0.1:8080"
LEASE_S = 10  # the least that Pub/Sub takes


@dataclass
class Functions:
    """A function host: answers with the statuses that a test queues, else 204."""

    port: int
    statuses: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    delay_s: float = 0.0
    most_at_once: int = 0
    _now: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _server: ThreadingHTTPServer | None = None

    def start(self) -> None:
        functions = self

        class Handler(BaseHTTPRequestHandler):
            # HTTP/1.0: no connection outlives `stop`
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                with functions._lock:
                    functions._now += 1
                    functions.most_at_once = max(functions.most_at_once, functions._now)
                time.sleep(functions.delay_s)
                with functions._lock:
                    functions._now -= 1
                    functions.requests.append((self.path, headers, body))
                    queued = functions.statuses[self.path]
                    status = queued.pop(0) if queued else 204
                self.send_response(status)
                if status != 204:
                    self.send_header("Content-Length", "2")
                self.end_headers()
                if status != 204:
                    self.wfile.write(b"no")

            def log_message(self, *_: Any) -> None:
                return

        class Server(ThreadingHTTPServer):
            request_queue_size = 256
            daemon_threads = True

        self._server = Server(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def to(self, function: str) -> list[tuple[dict[str, str], bytes]]:
        path = f"/_events/{function}"
        return [(headers, body) for to, headers, body in self.requests if to == path]


def eventually(check: Callable[[], Any], seconds: float = 20) -> Any:
    deadline = time.monotonic() + seconds
    while not (result := check()):
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.05)
    return result


@dataclass
class Eventing:
    """The process under test, with a project of its own on the shared Pub/Sub emulator."""

    pubsub: str
    state: Path
    functions: Functions
    bigquery: str = "http://127.0.0.1:9"
    project: str = field(default_factory=lambda: f"test-{uuid.uuid4().hex[:10]}")
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.process = popen(
            [
                *(sys.executable, "-m", "emulators.eventing", "--port", str(self.port)),
                *("--pubsub", self.pubsub, "--bigquery", self.bigquery),
                *("--functions", f"http://127.0.0.1:{self.functions.port}"),
                *("--state", str(self.state), "--project", self.project, "--no-schedule"),
                *("--service-account", EMAIL, "--audience", AUDIENCE),
                *("--lease", str(LEASE_S)),
            ],
            cwd=ROOT,
        )

        def ready() -> bool:
            assert self.process is not None
            assert self.process.poll() is None
            try:
                return httpx.get(f"{self.url}/healthz").is_success
            except httpx.TransportError:
                return False

        eventually(ready)

    def end(self, sig: int = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(sig)
        return self.process.wait(10)

    def stats(self, subscription: str) -> dict[str, Any]:
        report = httpx.get(f"{self.url}/stats").json()
        return dict(report["subscriptions"][subscription])

    @contextmanager
    def publisher(self) -> Iterator[PublisherClient]:
        with grpc.insecure_channel(self.pubsub) as channel:
            yield PublisherClient(transport=PublisherGrpcTransport(channel=channel))

    @contextmanager
    def subscriber(self) -> Iterator[SubscriberClient]:
        with grpc.insecure_channel(self.pubsub) as channel:
            yield SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))

    def provision(self) -> None:
        with self.publisher() as publisher, self.subscriber() as subscriber:
            for topic in topology.TOPICS:
                for name in (topic.name, topic.dead_letter):
                    publisher.create_topic(name=f"projects/{self.project}/topics/{name}")
                self.subscribe(subscriber, f"{topic.dead_letter}.kept", topic.dead_letter)
            for function in topology.EVENT_FUNCTIONS:
                trigger = function.trigger
                if isinstance(trigger, topology.TopicTrigger):
                    name = f"{trigger.topic.name}.{function.name}"
                    self.subscribe(subscriber, name, trigger.topic.name)
            for export in topology.WAREHOUSE_EXPORTS:
                self.subscribe(subscriber, f"{export.topic.name}.bigquery", export.topic.name)

    def subscribe(self, subscriber: SubscriberClient, name: str, topic: str) -> None:
        subscriber.create_subscription(
            name=f"projects/{self.project}/subscriptions/{name}",
            topic=f"projects/{self.project}/topics/{topic}",
            ack_deadline_seconds=600,
        )

    def publish(self, topic: str, *payloads: bytes, **attributes: str) -> None:
        with self.publisher() as publisher:
            publisher.publish(
                topic=f"projects/{self.project}/topics/{topic}",
                messages=[{"data": data, "attributes": attributes} for data in payloads],
            )

    def buried(self, topic: str) -> Any:
        """One message of a dead-letter topic."""
        with self.subscriber() as subscriber:
            name = f"projects/{self.project}/subscriptions/{topic}-dead.kept"
            answer = subscriber.pull(subscription=name, max_messages=1, timeout=20)
            received = answer.received_messages[0]
            subscriber.acknowledge(subscription=name, ack_ids=[received.ack_id])
            return received.message


@pytest.fixture
def functions() -> Iterator[Functions]:
    functions = Functions(free_port())
    functions.start()
    yield functions
    functions.stop()


@pytest.fixture
def eventing(pubsub: str, tmp_path: Path, functions: Functions) -> Iterator[Eventing]:
    eventing = Eventing(pubsub, tmp_path / "eventing", functions)
    eventing.provision()
    eventing.start()
    yield eventing
    if eventing.process and eventing.process.poll() is None:
        assert eventing.end() == 0


def cloud_event(eventing: Eventing, identifier: str, bucket: str = "masters") -> httpx.Response:
    name = f"{eventing.project}-{bucket}"
    return httpx.post(
        f"{eventing.url}/eventarc",
        headers={
            "ce-id": identifier,
            "ce-specversion": "1.0",
            "ce-type": "google.cloud.storage.object.v1.finalized",
            "ce-source": f"//storage.googleapis.com/projects/_/buckets/{name}",
            "ce-subject": "objects/uploads/x",
            "content-type": "application/json",
        },
        content=json.dumps({"bucket": name, "name": "uploads/x", "generation": "1"}),
    )


# --- Pub/Sub push ---------------------------------------------------------------------------


def test_a_message_is_pushed_with_a_token_that_verifies(
    eventing: Eventing, functions: Functions
) -> None:
    eventing.publish("track-published", b'{"track_id": "t"}', origin="test")
    headers, body = eventually(lambda: functions.to("queue_cdn_priming"))[0]
    pushed = json.loads(body)
    assert base64.b64decode(pushed["message"]["data"]) == b'{"track_id": "t"}'
    assert pushed["message"]["attributes"] == {"origin": "test"}
    assert pushed["message"]["messageId"]
    assert pushed["deliveryAttempt"] == 1
    name = "track-published.queue_cdn_priming"
    assert pushed["subscription"] == f"projects/{eventing.project}/subscriptions/{name}"
    keys = KeySet.import_key_set(httpx.get(f"{eventing.url}/oauth2/v3/certs").json())
    token = headers["authorization"].removeprefix("Bearer ")
    claims = jwt.decode(token, keys, algorithms=["RS256"]).claims
    assert (claims["iss"], claims["aud"]) == ("https://accounts.google.com", AUDIENCE)
    assert (claims["email"], claims["email_verified"]) == (EMAIL, True)
    eventually(lambda: eventing.stats(name)["delivered"] == 1)
    assert httpx.get(f"{eventing.url}/stats").json()["backlog"] == 0


def test_a_refused_message_is_tried_again_then_buried_with_its_reason(
    eventing: Eventing, functions: Functions
) -> None:
    functions.statuses["/_events/queue_cdn_priming"] = [500, 503]
    eventing.publish("track-published", b"{}")
    eventually(lambda: len(functions.to("queue_cdn_priming")) == 3)
    attempts = [json.loads(b)["deliveryAttempt"] for _, b in functions.to("queue_cdn_priming")]
    assert attempts == [1, 2, 3]

    functions.statuses["/_events/queue_cdn_priming"] = [500] * 5
    eventing.publish("track-published", b'{"poison": 1}', kept="yes")
    message = eventing.buried("track-published")
    assert message.data == b'{"poison": 1}'
    assert message.attributes["kept"] == "yes"
    assert message.attributes["reason"].startswith("HTTP 500")
    source = message.attributes["CloudPubSubDeadLetterSourceSubscription"]
    assert source == "track-published.queue_cdn_priming"
    assert message.attributes["CloudPubSubDeadLetterSourceDeliveryCount"] == "5"
    stats = eventually(
        lambda: (s := eventing.stats(source))["dead_letters"] == 1 and s["backlog"] == 0 and s
    )
    assert (stats["delivered"], stats["failures"]) == (1, 7)


async def test_a_message_is_buried_even_when_pubsub_is_away_for_a_while(pubsub: str) -> None:
    project, port = f"test-{uuid.uuid4().hex[:10]}", free_port()
    client = PubSub(f"127.0.0.1:{port}", project)
    burying = asyncio.create_task(client.bury("late-dead", b"kept", {}))
    await asyncio.sleep(0.5)
    assert not burying.done()

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
        writer.close()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, _, emulator = pubsub.rpartition(":")
        from_pubsub, to_pubsub = await asyncio.open_connection(host, int(emulator))
        await asyncio.gather(copy(reader, to_pubsub), copy(from_pubsub, writer))

    async with await asyncio.start_server(forward, "127.0.0.1", port):
        async with asyncio.timeout(20):
            await burying
        await client.close()
    with grpc.insecure_channel(pubsub) as channel:
        subscriber = SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
        name = f"projects/{project}/subscriptions/late-dead.kept"
        (received,) = subscriber.pull(
            subscription=name, max_messages=1, timeout=20
        ).received_messages
    assert received.message.data == b"kept"


def test_a_host_that_is_down_costs_no_attempt(eventing: Eventing, functions: Functions) -> None:
    functions.stop()
    eventing.publish("playback-events", *(b"%d" % n for n in range(40)))
    name = "playback-events.record_history"
    eventually(lambda: eventing.stats(name)["unreachable"] > 150)
    functions.start()
    eventually(lambda: len(functions.to("record_history")) == 40)
    assert eventing.stats(name)["dead_letters"] == 0


def test_no_function_gets_more_at_once_than_it_declares(
    eventing: Eventing, functions: Functions
) -> None:
    functions.delay_s = 0.1
    eventing.publish("master-received", *(b"{}" for _ in range(6)))
    eventually(lambda: len(functions.to("validate_master")) == 6)
    assert functions.most_at_once == topology.ENTRIES["validate_master"].concurrency == 1


def test_an_unfinished_message_comes_again_after_a_kill(
    eventing: Eventing, functions: Functions
) -> None:
    functions.delay_s = 3
    eventing.publish("track-published", b"{}")
    eventually(lambda: functions.most_at_once == 1)
    eventing.end(signal.SIGKILL)
    functions.delay_s = 0
    eventing.start()
    # within the lease, not the subscription's ten minutes
    eventually(lambda: len(functions.to("queue_cdn_priming")) == 2, seconds=30)


def test_a_handler_may_take_longer_than_the_lease(eventing: Eventing, functions: Functions) -> None:
    functions.delay_s = LEASE_S + 2
    eventing.publish("track-published", b"{}")
    name = "track-published.queue_cdn_priming"
    eventually(lambda: eventing.stats(name)["delivered"] == 1, seconds=30)
    assert len(functions.to("queue_cdn_priming")) == 1


# --- Eventarc -------------------------------------------------------------------------------


def test_a_storage_event_reaches_the_function_of_its_bucket(
    eventing: Eventing, functions: Functions
) -> None:
    assert cloud_event(eventing, "1").status_code == 202
    assert cloud_event(eventing, "2", bucket="audio").json() == {"triggered": 0}
    headers, body = eventually(lambda: functions.to("receive_master"))[0]
    assert headers["ce-id"] == "1"
    assert headers["ce-type"] == "google.cloud.storage.object.v1.finalized"
    assert headers["ce-subject"] == "objects/uploads/x"
    assert headers["authorization"].startswith("Bearer ")
    assert json.loads(body)["name"] == "uploads/x"
    assert httpx.post(f"{eventing.url}/eventarc", content=b"{}").status_code == 400


def test_an_accepted_event_survives_a_kill(eventing: Eventing, functions: Functions) -> None:
    functions.stop()
    for identifier in ("1", "2", "3"):
        assert cloud_event(eventing, identifier).status_code == 202
    eventing.end(signal.SIGKILL)
    functions.start()
    eventing.start()
    eventually(lambda: len(functions.to("receive_master")) == 3)
    eventually(lambda: eventing.stats("eventarc.receive_master")["backlog"] == 0)
    assert eventing.end() == 0
    eventing.start()
    time.sleep(0.5)
    assert len(functions.to("receive_master")) == 3


def test_an_event_that_always_fails_is_buried(eventing: Eventing, functions: Functions) -> None:
    functions.statuses["/_events/receive_master"] = [500] * 5
    cloud_event(eventing, "poison")
    eventually(lambda: eventing.stats("eventarc.receive_master")["dead_letters"] == 1)
    assert len(functions.to("receive_master")) == 5
    cloud_event(eventing, "fine")
    eventually(lambda: eventing.stats("eventarc.receive_master")["delivered"] == 1)


# --- tasks and jobs -------------------------------------------------------------------------


def test_a_task_is_forwarded_with_a_token_and_its_answer_returned(
    eventing: Eventing, functions: Functions
) -> None:
    functions.statuses["/tasks/prime-cdn?x=1"] = [429]
    answer = httpx.post(
        f"{eventing.url}/_tasks/tasks/prime-cdn?x=1",
        content=b"payload",
        headers={"X-CloudTasks-TaskName": "t", "Content-Type": "application/json"},
    )
    assert (answer.status_code, answer.content) == (429, b"no")
    path, headers, body = functions.requests[-1]
    assert (path, body) == ("/tasks/prime-cdn?x=1", b"payload")
    assert headers["x-cloudtasks-taskname"] == "t"
    assert headers["authorization"].startswith("Bearer ")
    functions.stop()
    assert httpx.post(f"{eventing.url}/_tasks/tasks/prime-cdn").status_code == 503


def test_unknown_jobs_and_paths_are_not_found(eventing: Eventing) -> None:
    assert httpx.post(f"{eventing.url}/jobs/none:run").status_code == 404
    assert httpx.get(f"{eventing.url}/none").status_code == 404


def test_a_job_runs_when_asked(eventing: Eventing) -> None:
    job = topology.JOBS[0].name
    if not (ROOT / "jobs" / job / "main.py").exists():
        pytest.skip(f"jobs/{job} is not there yet")
    # Without settings a job cannot do its work: what counts here is that its end is reported.
    answer = httpx.post(f"{eventing.url}/jobs/{job}:run", timeout=60)
    assert answer.status_code == 200
    assert {"exit_code", "stdout"} == answer.json().keys()
    assert httpx.post(f"{eventing.url}/jobs/{job}:run?wait=false").status_code == 202
