"""Cold start: from spawning a function's process to its first answer, and its import time, each
over the same of an async hello world."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from http.client import HTTPConnection
from pathlib import Path

from emulators.cloud import LocalCloud
from emulators.processes import dying_with_parent, free_port
from shared import topology
from tests.bench.report import Report, median

HELLO = Path(__file__).with_name("hello.py")
RUNS = 5
_SERVE = """
import sys, uvicorn
from functions_framework.aio import create_asgi_app
app = create_asgi_app(target=sys.argv[1], source=sys.argv[2], signature_type="http")
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[3]), log_level="critical", access_log=False)
"""
_IMPORT = """
import time, sys
import functions_framework.aio
sys.path.insert(0, sys.argv[2].rpartition("/")[0])
started = time.perf_counter()
import importlib.util
spec = importlib.util.spec_from_file_location("main", sys.argv[2])
module = importlib.util.module_from_spec(spec)
sys.modules["main"] = module
spec.loader.exec_module(module)
print(time.perf_counter() - started)
"""


def _first_answer_s(name: str, source: Path, environment: dict[str, str]) -> float:
    """Any HTTP answer counts: a 401 is as much work as the framework and the app need."""
    port = free_port()
    started = time.perf_counter()
    process = subprocess.Popen(
        dying_with_parent([sys.executable, "-c", _SERVE, name, str(source), str(port)]),
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while True:
            try:
                connection = HTTPConnection("127.0.0.1", port, timeout=20)
                connection.request("GET", "/v1/nothing")
                connection.getresponse().read()
                return time.perf_counter() - started
            except ConnectionRefusedError:
                if process.poll() is not None or time.perf_counter() - started > 60:
                    raise RuntimeError(f"{name} does not start") from None
                time.sleep(0.002)
    finally:
        process.kill()
        process.wait()


def _whole_process_s(name: str, source: Path, environment: dict[str, str]) -> float:
    """Interpreter, framework and module together: what an import costs an instance."""
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", _IMPORT, name, str(source)],
        env=environment,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - started


def run(cloud: LocalCloud) -> None:
    """Measures every HTTP and event function, interleaved with hello world."""
    environment = {**os.environ, **cloud.environment()}
    report = Report(
        "cold_start", f"median of {RUNS} runs, each beside a run of the async hello world"
    )
    functions = Path("functions").resolve()
    for entry in topology.ENTRIES.values():
        if isinstance(entry, topology.Job):
            continue
        source = functions / entry.name / "main.py"
        starts, imports, own = [], [], []
        for _ in range(RUNS):
            hello_start = _first_answer_s("hello", HELLO, environment)
            this_start = _first_answer_s(entry.name, source, environment)
            hello_import = _whole_process_s("hello", HELLO, environment)
            this_import = _whole_process_s(entry.name, source, environment)
            own.append(this_start)
            starts.append(this_start / hello_start)
            imports.append(this_import / hello_import)
        report.add(f"{entry.name}: spawn to first answer", median(starts), "× hello", "≤ 2")
        report.add(f"{entry.name}: import", median(imports), "× hello", "≤ 2")
        report.add(f"{entry.name}: spawn to first answer", median(own) * 1000, "ms")
    report.show()
