"""Segue's sessions.

nox -s up            the local cloud, filled with a demo catalogue (options after --)
nox -s token         an access and a refresh token for the running local cloud
nox -s tests         every test (pytest options after --)
nox -s lint types    ruff and the import rules; mypy --strict
nox -s bench         benchmarks: ratios against a peer in the same run
nox -s preview       what `pulumi up` would make, without a cloud account (options after --)
nox -s keys          makes the keys that a stack lacks: `nox -s keys -- --stack dev`
nox -s openapi       our OpenAPI document, generated from the handlers
nox -s lock          pins every dependency again
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import nox

nox.options.default_venv_backend = "none"  # one environment for all sessions, made below
nox.options.sessions = ["lint", "types", "tests"]

LOCAL_LOCK = Path("emulators/locks/local.txt")
HOME = Path(".nox/local")
# Pulumi's packages and our functions' want different versions of protobuf.
INFRA_LOCK = Path("infra/locks/pulumi.txt")
INFRA_HOME = Path(".nox/infra")
PLAYER = Path("functions/web_player/player")


def _install(session: nox.Session, home: Path = HOME, lock: Path = LOCAL_LOCK) -> None:
    """Makes the environment `home`, unless it holds just what the lock pins."""
    stamp = home / ".lock-digest"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != digest:
        uv = _uv()
        session.run(uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(home))
        session.run(
            *(uv, "pip", "sync", "--quiet", "--require-hashes"),
            *("--python", str(home.resolve() / "bin" / "python"), str(lock)),
        )
        stamp.write_text(digest)


def _run(
    session: nox.Session, program: str, *arguments: str, silent: bool = False, home: Path = HOME
) -> None:
    """Runs a program of the environment `home`, with it first on the PATH."""
    programs = home.resolve() / "bin"
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    session.run(
        *(str(programs / program), *arguments),
        env={"PATH": path},
        silent=silent,
        stderr=None,  # as it is: scripts read the ready message from stdout alone
        interrupt_timeout=30,  # after Ctrl-C the local cloud ends its processes in good order
    )


def _infra(session: nox.Session, program: str, *arguments: str) -> None:
    """Runs a program of the environment that holds Pulumi."""
    _install(session, INFRA_HOME, INFRA_LOCK)
    _run(session, program, *arguments, home=INFRA_HOME)


def _uv() -> str:
    """The uv beside nox (`pip install "nox[uv]"`), or the one on the PATH."""
    beside = Path(sys.executable).with_name("uv")
    return str(beside) if beside.exists() else "uv"


@nox.session
def up(session: nox.Session) -> None:
    """Starts the local cloud. `nox -s up -- --help` lists the options."""
    _install(session)
    _run(session, "python", "-m", "emulators", "up", *session.posargs)


@nox.session
def token(session: nox.Session) -> None:
    """Prints tokens: `nox -s token -- --user demo --scope "streaming"`."""
    _install(session)
    _run(session, "python", "-m", "emulators", "token", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Runs every test against the real emulators, the web player's own first."""
    _install(session)
    _run(session, "python", "-m", "emulators.prerequisites", "--for", "tests")
    if not session.posargs:
        _run(session, "python", "-m", "emulators.environments")
        session.run("npm", "test", "--prefix", str(PLAYER))
        _infra(session, "python", "-m", "pytest", "-n", "2", "--dist", "loadscope", "tests/infra")
    # Side by side, as tests/conftest.py halves them: most of each half is waiting for processes.
    options = session.posargs or ("-n", "2", "--dist", "loadscope", "--ignore", "tests/infra")
    if any(option.startswith("tests/infra") for option in session.posargs):
        _infra(session, "python", "-m", "pytest", *options)
    else:
        _run(session, "python", "-m", "pytest", *options)


@nox.session
def lint(session: nox.Session) -> None:
    """Style, likely bugs and the direction of imports."""
    _install(session)
    _run(session, "ruff", "check", ".")
    _run(session, "ruff", "format", "--check", ".")
    _run(session, "lint-imports", "--no-cache")


@nox.session
def types(session: nox.Session) -> None:
    """mypy --strict; each function by itself, since every one is the module `main`."""
    _install(session)
    _run(session, "mypy", "shared", "emulators")
    for folder in ("functions", "jobs"):
        for main in sorted(Path(folder).glob("*/main.py")):
            _run(session, "mypy", str(main), silent=True)
    _infra(session, "mypy", "infra", "tests/infra")


@nox.session
def bench(session: nox.Session) -> None:
    """Benchmarks; each prints a table and writes JSON to bench-results/."""
    _install(session)
    _run(session, "python", "-m", "emulators.prerequisites", "--for", "tests")
    _run(session, "python", "-m", "tests.bench", *session.posargs)


@nox.session
def preview(session: nox.Session) -> None:
    """What `pulumi up` would make. `nox -s preview -- --help` lists the options."""
    _install(session)
    _run(session, "python", "-m", "emulators.environments", "--player")  # is deployed as built
    _infra(session, "python", "-m", "infra.preview", *session.posargs)


@nox.session
def keys(session: nox.Session) -> None:
    """Makes the keys that a stack lacks: `nox -s keys -- --stack dev`."""
    _infra(session, "python", "-m", "infra.keys", *session.posargs)


@nox.session
def openapi(session: nox.Session) -> None:
    """Generates the OpenAPI document that `functions/api_docs` serves."""
    _install(session)
    _run(session, "python", "-m", "emulators.api_document")


@nox.session
def lock(session: nox.Session) -> None:
    """Resolves pyproject.toml's groups and the emulators' own needs into pinned files."""
    compile_ = (
        *(_uv(), "pip", "compile", "--quiet", "--universal", "--generate-hashes", "--upgrade"),
        *("--python-version", "3.11", "--no-emit-index-url", "--no-emit-find-links", "--no-header"),
    )
    session.run(
        *compile_,
        *("pyproject.toml", "--group", "core", "--group", "jobs", "-o", "infra/locks/core.txt"),
    )
    for groups, target in (
        (("core", "jobs", "emulators", "test", "dev"), LOCAL_LOCK),
        (("infra", "infra-test"), INFRA_LOCK),
    ):
        chosen = [part for group in groups for part in ("--group", group)]
        session.run(*compile_, "pyproject.toml", *chosen, "-o", str(target))
    for name in ("ann-peers", "bigquery", "spark", "spotipy-2-25", "tasks"):
        source, target = f"emulators/requirements/{name}.in", f"emulators/locks/{name}.txt"
        session.run(*compile_, source, "-o", target)
