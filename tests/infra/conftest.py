"""The trees of the committed stacks, each made once."""

from __future__ import annotations

from functools import cache

import pytest

from infra import stacks
from infra.config import StackConfig
from infra.program import declare
from infra.runtime import Tree, run_on_mocks


@cache
def tree_of(stack: str) -> tuple[StackConfig, Tree]:
    """A stack's configuration and what the program makes of it."""
    config = stacks.example(stack)
    return config, run_on_mocks(lambda: declare(config), stack=stack)


@pytest.fixture(params=["dev", "prod"])
def made(request: pytest.FixtureRequest) -> tuple[StackConfig, Tree]:
    """Each committed stack in turn."""
    return tree_of(request.param)


@pytest.fixture
def prod() -> tuple[StackConfig, Tree]:
    """The larger stack."""
    return tree_of("prod")
