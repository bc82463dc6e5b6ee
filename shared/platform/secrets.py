"""Payloads of the stack's own secrets."""

from __future__ import annotations

from shared import topology
from shared.platform import clients
from shared.platform.settings import settings

_payloads: dict[str, bytes] = {}  # bounded by the topology: one entry for each secret


async def secret(declared: topology.Secret) -> bytes:
    """Payload of the pinned version of `declared`, read once in the life of the process: a new
    version is a new deployment."""
    version = settings().secret_version(declared.name)
    if version not in _payloads:
        answer = await clients.secret_manager().access_secret_version(name=version)
        _payloads[version] = answer.payload.data
    return _payloads[version]
