"""The warehouse: tables and views, what fills them, the lake behind it and the replica."""

from __future__ import annotations

import json
import re

import pytest

from infra import lake
from infra.components.topics import SCHEMAS
from shared import topology
from tests.infra.data_tree import STACKS, by_name, data_tree, tree_of, waits_for
from tests.infra.provider_types import faults

DATASET = "gcp:bigquery/dataset:Dataset"
TABLE = "gcp:bigquery/table:Table"
TABLE_GRANT = "gcp:bigquery/iamMember:IamMember"
TRANSFER = "gcp:bigquery/dataTransferConfig:DataTransferConfig"
JOB = "gcp:bigquery/job:Job"
SUBSCRIPTION = "gcp:pubsub/subscription:Subscription"
BUCKET_GRANT = "gcp:storage/bucketIAMMember:BucketIAMMember"
PROJECT_GRANT = "gcp:projects/iAMMember:IAMMember"
EXPORT = topology.LAKE_EXPORTS[0]


@pytest.mark.parametrize("stack", STACKS)
def test_the_provider_takes_every_input(stack: str) -> None:
    _, tree = data_tree(stack)
    made = tree.of_type(DATASET, TABLE, TABLE_GRANT, TRANSFER, JOB, SUBSCRIPTION, BUCKET_GRANT)
    assert [fault for resource in made for fault in faults(resource)] == []


@pytest.mark.parametrize(("stack", "key"), [("prod", "data-us-id"), ("dev", "data-us-central1-id")])
def test_everything_in_it_is_encrypted_by_our_key(stack: str, key: str) -> None:
    _, tree = data_tree(stack)
    (dataset,) = tree.of_type(DATASET)
    assert dataset.inputs["datasetId"] == "segue"
    assert dataset.inputs["defaultEncryptionConfiguration"]["kmsKeyName"] == key
    table = tree.one(TABLE, "playback_events")
    assert table.inputs["encryptionConfiguration"]["kmsKeyName"] == key
    assert waits_for(tree, dataset, f"{key.removesuffix('-id')}-bigquery")


def test_in_prod_neither_dataset_nor_tables_can_be_deleted() -> None:
    _, tree = data_tree("prod")
    (dataset,) = tree.of_type(DATASET)
    assert dataset.protect
    assert dataset.inputs["deleteContentsOnDestroy"] is False
    assert all(one.inputs["deletionProtection"] for one in tree.of_type(TABLE))
    _, small = data_tree("dev")
    assert small.of_type(DATASET)[0].inputs["deleteContentsOnDestroy"] is True


def test_events_are_partitioned_by_day_and_clustered_by_track() -> None:
    _, tree = data_tree("prod")
    table = tree.one(TABLE, "playback_events").inputs
    assert table["timePartitioning"]["type"] == "DAY"
    assert table["timePartitioning"]["field"] == "ts"
    assert "expirationMs" not in table["timePartitioning"]
    assert table["clusterings"] == ["track_id"]
    columns = {one["name"]: one["type"] for one in json.loads(table["schema"])}
    assert columns["ts"] == "TIMESTAMP"
    # What a BigQuery subscription writes of its own wants its columns, of exactly these types.
    written = {"subscription_name": "STRING", "message_id": "STRING", "publish_time": "TIMESTAMP"}
    assert written.items() <= columns.items()
    assert columns["attributes"] in ("STRING", "JSON")


def test_the_view_reads_this_stacks_table_and_is_made_after_it() -> None:
    config, tree = data_tree("prod")
    view = tree.one(TABLE, "playback_events_unique")
    assert f"`{config.project}.segue.playback_events`" in view.inputs["view"]["query"]
    assert "{" not in view.inputs["view"]["query"]
    assert view.inputs["view"]["useLegacySql"] is False
    assert waits_for(tree, view, "playback_events")


def test_events_flow_into_the_table_with_their_metadata() -> None:
    config, tree = data_tree("prod")
    subscription = by_name(tree, SUBSCRIPTION)["playback-events.bigquery"]
    assert subscription.inputs["topic"] == "playback-events-id"
    assert subscription.inputs["bigqueryConfig"] == {
        "table": f"{config.project}.segue.playback_events",
        "useTableSchema": True,
        "writeMetadata": True,
        "dropUnknownFields": True,
    }
    assert subscription.inputs["deadLetterPolicy"] == {
        "deadLetterTopic": "playback-events-dead-id",
        "maxDeliveryAttempts": 100,
    }
    assert subscription.inputs["expirationPolicy"] == {"ttl": ""}
    # Without the grant the subscription is made, and delivers nothing.
    assert waits_for(tree, subscription, "playback_events-pubsub-writes")


def test_the_table_has_a_column_for_every_field_of_the_event() -> None:
    proto = (SCHEMAS / "playback_event.proto").read_text()
    fields = {name: kind for kind, name in re.findall(r"optional (\w+) (\w+) =", proto)}
    columns = {one.name: one.type for one in topology.PLAYBACK_EVENTS_TABLE.columns}
    kinds = {"string": {"STRING", "TIMESTAMP"}, "int64": {"INTEGER"}, "bool": {"BOOLEAN"}}
    assert len(fields) > 10
    for name, kind in fields.items():
        assert columns[name] in kinds[kind], name


def test_pubsub_and_the_lake_may_touch_one_table_each_in_their_own_way() -> None:
    _, tree = data_tree("prod")
    granted = {
        (
            r.inputs["tableId"],
            r.inputs["member"].partition("@")[0].rpartition(":")[2],
            r.inputs["role"],
        )
        for r in tree.of_type(TABLE_GRANT)
        if r.inputs["datasetId"] == "segue"
    }
    # Pub/Sub writes, each export to its table; the lake's account reads what goes to the lake.
    assert granted == {
        (one.table.name, "service-100000000001", "roles/bigquery.dataEditor")
        for one in topology.WAREHOUSE_EXPORTS
    } | {
        (one.table.name, "lake-export", "roles/bigquery.dataViewer")
        for one in topology.LAKE_EXPORTS
    }


def test_the_lakes_account_writes_to_the_lake_alone() -> None:
    config, tree = data_tree("prod")
    member = f"serviceAccount:lake-export@{config.project}.iam.gserviceaccount.com"
    buckets = [
        (one.inputs["bucket"], one.inputs["role"])
        for one in tree.of_type(BUCKET_GRANT)
        if one.inputs["member"] == member
    ]
    assert buckets == [(f"{config.project}-lake", "roles/storage.objectUser")]
    roles = [r.inputs["role"] for r in tree.of_type(PROJECT_GRANT) if r.inputs["member"] == member]
    assert roles == ["roles/bigquery.jobUser"]


def test_each_table_of_the_lake_is_exported_by_one_query() -> None:
    _, tree = data_tree("prod")
    assert {one.name for one in tree.of_type(TRANSFER)} == {
        f"{export.table.name}-lake" for export in topology.LAKE_EXPORTS
    }


@pytest.mark.parametrize("table", [export.table.name for export in topology.LAKE_EXPORTS])
def test_a_settled_day_is_exported_every_night_once_its_account_may(table: str) -> None:
    config, tree = data_tree("prod")
    transfer = tree.one(TRANSFER, f"{table}-lake")
    assert transfer.inputs["dataSourceId"] == "scheduled_query"
    assert transfer.inputs["schedule"] == "every day 04:00"
    assert transfer.inputs["location"] == "US"
    assert transfer.inputs["serviceAccountName"].startswith("lake-export@")
    assert "destinationDatasetId" not in transfer.inputs  # it has a result of its own, no table
    script = transfer.inputs["params"]["query"]
    assert f"gs://{config.project}-lake/{table}/day=%t/*.parquet" in script
    for grant in ("queries", f"{table}-lake-reads", "lake-export-lake-writes"):
        name = f"lake-export-{grant}" if grant == "queries" else grant
        assert waits_for(tree, transfer, name)


def test_the_export_fills_in_as_many_days_as_it_leaves_open() -> None:
    script = lake.export_script(EXPORT, "p.segue", "p-lake")
    found = re.search(r'FORMAT\("""(.*)""",\n  (.*)\);', script)
    assert found is not None
    template, arguments = found.groups()
    assert template.count("%") == template.count("%t") == 3
    assert arguments == "day, day, DATE_ADD(day, INTERVAL 1 DAY)"
    assert "DATE_SUB(@run_date, INTERVAL 8 DAY)" in script
    assert "{" not in script


def test_a_day_is_read_from_its_partition_and_each_event_once() -> None:
    query = lake.rows_of_a_day(EXPORT, "p.segue", "2026-01-01", "2026-01-02")
    inner = query[query.index("FROM `p.segue.playback_events`") :]
    assert "WHERE ts >= TIMESTAMP('2026-01-01') AND ts < TIMESTAMP('2026-01-02')" in inner
    assert "PARTITION BY user_id, event_id" in query
    unique = re.search(r"PARTITION BY ([\w, ]+) ORDER", topology.PLAYBACK_EVENTS_VIEW.query)
    assert unique is not None
    assert tuple(unique[1].split(", ")) == EXPORT.unique_by  # the view tells events apart as well


def test_the_replica_is_added_once_under_a_key_of_its_own_place() -> None:
    config, tree = data_tree("prod")
    (job,) = tree.of_type(JOB)
    assert job.inputs["query"]["query"] == (
        f"ALTER SCHEMA `{config.project}.segue` ADD REPLICA `eu` "
        "OPTIONS (location = 'EU', replica_kms_key = 'data-europe-id')"
    )
    assert job.inputs["jobId"] == "add-replica-eu-1700000000000"
    assert re.fullmatch(r"[\w-]+", job.inputs["jobId"])
    assert job.inputs["location"] == "US"
    # Neither may be set for a statement that has no rows.
    assert job.inputs["query"]["createDisposition"] == ""
    assert job.inputs["query"]["writeDisposition"] == ""
    _, small = data_tree("dev")
    assert small.of_type(JOB) == []


def test_the_lake_follows_a_warehouse_that_lies_elsewhere_than_the_buckets() -> None:
    config, _ = data_tree("prod")
    moved = config.model_copy(update={"warehouse_location": "EU", "warehouse_replica": None})
    tree = tree_of(moved)
    lake_bucket = by_name(tree, "gcp:storage/bucket:Bucket")[f"{config.project}-lake"]
    assert lake_bucket.inputs["location"] == "EU"
    assert lake_bucket.inputs["encryption"]["defaultKmsKeyName"] == "data-europe-id"
    assert tree.of_type(TRANSFER)[0].inputs["location"] == "EU"
