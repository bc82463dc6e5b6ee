"""One local cloud: every emulator and every function, started together and ended together."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TextIO

import httpx

from emulators import bigquery, environments, google_emulators, provision, tasks
from emulators.keys import Keys, load_or_make
from emulators.ports import CDNS, HOST, AlreadyRunning, Ports
from emulators.processes import (
    Child,
    StartError,
    Supervisor,
    accepts,
    answers,
    wait_until_ready,
)
from emulators.snapshot import Snapshots
from shared import topology

ROOT = Path(__file__).resolve().parent.parent
PROJECT = "segue-local"
REGION = "us-central1"
SERVICE_ACCOUNT = f"events@{PROJECT}.iam.gserviceaccount.com"
UPLOAD_ACCOUNT = f"uploads@{PROJECT}.iam.gserviceaccount.com"
WORKERS = 2

# Where Firestore starts empty, what it described is rebuilt from the masters.
REBUILT_BUCKETS = tuple(b.name for b in topology.BUCKETS if b is not topology.MASTERS)


Progress = Callable[[str], None]


class LocalCloud:
    """`start()` brings everything up empty, `stop()` ends it; `with` does both."""

    def __init__(
        self,
        state: Path,
        port: int = 0,
        *,
        scheduled: bool = True,
        rate_limit_scale: float = 1.0,
        catalogue_bytes: int = 0,
    ) -> None:
        self.state = state.resolve()
        self._wanted_port = port
        self._rate_limit_scale = rate_limit_scale  # times the documented limits; 0 is no limit
        self._catalogue_bytes = catalogue_bytes  # of the files that it will be filled with
        self._scheduled = scheduled  # whether jobs run by their schedule, or only when asked to
        self.supervisor = Supervisor(self.state)
        self.snapshots = Snapshots(self.state / "firestore")
        self._lock: TextIO | None = None
        self._keep_at_stop = False
        self.ports: Ports
        self.keys: Keys

    def __enter__(self) -> LocalCloud:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Base URL of the gateway."""
        return f"http://{HOST}:{self.ports.gateway}"

    @property
    def accounts_url(self) -> str:
        """Base URL of the accounts function; also the tokens' issuer."""
        return f"{self.url}/accounts"

    def emulators(self) -> dict[str, str]:
        """Name -> `host:port` of everything that is not a function of ours."""
        ports = self.ports
        named = {
            **{"firestore": ports.firestore, "pubsub": ports.pubsub, "bigtable": ports.bigtable},
            **{"storage": ports.storage, "bigquery": ports.bigquery, "tasks": ports.tasks},
            **{"transcoder": ports.transcoder, "secret_manager": ports.secret_manager},
            **{"kms": ports.kms, "eventing": ports.eventing, "cloud_run": ports.cloud_run},
            **{f"cdn-{name}": port for name, port in ports.edges.items()},
        }
        return {name: f"{HOST}:{port}" for name, port in named.items()}

    def environment(self) -> dict[str, str]:
        """What the functions and jobs of this cloud find in their environment."""
        at = self.emulators()
        cdns = [
            {
                "name": name,
                "provider": provider,
                "base_url": f"http://{at[f'cdn-{name}']}",
                "key_name": key_name,
                "usd_per_gb": usd,
            }
            for name, (provider, usd, key_name) in CDNS.items()
        ]
        return {
            "GOOGLE_CLOUD_PROJECT": PROJECT,
            "FIRESTORE_EMULATOR_HOST": at["firestore"],
            "BIGTABLE_EMULATOR_HOST": at["bigtable"],
            "PUBSUB_EMULATOR_HOST": at["pubsub"],
            "STORAGE_EMULATOR_HOST": f"http://{at['storage']}",
            "BIGQUERY_EMULATOR_HOST": f"http://{at['bigquery']}",
            "SEGUE_PROJECT": PROJECT,
            "SEGUE_REGION": REGION,
            "SEGUE_PUBLIC_URL": self.url,
            "SEGUE_ACCOUNTS_URL": self.accounts_url,
            "SEGUE_IMAGES_URL": f"http://{at['cdn-google']}",
            "SEGUE_TOKEN_JWKS": json.dumps(self.keys.token_jwks),
            "SEGUE_CDNS": json.dumps(cdns),
            "SEGUE_SERVICE_ACCOUNT": SERVICE_ACCOUNT,
            "SEGUE_SERVICE_AUDIENCE": self.url,
            "SEGUE_OIDC_CERTS_URL": f"http://{at['eventing']}/oauth2/v3/certs",
            "SEGUE_TASKS_URL": f"http://{at['eventing']}/_tasks",
            "SEGUE_UPLOAD_ACCOUNT": UPLOAD_ACCOUNT,
            "SEGUE_STORAGE_URL": f"http://{at['storage']}",
            "SEGUE_TRANSCODER_ENDPOINT": at["transcoder"],
            "SEGUE_SECRET_MANAGER_ENDPOINT": at["secret_manager"],
            "SEGUE_KMS_ENDPOINT": at["kms"],
            "SEGUE_TASKS_ENDPOINT": at["tasks"],
            "SEGUE_PUBSUB_ENDPOINT": at["pubsub"],
            "SEGUE_BIGTABLE_ENDPOINT": at["bigtable"],
            "SEGUE_RUN_ENDPOINT": f"http://{at['cloud_run']}",
            "SEGUE_MONITORING_ENDPOINT": f"http://{at['cloud_run']}",
            "SEGUE_ANONYMOUS": "true",
            "SEGUE_RATE_LIMIT_SCALE": str(self._rate_limit_scale),
            "GRPC_VERBOSITY": "ERROR",  # or it tells of every fork to ffmpeg
            "PYTHONPATH": str(ROOT),
            "PYTHONWARNINGS": "ignore:Connecting to Bigtable emulator",
        }

    # --- start and stop ---------------------------------------------------------------------

    def start(self, progress: Progress = lambda _: None) -> None:
        """Brings up every emulator and function. Raises AlreadyRunning or StartError."""
        self.state.mkdir(parents=True, exist_ok=True)
        self._take_lock()
        try:
            ended = self.supervisor.end_leftovers()
            if ended:
                progress(f"Ended {ended} processes of a run that was killed")
            if not (self.state / "storage").exists():
                self.snapshots.forget()  # it would describe objects that are gone
            self.ports = Ports.choose(self._wanted_port)
            self.keys = load_or_make(self.state)
            progress("Environments of the emulators, web player")
            environments.ensure_all()
            progress("Emulators and functions")
            self._spawn(progress)
            progress("Topics, tables, keys")
            self._provision()
        except BaseException:
            self.stop()
            raise

    def keep(self, catalogues: set[str]) -> None:
        """Keeps Firestore's contents for the next start, now and at the stop; `catalogues` are the
        digests of the files that were loaded into it."""
        self.snapshots.take(self.emulators()["firestore"], PROJECT)
        self.snapshots.hold(catalogues)
        self._keep_at_stop = True

    def stop(self) -> None:
        """Ends every process. Safe to call twice, and when `start` found another cloud running."""
        if self._lock is None:
            return
        if self._keep_at_stop:
            self._keep_at_stop = False
            with contextlib.suppress(httpx.HTTPError):  # the last one stays in force
                self.snapshots.take(self.emulators()["firestore"], PROJECT)
        self.supervisor.stop_all()
        (self.state / "run.json").unlink(missing_ok=True)
        self._lock.close()
        self._lock = None

    def start_speakers(self, client_id: str, users: Sequence[dict[str, str]]) -> None:
        """Starts a virtual loudspeaker for each of `users` (`username`, `password`, `name` of the
        device), who sign in through the public client `client_id`; they end with the cloud."""
        wanted = {
            "url": self.url,
            "accounts_url": self.accounts_url,
            "client_id": client_id,
            "redirect_uri": f"{self.url}/callback",
            "users": list(users),
        }
        self.supervisor.spawn(
            "speakers",
            [sys.executable, "-m", "emulators.speaker"],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            cwd=ROOT,
            given=json.dumps(wanted),
        )

    def start_listeners(self, people: int) -> None:
        """Lets `people` simulated listeners use the cloud in the background, and what learns from
        them follow; they end with the cloud."""
        self.supervisor.spawn(
            "listeners",
            [sys.executable, "-m", "emulators.listeners"],
            env={**os.environ, **self.environment()},
            cwd=ROOT,
            given=json.dumps({"url": self.url, "people": people}),
        )

    def kill_functions(self) -> None:
        """Kills the function host as a machine's failure would, in the middle of its work."""
        self.supervisor.stop("functions", signal.SIGKILL)

    def kill_edge(self, name: str) -> None:
        """Kills the CDN edge `name`."""
        self.supervisor.stop(f"cdn-{name}", signal.SIGKILL)

    def start_edge(self, name: str) -> None:
        """Starts the CDN edge `name` again, with nothing cached, on the same port."""
        wait_until_ready(self._spawn_edge(name), accepts(self.ports.edges[name]))

    def start_functions(self) -> None:
        """Starts the function host again on the same port."""
        wait_until_ready(self._spawn_functions(), answers(f"{self.url}/_healthz"))

    def run_job(self, name: str, timeout_s: float = 600) -> dict[str, Any]:
        """Runs a job of the topology now and waits. Raises StartError with its last output."""
        url = f"http://{HOST}:{self.ports.eventing}/jobs/{name}:run"
        answer = httpx.post(url, timeout=timeout_s).raise_for_status()
        result: dict[str, Any] = answer.json()
        if result["exit_code"] != 0:
            raise StartError(f"job {name} ended with {result['exit_code']}:\n{result['stdout']}")
        return result

    def _take_lock(self) -> None:
        lock = (self.state / "lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise AlreadyRunning(
                f"A local cloud already runs with the state in {self.state}. "
                "Stop it with Ctrl-C, or give this one a folder of its own with --state."
            ) from None
        self._lock = lock

    def _spawn(self, progress: Progress) -> None:
        """Starts all at once, since most of the time goes into loading, then waits for each."""
        waits: list[tuple[Child, Callable[[], bool]]] = []
        ports, at = self.ports, self.emulators()
        python = sys.executable
        base = {**os.environ, "PYTHONPATH": str(ROOT)}

        def run(name: str, argv: list[str], ready: Callable[[], bool], **extra: str) -> None:
            child = self.supervisor.spawn(name, argv, env={**base, **extra}, cwd=ROOT)
            waits.append((child, ready))

        def module(name: str, *arguments: str, ready: Callable[[], bool]) -> None:
            run(name, [python, "-m", f"emulators.{name}", *arguments], ready)

        snapshot = self.snapshots.last()
        heap_mb = google_emulators.firestore_heap_mb(
            self._catalogue_bytes, self.snapshots.size_bytes()
        )
        wiped = [] if snapshot else [f"{PROJECT}-{name}" for name in REBUILT_BUCKETS]
        run(
            "firestore",
            google_emulators.firestore(ports.firestore, snapshot, heap_mb),
            answers(f"http://{at['firestore']}/"),
        )
        run("pubsub", google_emulators.pubsub(ports.pubsub), answers(f"http://{at['pubsub']}/"))
        run("bigtable", google_emulators.bigtable(ports.bigtable), accepts(ports.bigtable))
        upload_key = self._write("upload-key.pem", self.keys.upload_public_key)
        waits.append((self._spawn_functions(), answers(f"{self.url}/_healthz")))
        storage_url = f"http://{at['storage']}"
        module(
            "storage",
            *("--port", str(ports.storage), "--data-dir", str(self.state / "storage")),
            *("--project", PROJECT, "--signing-key", str(upload_key)),
            *("--events-url", f"http://{at['eventing']}/eventarc"),
            *("--wipe", *wiped),
            ready=accepts(ports.storage),
        )
        argv, extra = bigquery.command(
            environments.python_of("bigquery"),
            port=ports.bigquery,
            grpc_port=ports.bigquery_grpc,
            project=PROJECT,
        )
        run("bigquery", argv, accepts(ports.bigquery), **extra)
        argv, extra = tasks.command(
            environments.python_of("tasks"), port=ports.tasks, project=PROJECT, region=REGION
        )
        run("tasks", argv, accepts(ports.tasks), **extra)
        module(
            "secret_manager",
            *("--port", str(ports.secret_manager), "--kms-port", str(ports.kms)),
            *("--state", str(self.state / "secrets")),
            ready=accepts(ports.kms),
        )
        module(
            "cloud_run",
            *("--port", str(ports.cloud_run), "--project", PROJECT, "--regions", REGION),
            ready=accepts(ports.cloud_run),
        )
        module(
            "transcoder",
            *("--port", str(ports.transcoder), "--state", str(self.state / "transcoder")),
            *("--storage", storage_url, "--secret-manager", at["secret_manager"]),
            *("--pubsub", at["pubsub"]),
            ready=accepts(ports.transcoder),
        )
        run(
            "eventing",
            [python, "-m", "emulators.eventing"]
            + ["--port", str(ports.eventing), "--pubsub", at["pubsub"], "--functions", self.url]
            + ["--bigquery", f"http://{at['bigquery']}", "--state", str(self.state / "eventing")]
            + ["--project", PROJECT, "--service-account", SERVICE_ACCOUNT]
            + ["--audience", self.url, "--issuer", "https://accounts.google.com"]
            + ([] if self._scheduled else ["--no-schedule"]),
            answers(f"http://{at['eventing']}/healthz"),
            **self.environment(),
        )
        waits.extend((self._spawn_edge(name), accepts(ports.edges[name])) for name in CDNS)
        for child, ready in waits:
            started = time.monotonic()
            wait_until_ready(child, ready)
            waited = time.monotonic() - started
            if waited > 0.5:
                progress(f"Emulators and functions: {child.name}")

    def _spawn_functions(self) -> Child:
        """The workers share one listening socket, so the kernel spreads the connections."""
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            _bind(listener, self.ports.gateway)
            listener.listen(1024)
            listener.set_inheritable(True)
            descriptor = listener.fileno()
            return self.supervisor.spawn(
                "functions",
                [sys.executable, "-m", "emulators.function_host"]
                + ["--fd", str(descriptor), "--workers", str(WORKERS)],
                env={**os.environ, **self.environment()},
                cwd=ROOT,
                pass_fds=(descriptor,),
            )

    def _spawn_edge(self, name: str) -> Child:
        provider, _, key_name = CDNS[name]
        verification = {key_name: self.keys.cdn_verification_keys[name]}
        keys = self._write(f"edge-{name}.json", json.dumps(verification))
        return self.supervisor.spawn(
            f"cdn-{name}",
            [sys.executable, "-m", "emulators.edge", "--port", str(self.ports.edges[name])]
            + ["--provider", provider, "--name", name, "--keys", str(keys)]
            + ["--storage", f"http://{HOST}:{self.ports.storage}", "--project", PROJECT],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            cwd=ROOT,
        )

    def _provision(self) -> None:
        at = self.emulators()
        arguments: dict[str, Any] = {
            "project": PROJECT,
            "region": REGION,
            "pubsub": at["pubsub"],
            "bigtable": at["bigtable"],
            "bigquery_url": f"http://{at['bigquery']}",
            "secret_manager": at["secret_manager"],
            "kms": at["kms"],
            "keys": self.keys,
        }
        # In a thread of its own: the caller may have a loop of its own running (tests do).
        with ThreadPoolExecutor(1) as pool:
            pool.submit(lambda: asyncio.run(provision.everything(**arguments))).result()

    def _write(self, name: str, text: str) -> Path:
        path = self.state / "run" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path


def _bind(listener: socket.socket, port: int) -> None:
    """Binds to a port that workers of a host which was just killed may hold for a moment longer."""
    deadline = time.monotonic() + 5
    while True:
        try:
            listener.bind((HOST, port))
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
