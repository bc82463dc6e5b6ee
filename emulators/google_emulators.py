"""Google's own emulators, out of the Cloud SDK, started directly.

`gcloud beta emulators … start` would fork wrappers that outlive their parent, so the programs
beneath are started instead: the jar of Firestore, the jar of Pub/Sub, the binary of Bigtable.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path

# Start-up matters more than throughput here: no second compiler, no collector threads.
_JVM = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Xmx768m")


class MissingEmulator(RuntimeError):
    """The Cloud SDK or one of its components is not installed."""


@cache
def sdk_root() -> Path:
    """The Cloud SDK's folder, as `gcloud info` reports it. Raises MissingEmulator."""
    gcloud = shutil.which("gcloud")
    if gcloud is None:
        raise MissingEmulator("gcloud is not on the PATH")
    # Beside the binary where it is a plain install; asking gcloud costs a second.
    beside = Path(gcloud).resolve().parent.parent
    if (beside / "platform").is_dir():
        return beside
    try:
        info = subprocess.run(
            [gcloud, "info", "--format=json"], capture_output=True, timeout=60, check=False
        )
        return Path(json.loads(info.stdout)["installation"]["sdk_root"])
    except (OSError, subprocess.TimeoutExpired, ValueError, KeyError) as error:
        raise MissingEmulator(f"`gcloud info` does not name its folder: {error}") from None


def _component(*parts: str) -> Path:
    path = sdk_root().joinpath("platform", *parts)
    if not path.exists():
        raise MissingEmulator(f"{'/'.join(parts)} is not part of the Cloud SDK at {sdk_root()}")
    return path


def firestore(port: int, data: Path | None = None) -> list[str]:
    """Command line of the Firestore emulator, which starts from the export `data` if given."""
    jar = _component("cloud-firestore-emulator", "cloud-firestore-emulator.jar")
    main = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
    return [
        *("java", *_JVM, "-Duser.language=en", "-cp", str(jar), main),
        *("start", "--host=127.0.0.1", f"--port={port}"),
        *([f"--import-data={data}"] if data else []),
    ]


def pubsub(port: int) -> list[str]:
    """Command line of the Pub/Sub emulator."""
    jars = sorted(_component("pubsub-emulator", "lib").glob("cloud-pubsub-emulator-*-all.jar"))
    if not jars:
        raise MissingEmulator("the Cloud SDK's Pub/Sub emulator has no jar")
    return ["java", *_JVM, "-jar", str(jars[-1]), "--host=127.0.0.1", f"--port={port}"]


def bigtable(port: int) -> list[str]:
    """Command line of the Bigtable emulator."""
    binary = _component("bigtable-emulator", "cbtemulator")
    return [str(binary), "-host=127.0.0.1", f"-port={port}"]
