"""The Secret Manager emulator, driven by the unmodified client."""

from __future__ import annotations

import signal
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import google_crc32c
import grpc
import pytest
from google.api_core.exceptions import (
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
)
from google.cloud.secretmanager_v1 import SecretManagerServiceClient
from google.cloud.secretmanager_v1.services.secret_manager_service import transports

from emulators.processes import accepts, free_port, popen

ROOT = Path(__file__).parents[2]
PROJECT = "projects/segue-local"
AUTOMATIC = {"replication": {"automatic": {}}}


@contextmanager
def serving(state: Path, sig: int = signal.SIGTERM) -> Iterator[SecretManagerServiceClient]:
    port = free_port()
    process = popen(
        [
            *(sys.executable, "-m", "emulators.secret_manager"),
            *("--port", str(port), "--state", str(state)),
        ],
        cwd=ROOT,
    )
    try:
        deadline = time.monotonic() + 20
        while not accepts(port)():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.03)
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            transport = transports.SecretManagerServiceGrpcTransport(channel=channel)
            yield SecretManagerServiceClient(transport=transport)
    finally:
        process.send_signal(sig)
        status = process.wait(10)
    assert status == (0 if sig == signal.SIGTERM else -sig)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecretManagerServiceClient]:
    with serving(tmp_path_factory.mktemp("secrets")) as client:
        yield client


def add(client: SecretManagerServiceClient, name: str, *payloads: bytes) -> str:
    secret = client.create_secret(
        request={"parent": PROJECT, "secret_id": name, "secret": AUTOMATIC}
    )
    for payload in payloads:
        client.add_secret_version(request={"parent": secret.name, "payload": {"data": payload}})
    return str(secret.name)


def access(client: SecretManagerServiceClient, name: str) -> bytes:
    return bytes(client.access_secret_version(name=name).payload.data)


def test_versions_are_numbered_and_latest_is_the_newest(
    client: SecretManagerServiceClient,
) -> None:
    name = add(client, "numbered", b"one", b"two")
    assert access(client, f"{name}/versions/1") == b"one"
    latest = client.access_secret_version(name=f"{name}/versions/latest")
    assert (latest.name, latest.payload.data) == (f"{name}/versions/2", b"two")
    assert latest.payload.data_crc32c == google_crc32c.value(b"two")
    versions = [v.name.rpartition("/")[2] for v in client.list_secret_versions(parent=name)]
    assert versions == ["2", "1"]


def test_a_secret_is_created_once(client: SecretManagerServiceClient) -> None:
    name = add(client, "once")
    with pytest.raises(AlreadyExists):
        add(client, "once")
    assert client.get_secret(name=name).name == name
    assert name in [secret.name for secret in client.list_secrets(parent=PROJECT)]


def test_what_is_not_there_is_not_found(client: SecretManagerServiceClient) -> None:
    name = add(client, "empty")
    for missing in (f"{name}/versions/1", f"{name}/versions/latest"):
        with pytest.raises(NotFound):
            access(client, missing)
    with pytest.raises(NotFound):
        access(client, f"{PROJECT}/secrets/none/versions/1")
    with pytest.raises(NotFound):
        client.add_secret_version(
            request={"parent": f"{PROJECT}/secrets/none", "payload": {"data": b"x"}}
        )
    with pytest.raises(InvalidArgument):
        access(client, f"{name}/versions/zero")


def test_only_enabled_versions_are_readable(client: SecretManagerServiceClient) -> None:
    name = add(client, "states", b"one")
    version = f"{name}/versions/1"
    client.disable_secret_version(name=version)
    with pytest.raises(FailedPrecondition, match="DISABLED"):
        access(client, version)
    client.enable_secret_version(name=version)
    assert access(client, version) == b"one"
    client.destroy_secret_version(name=version)
    with pytest.raises(FailedPrecondition, match="DESTROYED"):
        access(client, version)
    with pytest.raises(FailedPrecondition):
        client.enable_secret_version(name=version)


def test_a_deleted_secret_is_gone(client: SecretManagerServiceClient) -> None:
    name = add(client, "deleted", b"one")
    client.delete_secret(name=name)
    with pytest.raises(NotFound):
        client.get_secret(name=name)


def test_bad_requests_are_refused(client: SecretManagerServiceClient) -> None:
    with pytest.raises(InvalidArgument):
        add(client, "bad id!")
    with pytest.raises(InvalidArgument, match="replication"):
        client.create_secret(request={"parent": PROJECT, "secret_id": "x", "secret": {}})
    name = add(client, "limits")
    for payload in ({"data": b"x" * 65_537}, {"data": b"x", "data_crc32c": 1}):
        with pytest.raises(InvalidArgument):
            client.add_secret_version(request={"parent": name, "payload": payload})


def test_secrets_survive_a_kill_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    with serving(tmp_path, signal.SIGKILL) as client:
        name = add(client, "kept", b"one", b"two")
        client.destroy_secret_version(name=f"{name}/versions/1")
    with serving(tmp_path) as client:
        assert access(client, f"{name}/versions/latest") == b"two"
        with pytest.raises(FailedPrecondition):
            access(client, f"{name}/versions/1")
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600
    assert "b25l" not in (tmp_path / "secrets.json").read_text()
