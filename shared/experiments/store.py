"""Definitions in Firestore (`experiments/{name}`). There are tens of them, so they are read all
together, and a change is decided in a transaction that has seen all: two experiments that want the
same slots cannot both start."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from shared import topology
from shared.experiments.models import Experiment
from shared.platform import clients
from shared.platform.contention import retried
from shared.platform.errors import Conflict

if TYPE_CHECKING:
    from google.cloud.firestore import DocumentSnapshot

_log = logging.getLogger(__name__)


async def read_all() -> dict[str, Experiment]:
    """Every definition by name; one that cannot be read is left out, so nobody is in it."""
    query = clients.collection(topology.EXPERIMENTS)
    return _by_name([snapshot async for snapshot in query.stream()])


async def change(name: str, decide: Callable[[dict[str, Experiment]], Experiment]) -> Experiment:
    """Stores what `decide` makes of all definitions as the one called `name`, and returns it.
    `decide` may be called again where another was faster; what it raises is raised. Raises Conflict
    where there is one of that name that cannot be read: it may run, and would be lost."""
    from google.cloud.firestore import async_transactional

    collection = clients.collection(topology.EXPERIMENTS)

    async def decided(transaction: Any) -> Experiment:
        snapshots = await collection.get(transaction=transaction)
        present = _by_name(snapshots)
        if name not in present and any(one.id == name for one in snapshots):
            raise Conflict(
                f"{name} is defined, and cannot be read: the log says why. Mend the document"
                f" {topology.EXPERIMENTS.name}/{name}, or take another name."
            )
        wanted = decide(present)
        if wanted != present.get(name):
            # Times as text: what is read back is then of plain types.
            transaction.set(collection.document(name), wanted.model_dump(mode="json"))
        return wanted

    async def once() -> Experiment:
        result: Experiment = await async_transactional(decided)(clients.firestore().transaction())
        return result

    return await retried(once)


def _by_name(snapshots: list[DocumentSnapshot[Any]]) -> dict[str, Experiment]:
    found: dict[str, Experiment] = {}
    for snapshot in snapshots:
        fields = snapshot.to_dict() or {}
        # Fields of a newer version of this code are passed over.
        known = {name: value for name, value in fields.items() if name in Experiment.model_fields}
        try:
            found[snapshot.id] = Experiment.model_validate({**known, "name": snapshot.id})
        except ValidationError as error:
            _log.error("%s cannot be read; nobody is in it: %s", snapshot.reference.path, error)
    return found
