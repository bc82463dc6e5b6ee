"""What a job configuration may say, field by field."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from google.cloud.video.transcoder_v1.types import JobConfig

from emulators.transcoder.config import plan_job
from emulators.transcoder.errors import InvalidConfig, Unsupported
from emulators.transcoder.plan import Cut

VERSION = "projects/p/secrets/key/versions/1"
Change = Callable[[dict[str, Any]], Any]


def config() -> dict[str, Any]:
    """A valid configuration with one protected stream in both manifests."""
    return {
        "inputs": [
            {
                "key": "in",
                "uri": "gs://bucket/a song.flac",
                "preprocessing_config": {"audio": {"lufs": -14}},
            }
        ],
        "edit_list": [{"key": "all", "inputs": ["in"]}],
        "elementary_streams": [
            {
                "key": "aac",
                "audio_stream": {"bitrate_bps": 160_000, "sample_rate_hertz": 44_100},
            }
        ],
        "mux_streams": [
            {
                "key": "cmaf",
                "container": "fmp4",
                "elementary_streams": ["aac"],
                "segment_settings": {
                    "segment_duration": {"seconds": 4},
                    "individual_segments": True,
                },
                "encryption_id": "drm",
            }
        ],
        "manifests": [
            {"type_": "HLS", "mux_streams": ["cmaf"]},
            {
                "type_": "DASH",
                "mux_streams": ["cmaf"],
                "dash": {"segment_reference_scheme": "SEGMENT_TEMPLATE_NUMBER"},
            },
        ],
        "encryptions": [
            {
                "id": "drm",
                "mpeg_cenc": {"scheme": "cbcs"},
                "secret_manager_key_source": {"secret_version": VERSION},
                "drm_systems": {"clearkey": {}, "widevine": {}},
            }
        ],
        "output": {"uri": "gs://bucket/out/"},
        "pubsub_destination": {"topic": "projects/p/topics/done"},
    }


def test_a_valid_configuration_becomes_a_plan_with_the_apis_defaults() -> None:
    plan = plan_job(JobConfig(config()))
    assert (plan.source.bucket, plan.source.name) == ("bucket", "a song.flac")
    assert plan.lufs == -14
    assert plan.cuts == (Cut(0.0, None),)
    (mux,) = plan.muxes
    assert (mux.file_name, mux.init_name) == ("cmaf.m4s", "cmaf-init.m4s")
    assert mux.segment_template == "cmaf$Number%010d$.m4s"
    assert mux.segment_s == 4
    assert (mux.elementary.codec, mux.elementary.layout.channel_count) == ("aac", 2)
    assert mux.encryption is not None
    assert mux.encryption.drm_systems == ("widevine", "clearkey")
    assert [m.file_name for m in plan.manifests] == ["manifest.m3u8", "manifest.mpd"]
    assert [m.segment_list for m in plan.manifests] == [False, False]


def test_without_a_sample_rate_it_is_48_kilohertz_and_segments_last_six_seconds() -> None:
    given = config()
    del given["elementary_streams"][0]["audio_stream"]["sample_rate_hertz"]
    del given["mux_streams"][0]["segment_settings"]["segment_duration"]
    (mux,) = plan_job(JobConfig(given)).muxes
    assert mux.elementary.layout.sample_rate_hz == 48_000
    assert mux.segment_s == 6


def _set(path: str, value: Any) -> Change:
    """Sets the value at `path`, for example `inputs.0.uri`."""

    def change(given: dict[str, Any]) -> None:
        target: Any = given
        *parents, last = (int(part) if part.isdecimal() else part for part in path.split("."))
        for part in parents:
            target = target[part]
        target[last] = value

    return change


AUDIO = "elementary_streams.0.audio_stream"
REFUSED = {
    "no input": (_set("inputs", []), "config.inputs"),
    "not in a bucket": (_set("inputs.0.uri", "file:///etc/passwd"), "config.inputs[0].uri"),
    "too loud": (_set("inputs.0.preprocessing_config.audio.lufs", 1), "audio.lufs"),
    "too quiet": (_set("inputs.0.preprocessing_config.audio.lufs", -24.5), "audio.lufs"),
    "output no directory": (_set("output.uri", "gs://bucket/out"), "config.output.uri"),
    "output a bucket": (_set("output.uri", "gs://bucket/"), "config.output.uri"),
    "no elementary stream": (_set("elementary_streams", []), "config.elementary_streams"),
    "no bitrate": (_set(f"{AUDIO}.bitrate_bps", 0), "audio_stream.bitrate_bps"),
    "bitrate too high": (_set(f"{AUDIO}.bitrate_bps", 10_000_001), "audio_stream.bitrate_bps"),
    "unknown codec": (_set(f"{AUDIO}.codec", "opus"), "audio_stream.codec"),
    "too many channels": (_set(f"{AUDIO}.channel_count", 7), "audio_stream.channel_count"),
    "odd sample rate": (_set(f"{AUDIO}.sample_rate_hertz", 44_000), "sample_rate_hertz"),
    "unknown elementary stream": (
        _set("mux_streams.0.elementary_streams", ["mp3"]),
        "config.mux_streams[0].elementary_streams",
    ),
    "no elementary stream in mux": (
        _set("mux_streams.0.elementary_streams", []),
        "config.mux_streams[0].elementary_streams",
    ),
    "bad container": (_set("mux_streams.0.container", "mkv"), "config.mux_streams[0].container"),
    "codec not for container": (_set("mux_streams.0.container", "ogg"), "cannot hold aac"),
    "unknown encryption": (_set("mux_streams.0.encryption_id", "x"), "encryption_id"),
    "segments too long": (
        _set("mux_streams.0.segment_settings.segment_duration", {"seconds": 61}),
        "segment_duration",
    ),
    "segments of nothing": (
        _set("mux_streams.0.segment_settings.segment_duration", {"seconds": 0}),
        "segment_duration",
    ),
    "file name outside": (_set("mux_streams.0.file_name", "../x.m4s"), "file_name"),
    "same file name": (_set("mux_streams.0.file_name", "manifest.mpd"), "duplicate file name"),
    "manifest of nothing": (_set("manifests.0.mux_streams", []), "config.manifests[0].mux_streams"),
    "manifest of unknown": (_set("manifests.0.mux_streams", ["x"]), "no mux stream has the key"),
    "manifest of no type": (_set("manifests.0.type_", 0), "config.manifests[0].type"),
    "alias of a secret version": (
        _set(
            "encryptions.0.secret_manager_key_source.secret_version",
            VERSION.replace("/1", "/latest"),
        ),
        "aliases like latest are not supported",
    ),
    "no DRM system": (_set("encryptions.0.drm_systems", {}), "config.encryptions[0].drm_systems"),
    "unknown scheme": (_set("encryptions.0.mpeg_cenc.scheme", "cens"), "mpeg_cenc.scheme"),
    "bad topic": (_set("pubsub_destination.topic", "done"), "pubsub_destination.topic"),
    "edit of unknown input": (_set("edit_list.0.inputs", ["x"]), "config.edit_list[0].inputs"),
    "edit that ends before it starts": (
        _set(
            "edit_list.0",
            {
                "inputs": ["in"],
                "start_time_offset": {"seconds": 9},
                "end_time_offset": {"seconds": 9},
            },
        ),
        "end_time_offset",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_broken_rule_is_refused_by_the_name_of_its_field(name: str) -> None:
    change, says = REFUSED[name]
    given = config()
    change(given)
    with pytest.raises(InvalidConfig) as refusal:
        plan_job(JobConfig(given))
    assert says in str(refusal.value)


def test_every_fault_is_named_at_once() -> None:
    given = config()
    given["output"]["uri"] = "nowhere"
    given["mux_streams"][0]["container"] = "mkv"
    with pytest.raises(InvalidConfig) as refusal:
        plan_job(JobConfig(given))
    assert "config.output.uri" in str(refusal.value)
    assert "config.mux_streams[0].container" in str(refusal.value)


@pytest.mark.parametrize("part", ["inputs", "elementary_streams", "mux_streams", "encryptions"])
def test_a_key_stands_for_one_thing_only(part: str) -> None:
    given = config()
    given[part] = given[part] * 2
    with pytest.raises((InvalidConfig, Unsupported)):
        plan_job(JobConfig(given))


@pytest.mark.parametrize(
    "change",
    [
        _set("elementary_streams.0", {"key": "aac", "video_stream": {}}),
        _set(f"{AUDIO}.codec", "aac-he"),
        _set("encryptions.0", {"id": "drm", "sample_aes": {}}),
        _set("overlays", [{"image": {"uri": "gs://bucket/x.png"}}]),
    ],
)
def test_what_is_not_emulated_is_said_to_be_unsupported(change: Change) -> None:
    given = config()
    change(given)
    with pytest.raises(Unsupported):
        plan_job(JobConfig(given))
