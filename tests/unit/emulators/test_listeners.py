from __future__ import annotations

import json
import subprocess
import threading
from io import StringIO

import pytest

from emulators import listeners, processes
from emulators.listeners import Stored

DID = {"events": 40, "saved": 2, "followed": 3, "listed": 4, "searched": 9, "told": 1}
Runs = list[tuple[str, ...]]


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    """The jobs that were run; a simulation's people failed in part."""
    found: Runs = []

    def run(name: str, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        del given
        found.append((name, *arguments))
        if name != "simulate_listeners":
            return subprocess.CompletedProcess(name, 0, "", None)
        printed = json.dumps({**DID, "failed": ["listener-1-00003: ApiFailed: POST"]})
        return subprocess.CompletedProcess(name, 1, f"progress\n{printed}\n", None)

    monkeypatch.setattr(listeners, "_run", run)
    monkeypatch.setattr("emulators.listeners.time.sleep", lambda _: None)
    return found


def test_what_some_did_is_learned_from_though_others_failed(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The events are there before the signals.
    stored = iter([Stored(7, 5), Stored(47, 14), Stored(47, 15), Stored(99, 99)])
    monkeypatch.setattr(listeners, "_stored", lambda: next(stored))
    listeners.make_personal("http://127.0.0.1:1", 3)
    assert [name for name, *_ in runs] == [
        "seed_accounts",
        "simulate_listeners",
        "train_embeddings",
        "make_recommendations",
        "simulate_listeners",
    ]
    assert next(stored) == Stored(99, 99)  # it waited until all was there, and no longer


def test_a_simulation_that_did_not_begin_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = subprocess.CompletedProcess("simulate_listeners", 1, "", None)
    monkeypatch.setattr(listeners, "_run", lambda *_: failed)
    with pytest.raises(subprocess.CalledProcessError):
        listeners._simulated()


@pytest.mark.parametrize("error", [KeyError("rows"), ValueError("no JSON"), OSError("gone")])
def test_nothing_that_goes_wrong_ends_the_process(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise error

    waited = []
    monkeypatch.setattr(processes, "die_with_parent", lambda _: None)
    monkeypatch.setattr("emulators.listeners.os.nice", lambda _: None)
    monkeypatch.setattr("sys.stdin", StringIO('{"url": "u", "people": 1}'))
    monkeypatch.setattr(listeners, "make_personal", fail)
    monkeypatch.setattr(threading.Event, "wait", lambda *_: waited.append(True))
    listeners.main()
    assert waited
    assert "recommendations stay as they are" in capsys.readouterr().out
