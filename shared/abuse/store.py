"""Verdicts in Firestore (`bot_verdicts/{user_id}`), and how far the search for them is
(`bot_sweeps/{slice}`). A verdict is written on the condition that it is still as it was read: an
operator may be editing it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from shared import topology
from shared.abuse.models import Sweep, Verdict
from shared.abuse.slices import Slice
from shared.platform import clients
from shared.platform.contention import retried

if TYPE_CHECKING:
    from google.cloud.firestore import DocumentSnapshot

_log = logging.getLogger(__name__)


def _verdict(snapshot: DocumentSnapshot[Any]) -> Verdict | None:
    found = snapshot.to_dict()
    if found is None:
        return None
    try:
        return Verdict.model_validate({**found, "user_id": snapshot.id})
    except ValidationError as error:
        # Somebody's hand slipped. Until it is mended, nobody suffers from it.
        _log.error("%s cannot be read and suspects nobody: %s", snapshot.reference.path, error)
        return Verdict(user_id=snapshot.id, override="cleared")


async def verdict(user_id: str) -> Verdict | None:
    """The verdict on `user_id`."""
    document = clients.collection(topology.BOT_VERDICTS).document(user_id)
    return _verdict(await document.get())


async def verdicts(of: Slice) -> list[Verdict]:
    """Every verdict on the people of a slice."""
    from google.cloud.firestore_v1.base_query import FieldFilter

    query = clients.collection(topology.BOT_VERDICTS).where(
        filter=FieldFilter("user_id", ">=", of.start)
    )
    if of.end is not None:
        query = query.where(filter=FieldFilter("user_id", "<", of.end))
    found = [_verdict(snapshot) async for snapshot in query.stream()]
    return [each for each in found if each is not None]


async def revise(
    user_id: str, decide: Callable[[Verdict | None], Awaitable[Verdict | None]]
) -> None:
    """Stores what `decide` makes of the verdict on `user_id`, unless that is the same; decides
    anew where another was faster."""
    from google.api_core.exceptions import AlreadyExists, FailedPrecondition, NotFound

    document = clients.collection(topology.BOT_VERDICTS).document(user_id)
    client = clients.firestore()

    async def attempt() -> None:
        snapshot = await document.get()
        present = _verdict(snapshot)
        decided = await decide(present)
        if decided is None or decided == present:
            return
        batch = client.batch()
        if present is None:
            batch.create(document, decided.model_dump())
        else:
            unchanged = client.write_option(last_update_time=snapshot.update_time)
            batch.update(document, decided.model_dump(), option=unchanged)
        await batch.commit()

    await retried(attempt, FailedPrecondition, AlreadyExists, NotFound)


async def sweep(of: Slice) -> Sweep | None:
    """How far the search through a slice is; None before its first."""
    document = clients.collection(topology.BOT_SWEEPS).document(of.name)
    found = (await document.get()).to_dict()
    return Sweep.model_validate(found) if found is not None else None


async def put_sweep(of: Slice, sweep: Sweep) -> None:
    """Stores how far it is. Should two runs overlap, the later word wins: the worst of it is that
    some people are visited twice."""
    document = clients.collection(topology.BOT_SWEEPS).document(of.name)
    await retried(lambda: document.set(sweep.model_dump()))
