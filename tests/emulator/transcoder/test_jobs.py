"""Jobs over the wire: states, failures, refusals, notifications, templates, the process."""

from __future__ import annotations

import asyncio
import base64
import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

import grpc
import httpx
import psutil
import pytest
from google.api_core import exceptions
from google.cloud.video.transcoder_v1 import TranscoderServiceClient
from google.cloud.video.transcoder_v1.services.transcoder_service import transports
from google.cloud.video.transcoder_v1.types import Job
from google.rpc import error_details_pb2

from emulators.processes import accepts, free_port
from tests import local_settings
from tests.emulator.conftest import process, store_secret
from tests.emulator.transcoder.configs import ladder, preview, single
from tests.emulator.transcoder.conftest import (
    PARENT,
    Workbench,
    busy_music,
    flac,
)

PROJECT = local_settings.PROJECT


@pytest.fixture(scope="session")
def master(transcoder: Workbench) -> bytes:
    """Eight seconds of FLAC."""
    return flac(busy_music(8) * 0.5, transcoder.folder)


@pytest.fixture(scope="session")
def source(transcoder: Workbench, master: bytes) -> str:
    """Where it is stored."""
    return transcoder.put("masters/eight.flac", master)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("text", b"this is no music\n" * 500, "not decodable audio"),
        ("empty", b"", "not decodable audio"),
        ("picture", None, "no audio track"),
        ("truncated", None, "truncated"),
        ("damaged", None, "damaged"),
        ("short", None, "at least 5 seconds"),
    ],
)
async def test_a_bad_input_fails_the_job_with_its_reason(
    transcoder: Workbench, master: bytes, name: str, content: bytes | None, says: str
) -> None:
    if name == "truncated":
        content = master[: len(master) // 2]
    elif name == "damaged":
        middle = len(master) // 2
        content = master[:middle] + b"\0" * 4000 + master[middle + 4000 :]
    elif name == "short":
        content = flac(busy_music(3), transcoder.folder)
    elif name == "picture":
        content = _bitmap()
    assert content is not None
    source = transcoder.put(f"masters/{name}", content)
    job = await transcoder.run(single(source, f"gs://transcoder-test/bad/{name}/", lufs=-14))
    assert job.state == Job.ProcessingState.FAILED
    assert job.error.code == 3
    assert says in job.error.message
    assert "Traceback" not in job.error.message
    assert "/" not in job.error.message.replace("I/O", "")
    assert job.start_time <= job.end_time
    assert transcoder.names(f"bad/{name}/") == []


async def test_an_input_that_does_not_exist_fails_the_job(transcoder: Workbench) -> None:
    config = single("gs://transcoder-test/masters/nothing", "gs://transcoder-test/none/")
    job = await transcoder.run(config)
    assert job.state == Job.ProcessingState.FAILED
    assert job.error.code == 5
    assert "gs://transcoder-test/masters/nothing" in job.error.message
    info = error_details_pb2.ErrorInfo()
    assert job.error.details[0].Unpack(info)
    assert (info.domain, info.reason) == ("transcoder.googleapis.com", "GCSNotFound")


async def test_an_output_bucket_that_does_not_exist_fails_the_job(
    transcoder: Workbench, source: str
) -> None:
    job = await transcoder.run(single(source, "gs://no-such-bucket/out/"))
    assert job.state == Job.ProcessingState.FAILED
    assert job.error.code == 5


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        (None, "Cannot read"),
        (b"raw", "not the documented JSON"),
        (b'{"encryptionKeys": [{"keyId": "12", "key": "34"}]}', "32 hexadecimal digits"),
        (
            json.dumps(
                {
                    "encryptionKeys": [
                        {
                            "keyId": "0" * 32,
                            "key": "1" * 32,
                            "matchers": [{"muxStreams": ["aac_64"]}],
                        }
                    ]
                }
            ).encode(),
            "no key matches mux stream aac_96",
        ),
    ],
)
async def test_a_key_that_cannot_be_used_fails_the_job(
    transcoder: Workbench, key_store: str, source: str, payload: bytes | None, says: str
) -> None:
    name = f"key-{abs(hash(says))}"
    if payload is not None:
        store_secret(key_store, name, payload)
    version = f"projects/{PROJECT}/secrets/{name}/versions/1"
    job = await transcoder.run(ladder(source, "gs://transcoder-test/keys/", version))
    assert job.state == Job.ProcessingState.FAILED
    assert says in job.error.message
    assert "1" * 32 not in job.error.message


async def test_a_configuration_is_refused_with_the_fields_at_fault(
    transcoder: Workbench, source: str
) -> None:
    config = single(source, "gs://transcoder-test/refused/", lufs=-30)
    config["elementary_streams"][0]["audio_stream"]["bitrate_bps"] = 0
    with pytest.raises(exceptions.InvalidArgument) as refusal:
        await transcoder.create(config)
    assert "config.inputs[0].preprocessing_config.audio.lufs" in refusal.value.message
    assert "config.elementary_streams[0].audio_stream.bitrate_bps" in refusal.value.message


async def test_video_is_refused_as_unimplemented(transcoder: Workbench, source: str) -> None:
    with pytest.raises(exceptions.MethodNotImplemented):
        await transcoder.client.create_job(
            parent=PARENT, job={"input_uri": source, "template_id": "preset/web-hd"}
        )


async def test_uris_of_the_job_fill_the_blanks_of_its_configuration(
    transcoder: Workbench, source: str
) -> None:
    config = single("", "")
    del config["inputs"]
    uris = {"input_uri": source, "output_uri": "gs://transcoder-test/filled/"}
    job = await transcoder.succeed(config, **uris)
    assert job.config.inputs[0].uri == source
    assert job.config.output.uri == "gs://transcoder-test/filled/"
    assert transcoder.names("filled/") == ["aac.mp4"]


async def test_a_template_makes_jobs_until_it_is_deleted(
    transcoder: Workbench, source: str
) -> None:
    config = single("", "gs://transcoder-test/template/")
    del config["inputs"]
    client = transcoder.client
    template = await client.create_job_template(
        parent=PARENT, job_template={"config": config}, job_template_id="one-file"
    )
    assert template.name == f"{PARENT}/jobTemplates/one-file"
    with pytest.raises(exceptions.AlreadyExists):
        await client.create_job_template(
            parent=PARENT, job_template={"config": config}, job_template_id="one-file"
        )
    listed = [item.name async for item in await client.list_job_templates(parent=PARENT)]
    assert listed == [template.name]
    job = {"template_id": "one-file", "input_uri": source}
    made = await transcoder.finish(await client.create_job(parent=PARENT, job=job))
    assert made.state == Job.ProcessingState.SUCCEEDED
    await client.delete_job_template(name=template.name)
    with pytest.raises(exceptions.NotFound):
        await client.create_job(parent=PARENT, job=job)


async def test_jobs_are_listed_by_page_and_filter_and_deleted(
    transcoder: Workbench, source: str
) -> None:
    client = transcoder.client
    config = single(source, "gs://transcoder-test/listed/")
    jobs = [await transcoder.succeed(config, labels={"batch": "listing"}) for _ in range(3)]
    query = {"parent": PARENT, "page_size": 2, "filter": "labels.batch=listing AND state=SUCCEEDED"}
    listed = [job.name async for job in await client.list_jobs(request=query)]
    assert listed == [job.name for job in jobs]
    await client.delete_job(name=jobs[0].name)
    with pytest.raises(exceptions.NotFound):
        await client.get_job(name=jobs[0].name)
    with pytest.raises(exceptions.NotFound):
        await client.delete_job(name=jobs[0].name)
    await client.delete_job(request={"name": jobs[0].name, "allow_missing": True})


async def test_the_end_of_a_job_is_published(
    transcoder: Workbench, source: str, pubsub: str
) -> None:
    messages = _Subscription(pubsub, "ends")
    config = single(source, "gs://transcoder-test/published/")
    config["pubsub_destination"] = {"topic": messages.topic}
    good = await transcoder.succeed(config)
    config["inputs"][0]["uri"] = "gs://transcoder-test/masters/nothing"
    bad = await transcoder.run(config)
    received = {message["job"]["name"]: message["job"] for message in messages.take(2)}
    assert received[good.name] == {"name": good.name, "state": "SUCCEEDED"}
    assert received[bad.name]["state"] == "FAILED"
    assert received[bad.name]["error"]["code"] == 5
    assert received[bad.name]["error"]["message"] == bad.error.message


async def test_a_notification_waits_for_its_topic(
    transcoder: Workbench, source: str, pubsub: str
) -> None:
    config = single(source, "gs://transcoder-test/waiting/")
    config["pubsub_destination"] = {"topic": f"projects/{PROJECT}/topics/transcoder-late"}
    job = await transcoder.succeed(config)
    await asyncio.sleep(1)
    messages = _Subscription(pubsub, "late")
    assert messages.take(1)[0]["job"]["name"] == job.name


async def test_jobs_beyond_the_workers_wait_and_a_deleted_one_never_runs(
    storage: str, key_store: str, pubsub: str, source: str, transcoder: Workbench, tmp_path: Path
) -> None:
    port = free_port()
    command = _command(port, storage, key_store, pubsub, tmp_path / "state", workers=1)
    with process(command, accepts(port), tmp_path / "log"), _client(port) as client:
        first, second, third = (
            client.create_job(parent=PARENT, job={"config": _slow(transcoder, number)})
            for number in range(3)
        )
        assert first.state == Job.ProcessingState.PENDING
        client.delete_job(name=second.name)
        await _until(lambda: client.get_job(name=first.name).state == 2)
        assert client.get_job(name=third.name).state == Job.ProcessingState.PENDING
        client.delete_job(name=first.name)  # running: ends its children
        await _until(lambda: client.get_job(name=third.name).state != 1)
        with pytest.raises(exceptions.NotFound):
            client.get_job(name=second.name)


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
async def test_children_end_with_the_server_and_leave_nothing(
    storage: str,
    key_store: str,
    pubsub: str,
    transcoder: Workbench,
    tmp_path: Path,
    ending: signal.Signals,
) -> None:
    port, state = free_port(), tmp_path / "state"
    command = _command(port, storage, key_store, pubsub, state)
    with process(command, accepts(port), tmp_path / "log") as server:
        with _client(port) as client:
            for number in range(2):
                client.create_job(parent=PARENT, job={"config": _slow(transcoder, number)})
        parent = psutil.Process(server.pid)
        await _until(lambda: len(parent.children()) == 2)
        children = parent.children()
        started = time.monotonic()
        server.send_signal(ending)
        server.wait(5)
        assert time.monotonic() - started < 3
        assert not psutil.wait_procs(children, timeout=3)[1]
    if ending == signal.SIGTERM:
        assert server.returncode == 0
        assert list((state / "tmp").iterdir()) == []
        assert "Traceback" not in (tmp_path / "log").read_text()
    port = free_port()
    command = _command(port, storage, key_store, pubsub, state)
    with process(command, accepts(port), tmp_path / "log2"):
        assert list((state / "tmp").iterdir()) == []


async def test_a_second_server_on_the_same_state_is_refused(
    storage: str, key_store: str, pubsub: str, tmp_path: Path
) -> None:
    port = free_port()
    command = _command(port, storage, key_store, pubsub, tmp_path / "state")
    with process(command, accepts(port), tmp_path / "log"):
        other = await asyncio.create_subprocess_exec(
            *_command(free_port(), storage, key_store, pubsub, tmp_path / "state"),
            stderr=asyncio.subprocess.PIPE,
        )
        _, stderr = await asyncio.wait_for(other.communicate(), 10)
        assert other.returncode == 1
        assert "in use" in stderr.decode()


async def test_a_preview_of_a_known_master_is_as_loud_as_the_track(
    transcoder: Workbench, source: str
) -> None:
    config = preview(source, "gs://transcoder-test/known/", 1, 7)
    job = await transcoder.succeed(config)
    assert set(transcoder.report(job)["encoded"]) == {"preview", "clip_aac"}
    again = await transcoder.succeed(config)
    assert transcoder.report(again)["encoded"] == []


def _command(
    port: int, storage: str, key_store: str, pubsub: str, state: Path, workers: int = 2
) -> list[str]:
    options = {
        "--port": port,
        "--state": state,
        "--storage": storage,
        "--secret-manager": key_store,
        "--pubsub": pubsub,
        "--workers": workers,
    }
    pairs = [str(part) for option in options.items() for part in option]
    return [sys.executable, "-m", "emulators.transcoder", *pairs]


class _client:
    """The synchronous client, for a `with` block."""

    def __init__(self, port: int) -> None:
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}")

    def __enter__(self) -> TranscoderServiceClient:
        transport = transports.TranscoderServiceGrpcTransport(channel=self._channel)
        return TranscoderServiceClient(transport=transport)

    def __exit__(self, *_: object) -> None:
        self._channel.close()


def _slow(transcoder: Workbench, number: int) -> dict[str, Any]:
    """A job that takes some seconds, like no other one of another number."""
    if "slow.flac" not in transcoder.names("masters/"):
        transcoder.put("masters/slow.flac", flac(busy_music(90), transcoder.folder))
    source = "gs://transcoder-test/masters/slow.flac"
    config = single(source, "gs://transcoder-test/slow/", lufs=-14 - number)
    streams = config["elementary_streams"]
    for kbps in (96, 160, 320):
        key = f"vorbis_{kbps}"
        audio = {**streams[0]["audio_stream"], "codec": "vorbis", "bitrate_bps": kbps * 1000}
        streams.append({"key": key, "audio_stream": audio})
        mux = {"key": key, "container": "ogg", "elementary_streams": [key]}
        config["mux_streams"].append(mux)
    return config


async def _until(holds: Any, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


class _Subscription:
    """A fresh topic with a subscription, over the Pub/Sub emulator's REST."""

    def __init__(self, pubsub: str, name: str) -> None:
        self._base = f"http://{pubsub}/v1"
        self.topic = f"projects/{PROJECT}/topics/transcoder-{name}"
        self._path = f"projects/{PROJECT}/subscriptions/transcoder-{name}"
        with httpx.Client(trust_env=False) as http:
            http.put(f"{self._base}/{self.topic}").raise_for_status()
            body = {"topic": self.topic}
            http.put(f"{self._base}/{self._path}", json=body).raise_for_status()

    def take(self, count: int) -> list[dict[str, Any]]:
        """The next `count` messages."""
        taken: list[dict[str, Any]] = []
        deadline = time.monotonic() + 30
        while len(taken) < count and time.monotonic() < deadline:
            answer = httpx.post(
                f"{self._base}/{self._path}:pull",
                json={"maxMessages": count},
                timeout=30,
                trust_env=False,
            ).json()
            for item in answer.get("receivedMessages", []):
                taken.append(json.loads(base64.b64decode(item["message"]["data"])))
                acknowledged = {"ackIds": [item["ackId"]]}
                url = f"{self._base}/{self._path}:acknowledge"
                httpx.post(url, json=acknowledged, trust_env=False)
        assert len(taken) == count
        return taken


def _bitmap() -> bytes:
    """A BMP picture of 8 by 8 black pixels."""
    pixels = bytes(8 * 8 * 3)
    header = b"BM" + (54 + len(pixels)).to_bytes(4, "little") + bytes(4)
    info = (54).to_bytes(4, "little") + (40).to_bytes(4, "little")
    size = (8).to_bytes(4, "little") * 2 + (1).to_bytes(2, "little") + (24).to_bytes(2, "little")
    return header + info + size + bytes(24) + pixels
