"""The Transcoder emulator as its own process, with storage, Secret Manager and Pub/Sub around it.

`transcoder` drives it with the unmodified client; `Workbench` adds what a test needs to see the
results: masters, outputs, decoded samples.
"""

from __future__ import annotations

import asyncio
import http.server
import json
import subprocess
import sys
import threading
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import httpx
import numpy as np
import pytest
from gcp_storage_emulator.server import create_server
from google.cloud.video.transcoder_v1 import TranscoderServiceAsyncClient
from google.cloud.video.transcoder_v1.services.transcoder_service import transports
from google.cloud.video.transcoder_v1.types import Job
from imageio_ffmpeg import get_ffmpeg_exe

from emulators.processes import accepts, free_port
from tests import local_settings
from tests.emulator.conftest import process

PARENT = f"projects/{local_settings.PROJECT}/locations/us-central1"
BUCKET = "transcoder-test"
JOB_S = 120
FINISHED = (Job.ProcessingState.SUCCEEDED, Job.ProcessingState.FAILED)


def ffmpeg(*arguments: str | Path, check: bool = True) -> subprocess.CompletedProcess[bytes]:
    """Runs ffmpeg; stdout is what it wrote to `-`."""
    command = [get_ffmpeg_exe(), "-hide_banner", "-nostdin", "-y", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, timeout=120, check=check)


class Workbench:
    """Storage of the tests, the client, and the server's log."""

    def __init__(
        self, client: TranscoderServiceAsyncClient, storage: str, log: Path, folder: Path
    ) -> None:
        self.client = client
        self.storage = storage
        self.log = log
        self.folder = folder

    def put(self, name: str, content: bytes) -> str:
        """Stores an object; returns its URI."""
        url, query = f"{self.storage}/upload/storage/v1/b/{BUCKET}/o", {"name": name}
        if content:
            query["uploadType"] = "media"
            response = httpx.post(url, params=query, content=content, trust_env=False)
        else:  # gcp-storage-emulator takes an empty object only as a part
            query["uploadType"] = "multipart"
            part = b"--x\r\nContent-Type: %s\r\n\r\n%s\r\n"
            body = part % (b"application/json", b"{}") + part % (b"audio/flac", b"") + b"--x--"
            headers = {"content-type": "multipart/related; boundary=x"}
            response = httpx.post(url, params=query, content=body, headers=headers, trust_env=False)
        response.raise_for_status()
        return f"gs://{BUCKET}/{name}"

    def names(self, prefix: str) -> list[str]:
        """Objects below `prefix`, without it, sorted."""
        url = f"{self.storage}/storage/v1/b/{BUCKET}/o"
        answer = httpx.get(url, params={"prefix": prefix}, trust_env=False).json()
        return sorted(item["name"].removeprefix(prefix) for item in answer.get("items", []))

    def get(self, name: str) -> bytes:
        """An object's content."""
        url = f"{self.storage}/{BUCKET}/{name}"
        response = httpx.get(url, trust_env=False)
        response.raise_for_status()
        return response.content

    def fetch(self, prefix: str, target: Path) -> Path:
        """All objects below `prefix` as files in `target`."""
        for name in self.names(prefix):
            path = target / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.get(prefix + name))
        return target

    async def create(self, config: dict[str, Any], **fields: Any) -> Job:
        """Creates a job as a function would."""
        return await self.client.create_job(parent=PARENT, job={"config": config, **fields})

    async def finish(self, job: Job) -> Job:
        """The job once it has ended."""
        async with asyncio.timeout(JOB_S):
            while job.state not in FINISHED:
                await asyncio.sleep(0.1)
                job = await self.client.get_job(name=job.name)
        return job

    async def run(self, config: dict[str, Any], **fields: Any) -> Job:
        """Creates a job and waits until it has ended."""
        return await self.finish(await self.create(config, **fields))

    async def succeed(self, config: dict[str, Any], **fields: Any) -> Job:
        """Creates a job and waits until it has succeeded."""
        job = await self.run(config, **fields)
        assert job.state == Job.ProcessingState.SUCCEEDED, job.error
        return job

    def report(self, job: Job) -> dict[str, Any]:
        """What the server logged when the job ended: state, encoded, cached, files."""
        for line in self.log.read_text().splitlines():
            _, found, text = line.partition("job finished ")
            if found and (report := json.loads(text))["job"] == job.name:
                return dict(report)
        raise AssertionError(f"no report of {job.name}")


@pytest.fixture(scope="session")
def storage() -> Iterator[str]:
    """A storage emulator in memory, with one bucket."""
    port = free_port()
    server = create_server("127.0.0.1", port, in_memory=True, default_bucket=BUCKET)
    server.start()
    yield f"http://127.0.0.1:{port}"
    server.stop()


@pytest.fixture(scope="session")
def key_store(logs: Path) -> Iterator[str]:
    """A Secret Manager with nothing in it. Add secrets by `store_secret`."""
    port = free_port()
    command: list[str | Path] = [sys.executable, "-m", "emulators.secret_manager"]
    command += ["--port", str(port), "--state", logs / "key-store"]
    with process(command, accepts(port), logs / "key-store.log"):
        yield f"127.0.0.1:{port}"


@pytest.fixture(scope="session")
async def transcoder(
    storage: str, key_store: str, pubsub: str, logs: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Workbench]:
    """The emulator with two workers."""
    port, log = free_port(), logs / "transcoder.log"
    command: list[str | Path] = [sys.executable, "-m", "emulators.transcoder"]
    command += ["--port", str(port), "--state", tmp_path_factory.mktemp("transcoder")]
    command += ["--storage", storage, "--secret-manager", key_store, "--pubsub", pubsub]
    with process(command, accepts(port), log):
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            transport = transports.TranscoderServiceGrpcAsyncIOTransport(channel=channel)
            client = TranscoderServiceAsyncClient(transport=transport)
            yield Workbench(client, storage, log, tmp_path_factory.mktemp("masters"))


RATE = 44_100
Samples = np.ndarray[Any, np.dtype[np.float64]]


def busy_music(seconds: float, seed: int = 1) -> Samples:
    """Dense stereo music: two dozen drifting tones, drums eight times a second, hiss."""
    random = np.random.default_rng(seed)
    count = int(seconds * RATE)
    time = np.arange(count) / RATE
    music = np.zeros((count, 2))
    for _ in range(24):
        pitch = 55 * 2 ** (random.integers(0, 84) / 12)
        swell = 0.5 + 0.5 * np.sin(2 * np.pi * random.uniform(0.1, 4) * time)
        tone = np.sin(2 * np.pi * pitch * time + 0.3 * np.sin(10 * np.pi * time)) * swell
        pan = random.uniform(0, 1)
        music += tone[:, None] * [pan, 1 - pan] / (1 + pitch / 2000)
    beat = RATE // 8
    decay = np.exp(-np.arange(beat) / (RATE * 0.03))[:, None]
    for start in range(0, count - beat, beat):
        music[start : start + beat] += random.normal(size=(beat, 2)) * decay * 1.5
    music += random.normal(size=(count, 2)) * 0.3
    return np.asarray(music / np.abs(music).max())


def flac(samples: Samples, folder: Path) -> bytes:
    """16-bit FLAC of samples in -1…1."""
    raw = folder / f"{uuid.uuid4()}.raw"
    (np.clip(samples, -1, 1) * 32767).astype("<i2").tofile(raw)
    source = ("-f", "s16le", "-ar", str(RATE), "-ac", "2", "-i", raw)
    file = raw.with_suffix(".flac")
    ffmpeg("-loglevel", "error", *source, file)
    raw.unlink()
    return file.read_bytes()


def decode(file: Path, *options: str) -> Samples:
    """Samples of an audio file, stereo at 44.1 kHz; `options` go before the input."""
    output = ("-f", "s16le", "-ar", str(RATE), "-ac", "2", "-")
    done = ffmpeg("-loglevel", "error", *options, "-i", file, *output)
    return np.frombuffer(done.stdout, "<i2").reshape(-1, 2) / 32768


def loudness(file: Path, *options: str) -> tuple[float, float]:
    """Integrated loudness in LUFS and true peak in dBTP."""
    meter = "ebur128=peak=true:framelog=quiet:dualmono=true"
    done = ffmpeg("-nostats", *options, "-i", file, "-af", meter, "-f", "null", "-")
    summary = done.stderr.decode().rpartition("Summary:")[2]
    values = {
        words[0]: float(words[1])
        for line in summary.splitlines()
        if (words := line.split()) and words[0] in ("I:", "Peak:")
    }
    return values["I:"], values["Peak:"]


def correlation(a: Samples, b: Samples) -> float:
    """Of the two at the same positions, without shifting either: 1 is equal."""
    length = min(len(a), len(b))
    if length == 0:
        return 0.0
    return float(np.corrcoef(a[:length].mean(1), b[:length].mean(1))[0, 1])


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The files of `folder` over HTTP; yields the base URL."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    handler = partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
