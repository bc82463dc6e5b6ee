"""BigQuery: the dataset with its tables and views, what fills them, a replica and the lake.

Tables take a query without a bound on their partitions: the views read them, and a view whose
reader gives no bound could not be read at all if its table insisted.
"""

from __future__ import annotations

import json

import pulumi
import pulumi_gcp as gcp

from infra import lake, names
from infra.components import child
from infra.components.buckets import Buckets
from infra.components.keyrings import Keyrings
from infra.components.project import Project
from infra.components.topics import Topics
from infra.config import StackConfig
from shared import topology

DAY_MS = topology.DAY_S * 1000
TIME_TRAVEL_H = 168  # the service's maximum
# As many as Pub/Sub makes, half a day with the pauses below: BigQuery may be away for a while, and
# what it can never take (a message that does not fit the table) may wait that long.
EXPORT_ATTEMPTS = 100
EXPORT_BACKOFF_S = (10, 600)
LAKE_ACCOUNT = "lake-export"


class Warehouse(pulumi.ComponentResource):
    """The `segue` dataset; `tables` holds tables and views by name."""

    def __init__(
        self,
        config: StackConfig,
        project: Project,
        keyrings: Keyrings,
        topics: Topics,
        buckets: Buckets,
    ) -> None:
        super().__init__("segue:bigquery:Warehouse", names.DATASET)
        self._config, self._project, self._topics = config, project, topics
        self._key = keyrings.data_key(config.warehouse_location, "bigquery")
        self.dataset = self._dataset()
        self.tables = {table.name: self._table(table) for table in topology.WAREHOUSE_TABLES}
        for view in topology.WAREHOUSE_VIEWS:
            self.tables[view.name] = self._view(view)
        for export in topology.WAREHOUSE_EXPORTS:
            self._fill(export)
        self._fill_lake(buckets)
        if config.warehouse_replica:
            replica_key = keyrings.data_key(config.warehouse_replica, "bigquery")
            self._replicate(config.warehouse_replica, replica_key)

    def _dataset(self) -> gcp.bigquery.Dataset:
        config = self._config
        return gcp.bigquery.Dataset(
            names.DATASET,
            dataset_id=names.DATASET,
            project=config.project,
            location=config.warehouse_location,
            description="What players report, for reports, recommendations and training",
            default_encryption_configuration=gcp.bigquery.DatasetDefaultEncryptionConfigurationArgs(
                kms_key_name=self._key
            ),
            max_time_travel_hours=str(TIME_TRAVEL_H),
            delete_contents_on_destroy=not config.protect,
            opts=child(self, protect=config.protect, depends_on=self._project.ready),
        )

    def _table(self, declared: topology.WarehouseTable) -> gcp.bigquery.Table:
        days = declared.expires_after_days
        columns = [{"name": c.name, "type": c.type, "mode": c.mode} for c in declared.columns]
        return gcp.bigquery.Table(
            declared.name,
            table_id=declared.name,
            dataset_id=self.dataset.dataset_id,
            project=self._config.project,
            schema=json.dumps(columns),
            time_partitioning=gcp.bigquery.TableTimePartitioningArgs(
                type="DAY",
                field=declared.partition_by,
                expiration_ms=None if days is None else days * DAY_MS,
            ),
            clusterings=list(declared.cluster_by) or None,
            encryption_configuration=gcp.bigquery.TableEncryptionConfigurationArgs(
                kms_key_name=self._key
            ),
            deletion_protection=self._config.protect,
            opts=child(self),
        )

    def _view(self, declared: topology.WarehouseView) -> gcp.bigquery.Table:
        return gcp.bigquery.Table(
            declared.name,
            table_id=declared.name,
            dataset_id=self.dataset.dataset_id,
            project=self._config.project,
            view=gcp.bigquery.TableViewArgs(
                query=declared.query.replace("{dataset}", self._path), use_legacy_sql=False
            ),
            deletion_protection=self._config.protect,
            opts=child(self, depends_on=list(self.tables.values())),
        )

    @property
    def _path(self) -> str:
        return f"{self._config.project}.{names.DATASET}"

    def _fill(self, export: topology.WarehouseExport) -> None:
        """A subscription that writes the topic's messages into the table, with their metadata."""
        table = self.tables[export.table.name]
        writes = gcp.bigquery.IamMember(
            f"{export.table.name}-pubsub-writes",
            project=self._config.project,
            dataset_id=self.dataset.dataset_id,
            table_id=table.table_id,
            role="roles/bigquery.dataEditor",
            member=self._project.agent("pubsub"),
            opts=child(self, hooks=self._project.settled),
        )
        shortest, longest = EXPORT_BACKOFF_S
        name = f"{export.topic.name}.bigquery"
        subscription = gcp.pubsub.Subscription(
            name,
            name=name,
            project=self._config.project,
            topic=self._topics.topics[export.topic.name].id,
            bigquery_config=gcp.pubsub.SubscriptionBigqueryConfigArgs(
                table=f"{self._path}.{export.table.name}",
                use_table_schema=True,
                write_metadata=True,
                # A field that the table does not have yet would hold up all that follows.
                drop_unknown_fields=True,
            ),
            message_retention_duration=f"{export.topic.retention_days * topology.DAY_S}s",
            expiration_policy=gcp.pubsub.SubscriptionExpirationPolicyArgs(ttl=""),  # never
            retry_policy=gcp.pubsub.SubscriptionRetryPolicyArgs(
                minimum_backoff=f"{shortest}s", maximum_backoff=f"{longest}s"
            ),
            dead_letter_policy=self._topics.dead_letter_policy(export.topic.name, EXPORT_ATTEMPTS),
            opts=child(self, depends_on=[writes], hooks=self._project.patient),
        )
        self._topics.may_forward(subscription, name, self)

    def _fill_lake(self, buckets: Buckets) -> None:
        """Scheduled queries that export each table's days, as an account of their own."""
        project = self._config.project
        account = gcp.serviceaccount.Account(
            LAKE_ACCOUNT,
            account_id=LAKE_ACCOUNT,
            project=project,
            description="Exports the warehouse to the lake",
            opts=child(self, depends_on=self._project.ready),
        )
        # To run queries at all; BigQuery has no smaller scope for it, and it opens no table.
        queries = gcp.projects.IAMMember(
            f"{LAKE_ACCOUNT}-queries",
            project=project,
            role="roles/bigquery.jobUser",
            member=account.member,
            opts=child(self),
        )
        # BigQuery's transfers start a query with a token of the account that it runs as.
        starts = gcp.serviceaccount.IAMMember(
            f"{LAKE_ACCOUNT}-started",
            service_account_id=account.name,
            role="roles/iam.serviceAccountTokenCreator",
            member=self._project.agent("transfers"),
            opts=child(self, hooks=self._project.settled),
        )
        # One grant for each bucket: of two alike, the removal of one would take both away.
        writes = {
            bucket.name: gcp.storage.BucketIAMMember(
                f"{LAKE_ACCOUNT}-{bucket.name}-writes",
                bucket=buckets.buckets[bucket.name].name,
                role="roles/storage.objectUser",
                member=account.member,
                opts=child(self),
            )
            for bucket in dict.fromkeys(export.bucket for export in topology.LAKE_EXPORTS)
        }
        for export in topology.LAKE_EXPORTS:
            reads = gcp.bigquery.IamMember(
                f"{export.table.name}-lake-reads",
                project=project,
                dataset_id=self.dataset.dataset_id,
                table_id=self.tables[export.table.name].table_id,
                role="roles/bigquery.dataViewer",
                member=account.member,
                opts=child(self),
            )
            script = lake.export_script(
                export, self._path, names.bucket(export.bucket, self._config.project)
            )
            gcp.bigquery.DataTransferConfig(
                f"{export.table.name}-lake",
                display_name=f"{export.table.name} to the lake",
                project=project,
                location=self._config.warehouse_location,
                data_source_id="scheduled_query",
                schedule=f"every day {lake.HOUR_UTC}",
                params={"query": script},
                service_account_name=account.email,
                opts=child(self, depends_on=[queries, reads, writes[export.bucket.name], starts]),
            )

    def _replicate(self, location: str, key: pulumi.Output[str]) -> None:
        """A copy of the dataset in another location, kept up to date by BigQuery (F314).

        The provider knows no replicas, so this is the statement that adds one, run once for each
        dataset that is made. What takes it away again is a statement too:
        `ALTER SCHEMA segue DROP REPLICA <name>`.
        https://cloud.google.com/bigquery/docs/data-replication
        """
        replica = location.lower()
        statement = key.apply(
            lambda key_id: (
                f"ALTER SCHEMA `{self._path}` ADD REPLICA `{replica}` "
                f"OPTIONS (location = '{location}', replica_kms_key = '{key_id}')"
            )
        )
        gcp.bigquery.Job(
            f"replica-{replica}",
            # No two jobs of a project have the same id, not even in years.
            job_id=self.dataset.creation_time.apply(lambda ms: f"add-replica-{replica}-{ms}"),
            project=self._config.project,
            location=self._config.warehouse_location,
            query=gcp.bigquery.JobQueryArgs(
                query=statement, use_legacy_sql=False, create_disposition="", write_disposition=""
            ),
            opts=child(self, depends_on=list(self.tables.values())),
        )
