"""What of the lock file a program needs: the distributions that it imports, and theirs in turn.

The lock is what `uv pip compile --generate-hashes` writes (`nox -s lock`). Its `# via` comments
tell who needs what, so a requirement brings its own along with the very versions and hashes that
were locked.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from infra.imports import ArchiveError, Import

# Which distribution an import is of; the longest name that matches goes first.
DISTRIBUTIONS = {
    "PIL": "pillow",
    "Stemmer": "pystemmer",
    "anyascii": "anyascii",
    "argon2": "argon2-cffi",
    "authlib": "authlib",
    "cachetools": "cachetools",
    "cryptography": "cryptography",
    "faiss": "faiss-cpu",
    "fastapi": "fastapi",
    "functions_framework": "functions-framework",
    "gensim": "gensim",
    "google.api_core": "google-api-core",
    "google.auth": "google-auth",
    "google.cloud.bigquery": "google-cloud-bigquery",
    "google.cloud.bigtable": "google-cloud-bigtable",
    "google.cloud.bigtable_v2": "google-cloud-bigtable",
    "google.cloud.firestore": "google-cloud-firestore",
    "google.cloud.firestore_v1": "google-cloud-firestore",
    "google.cloud.kms_v1": "google-cloud-kms",
    "google.cloud.secretmanager_v1": "google-cloud-secret-manager",
    "google.cloud.spanner_v1": "google-cloud-spanner",
    "google.cloud.storage": "google-cloud-storage",
    "google.cloud.tasks_v2": "google-cloud-tasks",
    "google.cloud.video.transcoder_v1": "google-cloud-video-transcoder",
    "google.oauth2": "google-auth",
    "google.protobuf": "protobuf",
    "google.pubsub_v1": "google-cloud-pubsub",
    "grpc": "grpcio",
    "httpx": "httpx",
    "imageio_ffmpeg": "imageio-ffmpeg",
    "jellyfish": "jellyfish",
    "jinja2": "jinja2",
    "joserfc": "joserfc",
    "lightgbm": "lightgbm",
    "matplotlib": "matplotlib",
    "mutagen": "mutagen",
    "numpy": "numpy",
    "opentelemetry": "opentelemetry-api",
    "pyarrow": "pyarrow",
    "pydantic": "pydantic",
    "pydantic_core": "pydantic-core",
    "requests": "requests",
    "scipy": "scipy",
    "sklearn": "scikit-learn",
    "starlette": "starlette",
    "tantivy": "tantivy",
    "threadpoolctl": "threadpoolctl",
    "typing_extensions": "typing-extensions",
}

# Optional needs of a distribution, which no lock shows: google-auth fetches a service account's
# token from the metadata server through requests.
OPTIONAL = {"google-auth": ("requests",)}

_REMEDY = "run `nox -s lock` again"
_REQUIREMENT = re.compile(
    r"(?P<name>[a-z0-9][a-z0-9._-]*)==(?P<version>[^\s;]+)(?: ; (?P<marker>.+))?"
)


@dataclass(frozen=True, slots=True)
class Pin:
    """One locked version, on the machines that `marker` holds for (all when it is empty)."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]
    needed_by: tuple[str, ...]

    def __str__(self) -> str:
        """The pin as a requirements file has it, without comments."""
        marker = f" ; {self.marker}" if self.marker else ""
        hashes = "".join(f" \\\n    --hash={digest}" for digest in self.hashes)
        return f"{self.name}=={self.version}{marker}{hashes}\n"


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock file: `path` is how faults name it."""

    path: str
    pins: tuple[Pin, ...]

    @classmethod
    def parse(cls, text: str, path: str) -> Lock:
        """The pins of a lock file. Raises ArchiveError for a line that it should not hold."""
        pins: list[Pin] = []
        heads: list[tuple[int, list[str]]] = []
        for number, line in enumerate(text.splitlines(), 1):
            if line[:1] not in ("", " ", "#"):
                heads.append((number, []))
            if heads:
                heads[-1][1].append(line.strip().removesuffix("\\").rstrip())
        for number, lines in heads:
            pins.append(_pin(lines, f"{path}:{number}"))
        return cls(path, tuple(pins))

    def closure(self, distributions: Iterable[str]) -> tuple[Pin, ...]:
        """The pins of `distributions` and of all that they need, by name.

        Raises ArchiveError for one that is not locked.
        """
        needs: dict[str, set[str]] = {
            pin.name: set(OPTIONAL.get(pin.name, ())) for pin in self.pins
        }
        for pin in self.pins:
            for parent in pin.needed_by:
                needs.setdefault(parent, set()).add(pin.name)
        needed: set[str] = set()
        waiting = list(distributions)
        while waiting:
            name = waiting.pop()
            if name not in needs:
                raise ArchiveError(
                    f"{self.path} pins no {name}; add it to the group `core` in pyproject.toml "
                    "and run `nox -s lock`"
                )
            if name not in needed:
                needed.add(name)
                waiting.extend(needs[name])
        return tuple(pin for pin in self.pins if pin.name in needed)


def distributions_of(imports: Iterable[Import]) -> frozenset[str]:
    """Distributions that `imports` are of; those of the standard library are of none.

    Raises ArchiveError for an import that nothing explains.
    """
    found: set[str] = set()
    for one in sorted(imports):
        if one.module.partition(".")[0] in sys.stdlib_module_names:
            continue
        named = {name for candidate in one.candidates if (name := _distribution(candidate))}
        if not named:
            raise ArchiveError(
                f"{one.where}: nobody knows which distribution `{one.module}` is of; "
                "name it in DISTRIBUTIONS (infra/requirements.py)"
            )
        found |= named
    return frozenset(found)


def requirements_text(pins: Iterable[Pin]) -> str:
    """A requirements file: pins with hashes and markers, no comments, no registry's address."""
    return "".join(map(str, pins))


def _distribution(name: str) -> str | None:
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        if found := DISTRIBUTIONS.get(".".join(parts[:length])):
            return found
    return None


def _pin(lines: list[str], where: str) -> Pin:
    """A pin from its lines, which begin with `name==version` and are stripped."""
    head = _REQUIREMENT.fullmatch(lines[0])
    if head is None:
        raise ArchiveError(f"{where}: `{lines[0]}` is no pinned requirement; {_REMEDY}")
    hashes = [line.removeprefix("--hash=") for line in lines if line.startswith("--hash=")]
    comments = [line.removeprefix("#").strip() for line in lines if line.startswith("#")]
    if not hashes or len(hashes) + len(comments) + 1 != len([line for line in lines if line]):
        raise ArchiveError(f"{where}: {head['name']} has no hashes, or more than those; {_REMEDY}")
    parents = [comment.removeprefix("via").strip() for comment in comments]
    return Pin(
        name=head["name"],
        version=head["version"],
        marker=head["marker"] or "",
        hashes=tuple(hashes),
        # `segue (pyproject.toml:core)` is this project; `httpx[http2]` needs what httpx does.
        needed_by=tuple(p.partition("[")[0] for p in parents if p and " " not in p),
    )
