"""The figures of F084-F088 and F099, and that the topology says the same."""

from __future__ import annotations

from shared import topology
from shared.delivery import cache


def test_times_to_live_are_the_specified_ones() -> None:
    days = {
        name: getattr(cache, f"{name}_TTL_S") / cache.DAY_S
        for name in ("AUDIO", "ALBUM_ARTWORK", "ARTIST_IMAGE", "PLAYLIST_COVER")
    }
    assert days == {"AUDIO": 365, "ALBUM_ARTWORK": 30, "ARTIST_IMAGE": 7, "PLAYLIST_COVER": 1}
    assert cache.API_RESPONSE_TTL_S == 300
    assert 0 < cache.NEGATIVE_TTL_S <= 60


def test_buckets_default_to_the_same_headers() -> None:
    assert topology.AUDIO.cache_control == cache.CacheHeader.AUDIO
    assert topology.PREVIEWS.cache_control == cache.CacheHeader.AUDIO
    assert topology.IMAGES.cache_control == cache.CacheHeader.ALBUM_ARTWORK


def test_what_holds_a_signature_or_depends_on_the_caller_enters_no_shared_cache() -> None:
    assert "private" in cache.CacheHeader.SIGNED_PLAYLIST
    assert "private" in cache.CacheHeader.API_RESPONSE
