"""Checks the parts of a JobConfig that name its output: mux streams and manifests."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .faults import Faults, seconds_of
from .plan import CONTAINER_SUFFIX, SEGMENTED, Elementary, Encryption, Manifest, Mux

if TYPE_CHECKING:
    from google.cloud.video.transcoder_v1.types import resources

DEFAULT_SEGMENT_S = 6.0
MAX_SEGMENT_S = 60.0
CONTAINER_CODECS = {
    "fmp4": {"aac", "ac3", "eac3"},
    "ts": {"aac", "mp3", "ac3", "eac3"},
    "mp4": {"aac", "mp3", "ac3", "eac3"},
    "mp3": {"mp3"},
    "ogg": {"vorbis"},
}

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")
KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def check_muxes(
    config: resources.JobConfig,
    elementary: dict[str, Elementary],
    encryptions: dict[str, Encryption],
    faults: Faults,
) -> dict[str, Mux]:
    """The mux streams by key; those at fault are left out."""
    muxes: dict[str, Mux] = {}
    faults.unless(bool(config.mux_streams), "config.mux_streams", "at least one is required")
    faults.unique((m.key for m in config.mux_streams), "config.mux_streams", "key")
    for index, given in enumerate(config.mux_streams):
        where = f"config.mux_streams[{index}]"
        faults.unless(bool(KEY.fullmatch(given.key)), f"{where}.key", "a key is required")
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
            seconds = seconds_of(given.segment_settings.segment_duration) or 0.0
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


def check_manifests(
    config: resources.JobConfig, muxes: dict[str, Mux], faults: Faults
) -> tuple[Manifest, ...]:
    """The manifests; those of no type are left out."""
    manifests = []
    for index, given in enumerate(config.manifests):
        where = f"config.manifests[{index}]"
        kind = {1: "hls", 2: "dash"}.get(int(given.type_))
        if kind is None:
            faults.add(f"{where}.type", "must be HLS or DASH")
            continue
        name = given.file_name or f"manifest{'.m3u8' if kind == 'hls' else '.mpd'}"
        faults.unless(
            bool(re.fullmatch(KEY, name)), f"{where}.file_name", f"{name!r} is not a file name"
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


def check_file_names(
    config: resources.JobConfig,
    muxes: dict[str, Mux],
    manifests: tuple[Manifest, ...],
    faults: Faults,
) -> None:
    """No two outputs may have one name."""
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
