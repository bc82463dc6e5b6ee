"""Content keys of tracks: made once, wrapped at rest, unwrapped for a licence."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from cachetools import TTLCache

from shared.drm import store
from shared.drm.models import (
    CMAF_KEY_BYTES,
    KEY_ID_BYTES,
    OGG_KEY_BYTES,
    ContentKeys,
    WrappedKeys,
)
from shared.platform.errors import NotFound

# Unwrapped keys stay in memory for minutes only: long enough that a popular track costs KMS one
# call per instance, short enough that a dump of an idle instance holds none.
UNWRAPPED_KEPT = 2_000
UNWRAPPED_LIFE_S = 300

_unwrapped: TTLCache[str, ContentKeys] = TTLCache(UNWRAPPED_KEPT, UNWRAPPED_LIFE_S)


async def content_keys(track_id: str) -> ContentKeys:
    """The unwrapped keys of `track_id`. Raises NotFound where it has none."""
    keys = _unwrapped.get(track_id)
    if keys is None:
        held = await store.load(track_id)
        if held is None:
            raise NotFound(f"Track {track_id} has no content keys.")
        keys = _split(held, await store.unwrap(track_id, held.wrapped))
        _unwrapped[track_id] = keys
    return keys


async def create_content_keys(track_id: str) -> ContentKeys:
    """The keys of `track_id`, made at random if it has none yet. Of two callers at once, both
    get the keys of whoever stored first."""
    try:
        return await content_keys(track_id)
    except NotFound:
        plain = secrets.token_bytes(CMAF_KEY_BYTES + OGG_KEY_BYTES)
        held = WrappedKeys(
            cmaf_kid=secrets.token_hex(KEY_ID_BYTES),
            ogg_kid=secrets.token_hex(KEY_ID_BYTES),
            wrapped=await store.wrap(track_id, plain),
        )
    if not await store.create(track_id, held):
        return await content_keys(track_id)
    _unwrapped[track_id] = keys = _split(held, plain)
    return keys


async def create_transcode_secret(track_id: str, mux_streams: Sequence[str]) -> str:
    """Full name of a numbered secret version that gives the Transcoder the CMAF key for
    `mux_streams`. Raises NotFound where the track has no keys."""
    keys = await content_keys(track_id)
    return await store.create_transcode_secret(track_id, keys, mux_streams)


async def destroy_transcode_secret(track_id: str) -> None:
    """Destroys what `create_transcode_secret` made; harmless when repeated."""
    await store.destroy_transcode_secret(track_id)


def _split(held: WrappedKeys, plain: bytes) -> ContentKeys:
    return ContentKeys(
        cmaf_kid=held.cmaf_kid,
        cmaf_key=plain[:CMAF_KEY_BYTES],
        ogg_kid=held.ogg_kid,
        ogg_key=plain[CMAF_KEY_BYTES:],
    )
