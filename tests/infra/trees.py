"""The trees of the committed stacks, each made once in a run."""

from __future__ import annotations

from functools import cache

from infra import stacks
from infra.config import StackConfig
from infra.program import declare
from infra.runtime import Tree, run_on_mocks


@cache
def tree_of(stack: str) -> tuple[StackConfig, Tree]:
    """A stack's configuration and what the program makes of it."""
    config = stacks.example(stack)
    return config, run_on_mocks(lambda: declare(config), stack=stack)
