"""Manifest requests per second over an async hello world's, one process each, in turn."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from http.client import HTTPConnection
from pathlib import Path

from emulators.cloud import LocalCloud
from emulators.processes import dying_with_parent, free_port
from tests.bench import local
from tests.bench.load import load
from tests.bench.report import Report, median, percentile

ROUNDS = 3
_SERVE = """
import sys, uvicorn
from functions_framework.aio import create_asgi_app
app = create_asgi_app(target=sys.argv[1], source=sys.argv[2], signature_type="http")
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[3]), log_level="critical", access_log=False)
"""


def _serve(
    name: str, source: Path, environment: dict[str, str]
) -> tuple[subprocess.Popen[bytes], int]:
    port = free_port()
    process = subprocess.Popen(
        dying_with_parent([sys.executable, "-c", _SERVE, name, str(source), str(port)]),
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            connection = HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("GET", "/")
            connection.getresponse().read()
            return process, port
        except ConnectionRefusedError:
            time.sleep(0.05)
    process.kill()
    raise RuntimeError(f"{name} does not start")


def run(cloud: LocalCloud) -> None:
    """Eight connections, `ROUNDS` rounds of each, hello and manifest in turn."""
    environment = {**os.environ, **cloud.environment()}
    headers = {
        "Authorization": f"Bearer {local.access_token(cloud, 'streaming')}",
        "X-Device-ID": "bench-device",
        "X-Client-Build": "bench",
    }
    path = f"/v1/playback/manifest?track_id={local.any_track(cloud)}&codec=aac&br=160"
    hello, hello_port = _serve("hello", Path(__file__).with_name("hello.py"), environment)
    playback, port = _serve("playback", Path("functions/playback/main.py").resolve(), environment)
    try:
        load(port, path, headers, seconds=1)
        ratios, rates, hello_rates, latencies = [], [], [], []
        for _ in range(ROUNDS):
            peer = load(hello_port, "/", {})
            ours = load(port, path, headers)
            if ours.statuses != {200}:
                raise RuntimeError(f"the manifest endpoint answered {set(ours.statuses)}")
            ratios.append(ours.requests_per_s / peer.requests_per_s)
            rates.append(ours.requests_per_s)
            hello_rates.append(peer.requests_per_s)
            latencies += ours.latencies
    finally:
        hello.kill()
        playback.kill()
    report = Report("manifest_throughput", f"8 connections, {ROUNDS} rounds of 4 s each, in turn")
    report.add("manifest over hello world", median(ratios), "×", "≥ 0.4")
    report.add("manifest", median(rates), "requests/s")
    report.add("hello world", median(hello_rates), "requests/s")
    for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        report.add(f"manifest {name}", percentile(latencies, share) * 1000, "ms")
    report.show()
