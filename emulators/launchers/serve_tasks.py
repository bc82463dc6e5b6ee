"""Runs inside gcloud-tasks-emulator's environment: serve until SIGTERM, then exit 0.

The package stops only on a keyboard interrupt, takes a second task of the same name for a new one,
where Cloud Tasks answers ALREADY_EXISTS, and tries a refused task again ten times a second, which
would use up its attempts while a function restarts.
"""

from __future__ import annotations

import argparse
import datetime
import logging
import os
import signal
import threading
from typing import Any

FIRST_RETRY_S = 0.1
LONGEST_RETRY_S = 30.0


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--max-retries", type=int, required=True)
    parser.add_argument("--queue", action="append", default=[])
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)

    from gcloud_tasks_emulator import server as package
    from google.api_core.exceptions import AlreadyExists

    names: set[str] = set()

    attempts: dict[str, int] = {}

    class Queues(package.QueueState):
        """Refuses the name of a task that it has seen, and waits longer after each failure."""

        def create_task(self, queue: str, task: Any) -> Any:
            """Raises AlreadyExists and FailedPrecondition (no such queue)."""
            name = task.name
            if name and name in names:
                raise AlreadyExists("The task cannot be created because it already exists.")
            created = super().create_task(queue, task)
            names.add(created.name)
            return created

        def submit_task(self, task_name: str, force_run: bool = False) -> Any:
            """One attempt, unless the task is not due yet."""
            task = super().submit_task(task_name, force_run)
            made = task.dispatch_count
            if made != attempts.get(task.name, 0):
                attempts[task.name] = made
                delay = min(FIRST_RETRY_S * 2 ** (made - 1), LONGEST_RETRY_S)
                now = datetime.datetime.now(datetime.UTC)
                task.schedule_time = now + datetime.timedelta(seconds=delay)
            return task

    package.QueueState = Queues
    server = package.create_server(
        "localhost",
        options.port,
        default_queue_names=options.queue,
        max_retries=options.max_retries,
    )
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    server.start()
    stopped.wait()
    # Its threads end only between two rounds; nothing here outlives the process.
    os._exit(0)


if __name__ == "__main__":
    main()
