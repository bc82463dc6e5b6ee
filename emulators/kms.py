"""Cloud KMS: symmetric keys of `google.cloud.kms.v1.KeyManagementService` over gRPC.

`python -m emulators.kms --port P --state DIR`. Keys are AES-256-GCM. A ciphertext is one format
byte, the version (4 bytes), a nonce (12 bytes) and the sealed text; the key's name is sealed in,
so a ciphertext of another key does not open.
"""

from __future__ import annotations

import argparse
import base64
import os
import re
import struct
import time
from pathlib import Path
from typing import Any, NoReturn

import google_crc32c
import grpc

from emulators.wire import (
    load_json,
    message_types,
    refuse,
    save_json,
    serve_until_terminated,
    service,
)

resources, requests = message_types("google.cloud.kms_v1", "types.resources", "types.service")

Code = grpc.StatusCode
Purpose = resources.CryptoKey.CryptoKeyPurpose
VersionState = resources.CryptoKeyVersion.CryptoKeyVersionState
Protection = resources.ProtectionLevel

MAX_SOFTWARE_BYTES = 65_536  # of plaintext; cloud.google.com/kms/docs/reference/rpc EncryptRequest
MAX_HSM_BYTES = 8_192  # of plaintext and additional data together
_HEADER = struct.Struct(">BI12s")
_FORMAT = 1
_ID = re.compile(r"[A-Za-z0-9_-]{1,63}")


class Keys:
    """Key rings and keys, held in memory and in `<state>/kms.json`."""

    def __init__(self, state: Path) -> None:
        self._path = state / "kms.json"
        stored = load_json(self._path)
        self._rings: dict[str, float] = stored.get("rings", {})  # name -> creation time
        # name -> {created, purpose, protection, primary, rotation_s, versions: [{key, state}]}
        self._keys: dict[str, dict[str, Any]] = stored.get("keys", {})

    def _save(self) -> None:
        save_json(self._path, {"rings": self._rings, "keys": self._keys})

    def _key(self, name: str) -> dict[str, Any]:
        if name not in self._keys:
            refuse(Code.NOT_FOUND, f"CryptoKey {name} not found.")
        return self._keys[name]

    # --- key rings and keys -----------------------------------------------------------------

    async def create_key_ring(self, request: Any, _: Any) -> Any:
        """Raises ALREADY_EXISTS."""
        name = _child(request.parent, "keyRings", request.key_ring_id)
        if name in self._rings:
            refuse(Code.ALREADY_EXISTS, f"KeyRing {name} already exists.")
        self._rings[name] = time.time()
        self._save()
        return self._as_ring(name)

    async def get_key_ring(self, request: Any, _: Any) -> Any:
        """Raises NOT_FOUND."""
        if request.name not in self._rings:
            refuse(Code.NOT_FOUND, f"KeyRing {request.name} not found.")
        return self._as_ring(request.name)

    async def create_crypto_key(self, request: Any, _: Any) -> Any:
        """With a first, primary version unless that is skipped. Raises ALREADY_EXISTS,
        NOT_FOUND (no such ring) and INVALID_ARGUMENT (another purpose)."""
        if request.parent not in self._rings:
            refuse(Code.NOT_FOUND, f"KeyRing {request.parent} not found.")
        name = _child(request.parent, "cryptoKeys", request.crypto_key_id)
        if name in self._keys:
            refuse(Code.ALREADY_EXISTS, f"CryptoKey {name} already exists.")
        if request.crypto_key.purpose != Purpose.ENCRYPT_DECRYPT:
            refuse(Code.INVALID_ARGUMENT, "Only ENCRYPT_DECRYPT keys are emulated.")
        template = request.crypto_key.version_template
        level = template.protection_level or Protection.SOFTWARE
        key: dict[str, Any] = {
            "created": time.time(),
            "protection": level.name,
            "primary": None,
            "labels": dict(request.crypto_key.labels),
            "versions": [],
        }
        if not request.skip_initial_version_creation:
            key["versions"].append(_new_version())
            key["primary"] = 1
        self._keys[name] = key
        self._save()
        return self._as_key(name)

    async def get_crypto_key(self, request: Any, _: Any) -> Any:
        """Raises NOT_FOUND."""
        self._key(request.name)
        return self._as_key(request.name)

    async def list_crypto_keys(self, request: Any, _: Any) -> Any:
        """In order of name."""
        names = sorted(name for name in self._keys if name.startswith(f"{request.parent}/"))
        return requests.ListCryptoKeysResponse(
            crypto_keys=[self._as_key(name) for name in names], total_size=len(names)
        )

    # --- versions ---------------------------------------------------------------------------

    async def create_crypto_key_version(self, request: Any, _: Any) -> Any:
        """A new version, enabled, not primary."""
        key = self._key(request.parent)
        key["versions"].append(_new_version())
        self._save()
        return self._as_version(request.parent, len(key["versions"]))

    async def get_crypto_key_version(self, request: Any, _: Any) -> Any:
        """Raises NOT_FOUND."""
        return self._as_version(*self._version(request.name))

    async def list_crypto_key_versions(self, request: Any, _: Any) -> Any:
        """Oldest first."""
        count = len(self._key(request.parent)["versions"])
        return requests.ListCryptoKeyVersionsResponse(
            crypto_key_versions=[
                self._as_version(request.parent, number) for number in range(1, count + 1)
            ],
            total_size=count,
        )

    async def destroy_crypto_key_version(self, request: Any, _: Any) -> Any:
        """At once; the service waits thirty days."""
        name, number = self._version(request.name)
        record = self._keys[name]["versions"][number - 1]
        record.update(state="DESTROYED", key="")
        self._save()
        return self._as_version(name, number)

    async def update_crypto_key_primary_version(self, request: Any, _: Any) -> Any:
        """Encrypt with another version from now on. Raises NOT_FOUND and FAILED_PRECONDITION."""
        key = self._key(request.name)
        name, number = self._version(
            f"{request.name}/cryptoKeyVersions/{request.crypto_key_version_id}"
        )
        self._usable(name, number)
        key["primary"] = number
        self._save()
        return self._as_key(request.name)

    def _version(self, name: str) -> tuple[str, int]:
        """The key's name and the number of an existing version."""
        key, _, number = name.partition("/cryptoKeyVersions/")
        versions = self._key(key)["versions"]
        if not number.isdigit() or not 0 < int(number) <= len(versions):
            refuse(Code.NOT_FOUND, f"CryptoKeyVersion {name} not found.")
        return key, int(number)

    def _usable(self, name: str, number: int) -> bytes:
        record = self._keys[name]["versions"][number - 1]
        if record["state"] != "ENABLED":
            refuse(
                Code.FAILED_PRECONDITION,
                f"{name}/cryptoKeyVersions/{number} is not enabled, current state is: "
                f"{record['state']}.",
            )
        return base64.b64decode(record["key"])

    # --- encryption -------------------------------------------------------------------------

    async def encrypt(self, request: Any, _: Any) -> Any:
        """With the primary version, or the version that `name` names. Raises NOT_FOUND,
        INVALID_ARGUMENT (too long, damaged) and FAILED_PRECONDITION (no usable version)."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        if "/cryptoKeyVersions/" in request.name:
            name, number = self._version(request.name)
        else:
            name, number = request.name, self._key(request.name)["primary"]
        if number is None:
            refuse(Code.FAILED_PRECONDITION, f"{name} has no primary version.")
        plaintext, extra = request.plaintext, request.additional_authenticated_data
        hsm = self._keys[name]["protection"] == "HSM"
        too_long = (
            len(plaintext) + len(extra) > MAX_HSM_BYTES
            if hsm
            else max(len(plaintext), len(extra)) > MAX_SOFTWARE_BYTES
        )
        if not plaintext or too_long:
            refuse(Code.INVALID_ARGUMENT, "The plaintext is empty, or too long for this key.")
        checked = _check("plaintext", plaintext, request.plaintext_crc32c)
        checked_extra = _check(
            "additional_authenticated_data",
            extra,
            request.additional_authenticated_data_crc32c,
        )
        nonce = os.urandom(12)
        sealed = AESGCM(self._usable(name, number)).encrypt(nonce, plaintext, _bound(name, extra))
        ciphertext = _HEADER.pack(_FORMAT, number, nonce) + sealed
        return requests.EncryptResponse(
            name=f"{name}/cryptoKeyVersions/{number}",
            ciphertext=ciphertext,
            ciphertext_crc32c=google_crc32c.value(ciphertext),
            verified_plaintext_crc32c=checked,
            verified_additional_authenticated_data_crc32c=checked_extra,
            protection_level=Protection[self._keys[name]["protection"]],
        )

    async def decrypt(self, request: Any, _: Any) -> Any:
        """With the version that the ciphertext names. Raises INVALID_ARGUMENT when ciphertext,
        key and additional data do not belong together."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        key = self._key(request.name)
        ciphertext, extra = request.ciphertext, request.additional_authenticated_data
        _check("ciphertext", ciphertext, request.ciphertext_crc32c)
        _check(
            "additional_authenticated_data",
            extra,
            request.additional_authenticated_data_crc32c,
        )
        if len(ciphertext) <= _HEADER.size:
            _undecipherable()
        form, number, nonce = _HEADER.unpack_from(ciphertext)
        if form != _FORMAT or not 0 < number <= len(key["versions"]):
            _undecipherable()
        try:
            plaintext = AESGCM(self._usable(request.name, number)).decrypt(
                nonce, ciphertext[_HEADER.size :], _bound(request.name, extra)
            )
        except InvalidTag:
            _undecipherable()
        return requests.DecryptResponse(
            plaintext=plaintext,
            plaintext_crc32c=google_crc32c.value(plaintext),
            used_primary=number == key["primary"],
            protection_level=Protection[key["protection"]],
        )

    # --- messages ---------------------------------------------------------------------------

    def _as_ring(self, name: str) -> Any:
        return resources.KeyRing(name=name, create_time={"seconds": int(self._rings[name])})

    def _as_key(self, name: str) -> Any:
        key = self._keys[name]
        return resources.CryptoKey(
            name=name,
            primary=self._as_version(name, key["primary"]) if key["primary"] else None,
            purpose=Purpose.ENCRYPT_DECRYPT,
            create_time={"seconds": int(key["created"])},
            version_template=resources.CryptoKeyVersionTemplate(
                protection_level=Protection[key["protection"]],
                algorithm=_ALGORITHM,
            ),
            labels=key["labels"],
        )

    def _as_version(self, name: str, number: int) -> Any:
        record = self._keys[name]["versions"][number - 1]
        return resources.CryptoKeyVersion(
            name=f"{name}/cryptoKeyVersions/{number}",
            state=VersionState[record["state"]],
            protection_level=Protection[self._keys[name]["protection"]],
            algorithm=_ALGORITHM,
            create_time={"seconds": int(record["created"])},
        )


_ALGORITHM = resources.CryptoKeyVersion.CryptoKeyVersionAlgorithm.GOOGLE_SYMMETRIC_ENCRYPTION


def _new_version() -> dict[str, Any]:
    return {
        "key": base64.b64encode(os.urandom(32)).decode(),
        "state": "ENABLED",
        "created": time.time(),
    }


def _child(parent: str, collection: str, identifier: str) -> str:
    if not _ID.fullmatch(identifier):
        refuse(Code.INVALID_ARGUMENT, f"The id [{identifier}] is not valid.")
    return f"{parent}/{collection}/{identifier}"


def _check(field: str, data: bytes, stated: int | None) -> bool:
    """Whether a checksum was stated and holds; refuses one that does not."""
    if stated is None:
        return False
    if stated != google_crc32c.value(data):
        refuse(Code.INVALID_ARGUMENT, f"The checksum in field {field}_crc32c did not match.")
    return True


def _bound(name: str, extra: bytes) -> bytes:
    return name.encode() + b"\0" + extra


def _undecipherable() -> NoReturn:
    refuse(Code.INVALID_ARGUMENT, "Decryption failed: the ciphertext is invalid.")


def kms_service(state: Path) -> grpc.GenericRpcHandler:
    """The service over `state`."""
    keys = Keys(state)
    return service(
        "google.cloud.kms.v1.KeyManagementService",
        {
            "CreateKeyRing": (
                keys.create_key_ring,
                requests.CreateKeyRingRequest,
                resources.KeyRing,
            ),
            "GetKeyRing": (keys.get_key_ring, requests.GetKeyRingRequest, resources.KeyRing),
            "CreateCryptoKey": (
                keys.create_crypto_key,
                requests.CreateCryptoKeyRequest,
                resources.CryptoKey,
            ),
            "GetCryptoKey": (
                keys.get_crypto_key,
                requests.GetCryptoKeyRequest,
                resources.CryptoKey,
            ),
            "ListCryptoKeys": (
                keys.list_crypto_keys,
                requests.ListCryptoKeysRequest,
                requests.ListCryptoKeysResponse,
            ),
            "CreateCryptoKeyVersion": (
                keys.create_crypto_key_version,
                requests.CreateCryptoKeyVersionRequest,
                resources.CryptoKeyVersion,
            ),
            "GetCryptoKeyVersion": (
                keys.get_crypto_key_version,
                requests.GetCryptoKeyVersionRequest,
                resources.CryptoKeyVersion,
            ),
            "ListCryptoKeyVersions": (
                keys.list_crypto_key_versions,
                requests.ListCryptoKeyVersionsRequest,
                requests.ListCryptoKeyVersionsResponse,
            ),
            "DestroyCryptoKeyVersion": (
                keys.destroy_crypto_key_version,
                requests.DestroyCryptoKeyVersionRequest,
                resources.CryptoKeyVersion,
            ),
            "UpdateCryptoKeyPrimaryVersion": (
                keys.update_crypto_key_primary_version,
                requests.UpdateCryptoKeyPrimaryVersionRequest,
                resources.CryptoKey,
            ),
            "Encrypt": (keys.encrypt, requests.EncryptRequest, requests.EncryptResponse),
            "Decrypt": (keys.decrypt, requests.DecryptRequest, requests.DecryptResponse),
        },
    )


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="emulators.kms", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state", type=Path, required=True)
    options = parser.parse_args()
    serve_until_terminated({options.port: kms_service(options.state)})


if __name__ == "__main__":
    main()
