"""What is deployed, made real here: an archive unpacked into an empty folder, an environment that
holds its requirements and nothing else, and the framework's own program that serves it."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from emulators.processes import Child, accepts, popen, wait_until_ready
from infra.archives import Archive
from infra.imports import Import

SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
STOP_S = 20
_TOLD = "SEGUE_TEST_OPENED"

# The one thing in an environment beside its requirements: tells which process opens which file,
# modules among them, at once, since workers end by a signal.
_WITNESS = f"""
import os, sys

def _watch(told):
    def tell(event, arguments):
        if event == "open" and not isinstance(arguments[0], (int, type(None))):
            os.write(told, b"%d %s\\n" % (os.getpid(), os.fsencode(arguments[0])))
    sys.addaudithook(tell)

if "{_TOLD}" in os.environ:
    _watch(os.open(os.environ["{_TOLD}"], os.O_WRONLY | os.O_APPEND | os.O_CREAT))
"""

_IMPORT = """
import importlib, json, sys

for module, names in json.load(sys.stdin):
    found = importlib.import_module(module)
    for name in names:
        if not hasattr(found, name):
            importlib.import_module(f"{module}.{name}")
"""


@dataclass(slots=True)
class Environment:
    """A virtual environment with just one archive's requirements."""

    home: Path
    _imported: set[tuple[str, tuple[str, ...]]] = field(default_factory=set)

    @property
    def programs(self) -> Path:
        return self.home / "bin"

    def import_all(self, imports: Iterable[Import]) -> None:
        """Imports what was not imported in it before. Raises CalledProcessError."""
        wanted = {(one.module, one.names) for one in imports} - self._imported
        if wanted:
            argv = [str(self.programs / "python"), "-W", "ignore", "-c", _IMPORT]
            given = json.dumps(sorted(wanted))
            subprocess.run(argv, input=given, text=True, check=True, env={}, cwd=self.home)
            self._imported |= wanted


@dataclass(slots=True)
class Deployment:
    """An unpacked archive with its environment."""

    archive: Archive
    folder: Path
    environment: Environment

    def opened(self) -> dict[int, set[Path]]:
        """Files that its processes opened, by process; a compiled module counts as its source."""
        opened: dict[int, set[Path]] = {}
        for line in self._told.read_text().splitlines():
            process, _, name = line.partition(" ")
            path = Path(name)
            if path.parent.name == "__pycache__":
                # Python writes it under another name first, which ends in a number.
                path = path.parent.parent / f"{path.name.partition('.')[0]}.py"
            opened.setdefault(int(process), set()).add(path)
        return opened

    @property
    def _told(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}-opened")

    def variables(self, variables: Mapping[str, str]) -> dict[str, str]:
        """What a process of it finds in its environment: `variables`, and nothing of ours."""
        kept = {name: value for name, value in variables.items() if name != "PYTHONPATH"}
        path = f"{self.environment.programs}{os.pathsep}{SYSTEM_PATH}"
        return {**kept, "PATH": path, _TOLD: str(self._told)}

    @contextmanager
    def served(self, variables: Mapping[str, str], log: Path, port: int) -> Iterator[Child]:
        """Serves the function under just these variables, as Cloud Functions does; ends with the
        body."""
        program = str(self.environment.programs / "functions-framework")
        with log.open("wb") as output:
            process = popen(
                [program, "--target", self.archive.name],
                cwd=self.folder,
                env={**variables, "HOST": "127.0.0.1", "PORT": str(port)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        child = Child(self.archive.name, process, log)
        try:
            wait_until_ready(child, accepts(port))
            yield child
        finally:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def run(
        self, argv: Sequence[str], variables: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """Runs its Python with `argv` and just these variables until it ends."""
        return subprocess.run(
            [str(self.environment.programs / "python"), *argv],
            cwd=self.folder,
            env=dict(variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )


class Deployments:
    """Makes deployments below `folder`; archives with the same requirements share an
    environment."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._environments: dict[str, Environment] = {}
        self._made: dict[str, Deployment] = {}

    def of(self, archive: Archive) -> Deployment:
        """The deployment of `archive`, made when it is asked for first."""
        if archive.name not in self._made:
            folder = self._folder / archive.name
            with zipfile.ZipFile(archive.write(self._folder / "archives")) as packed:
                packed.extractall(folder)
            environment = self._environment(folder / "requirements.txt")
            self._made[archive.name] = Deployment(archive, folder, environment)
        return self._made[archive.name]

    def _environment(self, requirements: Path) -> Environment:
        digest = hashlib.sha256(requirements.read_bytes()).hexdigest()
        if digest not in self._environments:
            home = self._folder / f"environment-{digest[:16]}"
            uv, python = str(Path(sys.executable).with_name("uv")), str(home / "bin" / "python")
            _run(uv, "venv", "--quiet", "--python", sys.executable, str(home))
            # Nothing is compiled: neither the image nor the build has a compiler.
            sync = (uv, "pip", "sync", "--quiet", "--require-hashes", "--no-build")
            _run(*sync, "--python", python, str(requirements))
            _run(uv, "pip", "check", "--quiet", "--python", python)  # nothing needs another
            (packages,) = home.glob("lib/python*/site-packages")
            (packages / "segue_witness.py").write_text(_WITNESS)
            (packages / "segue_witness.pth").write_text("import segue_witness\n")
            self._environments[digest] = Environment(home)
        return self._environments[digest]


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)
