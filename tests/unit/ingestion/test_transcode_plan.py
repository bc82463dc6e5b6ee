"""The Transcoder's jobs."""

from __future__ import annotations

import pytest

from shared.ingestion import transcode_plan as tp
from shared.ingestion.models import JOB_ROLES, JobRole

HASH = "0123456789abcdef" * 4
PLAN = tp.TranscodePlan(
    content_hash=HASH,
    track_id="t" * 22,
    asset_version="v" * 16,
    input_uri="gs://masters/uploads/u/x.flac",
    audio_bucket="audio",
    staging_bucket="staging",
    duration_ms=200_000,
    topic="projects/p/topics/transcode-finished",
)
SECRET = "projects/p/secrets/s/versions/1"


@pytest.mark.parametrize("role", JOB_ROLES)
def test_every_job_is_normalised_labelled_and_announced(role: JobRole) -> None:
    job = tp.job(PLAN, role, SECRET)
    (source,) = job.config.inputs
    assert source.preprocessing_config.audio.lufs == -14
    assert job.config.pubsub_destination.topic == PLAN.topic
    assert tp.read_labels(job.labels) == tp.JobLabels(HASH, role, PLAN.asset_version)
    assert all(len(value) <= 63 and value == value.lower() for value in job.labels.values())
    assert job.config.output.uri.endswith("/")


def test_the_web_ladder_is_encrypted_segmented_and_never_in_staging() -> None:
    job = tp.job(PLAN, "cmaf", SECRET)
    rates = [stream.audio_stream.bitrate_bps for stream in job.config.elementary_streams]
    assert rates == [64_000, 96_000, 160_000, 256_000]
    for mux in job.config.mux_streams:
        assert mux.container == "fmp4"
        assert mux.segment_settings.segment_duration.total_seconds() == 6
        assert mux.segment_settings.individual_segments
        assert mux.encryption_id == tp.ENCRYPTION_ID
    (encryption,) = job.config.encryptions
    assert encryption.mpeg_cenc.scheme == "cbcs"
    assert encryption.secret_manager_key_source.secret_version == SECRET
    assert {manifest.file_name for manifest in job.config.manifests} == {
        "master.m3u8",
        "manifest.mpd",
    }
    assert job.config.output.uri.startswith("gs://audio/")


def test_the_native_ladder_is_plain_and_only_in_staging() -> None:
    job = tp.job(PLAN, "vorbis")
    layouts = {
        mux.key: (
            stream.audio_stream.bitrate_bps,
            stream.audio_stream.channel_count,
            stream.audio_stream.sample_rate_hertz,
        )
        for mux, stream in zip(job.config.mux_streams, job.config.elementary_streams, strict=True)
    }
    assert layouts == {
        "vorbis_24": (24_000, 1, 22_050),
        "vorbis_96": (96_000, 2, 44_100),
        "vorbis_160": (160_000, 2, 44_100),
        "vorbis_320": (320_000, 2, 44_100),
    }
    assert job.config.output.uri.startswith("gs://staging/")


def test_the_encrypted_job_needs_its_key() -> None:
    with pytest.raises(ValueError, match="secret"):
        tp.job(PLAN, "cmaf")


def test_the_preview_is_thirty_seconds_of_the_clear_master() -> None:
    job = tp.job(PLAN, "preview")
    (atom,) = job.config.edit_list
    assert atom.start_time_offset.total_seconds() == pytest.approx(66.666)
    assert (atom.end_time_offset - atom.start_time_offset).total_seconds() == 30
    assert {mux.container for mux in job.config.mux_streams} == {"fmp4", "mp3"}
    assert not job.config.encryptions


@pytest.mark.parametrize(
    ("duration_ms", "window"),
    [(6_000, (0, 6_000)), (30_000, (0, 30_000)), (36_000, (6_000, 36_000)),
     (90_000, (30_000, 60_000))],
)  # fmt: skip
def test_the_preview_window_stays_within_the_track(
    duration_ms: int, window: tuple[int, int]
) -> None:
    assert tp.preview_window_ms(duration_ms) == window


def test_a_job_of_somebody_else_has_no_labels_of_ours() -> None:
    assert tp.read_labels({"team": "video"}) is None
    assert 'labels.role="cmaf"' in tp.job_filter(HASH, "cmaf", "v")
