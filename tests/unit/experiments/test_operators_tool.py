"""What an operator is told before anything is touched."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jobs.experiment_report.main import main

DEFINITION = {
    "name": "warm-home",
    "about": "Home begins with what was played last.",
    "variants": [{"name": "control", "weight": 5000}, {"name": "warm", "weight": 5000}],
    "primary_metric": "listening_minutes",
}


def refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str
) -> tuple[object, str]:
    monkeypatch.setattr("sys.argv", ["experiment_report", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code, capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (["--stop", "a"], "--note is required"),
        (["--conclude", "a", "--note", "Jo"], "--winner is required"),
        (["--conclude", "a", "--winner", "b"], "--note is required"),
        (["--start", "a", "--stop", "b"], "not allowed with"),
    ],
)
def test_what_is_missing_is_named(
    words: list[str],
    remedy: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, said = refused(monkeypatch, capsys, *words)
    assert code == 2
    assert remedy in said


@pytest.mark.parametrize(
    ("change", "remedy"),
    [
        ({"primary_metric": "luck"}, "take listening_minutes"),
        ({"weights": 1}, "weights: Extra inputs"),
        ({"variants": [{"name": "control", "weight": 10_000}]}, "at least one more"),
        ({"guardrails": [{"metric": "luck", "limit": 0}]}, "guardrails.0: guardrail 'luck'"),
    ],
)
def test_a_definition_that_is_not_valid_is_told_with_its_remedy(
    change: dict[str, object],
    remedy: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "warm.json"
    file.write_text(json.dumps({**DEFINITION, **change}))
    code, said = refused(monkeypatch, capsys, "--define", str(file))
    assert code == 1
    assert remedy in said


def test_a_file_that_is_no_file_is_said_to_be_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = refused(monkeypatch, capsys, "--define", str(tmp_path / "none"))
    assert code == 1
    assert "cannot be read: No such file" in said
    (tmp_path / "no.json").write_text("name: warm-home")
    code, said = refused(monkeypatch, capsys, "--define", str(tmp_path / "no.json"))
    assert "Invalid JSON" in said
