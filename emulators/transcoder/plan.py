"""A job's configuration as plain values: what to read, encode, package and write."""

from __future__ import annotations

from dataclasses import dataclass

# MuxStream.container -> suffix of its files (reference of MuxStream.container and .file_name).
CONTAINER_SUFFIX = {"fmp4": ".m4s", "ts": ".ts", "mp4": ".mp4", "mp3": ".mp3", "ogg": ".ogg"}
SEGMENTED = frozenset({"fmp4", "ts"})


@dataclass(frozen=True, slots=True)
class Layout:
    """What a filter branch is shared by: streams of one layout get the same samples."""

    sample_rate_hz: int
    channel_count: int


@dataclass(frozen=True, slots=True)
class Elementary:
    """One audio encoding."""

    key: str
    codec: str
    bitrate_bps: int
    layout: Layout
    language: str = ""
    display_name: str = ""

    @property
    def suffix(self) -> str:
        """Suffix of the cached file; AAC and AC-3 sit in MP4, which keeps their priming."""
        return {"vorbis": ".ogg", "mp3": ".mp3"}.get(self.codec, ".mp4")


@dataclass(frozen=True, slots=True)
class Cut:
    """A part of the input, in seconds of its timeline; `end_s` None is to its end."""

    start_s: float
    end_s: float | None


@dataclass(frozen=True, slots=True)
class Encryption:
    """MPEG Common Encryption with the key from `secret_version`."""

    id: str
    scheme: str  # cenc | cbcs
    secret_version: str
    drm_systems: tuple[str, ...]  # clearkey | widevine | playready | fairplay


@dataclass(frozen=True, slots=True)
class Mux:
    """One output stream. `file_name` is the whole name of a standalone file; segments put ten
    digits before its suffix."""

    key: str
    file_name: str
    container: str
    elementary: Elementary
    segment_s: float
    individual_segments: bool
    encryption: Encryption | None

    @property
    def stem(self) -> str:
        """The file name without its last suffix."""
        return self.file_name.rpartition(".")[0]

    @property
    def suffix(self) -> str:
        """The file name's suffix, with the dot."""
        return "." + self.file_name.rpartition(".")[2]

    @property
    def init_name(self) -> str:
        """Name of the initialization segment."""
        return f"{self.stem}-init{self.suffix}"

    @property
    def segment_template(self) -> str:
        """Names of the segments, as Shaka Packager and DASH template them."""
        return f"{self.stem}$Number%010d${self.suffix}"


@dataclass(frozen=True, slots=True)
class Manifest:
    """One HLS or DASH manifest over mux streams, by their keys in manifest order."""

    file_name: str
    type: str  # hls | dash
    mux_keys: tuple[str, ...]
    segment_list: bool  # DASH SegmentList rather than SegmentTemplate


@dataclass(frozen=True, slots=True)
class ObjectUri:
    """`gs://bucket/name`."""

    bucket: str
    name: str

    def __str__(self) -> str:
        return f"gs://{self.bucket}/{self.name}"


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything a job does. `lufs` 0 leaves the loudness alone; `topic` may be empty."""

    source: ObjectUri
    output: ObjectUri  # its name ends with "/"
    lufs: float
    cuts: tuple[Cut, ...]
    elementary: tuple[Elementary, ...]
    muxes: tuple[Mux, ...]
    manifests: tuple[Manifest, ...]
    topic: str

    @property
    def encryptions(self) -> tuple[Encryption, ...]:
        """The encryptions in use, each once."""
        return tuple(dict.fromkeys(mux.encryption for mux in self.muxes if mux.encryption))
