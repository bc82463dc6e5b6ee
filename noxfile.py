"""Segue's sessions.

nox -s up            the local cloud, filled with a demo catalogue (options after --)
nox -s token         an access and a refresh token for the running local cloud
nox -s tests         every test (pytest options after --)
nox -s lint types    ruff and the import rules; mypy --strict
nox -s bench         benchmarks: ratios against a peer in the same run
nox -s lock          pins every dependency again
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "types", "tests"]

LOCAL_LOCK = Path("emulators/locks/local.txt")
HOME = ".nox/local"  # one environment for all sessions: they run the same pinned packages


def _install(session: nox.Session) -> None:
    """Installs what the lock pins, unless this environment holds exactly that."""
    stamp = Path(session.virtualenv.location) / ".lock-digest"
    digest = hashlib.sha256(LOCAL_LOCK.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != digest:
        session.run_install(
            "uv", "pip", "sync", "--quiet", "--require-hashes", str(LOCAL_LOCK), silent=False
        )
        stamp.write_text(digest)


@nox.session(venv_location=HOME)
def up(session: nox.Session) -> None:
    """Starts the local cloud. `nox -s up -- --help` lists the options."""
    _install(session)
    session.run("python", "-m", "emulators", "up", *session.posargs)


@nox.session(venv_location=HOME)
def token(session: nox.Session) -> None:
    """Prints tokens: `nox -s token -- --user demo --scope "streaming"`."""
    _install(session)
    session.run("python", "-m", "emulators", "token", *session.posargs)


@nox.session(venv_location=HOME)
def tests(session: nox.Session) -> None:
    """Runs every test against the real emulators."""
    _install(session)
    session.run("python", "-m", "emulators.prerequisites", "--for", "tests")
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session(venv_location=HOME)
def lint(session: nox.Session) -> None:
    """Style, likely bugs and the direction of imports."""
    _install(session)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports", "--no-cache")


@nox.session(venv_location=HOME)
def types(session: nox.Session) -> None:
    """mypy --strict; each function by itself, since every one is the module `main`."""
    _install(session)
    session.run("mypy", "shared", "emulators")
    for folder in ("functions", "jobs"):
        for main in sorted(Path(folder).glob("*/main.py")):
            session.run("mypy", str(main), silent=True)


@nox.session(venv_location=HOME)
def bench(session: nox.Session) -> None:
    """Benchmarks; each prints a table and writes JSON to bench-results/."""
    _install(session)
    session.run("python", "-m", "emulators.prerequisites", "--for", "tests")
    session.run("python", "-m", "tests.bench", *session.posargs)


@nox.session(venv_location=HOME)
def lock(session: nox.Session) -> None:
    """Resolves pyproject.toml's groups and the emulators' own needs into pinned files."""
    session.install("uv")
    compile_ = (
        *("uv", "pip", "compile", "--quiet", "--universal", "--generate-hashes", "--upgrade"),
        *("--python-version", "3.11", "--no-emit-index-url", "--no-emit-find-links", "--no-header"),
    )
    session.run(
        *compile_, "pyproject.toml", "--group", "core", "-o", "infra/locks/core.txt", external=True
    )
    groups = [part for group in ("core", "emulators", "test", "dev") for part in ("--group", group)]
    session.run(*compile_, "pyproject.toml", *groups, "-o", str(LOCAL_LOCK), external=True)
    for name in ("bigquery", "tasks"):
        source, target = f"emulators/requirements/{name}.in", f"emulators/locks/{name}.txt"
        session.run(*compile_, source, "-o", target, external=True)
