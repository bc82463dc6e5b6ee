"""What ffmpeg finds in good and in bad masters."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from shared.ingestion import audio, tags
from shared.ingestion.fingerprint import bit_error_rate
from shared.ingestion.models import Rejected

TONE = "aevalsrc='0.3*sin(2*PI*(220+60*sin(t))*t)|0.3*sin(2*PI*331*t)*sin(t)':d={}:s=44100"


def make(path: Path, seconds: float = 8, source: str = TONE) -> Path:
    command = [audio.executable(), "-hide_banner", "-loglevel", "error", "-nostdin", "-y"]
    command += ["-f", "lavfi", "-i", source.format(seconds), str(path)]
    subprocess.run(command, check=True, timeout=60)
    return path


async def decode(path: Path) -> audio.DecodedMaster:
    return await audio.decode_master(path, tags.read(path).header_duration_ms)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.mp3", "a.m4a", "a.ogg"])
async def test_every_accepted_format_decodes_to_its_duration_and_fingerprint(
    tmp_path: Path, name: str
) -> None:
    decoded = await decode(make(tmp_path / name))
    assert decoded.duration_ms == pytest.approx(8000, abs=50)
    assert -20 < decoded.peak_db <= 0
    reference = await decode(make(tmp_path / "reference.wav"))
    assert bit_error_rate(decoded.fingerprint, reference.fingerprint) < 0.1


@pytest.mark.parametrize("rate", [22_050, 48_000, 96_000])
async def test_the_duration_is_right_at_any_sample_rate(tmp_path: Path, rate: int) -> None:
    source = TONE.replace("44100", str(rate))
    decoded = await decode(make(tmp_path / "a.wav", source=source))
    assert decoded.duration_ms == pytest.approx(8000, abs=5)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.mp3", "a.m4a"])
async def test_a_truncated_file_is_rejected(tmp_path: Path, name: str) -> None:
    path = make(tmp_path / name, 20)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(Rejected, match=r"cut off|not audio"):
        await decode(path)


async def test_a_flac_with_damage_in_the_middle_is_rejected(tmp_path: Path) -> None:
    path = make(tmp_path / "a.flac", 20)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 64] = bytes(64)
    path.write_bytes(content)
    with pytest.raises(Rejected, match="damaged"):
        await decode(path)


@pytest.mark.parametrize("content", [b"x", b"hello, this is no music at all\n" * 200, bytes(9000)])
@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.mp3", "a"])
async def test_what_is_not_audio_is_rejected(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(Rejected):
        await decode(path)


async def test_a_playlist_that_names_other_files_is_not_followed(tmp_path: Path) -> None:
    make(tmp_path / "secret.wav")
    path = tmp_path / "a.wav"
    path.write_text(f"#EXTM3U\n#EXTINF:8,\nfile:{tmp_path}/secret.wav\n#EXT-X-ENDLIST\n")
    with pytest.raises(Rejected, match="not audio"):
        await decode(path)
    path.write_text(f"ffconcat version 1.0\nfile '{tmp_path}/secret.wav'\n")
    with pytest.raises(Rejected, match="not audio"):
        await decode(path)


async def test_a_three_second_clip_is_too_short(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match=r"too short: 3\.0 s, at least 5 s"):
        await decode(make(tmp_path / "a.flac", 3))


async def test_a_header_that_promises_hours_is_refused_before_decoding(tmp_path: Path) -> None:
    path = make(tmp_path / "a.wav")
    with pytest.raises(Rejected, match="too long: 200 min"):
        await audio.decode_master(path, 200 * 60_000)


async def test_silence_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="silent"):
        await decode(make(tmp_path / "a.flac", source="anullsrc,atrim=end={}"))


def run(*arguments: str | Path) -> None:
    command = [audio.executable(), "-loglevel", "error", "-nostdin", *map(str, arguments)]
    subprocess.run(command, check=True, timeout=60)


async def test_embedded_artwork_does_not_stand_in_the_way(tmp_path: Path) -> None:
    cover, path = tmp_path / "cover.png", tmp_path / "a.mp3"
    run("-f", "lavfi", "-i", "color=red:s=99x99", "-frames:v", "1", cover)
    run("-i", make(tmp_path / "plain.mp3"), "-i", cover, "-map", "0", "-map", "1", "-c", "copy",
        "-disposition:v:0", "attached_pic", path)  # fmt: skip
    assert (await decode(path)).codec == "mp3"
    assert tags.read(path).artwork == cover.read_bytes()


async def test_a_result_is_measured_in_duration_and_loudness(tmp_path: Path) -> None:
    result = await audio.decode_result(make(tmp_path / "a.ogg", 10))
    assert result.duration_ms == pytest.approx(10_000, abs=5)
    assert -20 < result.lufs < -5
    (tmp_path / "b.ogg").write_bytes(b"no")
    with pytest.raises(RuntimeError, match=r"b\.ogg does not decode"):
        await audio.decode_result(tmp_path / "b.ogg")
