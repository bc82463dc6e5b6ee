"""The committed stacks, as tests ask for them."""

from __future__ import annotations

import pytest

from infra.config import StackConfig
from infra.runtime import Tree
from tests.infra.trees import tree_of


@pytest.fixture(params=["dev", "prod"])
def made(request: pytest.FixtureRequest) -> tuple[StackConfig, Tree]:
    """Each committed stack in turn."""
    return tree_of(request.param)


@pytest.fixture
def prod() -> tuple[StackConfig, Tree]:
    """The larger stack."""
    return tree_of("prod")
