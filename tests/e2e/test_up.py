"""The command that a newcomer types: its ready message, its tokens, and that it leaves nothing."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]
START_S = 180


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "emulators", *arguments]


def _start(state: Path) -> tuple[subprocess.Popen[str], dict[str, object]]:
    running = subprocess.Popen(
        _command("up", "--no-demo", "--json", "--port", "0", "--state", str(state)),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert running.stdout is not None
    line = running.stdout.readline()
    assert line, "it ended before it was ready"
    ready: dict[str, object] = json.loads(line)["ready"]
    return running, ready


def _gone(processes: list[psutil.Process]) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=20)
    return not [p for p in alive if p.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.timeout(500)
def test_up_tells_where_it_is_and_leaves_nothing_behind(tmp_path: Path) -> None:
    running, ready = _start(tmp_path)
    with running:
        assert set(ready) == {"url", "accounts_url", "demo_user", "client", "emulators"}
        assert set(ready["demo_user"]) == {"username", "password"}  # type: ignore[call-overload]
        assert set(ready["client"]) == {"id", "secret"}  # type: ignore[call-overload]
        emulators = ready["emulators"]
        assert isinstance(emulators, dict)
        assert {"firestore", "pubsub", "bigtable", "storage", "transcoder"} <= set(emulators)

        second = subprocess.run(
            _command("up", "--state", str(tmp_path), "--port", "0"),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert second.returncode == 1
        assert "already runs" in second.stderr
        assert "Traceback" not in second.stderr

        # The refused start took nothing from the running one.
        assert (tmp_path / "processes.json").exists()
        token = subprocess.run(
            _command("token", "--user", "demo", "--scope", "streaming", "--json")
            + ["--state", str(tmp_path)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        answer = json.loads(token.stdout)
        assert answer["scope"] == "streaming"
        assert answer["access_token"].count(".") == 2
        assert answer["refresh_token"]

        family = psutil.Process(running.pid).children(recursive=True)
        assert len(family) > 10
        os.kill(running.pid, signal.SIGKILL)
        running.wait(10)
        assert _gone(family)

    late = subprocess.run(
        _command("token", "--state", str(tmp_path)),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert late.returncode == 1
    assert "does not answer" in late.stderr
    assert "Traceback" not in late.stderr

    running, _ = _start(tmp_path)  # starts over what the killed one left, with the same state
    with running:
        family = psutil.Process(running.pid).children(recursive=True)
        running.send_signal(signal.SIGINT)
        assert running.wait(30) == 0
        assert _gone(family)
        assert not (tmp_path / "processes.json").exists()


def test_a_port_in_use_is_told_with_its_remedy(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            _command("up", "--state", str(tmp_path), "--port", str(port)),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert f"Port {port} is in use" in done.stderr
    assert "--port" in done.stderr


def test_a_token_without_a_cloud_is_told_how_to_start_one(tmp_path: Path) -> None:
    done = subprocess.run(
        _command("token", "--state", str(tmp_path)),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "nox -s up" in done.stderr


def test_a_missing_prerequisite_is_told_with_the_command_that_installs_it() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "emulators.prerequisites", "--check-only", "--for", "tests"],
        cwd=ROOT,
        env={"PATH": "/nowhere"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "sudo apt-get install" in done.stderr
    for package in ("google-cloud-cli-firestore-emulator", "default-jre-headless", "chromium"):
        assert package in done.stderr
