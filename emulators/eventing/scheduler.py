"""Cloud Scheduler and Cloud Run jobs: `jobs/<name>/main.py` as a process, at its minute or now."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cronsim import CronSim

from emulators.processes import dying_with_parent
from shared.topology import Job

TAIL_BYTES = 8192

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Run:
    """A finished execution: the worst exit code of its tasks, the end of what they printed."""

    exit_code: int
    output: str


class Scheduler:
    """The jobs of the topology. A job never overlaps with itself."""

    def __init__(
        self,
        jobs: Sequence[Job],
        root: Path,
        env: Mapping[str, str],
        runner: str | None = None,
    ) -> None:
        """`runner` is a module that runs a job by its name (`emulators.job_host`, which holds it
        to what it declares); without one, its `main.py` is run."""
        self._runner = runner
        self._jobs = {job.name: job for job in jobs}
        self._root = root
        self._env = env
        self._locks = {job.name: asyncio.Lock() for job in jobs}
        self._background: set[asyncio.Task[Run]] = set()
        self.last_runs: dict[str, int] = {}  # job -> exit code

    def __contains__(self, name: str) -> bool:
        return name in self._jobs

    async def run_forever(self) -> None:
        """Each scheduled job at its minutes (UTC), until cancelled."""
        async with asyncio.TaskGroup() as group:
            for job in self._jobs.values():
                if job.schedule:
                    group.create_task(self._at_its_minutes(job), name=f"schedule {job.name}")

    async def _at_its_minutes(self, job: Job) -> None:
        assert job.schedule
        while True:
            due = next(CronSim(job.schedule, datetime.now(UTC)))
            # by the wall clock, in steps: a laptop may have slept in between
            while (left := (due - datetime.now(UTC)).total_seconds()) > 0:  # noqa: ASYNC110
                await asyncio.sleep(min(left, 30.0))
            if self._locks[job.name].locked():
                logger.info("job %s is still running: this round is left out", job.name)
            else:
                await self.run(job.name)

    def start(self, name: str) -> None:
        """Run a job in the background."""
        task = asyncio.create_task(self.run(name), name=f"job {name}")
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def run(self, name: str) -> Run:
        """Run a job now, or as soon as it has ended; its tasks one after another."""
        job = self._jobs[name]
        async with self._locks[name]:
            exit_code, output = 0, ""
            for index in range(job.tasks):
                code, printed = await self._run_task(job, index)
                exit_code = exit_code or code
                output += printed
            self.last_runs[name] = exit_code
            if exit_code:
                logger.error("job %s ended with %d:\n%s", name, exit_code, output[-2000:])
            return Run(exit_code, output[-TAIL_BYTES:])

    def _command(self, job: Job) -> list[str]:
        if self._runner:
            return [sys.executable, "-m", self._runner, job.name]
        return [sys.executable, str(self._root / "jobs" / job.name / "main.py")]

    async def _run_task(self, job: Job, index: int) -> tuple[int, str]:
        env = {
            **self._env,
            "PYTHONPATH": os.pathsep.join(
                part for part in (str(self._root), self._env.get("PYTHONPATH")) if part
            ),
            "K_SERVICE": job.name,
            "CLOUD_RUN_JOB": job.name,
            "CLOUD_RUN_TASK_INDEX": str(index),
            "CLOUD_RUN_TASK_COUNT": str(job.tasks),
        }
        process = await asyncio.create_subprocess_exec(
            *dying_with_parent(self._command(job)),
            cwd=self._root,
            env=env,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(job.timeout_s):
                output = await _tail(process)
                return await process.wait(), output
        except TimeoutError:
            return 124, f"stopped after {job.timeout_s} s\n"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


async def _tail(process: asyncio.subprocess.Process) -> str:
    """The end of what a process prints, without holding all of it."""
    assert process.stdout
    end = b""
    while chunk := await process.stdout.read(65_536):
        end = (end + chunk)[-TAIL_BYTES:]
    return end.decode(errors="replace")
