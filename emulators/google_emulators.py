"""Google's own emulators, out of the Cloud SDK, started directly.

`gcloud beta emulators … start` would fork wrappers that outlive their parent, so the programs
beneath are started instead: the jars of Firestore and Pub/Sub, the binaries of Bigtable and
Spanner.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path

# Start-up matters more than throughput here: no second compiler, no collector threads.
_JVM = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
HEAP_MB = 768
# Measured: 480,000 documents, out of 68 MB of JSON Lines, stand in 3 GB; to export a sixth of them
# (69 MB) takes 1.3 GB, and to export all of them longer than to load them again.
HEAP_PER_CATALOGUE_BYTE = 60
HEAP_PER_KEPT_BYTE = 110  # with room for an export
HEAP_PER_EXPORT_BYTE = 20
MAX_KEPT_BYTES = 16_000_000  # of catalogue files; more are loaded anew at each start


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


def firestore_heap_mb(catalogue_bytes: int, export_bytes: int) -> int:
    """What the Firestore emulator needs to start from an export of that size, to hold what the
    catalogue files say, and to export it if it is kept; at most two thirds of this machine's
    memory."""
    import psutil

    kept = catalogue_bytes <= MAX_KEPT_BYTES
    per_byte = HEAP_PER_KEPT_BYTE if kept else HEAP_PER_CATALOGUE_BYTE
    wanted = catalogue_bytes * per_byte + export_bytes * HEAP_PER_EXPORT_BYTE
    most = int(psutil.virtual_memory().total * 2 / 3)
    return min(HEAP_MB + wanted // 2**20, most // 2**20)


def _java(heap_mb: int) -> list[str]:
    return ["java", *_JVM, f"-Xmx{heap_mb}m"]


def firestore(port: int, data: Path | None = None, heap_mb: int = HEAP_MB) -> list[str]:
    """Command line of the Firestore emulator, which starts from the export `data` if given."""
    jar = _component("cloud-firestore-emulator", "cloud-firestore-emulator.jar")
    main = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
    return [
        *(*_java(heap_mb), "-Duser.language=en", "-cp", str(jar), main),
        *("start", "--host=127.0.0.1", f"--port={port}"),
        *([f"--import-data={data}"] if data else []),
    ]


def pubsub(port: int) -> list[str]:
    """Command line of the Pub/Sub emulator."""
    jars = sorted(_component("pubsub-emulator", "lib").glob("cloud-pubsub-emulator-*-all.jar"))
    if not jars:
        raise MissingEmulator("the Cloud SDK's Pub/Sub emulator has no jar")
    return [*_java(HEAP_MB), "-jar", str(jars[-1]), "--host=127.0.0.1", f"--port={port}"]


def bigtable(port: int) -> list[str]:
    """Command line of the Bigtable emulator."""
    binary = _component("bigtable-emulator", "cbtemulator")
    return [str(binary), "-host=127.0.0.1", f"-port={port}"]


def spanner(port: int) -> list[str]:
    """Command line of the Spanner emulator, which keeps all in memory. It speaks gRPC; the REST
    gateway beside it is for clients that do not."""
    binary = sdk_root() / "bin" / "cloud_spanner_emulator" / "emulator_main"
    if not binary.exists():
        raise MissingEmulator(
            f"bin/cloud_spanner_emulator is not part of the Cloud SDK at {sdk_root()}"
        )
    return [str(binary), f"--host_port=127.0.0.1:{port}"]
