"""The Transcoder jobs of a track, as the API's messages. Pure.

Three jobs, because one job has one output folder and one edit list:

cmaf     AAC, segmented, encrypted `cbcs`, HLS and DASH: straight to the track's folder in the
         audio bucket. Nothing points there until the track is published.
vorbis   Ogg files in the clear: to staging, where `publish_track` encrypts them.
preview  30 seconds in the clear, MP3 and HLS: below the track's folder in the audio bucket.

https://cloud.google.com/transcoder/docs/reference/rest/v1/JobConfig
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared.ingestion import paths
from shared.ingestion.ladder import (
    AAC,
    PREVIEW_FILE,
    PREVIEW_MS,
    PREVIEW_STREAM,
    SEGMENT_S,
    TARGET_LUFS,
    VORBIS,
    Rendition,
)
from shared.ingestion.models import JobRole

if TYPE_CHECKING:
    from google.cloud.video.transcoder_v1.types import Job

ENCRYPTION_ID = "content"
CMAF_STREAMS = tuple(rendition.key for rendition in AAC)
JOB_LIFE_DAYS = 7  # after completion: long enough to ask why it failed

# A label value has at most 63 characters and a SHA-256 has 64.
LABEL_HASH = ("content_a", "content_b")
LABEL_ROLE = "role"
LABEL_VERSION = "version"
_HALF = 32


@dataclass(frozen=True, slots=True)
class TranscodePlan:
    """What all three jobs need. URIs are `gs://…`; folders end in a slash."""

    content_hash: str
    track_id: str
    asset_version: str
    input_uri: str
    audio_bucket: str
    staging_bucket: str
    duration_ms: int
    topic: str  # full name of the notification topic

    def output_uri(self, role: JobRole) -> str:
        """Folder into which the job writes."""
        if role == "preview":
            return (
                f"gs://{self.audio_bucket}/{paths.preview_asset(self.track_id, self.asset_version)}"
            )
        bucket = self.staging_bucket if role == "vorbis" else self.audio_bucket
        return f"gs://{bucket}/{paths.asset(self.track_id, self.asset_version)}"


@dataclass(frozen=True, slots=True)
class JobLabels:
    """What a job is for, as its labels say."""

    content_hash: str
    role: str
    asset_version: str


def labels(content_hash: str, role: JobRole, asset_version: str) -> dict[str, str]:
    """Labels by which a job is found again, whoever lost its name."""
    return {
        LABEL_HASH[0]: content_hash[:_HALF],
        LABEL_HASH[1]: content_hash[_HALF:],
        LABEL_ROLE: role,
        LABEL_VERSION: asset_version,
    }


def read_labels(held: Any) -> JobLabels | None:
    """The inverse of `labels`; None for a job that is not ours."""
    try:
        return JobLabels(
            held[LABEL_HASH[0]] + held[LABEL_HASH[1]], held[LABEL_ROLE], held[LABEL_VERSION]
        )
    except KeyError:
        return None


def job_filter(content_hash: str, role: JobRole, asset_version: str) -> str:
    """Filter of ListJobs (AIP-160) for the jobs with these labels."""
    wanted = labels(content_hash, role, asset_version)
    return " AND ".join(f'labels.{name}="{value}"' for name, value in wanted.items())


def preview_window_ms(duration_ms: int) -> tuple[int, int]:
    """Start and end of the preview: 30 s from one third on, where songs have arrived at their
    theme; all of a shorter track."""
    length_ms = min(PREVIEW_MS, duration_ms)
    start_ms = min(duration_ms // 3, duration_ms - length_ms)
    return start_ms, start_ms + length_ms


def job(plan: TranscodePlan, role: JobRole, secret_version: str | None = None) -> Job:
    """The job of `role`; `cmaf` needs the numbered `secret_version` that holds its key."""
    from google.cloud.video.transcoder_v1.types import Job

    make = {"cmaf": _cmaf, "vorbis": _vorbis, "preview": _preview}[role]
    config: dict[str, Any] = {
        "inputs": [
            {
                "key": "master",
                "uri": plan.input_uri,
                "preprocessing_config": {"audio": {"lufs": TARGET_LUFS}},
            }
        ],
        "output": {"uri": plan.output_uri(role)},
        "pubsub_destination": {"topic": plan.topic},
        **make(plan, secret_version),
    }
    return Job(
        config=config,
        labels=labels(plan.content_hash, role, plan.asset_version),
        ttl_after_completion_days=JOB_LIFE_DAYS,
    )


def _cmaf(plan: TranscodePlan, secret_version: str | None) -> dict[str, Any]:
    if secret_version is None:
        raise ValueError("the encrypted job needs the version of its secret")
    return {
        "elementary_streams": [_elementary(rendition) for rendition in AAC],
        "mux_streams": [_mux(rendition, encrypted=True) for rendition in AAC],
        "manifests": _manifests(CMAF_STREAMS),
        "encryptions": [
            {
                "id": ENCRYPTION_ID,
                "mpeg_cenc": {"scheme": "cbcs"},
                "secret_manager_key_source": {"secret_version": secret_version},
                # One cbcs set serves all of them (decision 9).
                "drm_systems": {"widevine": {}, "fairplay": {}, "playready": {}, "clearkey": {}},
            }
        ],
    }


def _vorbis(plan: TranscodePlan, _: str | None) -> dict[str, Any]:
    return {
        "elementary_streams": [_elementary(rendition) for rendition in VORBIS],
        "mux_streams": [_mux(rendition) for rendition in VORBIS],
    }


def _preview(plan: TranscodePlan, _: str | None) -> dict[str, Any]:
    start_ms, end_ms = preview_window_ms(plan.duration_ms)
    return {
        "edit_list": [
            {
                "key": "clip",
                "inputs": ["master"],
                "start_time_offset": _duration(start_ms),
                "end_time_offset": _duration(end_ms),
            }
        ],
        "elementary_streams": [_elementary(PREVIEW_STREAM), _elementary(PREVIEW_FILE)],
        "mux_streams": [
            _mux(PREVIEW_STREAM),
            {**_mux(PREVIEW_FILE), "file_name": paths.PREVIEW_MP3},
        ],
        "manifests": _manifests((PREVIEW_STREAM.key,)),
    }


def _elementary(rendition: Rendition) -> dict[str, Any]:
    return {
        "key": f"{rendition.key}_stream",
        "audio_stream": {
            "codec": rendition.codec,
            "bitrate_bps": rendition.bitrate_kbps * 1000,
            "channel_count": rendition.channels,
            "channel_layout": ["fl", "fr"] if rendition.channels == 2 else ["fc"],
            "sample_rate_hertz": rendition.sample_rate_hz,
        },
    }


def _mux(rendition: Rendition, *, encrypted: bool = False) -> dict[str, Any]:
    mux: dict[str, Any] = {
        "key": rendition.key,
        "container": rendition.container,
        "elementary_streams": [f"{rendition.key}_stream"],
    }
    if rendition.container == "fmp4":
        mux["segment_settings"] = {
            "segment_duration": _duration(round(SEGMENT_S * 1000)),
            "individual_segments": True,
        }
    if encrypted:
        mux["encryption_id"] = ENCRYPTION_ID
    return mux


def _manifests(streams: tuple[str, ...]) -> list[dict[str, Any]]:
    return [
        {"file_name": paths.HLS_MANIFEST, "type_": "HLS", "mux_streams": list(streams)},
        {
            "file_name": paths.DASH_MANIFEST,
            "type_": "DASH",
            "mux_streams": list(streams),
            "dash": {"segment_reference_scheme": "SEGMENT_TEMPLATE_NUMBER"},
        },
    ]


def _duration(milliseconds: int) -> dict[str, int]:
    seconds, rest = divmod(milliseconds, 1000)
    return {"seconds": seconds, "nanos": rest * 1_000_000}
