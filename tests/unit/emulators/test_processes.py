"""No process of the local cloud outlives it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from emulators.processes import StartError, Supervisor, wait_until_ready

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
# A child with a grandchild that does not ask to die with anybody.
FAMILY = [
    sys.executable,
    "-c",
    "import subprocess, sys, time\n"
    "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
    "print(p.pid, flush=True)\n"
    "time.sleep(600)",
]
# A parent that supervises FAMILY and tells both ids, then waits to be killed.
PARENT = textwrap.dedent(
    """
    import sys, time
    from pathlib import Path
    from emulators.processes import Supervisor
    supervisor = Supervisor(Path(sys.argv[1]))
    child = supervisor.spawn("family", eval(sys.argv[2]))
    while not child.log.read_text().strip():
        time.sleep(0.02)
    print(child.popen.pid, child.log.read_text().strip(), flush=True)
    time.sleep(600)
    """
)


def _gone(pid: int, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


def _kill_a_supervising_parent(state: Path) -> tuple[int, int]:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(state), repr(FAMILY)],
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        child, grandchild = (int(pid) for pid in parent.stdout.readline().split())
        parent.send_signal(signal.SIGKILL)
    return child, grandchild


def test_a_stop_ends_children_and_grandchildren(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path)
    child = supervisor.spawn("family", FAMILY)
    while not child.log.read_text().strip():
        time.sleep(0.02)
    grandchild = int(child.log.read_text())
    supervisor.stop_all()
    assert _gone(child.popen.pid)
    assert _gone(grandchild)
    assert not (tmp_path / "processes.json").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_children_die_with_a_killed_parent(tmp_path: Path) -> None:
    child, grandchild = _kill_a_supervising_parent(tmp_path)
    assert _gone(child)
    os.kill(grandchild, signal.SIGKILL)


def test_the_next_start_ends_what_a_killed_parent_left(tmp_path: Path) -> None:
    child, grandchild = _kill_a_supervising_parent(tmp_path)
    assert _gone(child)
    assert psutil.pid_exists(grandchild)
    assert Supervisor(tmp_path).end_leftovers() == 1
    assert _gone(grandchild)


def test_a_process_that_took_over_a_number_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen(SLEEP, start_new_session=True) as stranger:
        record = f'[{{"name": "old", "pid": {stranger.pid}, "started": 1000.0}}]'
        (tmp_path / "processes.json").write_text(record)
        assert Supervisor(tmp_path).end_leftovers() == 0
        assert stranger.poll() is None
        stranger.kill()


def test_a_process_that_ends_at_once_is_reported_with_its_last_words(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path)
    child = supervisor.spawn("broken", [sys.executable, "-c", "raise SystemExit('no such port')"])
    with pytest.raises(StartError, match="no such port"):
        wait_until_ready(child, lambda: False, seconds=10)
    supervisor.stop_all()
