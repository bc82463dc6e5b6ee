"""The catalogue, indexed once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.relevance import catalogue, finders, judging
from tests.relevance.evaluating import Outcome, outcomes


@pytest.fixture(scope="session", autouse=True)
def _catalogue() -> None:
    if not catalogue.DATA.is_file():
        pytest.skip(f"needs {'/'.join(catalogue.DATA.parts[-4:])} beside the project")


@pytest.fixture(scope="session")
def ours() -> Iterator[finders.Ours]:
    """Our engine over the catalogue."""
    with finders.ours() as engine:
        yield engine


@pytest.fixture(scope="session")
async def our_outcomes(ours: finders.Ours) -> list[Outcome]:
    """What it found for every judged query."""
    return await outcomes(ours, judging.read())


@pytest.fixture(scope="session")
async def baseline_outcomes() -> dict[str, list[Outcome]]:
    """What each baseline found, by its name."""
    return {one.name: await outcomes(one, judging.read()) for one in finders.baselines()}
