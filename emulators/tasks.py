"""Starting `gcloud-tasks-emulator`, which lives in an environment of its own
(`requirements/tasks.in`)."""

from __future__ import annotations

from pathlib import Path

from shared import topology

LAUNCHER = Path(__file__).parent / "launchers" / "serve_tasks.py"


def command(
    python: Path, port: int, project: str = "segue-local", region: str = "us-central1"
) -> tuple[list[str], dict[str, str]]:
    """Command line and additional environment that serve Cloud Tasks over gRPC on `port`, with
    the topology's queues.

    The emulator knows one retry limit for all queues: the largest that any of them declares. It
    signs nothing, so tasks are addressed to the eventing process (`/_tasks/…`), which does.
    """
    retries = max((queue.max_attempts for queue in topology.QUEUES), default=1) - 1
    argv = [str(python), str(LAUNCHER), "--port", str(port), "--max-retries", str(retries)]
    for queue in topology.QUEUES:
        argv += ["--queue", f"projects/{project}/locations/{region}/queues/{queue.name}"]
    return argv, {"PYTHONWARNINGS": "ignore::FutureWarning"}
