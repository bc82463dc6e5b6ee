"""Ingestions in Firestore, keyed by the SHA-256 of their master."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from shared import topology
from shared.ingestion import paths
from shared.ingestion.models import Ingestion, JobRole, MasterObject, TranscodeJob
from shared.ingestion.store.transactions import transact
from shared.platform import clients

if TYPE_CHECKING:
    from google.cloud.firestore import AsyncTransaction

Claim = Literal["new", "resumed", "duplicate"]


async def claim(content_hash: str, upload_id: str, source: MasterObject) -> tuple[Claim, Ingestion]:
    """Who works on these bytes: "new" or "resumed" is the caller, "duplicate" somebody else.

    The first master with a content hash wins. Where its ingestion ended without a track, the next
    one takes over, since it may come with better metadata.
    """
    document = clients.collection(topology.INGESTIONS).document(content_hash)
    now = datetime.now(UTC)
    fresh = Ingestion(
        content_hash=content_hash,
        track_id=paths.track_id_of(content_hash),
        upload_id=upload_id,
        source=source,
        state="validating",
        created_at=now,
        updated_at=now,
    )

    async def work(transaction: AsyncTransaction) -> tuple[Claim, Ingestion]:
        held = (await document.get(transaction=transaction)).to_dict()
        if held is not None:
            stored = Ingestion.model_validate(held)
            if stored.source == source:
                return "resumed", stored
            if stored.state not in ("rejected", "failed"):
                return "duplicate", stored
        transaction.set(document, fresh.model_dump())
        return "new", fresh

    claimed: tuple[Claim, Ingestion] = await transact(work)
    return claimed


async def load(content_hash: str) -> Ingestion | None:
    """The ingestion of these bytes, None where there is none."""
    document = clients.collection(topology.INGESTIONS).document(content_hash)
    held = (await document.get()).to_dict()
    return None if held is None else Ingestion.model_validate(held)


async def update(content_hash: str, **fields: Any) -> None:
    """Sets `fields` of an ingestion that exists."""
    document = clients.collection(topology.INGESTIONS).document(content_hash)
    await document.update({**fields, "updated_at": datetime.now(UTC)})


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

    async def work(transaction: AsyncTransaction) -> Ingestion | None:
        held = (await document.get(transaction=transaction)).to_dict()
        if held is None or held["asset_version"] != asset_version:
            return None
        ingestion = Ingestion.model_validate(held)
        holder = ingestion.jobs.get(role)
        if holder is not None and holder.job_id not in (
            job.job_id,
            (instead_of or "").rpartition("/")[2],
        ):
            return None
        ended = holder is not None and holder.job_id == job.job_id and holder.state != "RUNNING"
        if not (ended and job.state == "RUNNING"):
            ingestion = ingestion.model_copy(update={"jobs": {**ingestion.jobs, role: job}})
            changed = {"jobs": ingestion.model_dump()["jobs"], "updated_at": datetime.now(UTC)}
            transaction.update(document, changed)
        return ingestion

    recorded: Ingestion | None = await transact(work)
    return recorded
