"""The edge alone on mocks, with hand-made functions and buckets."""

from __future__ import annotations

from functools import cache

import pulumi_gcp as gcp

from infra import names, stacks
from infra.components.edge import Edge
from infra.components.project import Project
from infra.config import StackConfig
from infra.runtime import Tree, run_on_mocks
from infra.url_map import behind_balancer
from shared import topology


def edge_of(config: StackConfig) -> Tree:
    """What `Edge` makes of `config`; its outputs are `address`, `hosts`, `dns` and `origins`."""

    def program() -> dict[str, object]:
        project = Project(config)
        buckets = {
            declared.name: gcp.storage.Bucket(
                declared.name, name=names.bucket(declared, config.project), location="US"
            )
            for declared in topology.BUCKETS
        }
        services = {
            function.name: {region: names.service(function) for region in config.regions}
            for function in topology.HTTP_FUNCTIONS
        }
        edge = Edge(config, project, services, buckets)
        return {
            "address": edge.address,
            "hosts": edge.hosts,
            "dns": edge.dns_records,
            "origins": {name: origin.secret for name, origin in edge.origins.items()},
        }

    return run_on_mocks(program, stack=config.stack)


@cache
def committed(stack: str) -> tuple[StackConfig, Tree]:
    """A committed stack's configuration, and its edge."""
    config = stacks.example(stack)
    return config, edge_of(config)


def served() -> list[topology.HttpFunction]:
    """The functions behind the load balancer."""
    return [function for function in topology.HTTP_FUNCTIONS if behind_balancer(function)]
