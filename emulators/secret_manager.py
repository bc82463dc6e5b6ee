"""Secret Manager: the gRPC service `google.cloud.secretmanager.v1.SecretManagerService`.

`python -m emulators.secret_manager --port P --state DIR [--kms-port P]`; with `--kms-port` the
same process serves Cloud KMS as well, which saves a Python.
"""

from __future__ import annotations

import argparse
import base64
import re
import time
from pathlib import Path
from typing import Any

import google_crc32c
import grpc
from google.protobuf import empty_pb2

from emulators.wire import (
    load_json,
    message_types,
    refuse,
    save_json,
    serve_until_terminated,
    service,
)

resources, requests = message_types(
    "google.cloud.secretmanager_v1", "types.resources", "types.service"
)

MAX_PAYLOAD_BYTES = 65_536  # cloud.google.com/secret-manager/quotas
_SECRET_ID = re.compile(r"[A-Za-z0-9_-]{1,255}")
_VERSION = re.compile(r"(projects/[^/]+/secrets/[^/]+)/versions/(latest|[1-9]\d*)")

Code = grpc.StatusCode
State = resources.SecretVersion.State


class Secrets:
    """Secrets and their versions, held in memory and in `<state>/secrets.json`."""

    def __init__(self, state: Path) -> None:
        self._path = state / "secrets.json"
        # secret name -> {created, labels, versions: [{state, data (base64), created}]}
        self._secrets: dict[str, dict[str, Any]] = load_json(self._path)

    def _save(self) -> None:
        save_json(self._path, self._secrets)

    def _secret(self, name: str) -> dict[str, Any]:
        if name not in self._secrets:
            refuse(Code.NOT_FOUND, f"Secret [{name}] not found.")
        return self._secrets[name]

    def _version(self, name: str) -> tuple[str, dict[str, Any]]:
        """The full numbered name and record of a version."""
        match = _VERSION.fullmatch(name)
        if not match:
            refuse(Code.INVALID_ARGUMENT, f"The resource name [{name}] is not a secret version.")
        secret, number = match.groups()
        versions = self._secret(secret)["versions"]
        index = len(versions) if number == "latest" else int(number)
        if not 0 < index <= len(versions):
            refuse(Code.NOT_FOUND, f"Secret Version [{name}] not found.")
        return f"{secret}/versions/{index}", versions[index - 1]

    def _as_secret(self, name: str) -> Any:
        record = self._secrets[name]
        return resources.Secret(
            name=name,
            replication=resources.Replication(automatic=resources.Replication.Automatic()),
            create_time={"seconds": int(record["created"])},
            labels=record["labels"],
            etag=f'"{int(record["created"]):x}"',
        )

    @staticmethod
    def _as_version(name: str, record: dict[str, Any]) -> Any:
        return resources.SecretVersion(
            name=name,
            state=State[record["state"]],
            create_time={"seconds": int(record["created"])},
            destroy_time={"seconds": int(record["destroyed"])} if "destroyed" in record else None,
            etag=f'"{int(record["created"]):x}"',
        )

    # --- secrets ----------------------------------------------------------------------------

    async def create_secret(self, request: Any, _: Any) -> Any:
        """Raises ALREADY_EXISTS, and INVALID_ARGUMENT for a bad id or absent replication."""
        if not _SECRET_ID.fullmatch(request.secret_id):
            refuse(Code.INVALID_ARGUMENT, f"The secret id [{request.secret_id}] is not valid.")
        if "replication" not in request.secret:
            refuse(Code.INVALID_ARGUMENT, "Secret.replication must be provided.")
        name = f"{request.parent}/secrets/{request.secret_id}"
        if name in self._secrets:
            refuse(Code.ALREADY_EXISTS, f"Secret [{name}] already exists.")
        self._secrets[name] = {
            "created": time.time(),
            "labels": dict(request.secret.labels),
            "versions": [],
        }
        self._save()
        return self._as_secret(name)

    async def get_secret(self, request: Any, _: Any) -> Any:
        """Raises NOT_FOUND."""
        self._secret(request.name)
        return self._as_secret(request.name)

    async def list_secrets(self, request: Any, _: Any) -> Any:
        """In order of name; pages of `page_size`."""
        names = sorted(n for n in self._secrets if n.startswith(f"{request.parent}/secrets/"))
        start, end, token = _page(request, len(names))
        return requests.ListSecretsResponse(
            secrets=[self._as_secret(name) for name in names[start:end]],
            next_page_token=token,
            total_size=len(names),
        )

    async def delete_secret(self, request: Any, _: Any) -> Any:
        """With all its versions. Raises NOT_FOUND."""
        self._secret(request.name)
        del self._secrets[request.name]
        self._save()
        return empty_pb2.Empty()

    # --- versions ---------------------------------------------------------------------------

    async def add_secret_version(self, request: Any, _: Any) -> Any:
        """Raises NOT_FOUND, and INVALID_ARGUMENT when the payload is too long or damaged."""
        versions = self._secret(request.parent)["versions"]
        data = request.payload.data
        if len(data) > MAX_PAYLOAD_BYTES:
            refuse(Code.INVALID_ARGUMENT, f"The payload exceeds {MAX_PAYLOAD_BYTES} bytes.")
        if request.payload.data_crc32c and request.payload.data_crc32c != google_crc32c.value(data):
            refuse(Code.INVALID_ARGUMENT, "The payload does not match its CRC32C.")
        versions.append(
            {
                "state": "ENABLED",
                "data": base64.b64encode(data).decode(),
                "created": time.time(),
            }
        )
        self._save()
        return self._as_version(f"{request.parent}/versions/{len(versions)}", versions[-1])

    async def access_secret_version(self, request: Any, _: Any) -> Any:
        """Raises NOT_FOUND, and FAILED_PRECONDITION unless the version is enabled."""
        name, record = self._version(request.name)
        if record["state"] != "ENABLED":
            refuse(
                Code.FAILED_PRECONDITION,
                f"Secret Version [{name}] is in {record['state']} state.",
            )
        data = base64.b64decode(record["data"])
        return requests.AccessSecretVersionResponse(
            name=name,
            payload=resources.SecretPayload(data=data, data_crc32c=google_crc32c.value(data)),
        )

    async def get_secret_version(self, request: Any, _: Any) -> Any:
        """Raises NOT_FOUND."""
        return self._as_version(*self._version(request.name))

    async def list_secret_versions(self, request: Any, _: Any) -> Any:
        """Newest first; pages of `page_size`."""
        versions = self._secret(request.parent)["versions"]
        numbered = list(enumerate(versions, 1))[::-1]
        start, end, token = _page(request, len(numbered))
        return requests.ListSecretVersionsResponse(
            versions=[
                self._as_version(f"{request.parent}/versions/{number}", record)
                for number, record in numbered[start:end]
            ],
            next_page_token=token,
            total_size=len(numbered),
        )

    async def enable_secret_version(self, request: Any, _: Any) -> Any:
        """Raises FAILED_PRECONDITION when it is destroyed."""
        return self._change(request.name, "ENABLED")

    async def disable_secret_version(self, request: Any, _: Any) -> Any:
        """Raises FAILED_PRECONDITION when it is destroyed."""
        return self._change(request.name, "DISABLED")

    async def destroy_secret_version(self, request: Any, _: Any) -> Any:
        """For good; its payload leaves the disk."""
        return self._change(request.name, "DESTROYED")

    def _change(self, name: str, state: str) -> Any:
        name, record = self._version(name)
        if record["state"] == "DESTROYED":
            refuse(Code.FAILED_PRECONDITION, f"Secret Version [{name}] is already destroyed.")
        record["state"] = state
        if state == "DESTROYED":
            record["data"] = ""
            record["destroyed"] = time.time()
        self._save()
        return self._as_version(name, record)


def _page(request: Any, count: int) -> tuple[int, int, str]:
    """Start, end and next token of a page; everything where no size is asked for."""
    start = int(request.page_token or 0)
    end = start + request.page_size if request.page_size else count
    return start, end, str(end) if end < count else ""


def secret_manager_service(state: Path) -> grpc.GenericRpcHandler:
    """The service over `state`."""
    secrets = Secrets(state)
    return service(
        "google.cloud.secretmanager.v1.SecretManagerService",
        {
            "CreateSecret": (secrets.create_secret, requests.CreateSecretRequest, resources.Secret),
            "GetSecret": (secrets.get_secret, requests.GetSecretRequest, resources.Secret),
            "ListSecrets": (
                secrets.list_secrets,
                requests.ListSecretsRequest,
                requests.ListSecretsResponse,
            ),
            "DeleteSecret": (secrets.delete_secret, requests.DeleteSecretRequest, empty_pb2.Empty),
            "AddSecretVersion": (
                secrets.add_secret_version,
                requests.AddSecretVersionRequest,
                resources.SecretVersion,
            ),
            "AccessSecretVersion": (
                secrets.access_secret_version,
                requests.AccessSecretVersionRequest,
                requests.AccessSecretVersionResponse,
            ),
            "GetSecretVersion": (
                secrets.get_secret_version,
                requests.GetSecretVersionRequest,
                resources.SecretVersion,
            ),
            "ListSecretVersions": (
                secrets.list_secret_versions,
                requests.ListSecretVersionsRequest,
                requests.ListSecretVersionsResponse,
            ),
            "EnableSecretVersion": (
                secrets.enable_secret_version,
                requests.EnableSecretVersionRequest,
                resources.SecretVersion,
            ),
            "DisableSecretVersion": (
                secrets.disable_secret_version,
                requests.DisableSecretVersionRequest,
                resources.SecretVersion,
            ),
            "DestroySecretVersion": (
                secrets.destroy_secret_version,
                requests.DestroySecretVersionRequest,
                resources.SecretVersion,
            ),
        },
    )


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="emulators.secret_manager", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--kms-port", type=int, help="serve Cloud KMS here too")
    parser.add_argument("--state", type=Path, required=True)
    options = parser.parse_args()
    services = {options.port: secret_manager_service(options.state)}
    if options.kms_port:
        from emulators.kms import kms_service

        services[options.kms_port] = kms_service(options.state)
    serve_until_terminated(services)


if __name__ == "__main__":
    main()
