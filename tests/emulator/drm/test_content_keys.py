"""Content keys in Firestore under KMS, and the Transcoder's secrets."""

from __future__ import annotations

import asyncio
import json

import pytest
from google.api_core.exceptions import GoogleAPICallError

from shared import topology
from shared.drm import service, store
from shared.platform import clients
from shared.platform.errors import NotFound
from shared.platform.ids import random_id

pytestmark = pytest.mark.usefixtures("firestore", "kms")


@pytest.fixture(autouse=True)
def _cold() -> None:
    service._unwrapped.clear()


async def test_keys_are_made_once_and_come_back_the_same() -> None:
    track_id = random_id()
    made = await service.create_content_keys(track_id)
    service._unwrapped.clear()
    assert await service.content_keys(track_id) == made
    service._unwrapped.clear()
    assert await service.create_content_keys(track_id) == made
    assert (len(made.cmaf_key), len(made.ogg_key)) == (16, 32)
    assert len({made.cmaf_kid, made.ogg_kid, made.cmaf_key.hex(), made.ogg_key[:16].hex()}) == 4


async def test_callers_at_the_same_moment_get_the_same_keys() -> None:
    track_id = random_id()
    made = await asyncio.gather(*(service.create_content_keys(track_id) for _ in range(6)))
    service._unwrapped.clear()
    made.append(await service.content_keys(track_id))
    assert len(set(made)) == 1


async def test_the_database_holds_no_key_in_the_clear() -> None:
    track_id = random_id()
    keys = await service.create_content_keys(track_id)
    document = await clients.collection(topology.CONTENT_KEYS).document(track_id).get()
    stored = repr(document.to_dict()).encode("unicode_escape")
    held = document.to_dict() or {}
    assert keys.cmaf_key not in held["wrapped"]
    assert keys.ogg_key not in held["wrapped"]
    assert keys.cmaf_key.hex().encode() not in stored


async def test_keys_moved_to_another_tracks_document_do_not_unwrap() -> None:
    one, other = random_id(), random_id()
    await service.create_content_keys(one)
    held = await store.load(one)
    assert held is not None
    await store.create(other, held)
    with pytest.raises(GoogleAPICallError):
        await service.content_keys(other)


async def test_a_track_without_keys_is_not_found() -> None:
    with pytest.raises(NotFound):
        await service.content_keys(random_id())


async def test_the_transcoder_reads_its_key_from_a_numbered_version_until_it_is_destroyed() -> None:
    track_id = random_id()
    keys = await service.create_content_keys(track_id)
    first = await service.create_transcode_secret(track_id, ["aac_160"])
    again = await service.create_transcode_secret(track_id, ["aac_160"])  # a retry
    assert (first.rpartition("/")[2], again.rpartition("/")[2]) == ("1", "2")
    answer = await clients.secret_manager().access_secret_version(name=again)
    (key,) = json.loads(answer.payload.data)["encryptionKeys"]
    assert (key["keyId"], key["key"]) == (keys.cmaf_kid, keys.cmaf_key.hex())
    assert key["matchers"] == [{"muxStreams": ["aac_160"]}]
    assert keys.ogg_key.hex() not in answer.payload.data.decode()
    await service.destroy_transcode_secret(track_id)
    await service.destroy_transcode_secret(track_id)  # harmless when repeated
    with pytest.raises(GoogleAPICallError):
        await clients.secret_manager().access_secret_version(name=again)
