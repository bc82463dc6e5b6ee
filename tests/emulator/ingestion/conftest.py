"""Ingestion with everything around it real: storage, Firestore, Pub/Sub, secrets, Transcoder.

`pipeline` uploads a master as a client would and delivers events by hand, so that a test decides
which one comes twice, late or never.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from google.pubsub_v1 import SubscriberAsyncClient
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcAsyncIOTransport
from imageio_ffmpeg import get_ffmpeg_exe

from emulators.processes import accepts, free_port
from shared import topology
from shared.ingestion import publishing, service, validation
from shared.ingestion.models import (
    MasterReceived,
    TranscodeFinished,
    Upload,
    UploadMetadata,
    UploadRequest,
)
from shared.ingestion.store import ingestions, jobs, uploads
from shared.platform import clients
from shared.platform.events import StoredObject
from shared.platform.settings import settings
from tests import local_settings
from tests.emulator.conftest import process, store_secret
from tests.emulator.drm.conftest import create_kek

USER = "tester"


def ffmpeg(*arguments: str | Path) -> None:
    """Runs ffmpeg; raises where it fails."""
    command = [get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-nostdin", "-y"]
    subprocess.run([*command, *map(str, arguments)], check=True, timeout=120)


def song(path: Path, *, pitch: float = 220, seconds: float = 8, **tags: str) -> Path:
    """A piece of music at `path`, in the format of its extension; another pitch is another
    recording, the same pitch the same samples."""
    source = (
        f"aevalsrc='0.3*sin(2*PI*({pitch}+40*sin({pitch / 97}*t))*t)"
        f"+0.2*sin(2*PI*{pitch * 2.5}*t)*sin(2*PI*{pitch / 60}*t)^2"
        f"|0.3*sin(2*PI*{pitch * 1.5}*t*(1+0.1*floor(mod(t*{pitch / 70},3))))':"
        f"d={seconds}:s=44100"
    )
    named = [part for key, value in tags.items() for part in ("-metadata", f"{key}={value}")]
    ffmpeg("-f", "lavfi", "-i", source, "-sample_fmt", "s16", *named, path) if path.suffix in (
        ".flac",
        ".wav",
    ) else ffmpeg("-f", "lavfi", "-i", source, *named, path)
    return path


@pytest.fixture(scope="session")
def storage(settings_env: pytest.MonkeyPatch, secrets: str, logs: Path) -> Iterator[str]:
    """Storage with the topology's buckets; it verifies signed upload URLs."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(65537, 2048)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    store_secret(secrets, topology.UPLOAD_SIGNING_KEY.name, private)
    public = logs / "upload.pem"
    public.write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    create_kek(os.environ["SEGUE_KMS_ENDPOINT"])
    port = free_port()
    command: list[str | Path] = [sys.executable, "-m", "emulators.storage", "--port", str(port)]
    command += ["--data-dir", logs / "storage", "--signing-key", public]
    url = f"http://127.0.0.1:{port}"
    with process(command, accepts(port), logs / "storage.log"):
        settings_env.setenv("STORAGE_EMULATOR_HOST", url)
        settings_env.setenv("SEGUE_STORAGE_URL", url)
        local_settings.forget_settings()
        yield url


@pytest.fixture(scope="session")
def transcoder(
    settings_env: pytest.MonkeyPatch, storage: str, secrets: str, pubsub: str, logs: Path
) -> Iterator[str]:
    """The Transcoder."""
    port = free_port()
    command: list[str | Path] = [sys.executable, "-m", "emulators.transcoder"]
    command += ["--port", str(port), "--state", logs / "transcoder", "--storage", storage]
    command += ["--secret-manager", secrets, "--pubsub", pubsub]
    with process(command, accepts(port), logs / "transcoder.log"):
        settings_env.setenv("SEGUE_TRANSCODER_ENDPOINT", f"127.0.0.1:{port}")
        local_settings.forget_settings()
        yield f"127.0.0.1:{port}"


class Pipeline:
    """Uploads masters and delivers the events of ingestion."""

    def __init__(self, subscriber: SubscriberAsyncClient, http: httpx.AsyncClient) -> None:
        self._subscriber = subscriber
        self._http = http

    async def subscribe(self) -> None:
        for topic in (
            topology.MASTER_RECEIVED,
            topology.TRANSCODE_FINISHED,
            topology.TRACK_PUBLISHED,
        ):
            await self._subscriber.create_subscription(
                name=self._subscription(topic),
                topic=settings().topic(topic.name),
                ack_deadline_seconds=600,
            )

    @staticmethod
    def _subscription(topic: topology.Topic) -> str:
        return f"projects/{local_settings.PROJECT}/subscriptions/test.{topic.name}"

    async def upload(self, path: Path, **metadata: Any) -> StoredObject:
        """Sends `path` as a client does; returns the event that storage raises."""
        content = await asyncio.to_thread(path.read_bytes)
        ticket = await service.start_upload(
            USER,
            UploadRequest(
                filename=path.name,
                size_bytes=len(content),
                metadata=UploadMetadata.model_validate(metadata),
            ),
        )
        started = await self._http.post(ticket.upload_url, headers=ticket.headers)
        assert started.status_code == 201, started.text
        sent = await self._http.put(started.headers["location"], content=content)
        assert sent.status_code == 200, sent.text
        return await self.stored(f"uploads/{ticket.upload_id}/{path.name}")

    async def put(self, name: str, content: bytes) -> StoredObject:
        """Writes a master past the API, as an operator may."""
        blob = clients.bucket(topology.MASTERS).blob(name)
        await asyncio.to_thread(blob.upload_from_string, content)
        return await self.stored(name)

    async def stored(self, name: str) -> StoredObject:
        blob = await asyncio.to_thread(clients.bucket(topology.MASTERS).get_blob, name)
        assert blob is not None
        return StoredObject(
            blob.bucket.name, name, blob.generation, blob.size, dict(blob.metadata or {})
        )

    async def pull(self, topic: topology.Topic, timeout_s: float = 3) -> list[dict[str, Any]]:
        """Acknowledged messages of `topic`; empty where none comes in time."""
        try:
            answer = await self._subscriber.pull(
                subscription=self._subscription(topic), max_messages=50, timeout=timeout_s
            )
        except Exception as error:
            if "Deadline" in type(error).__name__:
                return []
            raise
        if not answer.received_messages:
            return []
        await self._subscriber.acknowledge(
            subscription=self._subscription(topic),
            ack_ids=[message.ack_id for message in answer.received_messages],
        )
        return [json.loads(message.message.data) for message in answer.received_messages]

    async def receive(self, stored: StoredObject) -> MasterReceived:
        """Runs `receive_master`; returns the event that it published."""
        await service.receive_master(stored)
        events = [MasterReceived(**body) for body in await self.pull(topology.MASTER_RECEIVED)]
        return next(event for event in events if event.name == stored.name)

    async def validate(self, path: Path, **metadata: Any) -> tuple[MasterReceived, Upload]:
        """Uploads `path` and validates it; the event and how the upload stands."""
        event = await self.receive(await self.upload(path, **metadata))
        await validation.validate_master(event)
        return event, await self.state(event)

    async def state(self, event: MasterReceived) -> Upload:
        upload = await uploads.load(event.upload_id)
        assert upload is not None
        return upload

    async def notifications(self, track_id: str, count: int = 3) -> list[TranscodeFinished]:
        """The Transcoder's messages about the jobs of a track."""
        found: dict[str, TranscodeFinished] = {}
        async with asyncio.timeout(120):
            while len(found) < count:
                for body in await self.pull(topology.TRANSCODE_FINISHED):
                    event = TranscodeFinished.model_validate(body)
                    held = await jobs.get(event.job.name)  # other tests may leave theirs behind
                    assert held is not None
                    ingestion = held.labels and await ingestions.load(held.labels.content_hash)
                    if ingestion and ingestion.track_id == track_id:
                        found[event.job.name] = event
        return list(found.values())

    async def publish(self, path: Path, **metadata: Any) -> Upload:
        """From the file to the published track."""
        event, upload = await self.validate(path, **metadata)
        assert upload.state == "transcoding", upload.reason
        for notification in await self.notifications(str(upload.track_id)):
            await publishing.handle_transcode_finished(notification)
        return await self.state(event)


@pytest.fixture(scope="session")
async def pipeline(firestore: str, pubsub: str, transcoder: str) -> AsyncIterator[Pipeline]:
    """Everything that ingestion touches."""
    import grpc.aio

    async with (
        grpc.aio.insecure_channel(pubsub) as channel,
        httpx.AsyncClient(timeout=60, trust_env=False) as http,
    ):
        transport = SubscriberGrpcAsyncIOTransport(channel=channel)
        made = Pipeline(SubscriberAsyncClient(transport=transport), http)
        await made.subscribe()
        yield made
