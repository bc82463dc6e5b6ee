"""Firestore: one database for each residency zone (F294), the home zone's being the default one.

Each has the topology's indexes and TTL policies, point-in-time recovery over seven days, and
backups that outlive it: daily ones for a week, weekly ones for fourteen.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_gcp as gcp

from infra import names
from infra.components import child
from infra.components.keyrings import Keyrings
from infra.components.project import Project
from infra.config import StackConfig
from shared import topology
from shared.resources import Collection, IndexField, IndexMode

DAILY_BACKUPS_KEPT_DAYS = 7
WEEKLY_BACKUPS_KEPT_DAYS = 14 * 7  # the service's maximum
EVERY_FIELD = "*"  # of a collection: Firestore's own name for those that have no setting


@dataclass(frozen=True, slots=True)
class FieldSetting:
    """What Firestore is to do with one field: index it by itself in these ways, or in none, and
    delete documents some time after the moment that it holds."""

    path: str
    indexed: tuple[IndexMode, ...] = ()
    expires: bool = False


def field_settings(declared: Collection) -> list[FieldSetting]:
    """The settings of a collection's fields. All others are not indexed by themselves, which has
    no bearing on composite indexes.

    https://cloud.google.com/firestore/docs/concepts/index-overview#single-field_index_exemptions
    """
    modes: dict[str, tuple[IndexMode, ...]] = {EVERY_FIELD: ()}
    if declared.ttl_field is not None:
        # Left out of the indexes like the others: it only grows, and an index of values that only
        # grow takes no more than 500 writes a second.
        modes[declared.ttl_field] = ()
    for index in declared.parsed_indexes:
        if len(index) == 1:
            modes[index[0].path] = (*modes.get(index[0].path, ()), index[0].mode)
    return [
        FieldSetting(path, indexed, path == declared.ttl_field) for path, indexed in modes.items()
    ]


class Databases(pulumi.ComponentResource):
    """`databases` holds them by residency zone; `names` are their ids, the home zone's first."""

    def __init__(self, config: StackConfig, project: Project, keyrings: Keyrings) -> None:
        super().__init__("segue:firestore:Databases", "databases")
        self._config, self._project = config, project
        home = next(iter(config.residency))
        self.databases: dict[str, gcp.firestore.Database] = {}
        for zone, location in config.residency.items():
            name = names.database(zone, home)
            key = keyrings.data_key(location, "firestore")
            self.databases[zone] = self._database(zone, name, location, key)
        self.names: tuple[str, ...] = tuple(names.database(zone, home) for zone in config.residency)
        for zone, database in self.databases.items():
            self._backups(zone, database)
            for declared in topology.COLLECTIONS:
                self._fields(zone, database, declared)
                self._composites(zone, database, declared)

    def _database(
        self, zone: str, name: str, location: str, key: pulumi.Output[str]
    ) -> gcp.firestore.Database:
        protect = self._config.protect
        return gcp.firestore.Database(
            zone,
            name=name,
            project=self._config.project,
            location_id=location,
            type="FIRESTORE_NATIVE",
            point_in_time_recovery_enablement="POINT_IN_TIME_RECOVERY_ENABLED",
            delete_protection_state=f"DELETE_PROTECTION_{'ENABLED' if protect else 'DISABLED'}",
            deletion_policy="DELETE",  # by default a destroyed stack would leave it behind
            cmek_config=gcp.firestore.DatabaseCmekConfigArgs(kms_key_name=key),
            opts=child(self, protect=protect, depends_on=self._project.ready),
        )

    def _backups(self, zone: str, database: gcp.firestore.Database) -> None:
        gcp.firestore.BackupSchedule(
            f"{zone}-daily",
            project=self._config.project,
            database=database.name,
            retention=f"{DAILY_BACKUPS_KEPT_DAYS * topology.DAY_S}s",
            daily_recurrence=gcp.firestore.BackupScheduleDailyRecurrenceArgs(),  # type: ignore[no-untyped-call]
            opts=child(self),
        )
        gcp.firestore.BackupSchedule(
            f"{zone}-weekly",
            project=self._config.project,
            database=database.name,
            retention=f"{WEEKLY_BACKUPS_KEPT_DAYS * topology.DAY_S}s",
            weekly_recurrence=gcp.firestore.BackupScheduleWeeklyRecurrenceArgs(day="SUNDAY"),
            opts=child(self),
        )

    def _fields(self, zone: str, database: gcp.firestore.Database, declared: Collection) -> None:
        for setting in field_settings(declared):
            label = "all" if setting.path == EVERY_FIELD else setting.path
            gcp.firestore.Field(
                f"{declared.name}-{label}-{zone}",
                project=self._config.project,
                database=database.name,
                collection=declared.name,
                field=setting.path,
                # Without any index in it, it switches them off; left out, it inherits them.
                index_config=gcp.firestore.FieldIndexConfigArgs(
                    indexes=[_field_index(mode) for mode in setting.indexed]
                ),
                ttl_config=gcp.firestore.FieldTtlConfigArgs() if setting.expires else None,
                opts=child(self),
            )

    def _composites(
        self, zone: str, database: gcp.firestore.Database, declared: Collection
    ) -> None:
        for index in declared.parsed_indexes:
            if len(index) == 1:
                continue
            paths = "-".join(field.path for field in index)
            gcp.firestore.Index(
                f"{declared.name}-{paths}-{zone}",
                project=self._config.project,
                database=database.name,
                collection=declared.name,
                # Also for what lies below a document: we query one parent's at a time.
                query_scope="COLLECTION",
                fields=[_index_field(field) for field in index],
                opts=child(self),
            )


def _field_index(mode: IndexMode) -> gcp.firestore.FieldIndexConfigIndexArgs:
    if mode is IndexMode.CONTAINS:
        return gcp.firestore.FieldIndexConfigIndexArgs(
            array_config=mode.value, query_scope="COLLECTION"
        )
    return gcp.firestore.FieldIndexConfigIndexArgs(order=mode.value, query_scope="COLLECTION")


def _index_field(field: IndexField) -> gcp.firestore.IndexFieldArgs:
    if field.mode is IndexMode.CONTAINS:
        return gcp.firestore.IndexFieldArgs(field_path=field.path, array_config=field.mode.value)
    return gcp.firestore.IndexFieldArgs(field_path=field.path, order=field.mode.value)
