"""For every test: no deadline in property tests (machines are shared), no socket in unit tests,
and one local cloud for those that want the whole of it."""

from __future__ import annotations

import io
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings as hypothesis_settings
from rich.console import Console
from xdist.scheduler import LoadScopeScheduling

from tests.whole_cloud import WholeCloud

UNIT = Path(__file__).parent / "unit"

hypothesis_settings.register_profile("segue", deadline=None)
hypothesis_settings.load_profile("segue")


class Halves(LoadScopeScheduling):  # type: ignore[misc]
    """Two halves for two cores (`-n 2 --dist loadscope`): what asks for the whole cloud, and what
    asks for single emulators, so that each is started once. Unit tests fill the gaps, by module.
    """

    def _split_scope(self, nodeid: str) -> str:
        part = nodeid.split("/")[1]
        if part in ("e2e", "clients"):
            return "cloud"
        return part if part == "emulator" else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Halves:
    """How xdist spreads the tests."""
    return Halves(config, log)


@pytest.fixture(autouse=True)
def no_network_in_unit_tests(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A unit test that opens a connection fails; one that talks to itself (a socket pair) may."""
    if UNIT not in request.path.parents:
        return

    def refuse(self: socket.socket, address: Any) -> None:
        raise AssertionError(f"a unit test connects to {address}; move it to tests/emulator")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)


@pytest.fixture(scope="session")
def whole_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeCloud]:
    """The local cloud as `nox -s up` starts it, filled with the demo catalogue; one for the run.

    What a test breaks (an edge, a worker) it mends again.
    """
    from emulators import prerequisites, seed
    from emulators.cloud import LocalCloud

    lacking = prerequisites.missing("up")
    if lacking:
        if os.environ.get("CI"):
            pytest.fail(prerequisites.remedy(lacking))
        pytest.skip(prerequisites.remedy(lacking))
    # Unscheduled, or a probe might meet an edge that a test has killed and rule it out for minutes.
    # Unlimited, or the tests of one half minute would share the demo user's windows.
    folder = tmp_path_factory.mktemp("cloud")
    with LocalCloud(folder, scheduled=False, rate_limit_scale=0) as cloud:
        seed.fill(cloud, Console(file=io.StringIO()), demo=True, music=[])
        cloud.run_job("probe_cdn_health")
        yield WholeCloud(cloud)
