"""Ingestions in Firestore, keyed by the SHA-256 of their master."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from shared import topology
from shared.ingestion import paths
from shared.ingestion.models import (
    TERMINAL_STATES,
    Ingestion,
    JobRole,
    MasterObject,
    TranscodeJob,
)
from shared.ingestion.store.changes import change
from shared.platform import clients

Claim = Literal["new", "resumed", "duplicate"]


async def claim(
    content_hash: str, upload_id: str, source: MasterObject, sound_of: str | None = None
) -> tuple[Claim, Ingestion]:
    """Who works on these bytes: "new" or "resumed" is the caller, "duplicate" somebody else.
    `sound_of` is the track of the catalogue that they are the sound of, if any.

    The first master with a content hash wins. Where its ingestion ended without a track, the next
    one takes over, since it may come with better metadata.
    """
    document = clients.collection(topology.INGESTIONS).document(content_hash)
    now = datetime.now(UTC)
    fresh = Ingestion(
        content_hash=content_hash,
        track_id=sound_of or paths.track_id_of(content_hash),
        upload_id=upload_id,
        sound_only=sound_of is not None,
        source=source,
        state="validating",
        created_at=now,
        updated_at=now,
    )

    def decide(
        held: dict[str, Any] | None,
    ) -> tuple[dict[str, Any] | None, tuple[Claim, Ingestion]]:
        if held is not None:
            stored = Ingestion.model_validate(held)
            if stored.source == source:
                return None, ("resumed", stored)
            if stored.state not in ("rejected", "failed"):
                return None, ("duplicate", stored)
        return fresh.model_dump(), ("new", fresh)

    return await change(document, decide)


async def load(content_hash: str) -> Ingestion | None:
    """The ingestion of these bytes, None where there is none."""
    document = clients.collection(topology.INGESTIONS).document(content_hash)
    held = (await document.get()).to_dict()
    return None if held is None else Ingestion.model_validate(held)


async def update(content_hash: str, **fields: Any) -> bool:
    """Sets `fields` of an ingestion; False where it has ended and so stays as it is: of two
    deliveries of one event, the slower must not take `published` back to `publishing`."""
    document = clients.collection(topology.INGESTIONS).document(content_hash)

    def decide(held: dict[str, Any] | None) -> tuple[dict[str, Any] | None, bool]:
        if held is None or held["state"] in TERMINAL_STATES:
            return None, False
        return {**fields, "updated_at": datetime.now(UTC)}, True

    return await change(document, decide)


async def record_job(
    content_hash: str,
    role: JobRole,
    job: TranscodeJob,
    *,
    asset_version: str,
    instead_of: str | None = None,
) -> Ingestion | None:
    """Stores `job` under `role`; returns the ingestion with all its jobs.

    None where the job does not count: another one holds the role (unless it is `instead_of`), or
    the ingestion is at another asset version.
    """
    document = clients.collection(topology.INGESTIONS).document(content_hash)

    def decide(held: dict[str, Any] | None) -> tuple[dict[str, Any] | None, Ingestion | None]:
        if held is None or held["asset_version"] != asset_version:
            return None, None
        ingestion = Ingestion.model_validate(held)
        holder = ingestion.jobs.get(role)
        replaceable = (job.job_id, (instead_of or "").rpartition("/")[2])
        if holder is not None and holder.job_id not in replaceable:
            return None, None
        ended = holder is not None and holder.job_id == job.job_id and holder.state != "RUNNING"
        if ended and job.state == "RUNNING":
            return None, ingestion
        ingestion = ingestion.model_copy(update={"jobs": {**ingestion.jobs, role: job}})
        jobs = ingestion.model_dump()["jobs"]
        return {"jobs": jobs, "updated_at": datetime.now(UTC)}, ingestion

    return await change(document, decide)
