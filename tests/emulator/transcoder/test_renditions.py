"""Loudness over kinds of music, clips, clear manifests, other containers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.emulator.transcoder.configs import cmaf, duration, preview, single
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
    served,
)


def _quiet() -> Samples:
    return busy_music(12) * 0.01


def _loud() -> Samples:
    return np.clip(busy_music(12) * 4, -1, 1)


def _very_dynamic() -> Samples:
    """Whispers, and a drum hit at full scale every two seconds."""
    music = busy_music(12) * 0.02
    for second in range(0, 12, 2):
        music[second * RATE : second * RATE + 2000] *= 45
    return music


@pytest.mark.parametrize("kind", [_quiet, _loud, _very_dynamic])
async def test_any_input_comes_out_at_the_target_below_full_scale(
    transcoder: Workbench, tmp_path: Path, kind: Any
) -> None:
    name = kind.__name__.strip("_")
    source = transcoder.put(f"masters/{name}.flac", flac(kind(), transcoder.folder))
    await transcoder.succeed(single(source, f"gs://transcoder-test/{name}/", lufs=-14))
    file = transcoder.fetch(f"{name}/", tmp_path) / "aac.mp4"
    measured_lufs, true_peak_dbtp = loudness(file)
    assert measured_lufs == pytest.approx(-14, abs=1)
    assert true_peak_dbtp <= -0.9  # -1 on what the encoder was given


async def test_loudness_is_left_alone_without_a_target(
    transcoder: Workbench, tmp_path: Path
) -> None:
    music = busy_music(10) * 0.1
    source = transcoder.put("masters/untouched.flac", flac(music, transcoder.folder))
    await transcoder.succeed(single(source, "gs://transcoder-test/untouched/"))
    samples = decode(transcoder.fetch("untouched/", tmp_path) / "aac.mp4")
    assert np.std(samples) == pytest.approx(np.std(music), rel=0.03)


async def test_silence_is_not_amplified(transcoder: Workbench, tmp_path: Path) -> None:
    source = transcoder.put("masters/silence.flac", flac(np.zeros((6 * RATE, 2)), tmp_path))
    await transcoder.succeed(single(source, "gs://transcoder-test/silence/", lufs=-14))
    samples = decode(transcoder.fetch("silence/", tmp_path) / "aac.mp4")
    assert np.abs(samples).max() < 0.001


async def test_an_edit_list_cuts_a_clip_of_30_seconds_to_the_sample(
    transcoder: Workbench, tmp_path: Path
) -> None:
    music = busy_music(40) * 0.5
    source = transcoder.put("masters/clip.flac", flac(music, transcoder.folder))
    await transcoder.succeed(preview(source, "gs://transcoder-test/clip/", 5.25, 35.25))
    folder = transcoder.fetch("clip/", tmp_path)
    wanted = music[int(5.25 * RATE) : int(35.25 * RATE)]
    samples = decode(folder / "preview.mp3")
    assert abs(len(samples) - len(wanted)) < RATE * 0.05
    assert correlation(samples, wanted) > 0.9
    with served(folder) as url:
        output = ("-f", "s16le", "-ac", "2", "-")
        played = ffmpeg("-i", f"{url}/preview.m3u8", "-map", "0:a:0", *output).stdout
    samples = np.frombuffer(played, "<i2").reshape(-1, 2)
    assert abs(len(samples) - len(wanted)) < RATE * 0.05
    assert correlation(samples, wanted) > 0.9
    assert "EXT-X-KEY" not in (folder / "clip.m3u8").read_text()


async def test_several_cuts_are_joined(transcoder: Workbench, tmp_path: Path) -> None:
    music = busy_music(20) * 0.5
    source = transcoder.put("masters/cuts.flac", flac(music, transcoder.folder))
    atoms = [("a", 1, 3), ("b", 10, 14)]
    edit_list = [
        {
            "key": key,
            "inputs": ["master"],
            "start_time_offset": duration(start),
            "end_time_offset": duration(end),
        }
        for key, start, end in atoms
    ]
    config = single(source, "gs://transcoder-test/cuts/", edit_list=edit_list)
    await transcoder.succeed(config)
    wanted = np.concatenate([music[RATE : 3 * RATE], music[10 * RATE : 14 * RATE]])
    samples = decode(transcoder.fetch("cuts/", tmp_path) / "aac.mp4")
    assert abs(len(samples) - len(wanted)) < RATE * 0.05
    assert correlation(samples, wanted) > 0.95


async def test_the_default_dash_manifest_lists_segments_and_plays_in_ffmpeg(
    transcoder: Workbench, tmp_path: Path
) -> None:
    music = busy_music(20) * 0.5
    source = transcoder.put("masters/dash.flac", flac(music, transcoder.folder))
    config = single(
        source,
        "gs://transcoder-test/dash/",
        mux_streams=[
            cmaf("clear", elementary="aac") | {"file_name": "media/audio.m4s"},
            {"key": "whole", "container": "fmp4", "elementary_streams": ["aac"]},
        ],
        manifests=[
            {"type_": "DASH", "mux_streams": ["clear"]},
            {"file_name": "whole.mpd", "type_": "DASH", "mux_streams": ["whole"]},
            {"type_": "HLS", "mux_streams": ["clear"]},
        ],
    )
    await transcoder.succeed(config)
    folder = transcoder.fetch("dash/", tmp_path)
    listed = (folder / "manifest.mpd").read_text()
    assert '<SegmentURL media="media/audio0000000003.m4s"' in listed
    assert 'sourceURL="media/audio-init.m4s"' in listed
    assert re.search(r'<SegmentURL mediaRange="\d+-\d+"', (folder / "whole.mpd").read_text())
    assert correlation(decode(folder / "whole.m4s"), music) > 0.95
    output = ("-f", "s16le", "-ac", "2", "-")
    with served(folder) as url:
        played = ffmpeg("-i", f"{url}/manifest.m3u8", "-map", "0:a:0", *output).stdout
        samples = np.frombuffer(played, "<i2").reshape(-1, 2)
        assert abs(len(samples) - len(music)) < RATE * 0.05
        assert correlation(samples, music) > 0.95
        played = ffmpeg("-i", f"{url}/manifest.mpd", *output).stdout
    # ffmpeg's DASH demuxer applies the edit list anew to each segment: a frame each is lost.
    samples = np.frombuffer(played, "<i2").reshape(-1, 2)
    assert abs(len(samples) - len(music)) < RATE * 0.05 + 3 * 1024
    assert correlation(samples[: 5 * RATE], music[: 5 * RATE]) > 0.95
