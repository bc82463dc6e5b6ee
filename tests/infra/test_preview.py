"""What operators run: `nox -s preview` and `nox -s keys`.

Where Pulumi's own command is needed, a program of its name stands on the PATH that notes how it
was called: what it would do is not shown here, what it is told is.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra import access, names, stacks
from infra.config import required_keys
from shared import topology

STAND_IN = """#!{python}
import json, pathlib, sys
typed = "" if sys.stdin.isatty() else sys.stdin.read()
with pathlib.Path({notes!r}).open("a") as notes:
    notes.write(json.dumps({{"arguments": sys.argv[1:], "typed": typed}}) + "\\n")
sys.exit(1 if "get" in sys.argv else 0)
"""


def run(
    *arguments: str, path: str | None = None, module: str = "preview"
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "200", "PATH": path or os.environ["PATH"]}
    return subprocess.run(
        [sys.executable, "-m", f"infra.{module}", *arguments],
        cwd=stacks.ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.fixture
def stand_in(tmp_path: Path) -> tuple[str, Path]:
    """A PATH that has a `pulumi`, and the file of what it was told."""
    notes = tmp_path / "notes.jsonl"
    program = tmp_path / "pulumi"
    program.write_text(STAND_IN.format(python=sys.executable, notes=str(notes)))
    program.chmod(0o755)
    return f"{tmp_path}{os.pathsep}{os.environ['PATH']}", notes


def noted(notes: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in notes.read_text().splitlines()]


def test_preview_shows_every_stack() -> None:
    done = run("--depth", "1")
    assert done.returncode == 0, done.stderr
    for stack in stacks.names():
        config = stacks.example(stack)
        assert f"{stack}: {config.project}" in done.stdout
    for entry in topology.ENTRIES.values():
        assert names.account_id(entry) in done.stdout
        for role, on, _ in access.explain(entry):
            assert role.removeprefix("roles/") in done.stdout
            assert on in done.stdout  # with its condition
    for other in ("builder", "call-publish-track", "uploads", "ci-deployer"):
        assert f" {other} " in done.stdout
    for heading in ("Resources by type", "Who may do what", "Cost while nobody listens"):
        assert done.stdout.count(heading) == len(stacks.names())
    assert "no violations" in done.stdout
    assert "violates" not in done.stdout


def test_a_stack_without_a_file_is_told() -> None:
    done = run("--stack", "moon")
    assert done.returncode == 2
    assert "there is no Pulumi.moon.yaml; stacks: dev, prod" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_engine_is_asked_for_where_it_lacks(tmp_path: Path) -> None:
    done = run("--stack", "dev", "--engine", path=str(tmp_path))
    assert done.returncode == 2
    assert "https://www.pulumi.com/docs/install/" in done.stderr


def test_the_engine_previews_on_a_backend_of_its_own(stand_in: tuple[str, Path]) -> None:
    path, notes = stand_in
    before = (stacks.ROOT / "Pulumi.dev.yaml").read_text()
    done = run("--stack", "dev", "--engine", path=path)
    assert done.returncode == 0, done.stderr
    calls = noted(notes)
    assert [call["arguments"][0] for call in calls] == ["stack", "config", "config", "config"] + [
        "preview"
    ]
    keys = {call["arguments"][4]: call["typed"] for call in calls if call["typed"]}
    needed = required_keys(stacks.example("dev").cdns)
    assert set(keys) == {f"segue:keys.{name}[0]" for name in needed}
    for call in calls:  # a key on a command line is read by everybody on the machine
        assert not [payload for payload in keys.values() if payload in call["arguments"]]
        folder = call["arguments"][call["arguments"].index("--cwd") + 1]
        assert not folder.startswith(str(stacks.ROOT))
    assert (stacks.ROOT / "Pulumi.dev.yaml").read_text() == before


def test_keys_are_made_for_a_stack_and_typed_into_pulumi(stand_in: tuple[str, Path]) -> None:
    path, notes = stand_in
    done = run("--stack", "prod", path=path, module="keys")
    assert done.returncode == 0, done.stderr
    sets = [call for call in noted(notes) if "set" in call["arguments"]]
    needed = required_keys(stacks.example("prod").cdns)
    assert [call["arguments"][-1] for call in sets] == [f"segue:keys.{n}[0]" for n in needed]
    for call in sets:
        assert call["typed"]
        assert "--secret" in call["arguments"]
        assert call["typed"] not in done.stdout


def test_only_a_key_of_the_stack_is_rotated(stand_in: tuple[str, Path]) -> None:
    path, notes = stand_in
    done = run("--stack", "dev", "--rotate", "cdn-key-moon", path=path, module="keys")
    assert done.returncode == 2
    assert "cdn-key-google" in done.stderr
    assert not notes.exists()
