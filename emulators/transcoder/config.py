"""Checks a JobConfig as the API would and turns it into a Plan.

Rules and ranges: google/cloud/video/transcoder/v1/resources.proto and the service's "Supported
input and output formats"; what is only this emulator's limit raises Unsupported.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from .errors import InvalidConfig, Unsupported
from .plan import (
    CONTAINER_SUFFIX,
    SEGMENTED,
    Cut,
    Elementary,
    Encryption,
    Layout,
    Manifest,
    Mux,
    ObjectUri,
    Plan,
)

if TYPE_CHECKING:
    from google.cloud.video.transcoder_v1.types import resources

MAX_BITRATE_BPS = 10_000_000
MAX_CHANNELS = 6
DEFAULT_SAMPLE_RATE_HZ = 48_000
DEFAULT_SEGMENT_S = 6.0
MAX_SEGMENT_S = 60.0
MIN_LUFS, MAX_LUFS = -24.0, 0.0
CODECS = ("aac", "aac-he", "aac-he-v2", "mp3", "ac3", "eac3", "vorbis")
NOT_ENCODED = frozenset({"aac-he", "aac-he-v2"})  # this ffmpeg has no HE-AAC encoder
CONTAINER_CODECS = {
    "fmp4": {"aac", "ac3", "eac3"},
    "ts": {"aac", "mp3", "ac3", "eac3"},
    "mp4": {"aac", "mp3", "ac3", "eac3"},
    "mp3": {"mp3"},
    "ogg": {"vorbis"},
}
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

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_OBJECT = re.compile(r"gs://([a-z0-9][-a-z0-9_.]{1,220}[a-z0-9])/(.+)", re.DOTALL)
_SECRET = re.compile(r"projects/[^/]+/secrets/[\w-]+/versions/([^/]+)")
_TOPIC = re.compile(r"projects/[^/]+/topics/[A-Za-z][\w.~+%-]{2,254}")


class _Faults:
    """Collects `field: what is wrong`, to report every fault of a request at once."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def add(self, field: str, problem: str) -> None:
        self.found.append(f"{field}: {problem}")

    def unless(self, holds: bool, field: str, problem: str) -> bool:
        if not holds:
            self.add(field, problem)
        return holds

    def unique(self, values: Iterable[str], field: str, what: str) -> None:
        seen: set[str] = set()
        for value in values:
            self.unless(not value or value not in seen, field, f"duplicate {what} {value!r}")
            seen.add(value)

    def check(self) -> None:
        if self.found:
            raise InvalidConfig("; ".join(self.found))


def plan_job(config: resources.JobConfig) -> Plan:
    """The plan of a populated JobConfig.

    Raises InvalidConfig naming every field at fault, Unsupported for what is not emulated.
    """
    _refuse_what_is_not_emulated(config)
    faults = _Faults()
    source, lufs, input_key = _input(config, faults)
    output = _output(config, faults)
    cuts = _cuts(config, input_key, faults)
    elementary = _elementary(config, faults)
    encryptions = _encryptions(config, faults)
    muxes = _muxes(config, elementary, encryptions, faults)
    manifests = _manifests(config, muxes, faults)
    topic = config.pubsub_destination.topic
    faults.unless(
        not topic or bool(_TOPIC.fullmatch(topic)),
        "config.pubsub_destination.topic",
        "must look like projects/{project}/topics/{topic}",
    )
    _file_names(config, muxes, manifests, faults)
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


def _input(config: resources.JobConfig, faults: _Faults) -> tuple[ObjectUri, float, str]:
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


def _output(config: resources.JobConfig, faults: _Faults) -> ObjectUri:
    output = object_uri(config.output.uri)
    if output is None or not output.name.endswith("/"):
        faults.add(
            "config.output.uri",
            f"must be a directory in a bucket like gs://bucket/outputs/, not {config.output.uri!r}",
        )
        return ObjectUri("", "")
    return output


def _seconds(duration: Any) -> float | None:
    return duration.total_seconds() if isinstance(duration, timedelta) else None


def _cuts(config: resources.JobConfig, input_key: str, faults: _Faults) -> tuple[Cut, ...]:
    cuts = []
    faults.unique((atom.key for atom in config.edit_list), "config.edit_list", "key")
    for index, atom in enumerate(config.edit_list):
        where = f"config.edit_list[{index}]"
        if faults.unless(bool(atom.inputs), f"{where}.inputs", "an input key is required"):
            for key in atom.inputs:
                faults.unless(key == input_key, f"{where}.inputs", f"no input has the key {key!r}")
        start = _seconds(atom.start_time_offset) or 0.0
        end = _seconds(atom.end_time_offset) if "end_time_offset" in atom else None
        faults.unless(start >= 0, f"{where}.start_time_offset", "must not be negative")
        faults.unless(
            end is None or end > start,
            f"{where}.end_time_offset",
            "must be after start_time_offset",
        )
        cuts.append(Cut(start, end))
    return tuple(cuts) or (Cut(0.0, None),)


def _elementary(config: resources.JobConfig, faults: _Faults) -> dict[str, Elementary]:
    streams: dict[str, Elementary] = {}
    faults.unless(
        bool(config.elementary_streams), "config.elementary_streams", "at least one is required"
    )
    faults.unique((s.key for s in config.elementary_streams), "config.elementary_streams", "key")
    for index, stream in enumerate(config.elementary_streams):
        where = f"config.elementary_streams[{index}]"
        faults.unless(bool(_KEY.fullmatch(stream.key)), f"{where}.key", "a key is required")
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


def _encryptions(config: resources.JobConfig, faults: _Faults) -> dict[str, Encryption]:
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


def _muxes(
    config: resources.JobConfig,
    elementary: dict[str, Elementary],
    encryptions: dict[str, Encryption],
    faults: _Faults,
) -> dict[str, Mux]:
    muxes: dict[str, Mux] = {}
    faults.unless(bool(config.mux_streams), "config.mux_streams", "at least one is required")
    faults.unique((m.key for m in config.mux_streams), "config.mux_streams", "key")
    for index, given in enumerate(config.mux_streams):
        where = f"config.mux_streams[{index}]"
        faults.unless(bool(_KEY.fullmatch(given.key)), f"{where}.key", "a key is required")
        container = given.container or "mp4"
        suffix = CONTAINER_SUFFIX.get(container)
        if not faults.unless(
            suffix is not None,
            f"{where}.container",
            f"{container!r} is not one of {', '.join(CONTAINER_SUFFIX)}",
        ):
            continue
        if not faults.unless(
            bool(given.elementary_streams), f"{where}.elementary_streams", "one is required"
        ):
            continue
        key = given.elementary_streams[0]
        stream = elementary.get(key)
        if stream is None:
            faults.add(f"{where}.elementary_streams", f"no elementary stream has the key {key!r}")
            continue
        faults.unless(
            stream.codec in CONTAINER_CODECS[container],
            f"{where}.container",
            f"{container} cannot hold {stream.codec}",
        )
        name = given.file_name or f"{given.key}{suffix}"
        faults.unless(
            bool(_NAME.fullmatch(name)) and "." in name.rpartition("/")[2],
            f"{where}.file_name",
            f"{name!r} is not a file name with a suffix",
        )
        segmented = "segment_settings" in given
        faults.unless(
            container in SEGMENTED or not segmented,
            f"{where}.segment_settings",
            f"a {container} file has no segments",
        )
        seconds = DEFAULT_SEGMENT_S
        if "segment_duration" in given.segment_settings:
            seconds = _seconds(given.segment_settings.segment_duration) or 0.0
        faults.unless(
            0 < seconds <= MAX_SEGMENT_S,
            f"{where}.segment_settings.segment_duration",
            f"must be above 0 s and at most {MAX_SEGMENT_S:g} s, not {seconds:g} s",
        )
        encryption = encryptions.get(given.encryption_id) if given.encryption_id else None
        faults.unless(
            not given.encryption_id or encryption is not None,
            f"{where}.encryption_id",
            f"no encryption has the id {given.encryption_id!r}",
        )
        faults.unless(
            encryption is None or container == "fmp4",
            f"{where}.encryption_id",
            f"MPEG-CENC needs an fmp4 container, not {container}",
        )
        muxes[given.key] = Mux(
            key=given.key,
            file_name=name,
            container=container,
            elementary=stream,
            segment_s=seconds,
            individual_segments=given.segment_settings.individual_segments,
            encryption=encryption,
        )
    return muxes


def _manifests(
    config: resources.JobConfig, muxes: dict[str, Mux], faults: _Faults
) -> tuple[Manifest, ...]:
    manifests = []
    for index, given in enumerate(config.manifests):
        where = f"config.manifests[{index}]"
        kind = {1: "hls", 2: "dash"}.get(int(given.type_))
        if kind is None:
            faults.add(f"{where}.type", "must be HLS or DASH")
            continue
        name = given.file_name or f"manifest{'.m3u8' if kind == 'hls' else '.mpd'}"
        faults.unless(
            bool(re.fullmatch(_KEY, name)), f"{where}.file_name", f"{name!r} is not a file name"
        )
        faults.unless(bool(given.mux_streams), f"{where}.mux_streams", "one is required")
        declared = {mux.key for mux in config.mux_streams}
        for key in given.mux_streams:
            faults.unless(
                key in declared, f"{where}.mux_streams", f"no mux stream has the key {key!r}"
            )
        listed = [muxes[key] for key in given.mux_streams if key in muxes]
        for mux in listed:
            allowed = SEGMENTED if kind == "hls" else frozenset({"fmp4"})
            faults.unless(
                mux.container in allowed,
                f"{where}.mux_streams",
                f"{mux.key!r} is {mux.container}, which {kind.upper()} cannot list",
            )
        shapes = {(mux.container, mux.individual_segments, mux.segment_s) for mux in listed}
        faults.unless(
            len(shapes) <= 1, f"{where}.mux_streams", "containers and segment settings differ"
        )
        schemes = {mux.encryption.scheme for mux in listed if mux.encryption}
        faults.unless(len(schemes) <= 1, f"{where}.mux_streams", "encryption schemes differ")
        scheme = int(given.dash.segment_reference_scheme)
        individual = any(mux.individual_segments for mux in listed)
        faults.unless(
            scheme != 2 or individual,
            f"{where}.dash.segment_reference_scheme",
            "SEGMENT_TEMPLATE_NUMBER needs individual_segments",
        )
        manifests.append(
            Manifest(name, kind, tuple(given.mux_streams), kind == "dash" and scheme != 2)
        )
    return tuple(manifests)


def _file_names(
    config: resources.JobConfig,
    muxes: dict[str, Mux],
    manifests: tuple[Manifest, ...],
    faults: _Faults,
) -> None:
    names = [mux.file_name for mux in muxes.values()]
    names += [manifest.file_name for manifest in manifests]
    names += sorted(
        {
            f"{key}.m3u8"
            for manifest in manifests
            if manifest.type == "hls"
            for key in manifest.mux_keys
        }
    )
    faults.unique(names, "config.mux_streams and config.manifests", "file name")
