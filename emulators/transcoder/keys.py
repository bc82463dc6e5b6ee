"""Content keys from Secret Manager, in the JSON that the Transcoder API documents.

    {"encryptionKeys": [{"keyId": HEX32, "key": HEX32, "iv": HEX32?, "keyUri": STR?,
                         "matchers": [{"muxStreams": [KEY, ...]}]}]}

(cloud.google.com/transcoder/docs/how-to/encrypt-content). An entry without matchers is for every
mux stream that names its encryption.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from .errors import Code, JobFailed

_HEX32 = re.compile(r"[0-9a-f]{32}")
_ACCESS = "/google.cloud.secretmanager.v1.SecretManagerService/AccessSecretVersion"
_TIMEOUT_S = 15.0


@dataclass(frozen=True, slots=True)
class ContentKey:
    """A content key, all in lower-case hex; empty where the secret has none."""

    key_id: str
    key: str
    iv: str = ""
    uri: str = ""


async def read_secret(endpoint: str, version: str) -> bytes:
    """The payload of a secret version. Raises JobFailed when it cannot be read."""
    import grpc

    from emulators.wire import message_types

    types = message_types("google.cloud.secretmanager_v1", "types.resources", "types.service")[1]
    async with grpc.aio.insecure_channel(endpoint) as channel:
        access = channel.unary_unary(
            _ACCESS,
            request_serializer=types.AccessSecretVersionRequest.serialize,
            response_deserializer=types.AccessSecretVersionResponse.deserialize,
        )
        try:
            answer = await access(
                types.AccessSecretVersionRequest(name=version),
                metadata=(("x-goog-request-params", f"name={version}"),),
                timeout=_TIMEOUT_S,
            )
        except grpc.aio.AioRpcError as error:
            code = {
                grpc.StatusCode.NOT_FOUND: Code.NOT_FOUND,
                grpc.StatusCode.PERMISSION_DENIED: Code.PERMISSION_DENIED,
                grpc.StatusCode.FAILED_PRECONDITION: Code.FAILED_PRECONDITION,
            }.get(error.code(), Code.UNAVAILABLE)
            raise JobFailed(
                code, "SecretManagerError", f"Cannot read {version}: {error.details()}"
            ) from None
    payload: bytes = answer.payload.data
    return payload


def match_keys(payload: bytes, mux_keys: Sequence[str]) -> dict[str, ContentKey]:
    """The content key of each of `mux_keys`, out of a secret's payload.

    Raises JobFailed when the payload is not the documented JSON or leaves a mux stream out; the
    message never quotes the payload.
    """
    try:
        entries = json.loads(payload)["encryptionKeys"]
        found: dict[str, ContentKey] = {}
        for entry in entries:
            key = ContentKey(
                key_id=entry["keyId"].lower(),
                key=entry["key"].lower(),
                iv=entry.get("iv", "").lower(),
                uri=entry.get("keyUri", ""),
            )
            for name in ("key_id", "key", "iv"):
                value = getattr(key, name)
                if not _HEX32.fullmatch(value) and (value or name != "iv"):
                    raise _invalid(f"{name} is not 32 hexadecimal digits")
            matchers = entry.get("matchers")
            named = (
                mux_keys
                if matchers is None
                else [name for matcher in matchers for name in matcher["muxStreams"]]
            )
            for name in named:
                found.setdefault(name, key)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _invalid("it is not the documented JSON") from None
    missing = [name for name in mux_keys if name not in found]
    if missing:
        raise _invalid(f"no key matches mux stream {', '.join(missing)}")
    return {name: found[name] for name in mux_keys}


def _invalid(problem: str) -> JobFailed:
    return JobFailed(Code.INVALID_ARGUMENT, "InvalidKey", f"Invalid encryption key: {problem}")
