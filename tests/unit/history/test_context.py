from __future__ import annotations

import pytest

from shared.history.render import context_object

ID = "a" * 22


@pytest.mark.parametrize("kind", ["album", "artist", "playlist", "show"])
def test_a_context_has_its_address(kind: str) -> None:
    shown = context_object(f"spotify:{kind}:{ID}")
    assert shown is not None
    assert (shown["type"], shown["uri"]) == (kind, f"spotify:{kind}:{ID}")
    assert shown["href"].endswith(f"/v1/{kind}s/{ID}")
    assert shown["external_urls"]["spotify"].endswith(f"/#/{kind}/{ID}")


def test_saved_tracks_are_a_collection() -> None:
    shown = context_object("spotify:user:ada:collection")
    assert shown is not None
    assert (shown["type"], shown["href"].rpartition("/v1")[2]) == ("collection", "/me/tracks")


def test_an_old_playlist_uri_is_a_playlist() -> None:
    shown = context_object(f"spotify:user:ada:playlist:{ID}")
    assert shown is not None
    assert (shown["type"], shown["href"].rpartition("/v1")[2]) == ("playlist", f"/playlists/{ID}")


@pytest.mark.parametrize("uri", ["segue:search:rain", "spotify:track", f"spotify:track:{ID}"])
def test_what_is_no_context_is_none(uri: str) -> None:
    assert context_object(uri) is None
