"""Bigtable: one instance with a cluster in each region, replicated, and the topology's tables.

Reads and plain writes go by the app profile `nearest`, to another cluster where the nearest fails.
(The `default` one, which Bigtable makes itself, keeps to a single cluster in an instance that began
with one.) Conditional writes are only allowed to profiles with a single cluster, so each region has
such a profile for its own.

https://cloud.google.com/bigtable/docs/app-profiles
"""

from __future__ import annotations

from datetime import timedelta

import pulumi
import pulumi_gcp as gcp

from infra import names
from infra.components import child
from infra.components.keyrings import Keyrings
from infra.components.project import Project
from infra.config import BigtableScale, StackConfig
from shared import topology

ZONE = "b"  # the one zone that every region of infra.locations has, among Bigtable's
BACKUP_EVERY_H = 24
BACKUP_KEPT_H = 7 * 24
# What is all gone within a day is not worth a backup.
CACHE_LIFE = timedelta(days=1)


def is_cache(table: topology.Table) -> bool:
    """Whether nothing in `table` lives long."""
    return all(
        family.max_age_s is not None and family.max_age_s <= CACHE_LIFE.total_seconds()
        for family in table.families
    )


class Bigtable(pulumi.ComponentResource):
    """`tables` holds the topology's by name."""

    def __init__(self, config: StackConfig, project: Project, keyrings: Keyrings) -> None:
        super().__init__("segue:bigtable:Bigtable", names.BIGTABLE_INSTANCE)
        self._config = config
        self.instance = gcp.bigtable.Instance(
            names.BIGTABLE_INSTANCE,
            name=names.BIGTABLE_INSTANCE,
            project=config.project,
            display_name="Segue",
            clusters=[
                gcp.bigtable.InstanceClusterArgs(
                    cluster_id=_cluster(region),
                    zone=f"{region}-{ZONE}",
                    storage_type="SSD",
                    autoscaling_config=_autoscaling(config.bigtable),
                    kms_key_name=keyrings.data_key(region, "bigtable"),
                )
                for region in config.regions
            ],
            deletion_protection=config.protect,
            force_destroy=not config.protect,  # with its backups
            opts=child(self, protect=config.protect, depends_on=project.ready),
        )
        self.tables = {table.name: self._table(table) for table in topology.TABLES}
        gcp.bigtable.AppProfile(
            topology.BIGTABLE_PROFILE,
            app_profile_id=topology.BIGTABLE_PROFILE,
            project=config.project,
            instance=self.instance.name,
            description="Reads and plain writes",
            multi_cluster_routing_use_any=True,
            ignore_warnings=True,
            opts=child(self),
        )
        for region in config.regions:
            self._transactions(region)

    def _table(self, declared: topology.Table) -> gcp.bigtable.Table:
        backups = None
        if not is_cache(declared):
            backups = gcp.bigtable.TableAutomatedBackupPolicyArgs(
                frequency=f"{BACKUP_EVERY_H}h0m0s", retention_period=f"{BACKUP_KEPT_H}h0m0s"
            )
        table = gcp.bigtable.Table(
            declared.name,
            name=declared.name,
            project=self._config.project,
            instance_name=self.instance.name,
            column_families=[
                gcp.bigtable.TableColumnFamilyArgs(family=family.name)
                for family in declared.families
            ],
            automated_backup_policy=backups,
            deletion_protection="PROTECTED" if self._config.protect else "UNPROTECTED",
            opts=child(self),
        )
        for family in declared.families:
            self._garbage_collection(table, declared, family)
        return table

    def _garbage_collection(
        self, table: gcp.bigtable.Table, declared: topology.Table, family: topology.Family
    ) -> None:
        max_age = None
        if family.max_age_s is not None:
            max_age = gcp.bigtable.GCPolicyMaxAgeArgs(duration=f"{family.max_age_s}s")
        gcp.bigtable.GCPolicy(
            f"{declared.name}-{family.name}",
            project=self._config.project,
            instance_name=self.instance.name,
            table=table.name,
            column_family=family.name,
            mode=None if max_age is None else "UNION",  # too old or too many: either is enough
            max_age=max_age,
            max_versions=[gcp.bigtable.GCPolicyMaxVersionArgs(number=family.max_versions)],
            # A policy cannot be taken off a replicated table; it goes with the table.
            deletion_policy="ABANDON",
            opts=child(self),
        )

    def _transactions(self, region: str) -> None:
        gcp.bigtable.AppProfile(
            names.transactions_profile(region),
            app_profile_id=names.transactions_profile(region),
            project=self._config.project,
            instance=self.instance.name,
            description=f"Conditional writes of what runs in {region}",
            single_cluster_routing=gcp.bigtable.AppProfileSingleClusterRoutingArgs(
                cluster_id=_cluster(region), allow_transactional_writes=True
            ),
            # Another profile writes to the same instance, of which Bigtable warns.
            ignore_warnings=True,
            opts=child(self),
        )


def _cluster(region: str) -> str:
    return f"segue-{region}"


def _autoscaling(scale: BigtableScale) -> gcp.bigtable.InstanceClusterAutoscalingConfigArgs:
    return gcp.bigtable.InstanceClusterAutoscalingConfigArgs(
        min_nodes=scale.min_nodes,
        max_nodes=scale.max_nodes,
        cpu_target=scale.cpu_target_percent,
    )
