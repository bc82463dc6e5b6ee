"""A whole ladder job: names, encryption, alignment with the master, bitrates, manifests."""

from __future__ import annotations

import base64
import json
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.cloud.video.transcoder_v1.types import Job
from mutagen.oggvorbis import OggVorbis

from tests import local_settings
from tests.emulator.conftest import store_secret
from tests.emulator.transcoder.configs import AAC_KBPS, VORBIS_KBPS, ladder
from tests.emulator.transcoder.conftest import (
    RATE,
    Samples,
    Workbench,
    busy_music,
    correlation,
    decode,
    ffmpeg,
    flac,
    loudness,
)

MASTER_S = 33
KEY_ID = "00112233445566778899aabbccddeeff"
KEY = "0123456789abcdef0123456789abcdef"
MPD = {"": "urn:mpeg:dash:schema:mpd:2011", "cenc": "urn:mpeg:cenc:2013"}
W3C_COMMON = "1077efec-c0b2-4d02-ace3-3c1e52e2fb4b"


@dataclass(frozen=True)
class Ladder:
    """A finished ladder job, its files on disk, and the master's samples."""

    config: dict[str, Any]
    job: Job
    folder: Path
    master: Samples

    def cmaf(self, key: str) -> Path:
        """A rendition's initialization segment and segments in one file."""
        whole = self.folder / f"whole-{key}.mp4"
        parts = [self.folder / f"{key}-init.m4s", *sorted(self.folder.glob(f"{key}00*.m4s"))]
        whole.write_bytes(b"".join(part.read_bytes() for part in parts))
        return whole


@pytest.fixture(scope="session")
def secret_version(key_store: str) -> str:
    """A content key as ingestion stores it for the Transcoder."""
    matchers = [{"muxStreams": [f"aac_{kbps}" for kbps in AAC_KBPS]}]
    entry = {"keyId": KEY_ID, "key": KEY, "matchers": matchers}
    payload = json.dumps({"encryptionKeys": [entry]}).encode()
    store_secret(key_store, "transcode-key-ladder", payload)
    project = local_settings.PROJECT
    return f"projects/{project}/secrets/transcode-key-ladder/versions/1"


@pytest.fixture(scope="session")
async def finished(
    transcoder: Workbench, secret_version: str, tmp_path_factory: pytest.TempPathFactory
) -> Ladder:
    """The ladder of half a minute of busy music."""
    music = busy_music(MASTER_S) * 0.5
    source = transcoder.put("masters/busy one.flac", flac(music, transcoder.folder))
    config = ladder(source, "gs://transcoder-test/ladder/v1/", secret_version)
    job = await transcoder.succeed(config)
    folder = transcoder.fetch("ladder/v1/", tmp_path_factory.mktemp("ladder"))
    return Ladder(config, job, folder, music)


async def test_files_have_the_names_of_the_transcoder_api(finished: Ladder) -> None:
    expected = {"master.m3u8", "manifest.mpd"}
    expected |= {f"vorbis_{kbps}.ogg" for kbps in VORBIS_KBPS}
    for kbps in AAC_KBPS:
        expected |= {f"aac_{kbps}.m3u8", f"aac_{kbps}-init.m4s"}
        expected |= {f"aac_{kbps}{index:010d}.m4s" for index in range(6)}
    assert {path.name for path in finished.folder.iterdir()} - {
        path.name for path in finished.folder.glob("whole-*")
    } == expected


async def test_the_job_tells_its_times_and_its_populated_configuration(finished: Ladder) -> None:
    job = finished.job
    assert job.create_time <= job.start_time <= job.end_time
    assert job.ttl_after_completion_days == 30
    assert "error" not in job
    assert [stream.key for stream in job.config.mux_streams][:2] == ["aac_64", "aac_96"]


@pytest.mark.parametrize("kbps", AAC_KBPS)
async def test_aac_decodes_with_its_key_into_the_master(finished: Ladder, kbps: int) -> None:
    samples = decode(finished.cmaf(f"aac_{kbps}"), "-decryption_key", KEY)
    assert abs(len(samples) - len(finished.master)) < RATE * 0.05
    assert correlation(samples, finished.master) > (0.95 if kbps >= 160 else 0.8)


async def test_protected_segments_do_not_decode_without_the_key(finished: Ladder) -> None:
    whole = finished.cmaf("aac_256")
    for options in ((), ("-decryption_key", KEY_ID)):
        done = ffmpeg(*options, "-i", whole, "-f", "s16le", "-ac", "2", "-", check=False)
        samples = np.frombuffer(done.stdout[: len(done.stdout) // 4 * 4], "<i2").reshape(-1, 2)
        assert done.returncode != 0 or abs(correlation(samples, finished.master)) < 0.1


async def test_clear_streams_of_the_same_job_stay_clear_and_match(finished: Ladder) -> None:
    samples = decode(finished.folder / "vorbis_320.ogg")
    assert abs(len(samples) - len(finished.master)) < RATE * 0.05
    assert correlation(samples, finished.master) > 0.95


async def test_every_bitrate_is_within_15_percent_on_busy_music(finished: Ladder) -> None:
    measured = {
        f"aac_{kbps}": sum(
            path.stat().st_size for path in finished.folder.glob(f"aac_{kbps}00*.m4s")
        )
        for kbps in AAC_KBPS
    }
    measured |= {
        f"vorbis_{kbps}": (finished.folder / f"vorbis_{kbps}.ogg").stat().st_size
        for kbps in VORBIS_KBPS
    }
    for key, size in measured.items():
        tier = int(key.partition("_")[2]) * 1000
        assert 0.85 < size * 8 / MASTER_S / tier < 1.15, key


async def test_the_lowest_tier_is_mono_at_22050_hertz(finished: Ladder) -> None:
    info = OggVorbis(finished.folder / "vorbis_24.ogg").info
    assert (info.channels, info.sample_rate) == (1, 22_050)
    info = OggVorbis(finished.folder / "vorbis_320.ogg").info
    assert (info.channels, info.sample_rate) == (2, 44_100)


async def test_every_rendition_reaches_the_loudness_target(finished: Ladder) -> None:
    for kbps in AAC_KBPS:
        measured, _ = loudness(finished.cmaf(f"aac_{kbps}"), "-decryption_key", KEY)
        assert measured == pytest.approx(-14, abs=1), kbps
    for kbps in VORBIS_KBPS:
        measured, _ = loudness(finished.folder / f"vorbis_{kbps}.ogg")
        assert measured == pytest.approx(-14, abs=1), kbps


async def test_the_dash_manifest_is_static_and_names_key_and_segments(finished: Ladder) -> None:
    mpd = ET.parse(finished.folder / "manifest.mpd").getroot()
    assert mpd.get("type") == "static"
    protections = mpd.findall(".//ContentProtection", MPD)
    default = protections[0].get("{urn:mpeg:cenc:2013}default_KID", "")
    assert default.replace("-", "") == KEY_ID
    assert protections[0].get("value") == "cbcs"
    common = next(p for p in protections if W3C_COMMON in p.get("schemeIdUri", ""))
    pssh = base64.b64decode(common.findtext("cenc:pssh", "", MPD))
    assert bytes.fromhex(KEY_ID) in pssh
    for kbps, template in zip(AAC_KBPS, mpd.findall(".//SegmentTemplate", MPD), strict=True):
        assert template.get("initialization") == f"aac_{kbps}-init.m4s"
        assert template.get("media") == f"aac_{kbps}$Number%010d$.m4s"
        assert template.get("startNumber") == "0"


async def test_hls_playlists_carry_a_sample_aes_key_and_every_segment(finished: Ladder) -> None:
    master = (finished.folder / "master.m3u8").read_text()
    for kbps in AAC_KBPS:
        assert f"\naac_{kbps}.m3u8" in master
        media = (finished.folder / f"aac_{kbps}.m3u8").read_text()
        assert "#EXT-X-KEY:METHOD=SAMPLE-AES," in media
        assert 'KEYFORMAT="identity"' in media
        assert KEY not in media
        assert base64.b64encode(bytes.fromhex(KEY)).decode() not in media
        assert f'#EXT-X-MAP:URI="aac_{kbps}-init.m4s"' in media
        assert [line for line in media.splitlines() if line.endswith(".m4s")] == [
            f"aac_{kbps}{index:010d}.m4s" for index in range(6)
        ]
        assert media.rstrip().endswith("#EXT-X-ENDLIST")


async def test_the_same_job_again_encodes_nothing_even_with_another_key_and_output(
    transcoder: Workbench, finished: Ladder, key_store: str, secret_version: str, tmp_path: Path
) -> None:
    assert len(transcoder.report(finished.job)["encoded"]) == 8
    other = json.dumps({"encryptionKeys": [{"keyId": KEY[::-1], "key": KEY_ID}]}).encode()
    store_secret(key_store, "transcode-key-ladder", other)
    version = secret_version.replace("/1", "/2")
    source = finished.config["inputs"][0]["uri"]
    again = await transcoder.succeed(ladder(source, "gs://transcoder-test/ladder/v2/", version))
    report = transcoder.report(again)
    assert report["encoded"] == []
    assert len(report["cached"]) == 8
    second = transcoder.fetch("ladder/v2/", tmp_path)
    for kbps in VORBIS_KBPS:
        name = f"vorbis_{kbps}.ogg"
        assert (second / name).read_bytes() == (finished.folder / name).read_bytes()
    rendition = Ladder({}, again, second, finished.master).cmaf("aac_256")
    samples = decode(rendition, "-decryption_key", KEY_ID)
    assert correlation(samples, finished.master) > 0.95


async def test_a_repeated_job_writes_the_same_bytes(
    transcoder: Workbench, finished: Ladder, tmp_path: Path
) -> None:
    await transcoder.succeed({**finished.config, "output": {"uri": "gs://transcoder-test/v3/"}})
    for path in transcoder.fetch("v3/", tmp_path).iterdir():
        assert path.read_bytes() == (finished.folder / path.name).read_bytes(), path.name
