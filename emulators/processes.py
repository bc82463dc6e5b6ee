"""Child processes that never outlive the local cloud.

Three nets, each for what the one before cannot catch: an orderly stop ends them in reverse order;
the kernel kills them when their parent dies, even by `kill -9` (PR_SET_PDEATHSIG); and a file of
process ids with their start times lets the next start end what is left of a process group.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

PR_SET_PDEATHSIG = 1
STOP_GRACE_S = 5.0
_given_ports: set[int] = set()
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class StartError(RuntimeError):
    """A process did not come up; the message holds the end of its log."""


def dying_with_parent(argv: Sequence[str]) -> list[str]:
    """`argv` such that the kernel kills it when its parent ends, where util-linux is installed.

    Through a program, not a `preexec_fn`: that would fork a copy of the caller, which threads of
    gRPC in it do not survive.
    """
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", "--", *argv] if setpriv else list(argv)


def popen(argv: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
    """`subprocess.Popen` of a program that dies with its parent."""
    return subprocess.Popen(dying_with_parent(argv), **options)


def die_with_parent(sig: int = signal.SIGKILL) -> None:
    """Asks the kernel to send this process `sig` when its parent ends (Linux only)."""
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, int(sig), 0, 0, 0)


def free_port() -> int:
    """A TCP port of the loopback address that nobody listens on, another one at each call."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        if port not in _given_ports:
            _given_ports.add(port)
            return port


def port_is_free(port: int) -> bool:
    """Whether `port` of the loopback address can be listened on."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Child:
    """One running process with its log file."""

    name: str
    popen: subprocess.Popen[bytes]
    log: Path

    def log_tail(self, lines: int = 12) -> str:
        """The last lines that the process wrote."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])


@dataclass(slots=True)
class Supervisor:
    """Starts processes, remembers them in `state`, ends them."""

    state: Path
    children: list[Child] = field(default_factory=list)

    @property
    def _record(self) -> Path:
        return self.state / "processes.json"

    def end_leftovers(self) -> int:
        """Ends process groups of an earlier run that was killed; returns how many."""
        try:
            recorded = json.loads(self._record.read_text())
        except (FileNotFoundError, ValueError):
            return 0
        ended = 0
        for entry in recorded:
            ended += _end_group(int(entry["pid"]), float(entry["started"]))
        self._record.unlink(missing_ok=True)
        return ended

    def spawn(
        self,
        name: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        pass_fds: Sequence[int] = (),
        given: str = "",
    ) -> Child:
        """Starts `argv` in a session of its own, its output in `<state>/logs/<name>.log`; `given`
        is what it reads on standard input, where others cannot see it."""
        log = self.state / "logs" / f"{name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output, tempfile.TemporaryFile() as standard_input:
            standard_input.write(given.encode())
            standard_input.seek(0)
            popen = subprocess.Popen(
                dying_with_parent(argv),
                stdin=standard_input,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(os.environ if env is None else env),
                cwd=cwd,
                start_new_session=True,
                pass_fds=pass_fds,
            )
        child = Child(name, popen, log)
        self.children.append(child)
        self._write_record()
        return child

    def stop(self, name: str, sig: int = signal.SIGTERM) -> None:
        """Ends one process by name, and its group."""
        for child in [c for c in self.children if c.name == name]:
            _signal_group(child.popen.pid, sig)
            _wait([child], STOP_GRACE_S)
            self.children.remove(child)
        self._write_record()

    def stop_all(self) -> None:
        """Ends every process, last started first; those that linger are killed."""
        for child in reversed(self.children):
            _signal_group(child.popen.pid, signal.SIGTERM)
        _wait(self.children, STOP_GRACE_S)
        for child in self.children:
            _signal_group(child.popen.pid, signal.SIGKILL)
        _wait(self.children, STOP_GRACE_S)
        self.children.clear()
        self._record.unlink(missing_ok=True)

    def died(self) -> Child | None:
        """A child that has ended by itself, if any."""
        return next((c for c in self.children if c.popen.poll() is not None), None)

    def _write_record(self) -> None:
        entries = []
        for child in self.children:
            try:
                started = psutil.Process(child.popen.pid).create_time()
            except psutil.NoSuchProcess:
                continue
            entries.append({"name": child.name, "pid": child.popen.pid, "started": started})
        temporary = self._record.with_suffix(".tmp")
        temporary.write_text(json.dumps(entries))
        temporary.replace(self._record)


def _end_group(pid: int, started: float) -> int:
    """Kills what is left of the process group `pid`; 1 if there was something, else 0.

    A leader that is alive must have our start time, or its number was given to somebody else; a
    leader that is gone may have left members whose group id nobody else can have taken.
    """
    members = []
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == pid:
                members.append(process)
        except (ProcessLookupError, psutil.NoSuchProcess, PermissionError):
            continue
    leader = next((p for p in members if p.pid == pid), None)
    if leader is not None and abs(leader.create_time() - started) > 1.0:
        return 0
    if not members or any(p.create_time() < started - 1.0 for p in members):
        return 0
    _signal_group(pid, signal.SIGKILL)
    psutil.wait_procs(members, timeout=STOP_GRACE_S)
    return 1


def _signal_group(pid: int, sig: int) -> None:
    try:
        os.killpg(pid, sig)
    except (ProcessLookupError, PermissionError):
        return


def _wait(children: Sequence[Child], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    for child in children:
        try:
            child.popen.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            continue


def wait_until_ready(
    child: Child, ready: Callable[[], bool], *, seconds: float = 60.0, every_s: float = 0.05
) -> None:
    """Waits until `ready()`. Raises StartError when the process ends or the time is over."""
    deadline = time.monotonic() + seconds
    while not ready():
        if child.popen.poll() is not None:
            raise StartError(
                f"{child.name} ended with status {child.popen.returncode}:\n{child.log_tail()}"
            )
        if time.monotonic() > deadline:
            raise StartError(
                f"{child.name} did not answer within {seconds:.0f} s:\n{child.log_tail()}"
            )
        time.sleep(every_s)


def accepts(port: int) -> Callable[[], bool]:
    """A readiness check: something listens on `port`."""

    def check() -> bool:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return True
        except OSError:
            return False

    return check


def answers(url: str) -> Callable[[], bool]:
    """A readiness check: a GET of `url` succeeds."""

    def check() -> bool:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                return int(answer.status) < 400
        except OSError:
            return False

    return check
