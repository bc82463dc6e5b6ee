"""Environments that the local cloud makes for itself, each rebuilt only when its inputs change.

Two emulators need versions that our own dependencies exclude, so each has a virtual environment of
its own; the web player is built by Vite from its sources.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = Path(__file__).resolve().parent / "locks"
PLAYER = ROOT / "functions" / "web_player" / "player"
PLAYER_OUTPUT = ROOT / "functions" / "web_player" / "static"
STEP_TIMEOUT_S = 600


class EnvironmentFailed(RuntimeError):
    """An environment could not be made; the message holds the tool's last words."""


def python_of(name: str) -> Path:
    """The Python of the environment `name`, which `ensure_python` makes."""
    return ROOT / ".nox" / f"emulator-{name}" / "bin" / "python"


def ensure_python(name: str) -> Path:
    """The Python of an environment with exactly what `emulators/locks/<name>.txt` pins."""
    lock = LOCKS / f"{name}.txt"
    home = python_of(name).parent.parent
    stamp = home / ".lock-digest"
    wanted = _digest([lock])
    if not (stamp.exists() and stamp.read_text() == wanted and python_of(name).exists()):
        uv = _uv()
        _run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(home)])
        _run(
            [
                *(uv, "pip", "sync", "--quiet", "--require-hashes"),
                *("--python", str(python_of(name)), str(lock)),
            ]
        )
        stamp.write_text(wanted)
    return python_of(name)


def ensure_player() -> bool:
    """Builds the web player when its sources changed; returns whether it did."""
    sources = [
        path
        for path in PLAYER.rglob("*")
        if path.is_file() and "node_modules" not in path.parts and "tests" not in path.parts
    ]
    stamp = PLAYER_OUTPUT / ".sources-digest"
    wanted = _digest(sources)
    if stamp.exists() and stamp.read_text() == wanted:
        return False
    npm = shutil.which("npm")
    if npm is None:
        raise EnvironmentFailed("npm is not installed; see `python -m emulators.prerequisites`")
    _run([npm, "ci", "--no-progress"], cwd=PLAYER)
    _run([npm, "run", "build"], cwd=PLAYER)
    stamp.write_text(wanted)
    return True


def ensure_all() -> None:
    """Makes or renews everything above, side by side: each waits mostly for other programs."""
    with ThreadPoolExecutor(3) as pool:
        pythons = [pool.submit(ensure_python, name) for name in ("bigquery", "tasks")]
        player = pool.submit(ensure_player)
        for python in pythons:
            python.result()
        player.result()


def _uv() -> str:
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        raise EnvironmentFailed("uv is not installed in this environment; start with `nox -s up`")
    return found


def _digest(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _run(argv: list[str], cwd: Path | None = None) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    try:
        done = subprocess.run(
            argv,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=STEP_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise EnvironmentFailed(
            f"`{' '.join(argv[:3])} …` did not end within {STEP_TIMEOUT_S} s"
        ) from None
    if done.returncode != 0:
        words = (done.stderr or done.stdout).strip().splitlines()[-15:]
        raise EnvironmentFailed(f"`{' '.join(argv[:3])} …` failed:\n" + "\n".join(words))


def main() -> None:
    """Makes or renews all of them, or the web player alone."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--player", action="store_true", help="the web player alone")
    if parser.parse_args().player:
        ensure_player()
    else:
        ensure_all()


if __name__ == "__main__":
    main()
