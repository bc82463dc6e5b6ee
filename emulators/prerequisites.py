"""What the local cloud needs from the system: checked first, installed where that is possible.

As root on Debian missing packages are installed with apt-get; otherwise the one command that
installs them is printed. A missing prerequisite never ends in a traceback.

    python -m emulators.prerequisites [--for up|tests] [--check-only]
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

from emulators import google_emulators
from emulators.google_emulators import MissingEmulator

APT_TIMEOUT_S = 900


@dataclass(frozen=True, slots=True)
class Prerequisite:
    """One thing that must be there; `packages` are Debian's (or the Cloud SDK's in apt)."""

    name: str
    why: str
    packages: tuple[str, ...]
    present: Callable[[], bool]
    needed_for: frozenset[str]
    gcloud_component: str | None = None  # where the SDK was not installed from packages


class MissingPrerequisites(SystemExit):
    """Ends the program with a list of what to install and the command that does it."""


def _on_path(*names: str) -> Callable[[], bool]:
    return lambda: any(shutil.which(name) for name in names)


def _emulator(command: Callable[[int], list[str]]) -> Callable[[], bool]:
    def present() -> bool:
        try:
            command(0)
        except MissingEmulator:
            return False
        return True

    return present


def chromium() -> str | None:
    """Path of a Chromium or Chrome on this machine, or None."""
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        found = shutil.which(name)
        if found:
            return found
    return None


def _version(program: str, flag: str) -> tuple[int, ...]:
    """The first version number that the program tells of itself; () where it is not there."""
    found = shutil.which(program)
    if found is None:
        return ()
    try:
        said = subprocess.run(
            [found, flag], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    number = re.search(r"\d+(\.\d+)*", said.stdout + said.stderr)
    return tuple(map(int, number[0].split("."))) if number else ()


def _recent_java() -> bool:
    return _version("java", "-version") >= (11,)


def _recent_node() -> bool:
    return _version("node", "--version") >= (20, 19) and shutil.which("npm") is not None


_UP = frozenset({"up", "tests"})
_TESTS = frozenset({"tests"})
PREREQUISITES: tuple[Prerequisite, ...] = (
    Prerequisite(
        "Java 11+",
        "the Firestore and Pub/Sub emulators run on it",
        ("default-jre-headless",),
        _recent_java,
        _UP,
    ),
    Prerequisite(
        "Google Cloud CLI",
        "it brings Google's emulators",
        ("google-cloud-cli",),
        _on_path("gcloud"),
        _UP,
    ),
    Prerequisite(
        "Firestore emulator",
        "the catalogue and the accounts live in it",
        ("google-cloud-cli-firestore-emulator",),
        _emulator(google_emulators.firestore),
        _UP,
        "cloud-firestore-emulator",
    ),
    Prerequisite(
        "Pub/Sub emulator",
        "events travel through it",
        ("google-cloud-cli-pubsub-emulator",),
        _emulator(google_emulators.pubsub),
        _UP,
        "pubsub-emulator",
    ),
    Prerequisite(
        "Bigtable emulator",
        "the listening history lives in it",
        ("google-cloud-cli-bigtable-emulator",),
        _emulator(google_emulators.bigtable),
        _UP,
        "bigtable",
    ),
    Prerequisite(
        "Node.js 20.19+ and npm",
        "they build the web player (Debian 12 has an older one: see https://nodejs.org/en/download)",
        ("nodejs", "npm"),
        _recent_node,
        _UP,
    ),
    Prerequisite(
        "Chromium",
        "the player is tested in a real browser",
        ("chromium",),
        lambda: chromium() is not None,
        _TESTS,
    ),
)


def missing(purpose: str) -> list[Prerequisite]:
    """What `purpose` ("up" or "tests") needs and this machine lacks."""
    google_emulators.sdk_root.cache_clear()
    return [p for p in PREREQUISITES if purpose in p.needed_for and not p.present()]


def ensure(purpose: str, *, install: bool = True) -> None:
    """Returns when everything is there. Raises MissingPrerequisites with the remedy."""
    lacking = missing(purpose)
    if lacking and install and _can_install():
        _install([p.packages for p in lacking])
        lacking = missing(purpose)
    if lacking:
        raise MissingPrerequisites(remedy(lacking))


def remedy(lacking: list[Prerequisite]) -> str:
    """What is missing, why it is needed, and the command that installs it."""
    lines = ["Segue's local cloud needs a few things that this machine lacks:"]
    lines += [f"  - {p.name}: {p.why}" for p in lacking]
    packages = " ".join(package for p in lacking for package in p.packages)
    lines += ["On Debian or Ubuntu:", f"  sudo apt-get update && sudo apt-get install {packages}"]
    components = [p.gcloud_component for p in lacking if p.gcloud_component]
    if components:
        lines += [
            "or, where the Cloud CLI was not installed from packages:",
            f"  gcloud components install {' '.join(components)}",
        ]
    if any(package.startswith("google-cloud") for package in packages.split()):
        lines.append(
            "(the google-cloud packages come from Google's apt repository: "
            "https://cloud.google.com/sdk/docs/install#deb)"
        )
    return "\n".join(lines)


def _can_install() -> bool:
    return sys.platform == "linux" and os.geteuid() == 0 and shutil.which("apt-get") is not None


def _install(wanted: list[tuple[str, ...]]) -> None:
    """Each by itself: a package that no source of this machine has must not stop the others."""
    print(f"Installing {', '.join(sum(wanted, ()))} …", file=sys.stderr, flush=True)
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends"]
    for command in (["apt-get", "update", "-qq"], *([*install, *packages] for packages in wanted)):
        try:
            done = subprocess.run(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=APT_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            print(f"{' '.join(command[:2])} took too long", file=sys.stderr)
            return
        if done.returncode != 0:  # what is still missing is told by the caller
            print(done.stderr.strip()[-500:], file=sys.stderr)


def main() -> None:
    """Checks, and installs where possible, what the local cloud needs."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--for", dest="purpose", choices=("up", "tests"), default="up")
    parser.add_argument("--check-only", action="store_true", help="install nothing")
    arguments = parser.parse_args()
    ensure(arguments.purpose, install=not arguments.check_only)


if __name__ == "__main__":
    main()
