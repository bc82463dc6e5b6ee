"""Spanner: the database of search, in stacks that are past one machine (`searchEngine: spanner`).

The tables are those of `shared/schemas/search.sql`. All in it is made from the catalogue by
`build_search_index`, so nothing is backed up: a lost database is loaded again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pulumi
import pulumi_gcp as gcp

from infra import access, names, roles
from infra.components import child
from infra.components.keyrings import Keyrings
from infra.components.project import Project
from infra.config import SpannerScale, StackConfig
from shared import topology

TABLES = Path(topology.__file__).parent / "schemas" / "search.sql"
STORAGE_TARGET_PERCENT = 75  # of a node's storage, from which the instance grows
KEPT_VERSIONS = "1h"  # so long a page can be cut from what the page before it was


def statements() -> list[str]:
    """The statements that make the tables, in their order."""
    without_comments = re.sub("--.*", "", TABLES.read_text())
    return [part.strip() for part in without_comments.split(";") if part.strip()]


class SearchDatabase(pulumi.ComponentResource):
    """An instance with one database, and who may read and write it."""

    def __init__(
        self,
        config: StackConfig,
        project: Project,
        keyrings: Keyrings,
        accounts: Mapping[str, gcp.serviceaccount.Account],
    ) -> None:
        super().__init__("segue:spanner:SearchDatabase", names.SPANNER_INSTANCE)
        region = config.spanner_in
        instance = gcp.spanner.Instance(
            names.SPANNER_INSTANCE,
            name=names.SPANNER_INSTANCE,
            project=config.project,
            display_name="Segue search",
            config=f"regional-{region}",
            edition="ENTERPRISE",  # the least that has full-text search
            default_backup_schedule_type="NONE",
            processing_units=None if _grows(config.spanner) else config.spanner.min_units,
            autoscaling_config=_autoscaling(config.spanner) if _grows(config.spanner) else None,
            opts=child(self, protect=config.protect, depends_on=project.ready),
        )
        self.database = gcp.spanner.Database(
            names.SPANNER_DATABASE,
            name=names.SPANNER_DATABASE,
            project=config.project,
            instance=instance.name,
            database_dialect="GOOGLE_STANDARD_SQL",
            ddls=statements(),
            version_retention_period=KEPT_VERSIONS,
            encryption_config=gcp.spanner.DatabaseEncryptionConfigArgs(
                kms_key_name=keyrings.data_key(region, "spanner")
            ),
            enable_drop_protection=config.protect,
            deletion_protection=config.protect,
            opts=child(self, protect=config.protect),
        )
        granted = {
            role: gcp.projects.IAMCustomRole(
                role,
                role_id=role,
                project=config.project,
                title=role,
                description="Made by Segue; see infra/roles.py",
                permissions=permissions,
                opts=child(self, depends_on=project.ready),
            )
            for role, permissions in roles.SEARCH_ROLES.items()
        }
        for entry in topology.ENTRIES.values():
            role = access.search_role(entry)
            if role is not None:
                gcp.spanner.DatabaseIAMMember(
                    f"{entry.name}-{role}",
                    project=config.project,
                    instance=instance.name,
                    database=self.database.name,
                    role=granted[role].name,
                    member=accounts[entry.name].member,
                    opts=child(self),
                )


def _grows(scale: SpannerScale) -> bool:
    return scale.min_units < scale.max_units


def _autoscaling(scale: SpannerScale) -> gcp.spanner.InstanceAutoscalingConfigArgs:
    spanner = gcp.spanner
    return spanner.InstanceAutoscalingConfigArgs(
        autoscaling_limits=spanner.InstanceAutoscalingConfigAutoscalingLimitsArgs(
            min_processing_units=scale.min_units, max_processing_units=scale.max_units
        ),
        autoscaling_targets=spanner.InstanceAutoscalingConfigAutoscalingTargetsArgs(
            high_priority_cpu_utilization_percent=scale.cpu_target_percent,
            storage_utilization_percent=STORAGE_TARGET_PERCENT,
        ),
    )
