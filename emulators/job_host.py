"""Runs one job of the topology, held to what it declares: `python -m emulators.job_host NAME …`.

What stands behind NAME is passed on to the job.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from emulators import iam
from shared import topology

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Runs `jobs/<name>/main.py` as the program that Cloud Run would start."""
    names = sorted(job.name for job in topology.JOBS)
    usage = f"usage: python -m emulators.job_host {{{'|'.join(names)}}} [arguments]"
    if sys.argv[1:] in (["-h"], ["--help"]):
        print(usage)
        return
    if len(sys.argv) < 2 or sys.argv[1] not in names:
        sys.exit(usage)
    name = sys.argv[1]
    entry = topology.ENTRIES[name]
    running = iam.Caller(entry)
    iam.caller.set(running)
    iam.install()
    main_file = ROOT / "jobs" / name / "main.py"
    sys.argv = [str(main_file), *sys.argv[2:]]
    try:
        runpy.run_path(str(main_file), run_name="__main__")
    finally:
        if running.refused:
            print(running.refused[0], file=sys.stderr)


if __name__ == "__main__":
    main()
