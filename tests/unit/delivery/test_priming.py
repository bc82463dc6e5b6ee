"""Which objects a player asks for first, read from HLS playlists."""

from __future__ import annotations

from shared.delivery.priming import is_playlist, is_whole, next_paths

MASTER = """#EXTM3U
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a",URI="aac_256.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=64000,CODECS="mp4a.40.2"
aac_64.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=160000,CODECS="mp4a.40.2"
aac_160.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=160000,CODECS="mp4a.40.2"
aac_160.m3u8
"""
MEDIA = """#EXTM3U
#EXT-X-TARGETDURATION:6
#EXT-X-MAP:URI="aac_160_init.m4s"
#EXT-X-KEY:METHOD=SAMPLE-AES,URI="data:text/plain;base64,AAAA"
#EXTINF:6.0,
aac_1600000000000.m4s

#EXTINF:6.0,
aac_1600000000001.m4s
#EXTINF:6.0,
aac_1600000000002.m4s
#EXT-X-ENDLIST
"""


def test_a_master_leads_to_every_variant_once() -> None:
    assert next_paths(MASTER) == ["aac_256.m3u8", "aac_64.m3u8", "aac_160.m3u8"]


def test_a_media_playlist_leads_to_its_start() -> None:
    assert next_paths(MEDIA) == [
        "aac_160_init.m4s",
        "aac_1600000000000.m4s",
        "aac_1600000000001.m4s",
    ]


def test_nothing_outside_the_prefix_is_followed() -> None:
    foreign = ["https://x.test/a.m4s", "//x.test/a", "/audio/u/a", "../u/a.m4s", "a?b=1"]
    assert next_paths("\n".join(["#EXT-X-STREAM-INF:B=1", *foreign, "ok.m3u8"])) == ["ok.m3u8"]
    assert next_paths("") == []


def test_kinds_of_files() -> None:
    assert is_playlist("aac_160.m3u8")
    assert not is_playlist("aac_160.m4s")
    assert is_whole("aac_160.m4s")
    assert not is_whole("vorbis_320.ogg")
