"""What is deployed, byte for byte: one source archive per function, one image context for all jobs.

An archive holds just what its function needs: `main.py` at the root, the modules of `shared/` that
it can reach, the files that those read, and its own part of the lock file. Its name carries the
digest of its content, so a deployment changes the functions whose code changed and no other.

    python -m infra.archives                  lists them
    python -m infra.archives --write FOLDER   writes them
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from infra import requirements
from infra.imports import ArchiveError, Reach, reach
from shared import topology

__all__ = ["Archive", "ArchiveError", "function_archive", "jobs_context"]

ROOT = Path(__file__).resolve().parent.parent
LOCK = "infra/locks/core.txt"
DOCKERFILE = "infra/Dockerfile"
DIGEST_IN_NAME = 16  # hexadecimal digits, as many as tell any two archives apart

# The framework, and what makes its server fast: uvicorn takes both by itself when it finds them.
SERVING = ("functions-framework", "uvloop", "httptools")

# Built, so a fresh checkout lacks them: the command that builds each.
BUILT = {
    "functions/web_player/static": "cd functions/web_player/player && npm ci && npm run build",
    "functions/api_docs/openapi.json": "nox -s openapi",
}
_OLDEST = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip file can hold
_REGULAR_FILE = 0o100644 << 16
_UNIX = 3


@dataclass(frozen=True, slots=True)
class Archive:
    """Files to deploy under one name; paths are relative, with `/`, in order."""

    name: str
    files: dict[str, bytes]

    @property
    def digest(self) -> str:
        """SHA-256 of paths and contents, in hexadecimal."""
        digest = hashlib.sha256()
        for path, content in self.files.items():
            for part in (path.encode(), content):
                digest.update(b"%d:" % len(part) + part)
        return digest.hexdigest()

    @property
    def stem(self) -> str:
        """The name with the start of the digest: another content has another."""
        return f"{self.name}-{self.digest[:DIGEST_IN_NAME]}"

    def write(self, folder: Path) -> Path:
        """Writes `<stem>.zip` into `folder`, unless it is there, and returns its path.

        The same content gives the same bytes everywhere: dates and modes are fixed, and nothing is
        compressed, since libraries differ in what they make of it.
        """

        def make(target: Path) -> None:
            with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
                for path, content in self.files.items():
                    entry = zipfile.ZipInfo(path, _OLDEST)
                    entry.create_system, entry.external_attr = _UNIX, _REGULAR_FILE
                    archive.writestr(entry, content)

        return _once(folder / f"{self.stem}.zip", make)

    def unpack(self, folder: Path) -> Path:
        """Writes the files below `<folder>/<stem>`, unless that is there, and returns its path.

        Everybody may read them, whatever the umask: an image keeps the modes, and its user is not
        the one who built it.
        """

        def make(target: Path) -> None:
            for path, content in self.files.items():
                file = target / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
            for made in (target, *target.rglob("*")):
                made.chmod(0o755 if made.is_dir() else 0o644)

        return _once(folder / self.stem, make)


def _once(target: Path, make: Callable[[Path], None]) -> Path:
    """`target`, made unless it is there; whole or not at all, whoever else makes it."""
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".making-") as aside:
            make(made := Path(aside) / target.name)
            try:
                made.rename(target)
            except OSError:
                if not target.exists():  # or another made the same folder meanwhile
                    raise
    return target


def function_archive(name: str, root: Path = ROOT) -> Archive:
    """The source archive of the function `name` of the topology, from the checkout at `root`.

    Raises ArchiveError when there is no such function, when something is not built, or when what
    it needs cannot be told from its source.
    """
    if not isinstance(topology.ENTRIES.get(name), topology.HttpFunction | topology.EventFunction):
        raise ArchiveError(f"{name} is no function; declare it in shared/topology.py")
    folder = f"functions/{name}/"
    reached = _reach(root, [f"{folder}main.py"])
    files = {
        # The function's folder becomes the root, whose `main.py` is what the framework loads.
        path.removeprefix(folder): content
        for path, content in _contents(root, reached)
    }
    return _archive(name, files, _requirements(root, reached, SERVING))


def jobs_context(root: Path = ROOT) -> Archive:
    """The context from which one image for all jobs is built; each job runs in it by
    `python jobs/<name>/main.py`. Raises ArchiveError as `function_archive` does."""
    reached = _reach(root, [f"jobs/{job.name}/main.py" for job in topology.JOBS])
    files = dict(_contents(root, reached))
    files["Dockerfile"] = (root / DOCKERFILE).read_bytes()
    return _archive("jobs", files, _requirements(root, reached))


def _archive(name: str, files: dict[str, bytes], needed: str) -> Archive:
    files["requirements.txt"] = needed.encode()
    return Archive(name, dict(sorted(files.items())))


def _reach(root: Path, programs: list[str]) -> Reach:
    for program in programs:
        if not (root / program).is_file():
            raise ArchiveError(
                f"{program} is missing; write it, or take its entry out of the topology"
            )
    return reach(root, programs)


def _contents(root: Path, reached: Reach) -> Iterator[tuple[str, bytes]]:
    for path in reached.modules:
        yield path, (root / path).read_bytes()
    for named in reached.data:
        found = list(_files_below(root / named))
        if not found:
            remedy = BUILT.get(named)
            raise ArchiveError(
                f"{named} is not built; run `{remedy}`"
                if remedy
                else f"{named} is missing, and a module reads it; restore it"
            )
        for file in found:
            yield file.relative_to(root).as_posix(), file.read_bytes()


def _files_below(path: Path) -> Iterable[Path]:
    """`path` itself or every file below it, without hidden ones and Python's caches."""
    if path.is_file():
        return [path]
    hidden = (".", "__pycache__")
    return (
        file
        for file in path.rglob("*")
        if file.is_file()
        and not any(part.startswith(hidden) for part in file.relative_to(path).parts)
    )


def _requirements(root: Path, reached: Reach, always: Iterable[str] = ()) -> str:
    lock = requirements.Lock.parse((root / LOCK).read_text(), LOCK)
    imported = requirements.distributions_of(reached.others)
    return requirements.requirements_text(lock.closure({*imported, *always}))


def main() -> None:
    """Prints a table of all archives; writes them on request."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--write", type=Path, metavar="FOLDER", help="write them there as well")
    folder: Path | None = parser.parse_args().write
    jobs = {job.name for job in topology.JOBS}
    try:
        archives = [function_archive(name) for name in topology.ENTRIES if name not in jobs]
        archives.append(jobs_context())
    except ArchiveError as fault:
        sys.exit(f"error: {fault}")
    from rich.console import Console
    from rich.table import Table

    table = Table("Archive", "Digest")
    for heading in ("KiB", "Modules", "Requirements"):
        table.add_column(heading, justify="right")
    for archive in archives:
        size_bytes = sum(map(len, archive.files.values()))
        modules = sum(path.endswith(".py") for path in archive.files)
        needed = archive.files["requirements.txt"].count(b"==")
        table.add_row(
            archive.name,
            archive.digest[:DIGEST_IN_NAME],
            f"{size_bytes / 1024:.0f}",
            str(modules),
            str(needed),
        )
        if folder is not None:
            archive.write(folder)
    Console().print(table)


if __name__ == "__main__":
    main()
