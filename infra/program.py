"""The whole of a stack: every component, made in the order in which they need one another."""

from __future__ import annotations

from typing import Any

import pulumi

from infra import checks
from infra.components.accounts import Accounts, Grants, Made
from infra.components.bigtable import Bigtable
from infra.components.buckets import Buckets
from infra.components.ci import WorkloadIdentity
from infra.components.databases import Databases
from infra.components.edge import Edge
from infra.components.functions import Builder, Built, Functions
from infra.components.jobs import Jobs
from infra.components.keyrings import Keyrings
from infra.components.operations import Operations
from infra.components.project import Project
from infra.components.search_database import SearchDatabase
from infra.components.secrets import Secrets
from infra.components.spark_training import SparkTraining
from infra.components.topics import Topics
from infra.components.transcoding import Transcoding
from infra.components.triggers import Queues, Triggers, Wired
from infra.components.warehouse import Warehouse
from infra.config import StackConfig


def declare(config: StackConfig) -> dict[str, Any]:
    """Declares every resource of the stack; returns its outputs.

    Raises TopologyError before the first one, where the topology cannot be deployed.
    """
    sources = checks.sources()
    project = Project(config)
    keyrings = Keyrings(config, project)
    accounts = Accounts(config, project)
    secrets = Secrets(config, project, accounts)
    buckets = Buckets(config, project, keyrings)
    databases = Databases(config, project, keyrings)
    bigtable = Bigtable(config, project, keyrings)
    topics = Topics(config, project, keyrings)
    warehouse = Warehouse(config, project, keyrings, topics, buckets)
    queues = Queues(config, project)
    Transcoding(config, project, buckets, topics)
    Grants(
        config,
        project,
        accounts,
        Made(
            buckets=buckets.buckets,
            topics=topics.topics,
            dead_letters=topics.dead_letters,
            tables=bigtable.tables,
            queues=queues.queues,
            secrets=secrets.secrets,
            keys=keyrings.application_keys,
            warehouse=warehouse.tables,
        ),
    )
    if config.search_engine == "spanner":
        SearchDatabase(config, project, keyrings, accounts.runs_as)
    if config.spark_training:
        SparkTraining(config, project, buckets.buckets, accounts.runs_as)
    builder = Builder(config, project, buckets.sources)
    built = Built(
        sources=sources,
        bucket=buckets.sources,
        accounts=accounts.runs_as,
        secret_versions=pulumi.Output.all(**secrets.versions),
        key_location=keyrings.application_location,
    )
    functions = Functions(config, project, builder, built)
    Jobs(config, project, builder, built, accounts.called_by, buckets.buckets)
    Triggers(
        config,
        project,
        Wired(
            services=functions.services,
            callers=accounts.called_by,
            topics=topics,
            buckets=buckets.buckets,
        ),
    )
    edge = Edge(config, project, functions.services, buckets.buckets)
    Operations(config, project, topics.topics)
    if config.ci_repository:
        WorkloadIdentity(config, project)
    return {
        "url": config.url,
        "cdn": f"https://{config.cdn_domain}",
        "address": edge.address,
        "dnsRecords": edge.dns_records,
        "origins": {
            name: {"hosts": dict(origin.hosts), "secret": origin.secret}
            for name, origin in edge.origins.items()
        },
        "databases": databases.names,
        "dataset": warehouse.dataset.id,
    }
