"""Playlists among the things of a library: followed, and gone from it."""

from __future__ import annotations

import time

import httpx
import pytest

from shared.platform.auth import Principal
from shared.platform.ids import random_id
from shared.playlists import service as playlists
from shared.playlists.models import Playlist
from shared.social import service as social
from tests.emulator.library.conftest import token

pytestmark = pytest.mark.usefixtures("client")


async def a_playlist(owner_id: str, *, public: bool) -> Playlist:
    owner = Principal(
        user_id=owner_id,
        client_id="an-app",
        scopes=frozenset({"playlist-modify-public", "playlist-modify-private"}),
        tier="premium",
        country="DE",
        expires_at_s=int(time.time()) + 60,
    )
    return await playlists.create(owner, "A Playlist", None, public, False, random_id())


async def test_a_public_playlist_is_followed_and_unfollowed(
    client: httpx.AsyncClient, user_id: str
) -> None:
    playlist = await a_playlist(random_id(), public=True)
    named = {"uris": f"spotify:playlist:{playlist.id}"}
    for _ in range(2):
        assert (await client.put("/v1/me/library", params=named)).status_code == 200
    assert (await client.get("/v1/me/library/contains", params=named)).json() == [True]
    assert await social.follower_count("playlist", playlist.id) == 2  # its owner is one
    for _ in range(2):
        assert (await client.delete("/v1/me/library", params=named)).status_code == 200
    assert (await client.get("/v1/me/library/contains", params=named)).json() == [False]
    assert await social.is_following(user_id, "playlist", [playlist.id]) == [False]


async def test_anothers_private_playlist_is_not_there(client: httpx.AsyncClient) -> None:
    owner_id = random_id()
    playlist = await a_playlist(owner_id, public=False)
    uri = f"spotify:playlist:{playlist.id}"
    refused = await client.put("/v1/me/library", params={"uris": uri})
    assert refused.status_code == 404
    assert refused.json()["error"]["message"] == f"Non existing id: '{uri}'"
    own = await client.put("/v1/me/library", params={"uris": uri}, headers=token(owner_id))
    assert own.status_code == 200
