"""Rollouts in Firestore: `rollouts/{region}.{service}`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from shared import topology
from shared.platform import clients
from shared.platform.contention import retried
from shared.platform.errors import Conflict, InvalidInput
from shared.rollout.models import Rollout

if TYPE_CHECKING:
    from google.cloud.firestore import AsyncDocumentReference


@dataclass(frozen=True, slots=True)
class Held:
    """A rollout as it was read; `version` is Firestore's, None for one that is not stored yet."""

    rollout: Rollout
    version: Any = None


def _document(region: str, service: str) -> AsyncDocumentReference:
    return clients.collection(topology.ROLLOUTS).document(f"{region}.{service}")


async def read(region: str, service: str) -> Held:
    """What is remembered of a service in a region, which may be nothing.

    Raises InvalidInput where somebody's edit has made it unreadable.
    """
    snapshot = await _document(region, service).get()
    found = snapshot.to_dict()
    if found is None:
        return Held(Rollout(region=region, service=service))
    try:
        rollout = Rollout.model_validate({**found, "region": region, "service": service})
    except ValidationError as error:
        path = snapshot.reference.path
        raise InvalidInput(
            f"{path} cannot be read and its traffic is left alone; mend or delete it: {error}"
        ) from error
    return Held(rollout, snapshot.update_time)


async def save(changed: Rollout, held: Held) -> Held:
    """Stores `changed`. Raises Conflict when it is no longer as it was `held`."""
    from google.api_core.exceptions import AlreadyExists, FailedPrecondition, NotFound

    client = clients.firestore()
    document = _document(changed.region, changed.service)

    async def attempt() -> Held:
        batch = client.batch()
        if held.version is None:
            batch.create(document, changed.model_dump())
        else:
            unchanged = client.write_option(last_update_time=held.version)
            batch.update(document, changed.model_dump(), option=unchanged)
        (result,) = await batch.commit()
        return Held(changed, result.update_time)

    try:
        return await retried(attempt)
    except (AlreadyExists, FailedPrecondition, NotFound) as error:
        raise Conflict(f"{document.path} was changed meanwhile") from error
