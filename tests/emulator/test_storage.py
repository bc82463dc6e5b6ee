"""The storage emulator, driven by the unmodified client and by plain HTTP."""

from __future__ import annotations

import concurrent.futures
import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.api_core.exceptions import NotFound, PreconditionFailed
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from google.oauth2.service_account import Credentials

from emulators.processes import free_port, popen

ROOT = Path(__file__).parents[2]
ACCOUNT = "uploads@segue-local.iam.gserviceaccount.com"
MASTERS = "segue-local-masters"
AUDIO = "segue-local-audio"


@dataclass
class Inbox:
    """Receives events; refuses the first `refusals`."""

    refusals: int = 0
    events: list[tuple[dict[str, str], dict[str, Any]]] = field(default_factory=list)

    def serve(self, port: int = 0) -> ThreadingHTTPServer:
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = 202
                if inbox.refusals:
                    inbox.refusals -= 1
                    status = 503
                else:
                    headers = {name.lower(): value for name, value in self.headers.items()}
                    inbox.events.append((headers, json.loads(body)))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                return

        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return server

    def wait(self, count: int, seconds: float = 10) -> None:
        deadline = time.monotonic() + seconds
        while len(self.events) < count:
            assert time.monotonic() < deadline, f"{len(self.events)} of {count} events"
            time.sleep(0.02)


@dataclass
class Running:
    """One storage process on `port`."""

    port: int
    data: Path
    events_url: str
    key: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, *more: str) -> Running:
        self.process = popen(
            [
                *(sys.executable, "-m", "emulators.storage", "--port", str(self.port)),
                *("--data-dir", str(self.data), "--project", "segue-local"),
                *("--events-url", self.events_url, "--signing-key", str(self.key), *more),
            ],
            cwd=ROOT,
        )
        deadline = time.monotonic() + 20
        while True:
            try:
                httpx.get(f"{self.url}/healthz").raise_for_status()
                return self
            except httpx.TransportError:
                assert self.process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.03)

    def end(self, sig: int = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(sig)
        return self.process.wait(10)


SIGNING_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _private_pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, str]]:
    inbox = Inbox()
    server = inbox.serve()
    yield inbox, f"http://127.0.0.1:{server.server_address[1]}/eventarc"
    server.shutdown()
    server.server_close()


@pytest.fixture
def running(tmp_path: Path, inbox: tuple[Inbox, str]) -> Iterator[Running]:
    key = tmp_path / "public.pem"
    key.write_bytes(
        SIGNING_KEY.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    running = Running(free_port(), tmp_path / "storage", inbox[1], key).start()
    yield running
    if running.process and running.process.poll() is None:
        assert running.end() == 0


@pytest.fixture
def client(running: Running, monkeypatch: pytest.MonkeyPatch) -> Iterator[storage.Client]:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", running.url)
    client = storage.Client(project="segue-local", credentials=AnonymousCredentials())
    yield client
    client.close()


def signed_url(
    running: Running,
    method: str,
    name: str,
    headers: dict[str, str] | None = None,
    key: rsa.RSAPrivateKey = SIGNING_KEY,
    expires: timedelta = timedelta(minutes=15),
) -> str:
    credentials = Credentials.from_service_account_info(
        {
            "client_email": ACCOUNT,
            "private_key": _private_pem(key),
            "token_uri": "https://oauth2.googleapis.com/token",
        }
    )
    client = storage.Client(project="segue-local", credentials=credentials)
    url = (
        client.bucket(MASTERS)
        .blob(name)
        .generate_signed_url(
            version="v4",
            expiration=expires,
            method=method,
            headers=headers,
            api_access_endpoint=running.url,
            credentials=credentials,
        )
    )
    client.close()
    return str(url)


# --- objects through the client -------------------------------------------------------------


def test_every_way_of_writing_announces_the_new_object(
    client: storage.Client, running: Running, inbox: tuple[Inbox, str]
) -> None:
    bucket = client.bucket(MASTERS)
    multipart = bucket.blob("ways/multipart 1.flac")
    multipart.metadata = {"segue": "abc"}
    multipart.upload_from_string(b"\r\n--x\x00\xff" * 10, content_type="audio/flac")
    resumable = bucket.blob("ways/resumable", chunk_size=256 * 1024)
    resumable.upload_from_file(io.BytesIO(b"r" * 700_000))
    httpx.post(
        f"{running.url}/upload/storage/v1/b/{MASTERS}/o?uploadType=media&name=ways/media",
        content=b"media",
    ).raise_for_status()
    bucket.copy_blob(multipart, bucket, "ways/copy")
    bucket.blob("ways/rewrite").rewrite(multipart)
    bucket.blob("ways/composed").compose([multipart, resumable])
    put = httpx.put(signed_url(running, "PUT", "ways/xml"), content=b"xml")
    assert put.status_code == 200

    inbox[0].wait(7)
    subjects = [headers["ce-subject"] for headers, _ in inbox[0].events]
    assert subjects == [
        f"objects/ways/{name}"
        for name in ("multipart 1.flac", "resumable", "media", "copy", "rewrite", "composed", "xml")
    ]
    headers, data = inbox[0].events[0]
    assert headers["ce-type"] == "google.cloud.storage.object.v1.finalized"
    assert headers["ce-source"] == f"//storage.googleapis.com/projects/_/buckets/{MASTERS}"
    assert headers["ce-specversion"] == "1.0"
    multipart.reload()
    assert data["generation"] == str(multipart.generation)
    assert data["metageneration"] == "1"
    assert data["size"] == str(multipart.size)
    assert (data["md5Hash"], data["crc32c"]) == (multipart.md5_hash, multipart.crc32c)
    assert data["metadata"] == {"segue": "abc"}
    assert data["contentType"] == "audio/flac"
    assert len({headers["ce-id"] for headers, _ in inbox[0].events}) == 7


def test_content_comes_back_whole_and_by_range(client: storage.Client) -> None:
    content = os.urandom(3_000_000)
    blob = client.bucket(AUDIO).blob("t/v/aac_256.m4s")
    blob.upload_from_string(content)
    assert blob.download_as_bytes() == content
    assert blob.download_as_bytes(start=1_000_000, end=1_000_099) == content[1_000_000:1_000_100]
    assert blob.time_created is not None
    assert [b.name for b in client.list_blobs(AUDIO, prefix="t/v/")] == ["t/v/aac_256.m4s"]


def test_an_object_and_a_folder_of_one_name_live_together(client: storage.Client) -> None:
    bucket = client.bucket(AUDIO)
    bucket.blob("a").upload_from_string(b"1")
    bucket.blob("a/b").upload_from_string(b"2")
    assert bucket.blob("a").download_as_bytes() + bucket.blob("a/b").download_as_bytes() == b"12"


def test_only_watched_buckets_are_announced(
    client: storage.Client, inbox: tuple[Inbox, str]
) -> None:
    client.bucket(AUDIO).blob("silent").upload_from_string(b"1")
    client.bucket(MASTERS).blob("loud").upload_from_string(b"1")
    inbox[0].wait(1)
    time.sleep(0.2)
    assert [data["name"] for _, data in inbox[0].events] == ["loud"]


def test_a_missing_object_is_not_found(client: storage.Client) -> None:
    with pytest.raises(NotFound):
        client.bucket(AUDIO).blob("nothing").download_as_bytes()
    with pytest.raises(NotFound):
        client.bucket(AUDIO).blob("nothing").delete()


def test_preconditions_hold(client: storage.Client) -> None:
    blob = client.bucket(AUDIO).blob("once")
    blob.upload_from_string(b"first", if_generation_match=0)
    first = blob.generation
    with pytest.raises(PreconditionFailed):
        blob.upload_from_string(b"second", if_generation_match=0)
    with pytest.raises(PreconditionFailed):
        blob.delete(if_generation_match=first + 1)
    blob.upload_from_string(b"second", if_generation_match=first)
    assert blob.generation > first
    with pytest.raises(PreconditionFailed):
        blob.upload_from_string(b"third", if_generation_match=first)
    blob.metadata = {"a": "b"}
    with pytest.raises(PreconditionFailed):
        blob.patch(if_metageneration_match=9)
    blob.reload()
    assert (blob.metageneration, blob.metadata) == (1, None)
    blob.metadata = {"a": "b"}
    blob.patch(if_metageneration_match=1)
    assert (blob.metageneration, blob.metadata) == (2, {"a": "b"})
    assert blob.download_as_bytes() == b"second"


def test_of_many_creators_exactly_one_wins(client: storage.Client) -> None:
    def create(number: int) -> bool:
        try:
            client.bucket(AUDIO).blob("race").upload_from_string(str(number), if_generation_match=0)
        except PreconditionFailed:
            return False
        return True

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(create, range(24))) == 1


# --- durability -----------------------------------------------------------------------------


def test_nothing_acknowledged_is_lost_by_a_kill(
    client: storage.Client, running: Running, inbox: tuple[Inbox, str]
) -> None:
    bucket = client.bucket(MASTERS)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: bucket.blob(f"k/{n}").upload_from_string(str(n)), range(60)))
    bucket.blob("k/0").delete()
    generation = bucket.get_blob("k/1").generation
    running.end(signal.SIGKILL)
    running.start()
    assert {b.name for b in client.list_blobs(MASTERS)} == {f"k/{n}" for n in range(1, 60)}
    assert bucket.blob("k/59").download_as_bytes() == b"59"
    bucket.blob("k/1").upload_from_string("again")
    assert bucket.get_blob("k/1").generation > generation
    inbox[0].wait(61)


def test_events_wait_for_a_late_receiver_also_across_a_kill(tmp_path: Path) -> None:
    port = free_port()
    key = tmp_path / "public.pem"
    key.write_bytes(
        SIGNING_KEY.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    running = Running(free_port(), tmp_path / "s", f"http://127.0.0.1:{port}/eventarc", key)
    running.start()
    for name in ("one", "two"):
        httpx.post(
            f"{running.url}/upload/storage/v1/b/{MASTERS}/o?uploadType=media&name={name}",
            content=b"x",
        ).raise_for_status()
    running.end(signal.SIGKILL)
    running.start()
    late = Inbox(refusals=2)
    server = late.serve(port)
    late.wait(2)
    assert [data["name"] for _, data in late.events] == ["one", "two"]
    server.shutdown()
    server.server_close()
    assert running.end() == 0


def test_wipe_empties_only_the_named_buckets(client: storage.Client, running: Running) -> None:
    client.bucket(MASTERS).blob("kept").upload_from_string(b"1")
    client.bucket(AUDIO).blob("gone").upload_from_string(b"1")
    running.end()
    running.start("--wipe", "audio", "staging")
    assert [b.name for b in client.list_blobs(MASTERS)] == ["kept"]
    assert list(client.list_blobs(AUDIO)) == []


# --- signed URLs and the XML API ------------------------------------------------------------


def start_upload(running: Running, name: str, **headers: str) -> tuple[httpx.Response, str]:
    sent = {"x-goog-resumable": "start", "content-type": "audio/flac"}
    sent |= {header.replace("_", "-"): value for header, value in headers.items()}
    url = signed_url(running, "POST", name, sent)
    answer = httpx.post(url, headers=sent)
    return answer, answer.headers.get("location", "")


def test_a_browser_style_resumable_upload_keeps_its_signed_metadata(
    running: Running, client: storage.Client, inbox: tuple[Inbox, str]
) -> None:
    answer, session = start_upload(
        running,
        "uploads/u1/song one.flac",
        x_goog_meta_segue="eyJ0Ijoi",
        x_upload_content_length="600000",
    )
    assert answer.status_code == 201
    content = os.urandom(600_000)
    first = httpx.put(
        session, content=content[:262_144], headers={"Content-Range": "bytes 0-262143/600000"}
    )
    assert (first.status_code, first.headers["range"]) == (308, "bytes=0-262143")
    asked = httpx.put(session, headers={"Content-Range": "bytes */600000"})
    assert (asked.status_code, asked.headers["range"]) == (308, "bytes=0-262143")
    last = httpx.put(
        session, content=content[262_144:], headers={"Content-Range": "bytes 262144-599999/600000"}
    )
    assert last.status_code == 200
    blob = client.bucket(MASTERS).get_blob("uploads/u1/song one.flac")
    assert (blob.metadata, blob.content_type) == ({"segue": "eyJ0Ijoi"}, "audio/flac")
    assert blob.download_as_bytes() == content
    again = httpx.put(session, headers={"Content-Range": "bytes */600000"})
    assert again.status_code == 200
    inbox[0].wait(1)
    assert inbox[0].events[0][1]["metadata"] == {"segue": "eyJ0Ijoi"}


def test_a_broken_connection_loses_only_what_did_not_arrive(
    running: Running, client: storage.Client
) -> None:
    _, session = start_upload(running, "broken.flac")
    content = os.urandom(2_000_000)
    with socket.create_connection(("127.0.0.1", running.port)) as raw:
        path = session.removeprefix(running.url)
        raw.sendall(
            f"PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n".encode()
            + content[:900_000]
        )
        question = {"Content-Range": "bytes */2000000"}
        deadline = time.monotonic() + 20
        while "range" not in httpx.put(session, headers=question).headers:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    running.end(signal.SIGKILL)
    running.start()
    asked = httpx.put(session, headers=question)
    assert asked.status_code == 308
    received = int(asked.headers["range"].rpartition("-")[2]) + 1
    assert 0 < received <= 900_000
    rest = httpx.put(
        session,
        content=content[received:],
        headers={"Content-Range": f"bytes {received}-1999999/2000000"},
    )
    assert rest.status_code == 200
    assert client.bucket(MASTERS).blob("broken.flac").download_as_bytes() == content


def test_an_upload_may_not_exceed_what_it_declared(running: Running) -> None:
    _, session = start_upload(running, "a", x_upload_content_length="10")
    assert httpx.put(session, content=b"x" * 11).status_code == 400
    answer, _ = start_upload(
        running, "b", x_upload_content_length="2000000000", x_goog_content_length_range="1,1000"
    )
    assert (answer.status_code, "EntityTooLarge" in answer.text) == (400, True)
    _, session = start_upload(running, "c", x_goog_content_length_range="5,10")
    assert httpx.put(session, content=iter([b"x" * 6, b"x" * 6])).status_code == 400
    _, session = start_upload(running, "d", x_goog_content_length_range="5,10")
    refused = httpx.put(session, content=b"x")
    assert (refused.status_code, "EntityTooSmall" in refused.text) == (400, True)
    _, session = start_upload(running, "e", x_goog_content_length_range="5,10")
    assert httpx.put(session, content=b"x" * 7).status_code == 200


def test_urls_open_only_what_they_were_signed_for(running: Running, client: storage.Client) -> None:
    client.bucket(MASTERS).blob("secret").upload_from_string(b"secret")
    assert httpx.get(signed_url(running, "GET", "secret")).content == b"secret"
    bare = httpx.get(f"{running.url}/{MASTERS}/secret")
    assert (bare.status_code, "<Code>AccessDenied</Code>" in bare.text) == (403, True)
    assert httpx.put(f"{running.url}/{MASTERS}/new", content=b"x").status_code == 403
    foreign = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    wrong = httpx.get(signed_url(running, "GET", "secret", key=foreign))
    assert (wrong.status_code, "SignatureDoesNotMatch" in wrong.text) == (403, True)
    url = signed_url(running, "GET", "secret", expires=timedelta(seconds=1))
    time.sleep(2.1)
    expired = httpx.get(url)
    assert (expired.status_code, "<Code>ExpiredToken</Code>" in expired.text) == (400, True)
    missing = httpx.get(signed_url(running, "GET", "nothing"))
    assert (missing.status_code, "NoSuchKey" in missing.text) == (404, True)


def test_browsers_may_upload_from_another_origin(running: Running) -> None:
    preflight = httpx.options(
        f"{running.url}/{MASTERS}/x",
        headers={
            "Origin": "http://127.0.0.1:8080",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type,x-goog-resumable",
        },
    )
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert "x-goog-resumable" in preflight.headers["access-control-allow-headers"]
    answer, _ = start_upload(running, "cors")
    assert "Location" in answer.headers["access-control-expose-headers"]


def test_a_connection_serves_many_requests(running: Running) -> None:
    with httpx.Client(base_url=running.url) as client:
        url = f"/upload/storage/v1/b/{AUDIO}/o?uploadType=media&name=keep"
        client.post(url, content=b"0123456789").raise_for_status()
        started = time.monotonic()
        for _ in range(200):
            answer = client.get(
                f"/download/storage/v1/b/{AUDIO}/o/keep?alt=media", headers={"Range": "bytes=2-4"}
            )
            assert (answer.status_code, answer.content) == (206, b"234")
            assert client.get(f"/storage/v1/b/{AUDIO}/o/none").status_code == 404
        # 40 ms for each of 400 would be a delayed ACK for every answer
        assert time.monotonic() - started < 12
