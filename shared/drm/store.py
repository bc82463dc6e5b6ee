"""Wrapped content keys in Firestore, KMS, and the secrets that live while a Transcoder job does."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime

from shared import topology
from shared.drm.models import ContentKeys, WrappedKeys
from shared.platform import clients
from shared.platform.contention import retried
from shared.platform.settings import settings

# A secret that nobody destroyed (its job vanished) expires by itself.
TRANSCODE_SECRET_LIFE_S = 86_400


async def load(track_id: str) -> WrappedKeys | None:
    """The wrapped keys of `track_id`, None where it has none."""
    snapshot = await clients.collection(topology.CONTENT_KEYS).document(track_id).get()
    held = snapshot.to_dict()
    if held is None:
        return None
    return WrappedKeys(held["cmaf_kid"], held["ogg_kid"], held["wrapped"])


async def create(track_id: str, keys: WrappedKeys) -> bool:
    """Stores `keys` unless `track_id` has keys already; says whether it stored them."""
    from google.api_core.exceptions import AlreadyExists

    document = clients.collection(topology.CONTENT_KEYS).document(track_id)
    content = {
        "cmaf_kid": keys.cmaf_kid,
        "ogg_kid": keys.ogg_kid,
        "wrapped": keys.wrapped,
        "created_at": datetime.now(UTC),
    }
    try:
        await retried(lambda: document.create(content))
    except AlreadyExists:
        return False
    return True


async def wrap(track_id: str, plain: bytes) -> bytes:
    """`plain` encrypted by KMS, bound to the track: another track's document cannot hold it."""
    answer = await clients.kms().encrypt(
        request={
            "name": settings().crypto_key(topology.CONTENT_KEY_KEK.name),
            "plaintext": plain,
            "additional_authenticated_data": _binding(track_id),
        }
    )
    return bytes(answer.ciphertext)


async def unwrap(track_id: str, wrapped: bytes) -> bytes:
    """The inverse of `wrap`."""
    answer = await clients.kms().decrypt(
        request={
            "name": settings().crypto_key(topology.CONTENT_KEY_KEK.name),
            "ciphertext": wrapped,
            "additional_authenticated_data": _binding(track_id),
        }
    )
    return bytes(answer.plaintext)


async def create_transcode_secret(
    track_id: str, keys: ContentKeys, mux_streams: Sequence[str]
) -> str:
    """Full name of a fresh numbered secret version from which the Transcoder reads the CMAF key
    for `mux_streams`. A retry adds another version to the same secret, which goes with it.

    https://cloud.google.com/transcoder/docs/how-to/encrypt-content
    """
    from google.api_core.exceptions import AlreadyExists

    manager = clients.secret_manager()
    secret_id = f"{topology.TRANSCODE_KEYS.name}-{track_id}"
    project = f"projects/{settings().project}"
    with contextlib.suppress(AlreadyExists):
        await manager.create_secret(
            request={
                "parent": project,
                "secret_id": secret_id,
                "secret": {
                    "replication": {"automatic": {}},
                    "ttl": {"seconds": TRANSCODE_SECRET_LIFE_S},
                },
            }
        )
    payload = {
        "encryptionKeys": [
            {
                "keyId": keys.cmaf_kid,
                "key": keys.cmaf_key.hex(),
                "keyUri": f"skd://{keys.cmaf_kid}",
                # `cbcs` uses one constant IV; the key id is unique to the track, as is the key.
                "iv": keys.cmaf_kid,
                "matchers": [{"muxStreams": list(mux_streams)}],
            }
        ]
    }
    version = await manager.add_secret_version(
        request={
            "parent": f"{project}/secrets/{secret_id}",
            "payload": {"data": json.dumps(payload).encode()},
        }
    )
    return str(version.name)


async def destroy_transcode_secret(track_id: str) -> None:
    """Deletes the secret with all its versions; nothing happens where it is gone."""
    from google.api_core.exceptions import NotFound

    name = f"projects/{settings().project}/secrets/{topology.TRANSCODE_KEYS.name}-{track_id}"
    with contextlib.suppress(NotFound):
        await clients.secret_manager().delete_secret(request={"name": name})


def _binding(track_id: str) -> bytes:
    return f"content_keys/{track_id}".encode()
