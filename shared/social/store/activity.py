"""Last plays in Firestore: `friend_activity/{user}`, there for exactly those who opted in.

Opting out deletes the document, so what it held is gone with it. A play is written only over the
document that was read, so one that comes late, or beside an opt-out, changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from shared import topology
from shared.platform import clients
from shared.platform.contention import retried
from shared.social.models import Activity, LastPlay

if TYPE_CHECKING:
    from google.cloud.firestore import AsyncDocumentReference


def _document(user_id: str) -> AsyncDocumentReference:
    return clients.collection(topology.FRIEND_ACTIVITY).document(user_id)


async def opt_in(user_id: str, since: datetime) -> None:
    """Starts to keep the last play from `since` on; a second time changes nothing."""
    from google.api_core.exceptions import AlreadyExists

    try:
        await retried(lambda: _document(user_id).create({"user_id": user_id, "since": since}))
    except AlreadyExists:
        return


async def opt_out(user_id: str) -> None:
    """Stops to keep the last play, and forgets the one that is kept."""
    await retried(_document(user_id).delete)


async def put(user_id: str, play: LastPlay) -> None:
    """Keeps `play` if the person opted in before it and nothing later is kept."""
    from google.api_core.exceptions import FailedPrecondition, NotFound

    async def once() -> None:
        snapshot = await _document(user_id).get()
        held = snapshot.to_dict()
        if held is None or play.played_at < held["since"]:
            return
        if "played_at" in held and play.played_at <= held["played_at"]:
            return
        fields = {
            "track_id": play.track_id,
            "played_at": play.played_at,
            "context_uri": play.context_uri,
        }
        unchanged = clients.firestore().write_option(last_update_time=snapshot.update_time)
        await _document(user_id).update(fields, option=unchanged)

    await retried(once, FailedPrecondition, NotFound)


async def read(user_ids: Sequence[str]) -> dict[str, Activity]:
    """What is kept of those of `user_ids` who opted in, in one round trip."""
    references = [_document(user_id) for user_id in user_ids]
    found: dict[str, Activity] = {}
    async for snapshot in clients.firestore().get_all(references):
        held = snapshot.to_dict()
        if held is not None:
            play = None
            if "played_at" in held:
                play = LastPlay(held["track_id"], held["played_at"], held["context_uri"])
            found[snapshot.id] = Activity(snapshot.id, play)
    return found
