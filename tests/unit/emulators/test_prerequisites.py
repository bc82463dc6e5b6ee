"""What counts as there, and what is told when it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulators import prerequisites


@pytest.mark.parametrize(
    ("version", "lacking"), [("v18.19.0", True), ("v20.19.0", False), ("v24.1.0", False)]
)
def test_a_node_too_old_for_the_player_counts_as_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, lacking: bool
) -> None:
    for name in ("node", "npm"):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\necho {version}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    names = {each.name for each in prerequisites.missing("up")}
    assert ("Node.js 20.19+ and npm" in names) == lacking
    assert "Java 11+" in names


def test_a_package_that_no_source_has_does_not_stop_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As root, where Google's apt repository is not set up."""
    log = tmp_path / "log"
    apt = tmp_path / "apt-get"
    apt.write_text(f'#!/bin/sh\necho "$@" >>{log}\ncase "$*" in *google*) exit 100;; esac\n')
    apt.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    prerequisites._install([("google-cloud-cli",), ("chromium",)])
    update, google, chromium = log.read_text().splitlines()
    assert update.startswith("update")
    assert google.endswith(" google-cloud-cli")
    assert chromium.endswith(" chromium")
