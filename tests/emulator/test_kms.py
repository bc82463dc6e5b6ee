"""The Cloud KMS emulator, driven by the unmodified client."""

from __future__ import annotations

import signal
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
from google.cloud import kms_v1
from google.cloud.kms_v1.services.key_management_service import transports

from emulators.processes import accepts, free_port, popen

ROOT = Path(__file__).parents[2]
LOCATION = "projects/segue-local/locations/us-central1"
RING = f"{LOCATION}/keyRings/segue"
HSM = {
    "purpose": kms_v1.CryptoKey.CryptoKeyPurpose.ENCRYPT_DECRYPT,
    "version_template": {"protection_level": kms_v1.ProtectionLevel.HSM},
}


@contextmanager
def serving(
    state: Path, module: str = "emulators.kms"
) -> Iterator[kms_v1.KeyManagementServiceClient]:
    port = free_port()
    command = [sys.executable, "-m", module, "--state", str(state)]
    if module == "emulators.kms":
        command += ["--port", str(port)]
    else:
        command += ["--port", str(free_port()), "--kms-port", str(port)]
    process = popen(command, cwd=ROOT)
    try:
        deadline = time.monotonic() + 20
        while not accepts(port)():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.03)
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            transport = transports.KeyManagementServiceGrpcTransport(channel=channel)
            yield kms_v1.KeyManagementServiceClient(transport=transport)
    finally:
        process.send_signal(signal.SIGTERM)
        status = process.wait(10)
    assert status == 0


@pytest.fixture(scope="module")
def client(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[kms_v1.KeyManagementServiceClient]:
    with serving(tmp_path_factory.mktemp("kms"), "emulators.secret_manager") as client:
        client.create_key_ring(request={"parent": LOCATION, "key_ring_id": "segue", "key_ring": {}})
        yield client


def make_key(client: kms_v1.KeyManagementServiceClient, name: str) -> str:
    key = client.create_crypto_key(
        request={"parent": RING, "crypto_key_id": name, "crypto_key": HSM}
    )
    return str(key.name)


def test_what_was_encrypted_decrypts_with_the_same_additional_data(
    client: kms_v1.KeyManagementServiceClient,
) -> None:
    key = make_key(client, "round-trip")
    sealed = client.encrypt(
        request={
            "name": key,
            "plaintext": b"content key",
            "plaintext_crc32c": google_crc32c.value(b"content key"),
            "additional_authenticated_data": b"track",
        }
    )
    assert sealed.verified_plaintext_crc32c
    assert sealed.ciphertext_crc32c == google_crc32c.value(sealed.ciphertext)
    assert sealed.name == f"{key}/cryptoKeyVersions/1"
    opened = client.decrypt(
        request={
            "name": key,
            "ciphertext": sealed.ciphertext,
            "ciphertext_crc32c": google_crc32c.value(sealed.ciphertext),
            "additional_authenticated_data": b"track",
        }
    )
    assert (opened.plaintext, opened.used_primary) == (b"content key", True)
    assert opened.plaintext_crc32c == google_crc32c.value(b"content key")
    assert opened.protection_level == kms_v1.ProtectionLevel.HSM


def test_another_key_other_data_or_an_altered_text_do_not_open(
    client: kms_v1.KeyManagementServiceClient,
) -> None:
    key, other = make_key(client, "mine"), make_key(client, "theirs")
    sealed = client.encrypt(
        request={"name": key, "plaintext": b"x", "additional_authenticated_data": b"a"}
    ).ciphertext
    altered = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for name, text, data in ((other, sealed, b"a"), (key, sealed, b"b"), (key, altered, b"a")):
        with pytest.raises(InvalidArgument):
            client.decrypt(
                request={"name": name, "ciphertext": text, "additional_authenticated_data": data}
            )
    with pytest.raises(InvalidArgument):
        client.decrypt(request={"name": key, "ciphertext": b"short"})


def test_rotation_encrypts_anew_and_still_reads_the_old(
    client: kms_v1.KeyManagementServiceClient,
) -> None:
    key = make_key(client, "rotated")
    old = client.encrypt(request={"name": key, "plaintext": b"old"}).ciphertext
    version = client.create_crypto_key_version(request={"parent": key, "crypto_key_version": {}})
    assert client.get_crypto_key(name=key).primary.name.endswith("/1")
    client.update_crypto_key_primary_version(name=key, crypto_key_version_id="2")
    new = client.encrypt(request={"name": key, "plaintext": b"new"})
    assert new.name == version.name
    opened = client.decrypt(request={"name": key, "ciphertext": old})
    assert (opened.plaintext, opened.used_primary) == (b"old", False)
    client.destroy_crypto_key_version(name=f"{key}/cryptoKeyVersions/1")
    with pytest.raises(FailedPrecondition):
        client.decrypt(request={"name": key, "ciphertext": old})


def test_damage_on_the_way_is_noticed(client: kms_v1.KeyManagementServiceClient) -> None:
    key = make_key(client, "checksums")
    with pytest.raises(InvalidArgument):
        client.encrypt(request={"name": key, "plaintext": b"x", "plaintext_crc32c": 1})
    with pytest.raises(InvalidArgument):
        client.encrypt(request={"name": key, "plaintext": b"x" * 8193})


def test_rings_and_keys_are_created_once(client: kms_v1.KeyManagementServiceClient) -> None:
    with pytest.raises(AlreadyExists):
        client.create_key_ring(request={"parent": LOCATION, "key_ring_id": "segue", "key_ring": {}})
    make_key(client, "once")
    with pytest.raises(AlreadyExists):
        make_key(client, "once")
    assert client.get_key_ring(name=RING).name == RING
    with pytest.raises(NotFound):
        client.get_crypto_key(name=f"{RING}/cryptoKeys/none")


def test_keys_survive_a_restart(tmp_path: Path) -> None:
    with serving(tmp_path) as client:
        client.create_key_ring(request={"parent": LOCATION, "key_ring_id": "segue", "key_ring": {}})
        key = make_key(client, "kept")
        sealed = client.encrypt(request={"name": key, "plaintext": b"x"}).ciphertext
    with serving(tmp_path) as client:
        assert client.decrypt(request={"name": key, "ciphertext": sealed}).plaintext == b"x"
