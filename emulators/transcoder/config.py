"""Checks a JobConfig as the API would and turns it into a Plan.

Rules and ranges: google/cloud/video/transcoder/v1/resources.proto and the service's "Supported
input and output formats"; what is only this emulator's limit raises Unsupported.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .errors import Unsupported
from .faults import Faults, seconds_of
from .outputs import KEY, check_file_names, check_manifests, check_muxes
from .plan import (
    Cut,
    Elementary,
    Encryption,
    Layout,
    ObjectUri,
    Plan,
)

if TYPE_CHECKING:
    from google.cloud.video.transcoder_v1.types import resources

MAX_BITRATE_BPS = 10_000_000
MAX_CHANNELS = 6
DEFAULT_SAMPLE_RATE_HZ = 48_000
MIN_LUFS, MAX_LUFS = -24.0, 0.0
CODECS = ("aac", "aac-he", "aac-he-v2", "mp3", "ac3", "eac3", "vorbis")
NOT_ENCODED = frozenset({"aac-he", "aac-he-v2"})  # this ffmpeg has no HE-AAC encoder
SAMPLE_RATES = {
    "aac": {
        7350,
        8000,
        11025,
        12000,
        16000,
        22050,
        24000,
        32000,
        44100,
        48000,
        64000,
        88200,
        96000,
    },
    "mp3": {8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000},
    "ac3": {32000, 44100, 48000},
    "eac3": {32000, 44100, 48000},
}

_OBJECT = re.compile(r"gs://([a-z0-9][-a-z0-9_.]{1,220}[a-z0-9])/(.+)", re.DOTALL)
_SECRET = re.compile(r"projects/[^/]+/secrets/[\w-]+/versions/([^/]+)")
_TOPIC = re.compile(r"projects/[^/]+/topics/[A-Za-z][\w.~+%-]{2,254}")


def plan_job(config: resources.JobConfig) -> Plan:
    """The plan of a populated JobConfig.

    Raises InvalidConfig naming every field at fault, Unsupported for what is not emulated.
    """
    _refuse_what_is_not_emulated(config)
    faults = Faults()
    source, lufs, input_key = _input(config, faults)
    output = _output(config, faults)
    cuts = _cuts(config, input_key, faults)
    elementary = _elementary(config, faults)
    encryptions = _encryptions(config, faults)
    muxes = check_muxes(config, elementary, encryptions, faults)
    manifests = check_manifests(config, muxes, faults)
    topic = config.pubsub_destination.topic
    faults.unless(
        not topic or bool(_TOPIC.fullmatch(topic)),
        "config.pubsub_destination.topic",
        "must look like projects/{project}/topics/{topic}",
    )
    check_file_names(config, muxes, manifests, faults)
    faults.check()
    used = {mux.elementary.key for mux in muxes.values()}
    return Plan(
        source=source,
        output=output,
        lufs=lufs,
        cuts=cuts,
        elementary=tuple(e for e in elementary.values() if e.key in used),
        muxes=tuple(muxes.values()),
        manifests=manifests,
        topic=topic,
    )


def _refuse_what_is_not_emulated(config: resources.JobConfig) -> None:
    for name in ("overlays", "sprite_sheets", "ad_breaks"):
        if getattr(config, name):
            raise Unsupported(f"config.{name}: not emulated")
    if len(config.inputs) > 1:
        raise Unsupported("config.inputs: more than one input is not emulated")
    for index, stream in enumerate(config.elementary_streams):
        where = f"config.elementary_streams[{index}]"
        if "video_stream" in stream or "text_stream" in stream:
            raise Unsupported(f"{where}: only audio streams are emulated")
        if stream.audio_stream.codec in NOT_ENCODED:
            raise Unsupported(f"{where}.audio_stream.codec: HE-AAC is not emulated")
        if stream.audio_stream.mapping_:
            raise Unsupported(f"{where}.audio_stream.mapping: not emulated")
    for index, mux in enumerate(config.mux_streams):
        if len(mux.elementary_streams) > 1:
            raise Unsupported(
                f"config.mux_streams[{index}].elementary_streams: "
                "more than one elementary stream is not emulated"
            )
        if mux.container == "vtt":
            raise Unsupported(f"config.mux_streams[{index}].container: vtt is not emulated")
    for index, encryption in enumerate(config.encryptions):
        if "aes_128" in encryption or "sample_aes" in encryption:
            raise Unsupported(f"config.encryptions[{index}]: only mpeg_cenc is emulated")


def object_uri(uri: str) -> ObjectUri | None:
    """`gs://bucket/name` taken apart, or None when `uri` is not one."""
    match = _OBJECT.fullmatch(uri)
    return ObjectUri(match[1], match[2]) if match else None


def _input(config: resources.JobConfig, faults: Faults) -> tuple[ObjectUri, float, str]:
    nowhere = ObjectUri("", "")
    if not faults.unless(len(config.inputs) == 1, "config.inputs", "an input is required"):
        return nowhere, 0.0, ""
    given = config.inputs[0]
    source = object_uri(given.uri)
    faults.unless(
        source is not None,
        "config.inputs[0].uri",
        f"must be a Cloud Storage URI like gs://bucket/object, not {given.uri!r}",
    )
    lufs = given.preprocessing_config.audio.lufs
    faults.unless(
        MIN_LUFS <= lufs <= MAX_LUFS,
        "config.inputs[0].preprocessing_config.audio.lufs",
        f"must be between {MIN_LUFS:g} and {MAX_LUFS:g}, not {lufs:g}",
    )
    return source or nowhere, lufs, given.key


def _output(config: resources.JobConfig, faults: Faults) -> ObjectUri:
    output = object_uri(config.output.uri)
    if output is None or not output.name.endswith("/"):
        faults.add(
            "config.output.uri",
            f"must be a directory in a bucket like gs://bucket/outputs/, not {config.output.uri!r}",
        )
        return ObjectUri("", "")
    return output


def _cuts(config: resources.JobConfig, input_key: str, faults: Faults) -> tuple[Cut, ...]:
    cuts = []
    faults.unique((atom.key for atom in config.edit_list), "config.edit_list", "key")
    for index, atom in enumerate(config.edit_list):
        where = f"config.edit_list[{index}]"
        if faults.unless(bool(atom.inputs), f"{where}.inputs", "an input key is required"):
            for key in atom.inputs:
                faults.unless(key == input_key, f"{where}.inputs", f"no input has the key {key!r}")
        start = seconds_of(atom.start_time_offset) or 0.0
        end = seconds_of(atom.end_time_offset) if "end_time_offset" in atom else None
        faults.unless(start >= 0, f"{where}.start_time_offset", "must not be negative")
        faults.unless(
            end is None or end > start,
            f"{where}.end_time_offset",
            "must be after start_time_offset",
        )
        cuts.append(Cut(start, end))
    return tuple(cuts) or (Cut(0.0, None),)


def _elementary(config: resources.JobConfig, faults: Faults) -> dict[str, Elementary]:
    streams: dict[str, Elementary] = {}
    faults.unless(
        bool(config.elementary_streams), "config.elementary_streams", "at least one is required"
    )
    faults.unique((s.key for s in config.elementary_streams), "config.elementary_streams", "key")
    for index, stream in enumerate(config.elementary_streams):
        where = f"config.elementary_streams[{index}]"
        faults.unless(bool(KEY.fullmatch(stream.key)), f"{where}.key", "a key is required")
        if not faults.unless("audio_stream" in stream, where, "a stream is required"):
            continue
        audio, where = stream.audio_stream, f"{where}.audio_stream"
        codec = audio.codec or "aac"
        if not faults.unless(
            codec in CODECS, f"{where}.codec", f"{codec!r} is not one of {', '.join(CODECS)}"
        ):
            continue
        faults.unless(
            1 <= audio.bitrate_bps <= MAX_BITRATE_BPS,
            f"{where}.bitrate_bps",
            f"must be between 1 and {MAX_BITRATE_BPS}, not {audio.bitrate_bps}",
        )
        channels = audio.channel_count or 2
        faults.unless(
            1 <= channels <= MAX_CHANNELS,
            f"{where}.channel_count",
            f"must be between 1 and {MAX_CHANNELS}, not {channels}",
        )
        faults.unless(
            not audio.channel_layout or len(audio.channel_layout) == channels,
            f"{where}.channel_layout",
            f"must name {channels} channels",
        )
        rate = audio.sample_rate_hertz or DEFAULT_SAMPLE_RATE_HZ
        rates = SAMPLE_RATES.get(codec)
        faults.unless(
            rate in rates if rates else 8000 <= rate <= 192_000,
            f"{where}.sample_rate_hertz",
            f"{rate} Hz is not a sample rate of {codec}",
        )
        streams[stream.key] = Elementary(
            key=stream.key,
            codec=codec,
            bitrate_bps=audio.bitrate_bps,
            layout=Layout(rate, channels),
            language=audio.language_code,
            display_name=audio.display_name,
        )
    return streams


def _encryptions(config: resources.JobConfig, faults: Faults) -> dict[str, Encryption]:
    encryptions: dict[str, Encryption] = {}
    faults.unique((e.id for e in config.encryptions), "config.encryptions", "id")
    for index, given in enumerate(config.encryptions):
        where = f"config.encryptions[{index}]"
        faults.unless(bool(given.id), f"{where}.id", "an id is required")
        faults.unless("mpeg_cenc" in given, where, "an encryption mode is required")
        scheme = given.mpeg_cenc.scheme
        faults.unless(
            "mpeg_cenc" not in given or scheme in ("cenc", "cbcs"),
            f"{where}.mpeg_cenc.scheme",
            f"must be cenc or cbcs, not {scheme!r}",
        )
        version = given.secret_manager_key_source.secret_version
        match = _SECRET.fullmatch(version)
        faults.unless(
            bool(match) and match is not None and match[1].isdecimal(),
            f"{where}.secret_manager_key_source.secret_version",
            "must be a numbered version like projects/{project}/secrets/{secret}/versions/1, "
            f"not {version!r}; aliases like latest are not supported",
        )
        systems = tuple(
            name
            for name in ("widevine", "fairplay", "playready", "clearkey")
            if name in given.drm_systems
        )
        faults.unless(bool(systems), f"{where}.drm_systems", "at least one is required")
        encryptions[given.id] = Encryption(given.id, scheme, version, systems)
    return encryptions
