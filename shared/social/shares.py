"""Links that people share (F238). A link carries an address and no right: who opens it sees what
they may see anyway."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from shared.platform.errors import Gone, NotFound
from shared.platform.ids import content_id
from shared.signals import service as signals
from shared.signals.models import Signal
from shared.signals.subjects import subject
from shared.social.models import Share
from shared.social.store import shares as store

LIFE = timedelta(days=365)


async def create_share(user_id: str, uri: str, seed: str, *, suspected: bool = False) -> Share:
    """A new link to `uri`; the same one for the same `seed`. Whether the sharer may see the thing
    is for the one who calls. What is `suspected` to be a machine's (F286) teaches nobody
    anything."""
    now = datetime.now(UTC)
    share = Share(
        id=content_id("share", seed),
        uri=uri,
        user_id=user_id,
        created_at=now,
        expires_at=now + LIFE,
    )
    share = await store.create(share)
    told = Signal(
        event_id=share.id,
        user_id=user_id,
        kind="share",
        ts=share.created_at,
        suspected=suspected or None,
        **subject(uri),
    )
    await signals.publish([told])
    return share


async def get_share(share_id: str) -> Share:
    """The link `share_id`. Raises NotFound, and Gone once it has expired."""
    share = await store.read(share_id)
    if share is None:
        raise NotFound("There is no such link.")
    if share.expires_at <= datetime.now(UTC):
        raise Gone("This link has expired.")
    return share
