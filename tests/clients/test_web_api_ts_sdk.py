"""The TypeScript SDK under Node, driven by `ts_sdk/drive.mjs` as its users do."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import IO

import pytest

from tests.clients import plan as plans
from tests.whole_cloud import WholeCloud

PACKAGE = Path(__file__).with_name("ts_sdk")


@pytest.fixture(scope="session")
def node() -> str:
    """Node, with the SDK that the lock file pins installed."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("node and npm are not installed; see `python -m emulators.prerequisites`")
    stamp = PACKAGE / "node_modules" / ".lock-digest"
    wanted = hashlib.sha256((PACKAGE / "package-lock.json").read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        subprocess.run([npm, "ci", "--no-progress"], cwd=PACKAGE, check=True, timeout=120)
        stamp.write_text(wanted)
    return node


def test_every_method(whole_cloud: WholeCloud, node: str, tmp_path: Path) -> None:
    plan = plans.make(whole_cloud)
    with (
        (tmp_path / "stderr").open("w+") as said,
        subprocess.Popen(
            [node, "drive.mjs"],
            cwd=PACKAGE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
        ) as running,
    ):
        try:
            assert running.stdin is not None
            assert running.stdout is not None
            print(json.dumps(plan), file=running.stdin, flush=True)
            address = _next(running.stdout, said)["sign_in"]
            back = {"location": plans.fill_in_form(address, plan)}
            print(json.dumps(back), file=running.stdin, flush=True)
            answer = _next(running.stdout, said)
        finally:
            running.kill()
    assert answer["not_driven"] == []
    assert len(answer["offered"]) > 70


def _next(stdout: IO[str], said: IO[str]) -> dict[str, list[str]] | dict[str, str]:
    """The driver's next message; other lines are the SDK's own remarks."""
    for line in stdout:
        if line.startswith("{"):
            message: dict[str, str] = json.loads(line)
            return message
    said.seek(0)
    pytest.fail(f"the driver ended: {said.read()[-4000:]}")
