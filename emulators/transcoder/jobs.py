"""Jobs and templates in memory, and the workers that run the jobs.

Nothing here outlives the process: after a restart a job is unknown, and who waits for it creates
it again. The cache makes that cheap.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from .errors import ERROR_DOMAIN, Code, JobFailed
from .messages import resources
from .pipeline import Pipeline
from .plan import Plan

log = logging.getLogger(__name__)

DEFAULT_TTL_DAYS = 30
MAX_TTL_DAYS = 90
_STATES: Any = resources.Job.ProcessingState


class Jobs:
    """All jobs of this process, and a queue behind `workers` of them."""

    def __init__(self, pipeline: Pipeline, workers: int) -> None:
        self._pipeline = pipeline
        self._jobs: dict[str, resources.Job] = {}
        self._plans: dict[str, Plan] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._queue: asyncio.PriorityQueue[tuple[int, int, str]] = asyncio.PriorityQueue()
        self._order = itertools.count()
        self._background: set[asyncio.Task[None]] = set()
        for _ in range(workers):
            self._spawn(self._work())

    def _spawn(self, coroutine: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.create_task(coroutine)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task

    async def close(self) -> None:
        """Cancels every job, notification and worker, and waits for their children to end."""
        tasks = [*self._background, *self._running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def add(self, parent: str, job: resources.Job, plan: Plan) -> resources.Job:
        """Queues a job whose configuration has been checked. Returns it, PENDING."""
        job.name = f"{parent}/jobs/{uuid.uuid4()}"
        job.state = _STATES.PENDING
        job.create_time = datetime.now(UTC)
        job.ttl_after_completion_days = job.ttl_after_completion_days or DEFAULT_TTL_DAYS
        self._jobs[job.name] = job
        self._plans[job.name] = plan
        batch = (
            job.mode == resources.Job.ProcessingMode.PROCESSING_MODE_BATCH
        )  # interactive jobs go first
        priority = 1_000_000 - job.batch_mode_priority if batch else 0
        self._queue.put_nowait((priority, next(self._order), job.name))
        log.info("%s: pending, %s to %s", job.name, plan.source, plan.output)
        return job

    def get(self, name: str) -> resources.Job | None:
        """The job, or None."""
        self._expire()
        return self._jobs.get(name)

    def all(self, parent: str) -> list[resources.Job]:
        """The jobs of a location, oldest first."""
        self._expire()
        return [job for name, job in self._jobs.items() if name.startswith(f"{parent}/jobs/")]

    async def delete(self, name: str) -> bool:
        """Forgets the job, ending it first when it runs. False when there is none."""
        if self._jobs.pop(name, None) is None:
            return False
        self._plans.pop(name, None)
        task = self._running.get(name)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        return True

    def _expire(self) -> None:
        now = datetime.now(UTC)
        for name, job in list(self._jobs.items()):
            if job.end_time and job.end_time + timedelta(days=job.ttl_after_completion_days) < now:
                del self._jobs[name]

    async def _work(self) -> None:
        while True:
            _, _, name = await self._queue.get()
            if name not in self._jobs:
                continue  # deleted while it waited
            task = asyncio.create_task(self._run(name))
            self._running[name] = task
            try:
                await asyncio.wait([task])
            finally:
                del self._running[name]

    async def _run(self, name: str) -> None:
        job, plan = self._jobs[name], self._plans.pop(name)
        job.start_time = datetime.now(UTC)
        job.state = _STATES.RUNNING
        error: JobFailed | None = None
        try:
            outcome = await self._pipeline.execute(plan, name.rpartition("/")[2])
        except* JobFailed as group:
            error = _first(group)
        except* Exception as group:
            log.exception("%s: internal error", name)
            error = JobFailed(Code.INTERNAL, "InternalError", f"Internal error: {_first(group)!r}")
        job.end_time = datetime.now(UTC)
        if error is None:
            job.state = _STATES.SUCCEEDED
            detail: dict[str, Any] = {
                "encoded": outcome.encoded, "cached": outcome.cached, "files": outcome.files,
            }  # fmt: skip
        else:
            _set_error(job, error)
            job.state = _STATES.FAILED
            detail = {"error": error.message}
        seconds = (job.end_time - job.start_time).total_seconds()
        log.info(
            "job finished %s",
            json.dumps({"job": name, "state": job.state.name, "seconds": seconds, **detail}),
        )
        if plan.topic:
            self._spawn(self._pipeline.publish(plan.topic, notification(job)))


def _first(group: BaseExceptionGroup[Any]) -> Any:
    error: Any = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _set_error(job: resources.Job, error: JobFailed) -> None:
    from google.protobuf import any_pb2
    from google.rpc import error_details_pb2, status_pb2

    detail = any_pb2.Any()
    detail.Pack(
        error_details_pb2.ErrorInfo(
            reason=error.reason, domain=ERROR_DOMAIN, metadata={"details": error.message}
        )
    )
    job.error = status_pb2.Status(code=int(error.code), message=error.message, details=[detail])


def notification(job: resources.Job) -> dict[str, Any]:
    """The message that tells of a job's end: {"job": {"name", "state", "error"?}}
    (cloud.google.com/transcoder/docs/how-to/create-pub-sub)."""
    from google.protobuf import json_format

    result: dict[str, Any] = {"name": job.name, "state": job.state.name}
    if "error" in job:
        result["error"] = json_format.MessageToDict(job.error)
    return {"job": result}
