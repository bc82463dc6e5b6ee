"""The components that hold data, on mocks, without the rest of the program."""

from __future__ import annotations

from functools import cache
from typing import Any

from infra.components.bigtable import Bigtable
from infra.components.buckets import Buckets
from infra.components.databases import Databases
from infra.components.keyrings import Keyrings
from infra.components.project import Project
from infra.components.topics import Topics
from infra.components.transcoding import Transcoding
from infra.components.warehouse import Warehouse
from infra.config import StackConfig
from infra.runtime import Resource, Tree, run_on_mocks
from infra.stacks import example

STACKS = ("dev", "prod")


def tree_of(config: StackConfig) -> Tree:
    """What the data components make of `config`."""

    def program() -> dict[str, Any]:
        project = Project(config)
        keyrings = Keyrings(config, project)
        buckets = Buckets(config, project, keyrings)
        databases = Databases(config, project, keyrings)
        Bigtable(config, project, keyrings)
        topics = Topics(config, project, keyrings)
        Warehouse(config, project, keyrings, topics, buckets)
        Transcoding(config, project, buckets, topics)
        return {"databases": databases.names, "sources": buckets.sources.name}

    return run_on_mocks(program, stack=config.stack)


@cache
def data_tree(stack: str) -> tuple[StackConfig, Tree]:
    """A committed stack's configuration and its data."""
    config = example(stack)
    return config, tree_of(config)


def by_name(tree: Tree, kind: str) -> dict[str, Resource]:
    """Resources of a type by their physical name."""
    return {resource.inputs["name"]: resource for resource in tree.of_type(kind)}


def waits_for(tree: Tree, resource: Resource, name: str) -> bool:
    """Whether `resource` is made after the one with this logical name, directly or through
    others."""
    known = {other.urn: other for other in tree.resources}
    seen, left = set(), [resource.urn]
    while left:
        urn = left.pop()
        if urn in seen or urn not in known:
            continue
        seen.add(urn)
        left += known[urn].dependencies
    return any(known[urn].name == name for urn in seen - {resource.urn})
