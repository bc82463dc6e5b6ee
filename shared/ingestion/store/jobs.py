"""Transcoder jobs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.ingestion import transcode_plan
from shared.ingestion.models import JobRole, TranscodeJob
from shared.platform import clients
from shared.platform.settings import settings

if TYPE_CHECKING:
    from google.cloud.video.transcoder_v1.types import Job


@dataclass(frozen=True, slots=True)
class HeldJob:
    """A job as the Transcoder knows it."""

    job: TranscodeJob
    labels: transcode_plan.JobLabels | None
    error: str


def _held(job: Job) -> HeldJob:
    state = {"SUCCEEDED": "SUCCEEDED", "FAILED": "FAILED"}.get(job.state.name, "RUNNING")
    return HeldJob(
        TranscodeJob.model_validate({"name": job.name, "state": state}),
        transcode_plan.read_labels(job.labels),
        job.error.message,
    )


def _location() -> str:
    return f"projects/{settings().project}/locations/{settings().region}"


async def create(job: Job) -> TranscodeJob:
    """Starts a Transcoder job."""
    answer = await clients.transcoder().create_job(request={"parent": _location(), "job": job})
    return _held(answer).job


async def get(name: str) -> HeldJob | None:
    """The job, None where the Transcoder does not know it (any more)."""
    from google.api_core.exceptions import NotFound

    try:
        full_name = f"{_location()}/jobs/{name.rpartition('/')[2]}"
        return _held(await clients.transcoder().get_job(request={"name": full_name}))
    except NotFound:
        return None


async def find(content_hash: str, role: JobRole, asset_version: str) -> HeldJob | None:
    """A job that was created but never stored, because its creator crashed between the two; one
    that has not failed."""
    answer = await clients.transcoder().list_jobs(
        request={
            "parent": _location(),
            "filter": transcode_plan.job_filter(content_hash, role, asset_version),
        }
    )
    async for job in answer:
        held = _held(job)
        if held.job.state != "FAILED":
            return held
    return None
