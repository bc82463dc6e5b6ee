"""The BigQuery emulator as the local cloud starts it, alone and behind the eventing process."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import grpc
import httpx
import pytest
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery as client_library
from google.pubsub_v1 import PublisherClient, SubscriberClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from emulators import bigquery
from emulators.environments import python_of
from emulators.processes import accepts, free_port, popen
from infra import lake
from shared import topology

ROOT = Path(__file__).parents[2]
PROJECT = f"test-{uuid.uuid4().hex[:10]}"  # of its own on the shared Pub/Sub emulator


def emulator_python(name: str) -> Path:
    python = Path(os.environ.get(f"SEGUE_{name.upper()}_PYTHON") or python_of(name))
    if not python.exists():
        message = f"the environment of the {name} emulator is missing: `nox -s up` makes it"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return python


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Base URL of a running emulator, which takes a folder for Cloud Storage."""
    port = free_port()
    argv, env = bigquery.command(emulator_python("bigquery"), port, project=PROJECT)
    env["BQEMU_GCS_LOCAL_ROOT"] = str(tmp_path_factory.mktemp("storage"))
    process = popen(argv, env={**os.environ, **env}, cwd=ROOT)
    deadline = time.monotonic() + 60
    while True:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/readyz").is_success:
                break
        except httpx.TransportError:
            pass
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    yield f"http://127.0.0.1:{port}"
    process.send_signal(signal.SIGTERM)
    assert process.wait(15) == 0


@pytest.fixture(scope="module")
def client(warehouse: str) -> Iterator[client_library.Client]:
    """The unmodified client, with the topology's dataset, table and view."""
    client = client_library.Client(
        project=PROJECT,
        credentials=AnonymousCredentials(),
        client_options=ClientOptions(api_endpoint=warehouse),
    )
    client.create_dataset(topology.WAREHOUSE_DATASET)
    root = f"{PROJECT}.{topology.WAREHOUSE_DATASET}"
    for declared in topology.WAREHOUSE_TABLES:
        table = client_library.Table(
            f"{root}.{declared.name}",
            schema=[
                client_library.SchemaField(column.name, column.type, mode=column.mode)
                for column in declared.columns
            ],
        )
        table.time_partitioning = client_library.TimePartitioning(field=declared.partition_by)
        table.clustering_fields = list(declared.cluster_by) or None
        client.create_table(table)
    for declared_view in topology.WAREHOUSE_VIEWS:
        view = client_library.Table(f"{root}.{declared_view.name}")
        view.view_query = declared_view.query.format(dataset=root)
        client.create_table(view)
    yield client
    client.close()


def test_the_table_is_partitioned_and_clustered(client: client_library.Client) -> None:
    declared = topology.PLAYBACK_EVENTS_TABLE
    table = client.get_table(f"{PROJECT}.{topology.WAREHOUSE_DATASET}.{declared.name}")
    assert table.time_partitioning.field == declared.partition_by
    assert tuple(table.clustering_fields) == declared.cluster_by


def test_the_view_counts_a_repeated_event_once(client: client_library.Client) -> None:
    root = f"{PROJECT}.{topology.WAREHOUSE_DATASET}"
    event = uuid.uuid4().hex
    rows = [
        {
            "event_id": event,
            "track_id": "t",
            "ts": "2026-01-02T03:04:05Z",
            "message_id": str(number),
            "publish_time": f"2026-01-02T03:04:0{number}Z",
        }
        for number in (1, 2, 3)
    ]
    table = f"{root}.{topology.PLAYBACK_EVENTS_TABLE.name}"
    assert client.insert_rows_json(table, rows, row_ids=[None] * 3) == []
    counted = f"SELECT COUNT(*) AS n FROM `{table}` WHERE event_id = '{event}'"
    assert [row.n for row in client.query_and_wait(counted)] == [3]
    view = f"{root}.{topology.PLAYBACK_EVENTS_VIEW.name}"
    unique = f"SELECT message_id FROM `{view}` WHERE event_id = '{event}'"
    assert [row.message_id for row in client.query_and_wait(unique)] == ["1"]


def test_a_day_goes_to_the_lake_as_parquet_and_each_event_once(
    client: client_library.Client,
) -> None:
    """The statement that BigQuery runs each night, for one day in the past."""
    root = f"{PROJECT}.{topology.WAREHOUSE_DATASET}"
    export = topology.LAKE_EXPORTS[0]
    last, first, end = "2026-03-01T23:59:59.999Z", "2026-03-02T00:00:00Z", "2026-03-02T23:59:59.9Z"
    events = [  # event, person, moment, message
        ("too-early", "ada", last, 1),
        ("twice", "ada", first, 3),
        ("twice", "ada", first, 2),
        ("twice", "ben", first, 4),
        ("late", "ada", end, 5),
        ("too-late", "ada", "2026-03-03T00:00:00Z", 6),
    ]
    rows = [
        {
            "event_id": event,
            "user_id": user,
            "ts": moment,
            "message_id": str(message),
            "publish_time": f"2026-03-05T00:00:0{message}Z",
        }
        for event, user, moment, message in events
    ]
    table = f"{root}.{export.table.name}"
    assert client.insert_rows_json(table, rows, row_ids=[None] * len(rows)) == []
    statement = lake.export_statement(export, root, "a-lake", "2026-03-02", "2026-03-03")
    client.query_and_wait(statement)
    # The folder's name is a column to whoever reads the lake.
    schema = [*client.get_table(table).schema, client_library.SchemaField("day", "DATE")]
    client.create_table(client_library.Table(f"{root}.from_the_lake", schema=schema))
    parquet = client_library.LoadJobConfig(source_format=client_library.SourceFormat.PARQUET)
    folder = f"gs://a-lake/{export.table.name}/day=2026-03-02"
    client.load_table_from_uri(
        f"{folder}/000000000000.parquet", f"{root}.from_the_lake", job_config=parquet
    ).result()
    written = client.query_and_wait(f"SELECT * FROM `{root}.from_the_lake` ORDER BY message_id")
    found = list(written)
    assert [row.message_id for row in found] == ["2", "4", "5"]
    assert [row.event_id for row in found] == ["twice", "twice", "late"]
    assert {str(row.day) for row in found} == {"2026-03-02"}


def test_a_topic_is_exported_into_its_table_and_bad_rows_are_buried(
    client: client_library.Client, warehouse: str, pubsub: str, tmp_path: Path
) -> None:
    export = topology.WAREHOUSE_EXPORTS[0]
    topic = f"projects/{PROJECT}/topics/{export.topic.name}"
    name = f"projects/{PROJECT}/subscriptions/{export.topic.name}.bigquery"
    kept = f"projects/{PROJECT}/subscriptions/{export.topic.dead_letter}.test"
    port, event = free_port(), uuid.uuid4().hex
    with grpc.insecure_channel(pubsub) as channel:
        publisher = PublisherClient(transport=PublisherGrpcTransport(channel=channel))
        subscriber = SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
        for made in topology.TOPICS:
            publisher.create_topic(name=f"projects/{PROJECT}/topics/{made.name}")
        dead_letter = f"projects/{PROJECT}/topics/{export.topic.dead_letter}"
        publisher.create_topic(name=dead_letter)
        subscriber.create_subscription(name=name, topic=topic, ack_deadline_seconds=60)
        subscriber.create_subscription(name=kept, topic=dead_letter, ack_deadline_seconds=60)
        good = [
            {"event_id": f"{event}{n}", "position_ms": str(n), "surplus": 1} for n in range(120)
        ]
        bad = [b"not json", json.dumps({"event_id": event, "position_ms": "x"}).encode()]
        payloads = [json.dumps(row).encode() for row in good] + bad
        publisher.publish(
            topic=topic,
            messages=[{"data": data, "attributes": {"origin": "test"}} for data in payloads],
        )
        process = popen(
            [
                *(sys.executable, "-m", "emulators.eventing", "--port", str(port)),
                *("--pubsub", pubsub, "--bigquery", warehouse, "--project", PROJECT),
                *("--functions", "http://127.0.0.1:9", "--state", str(tmp_path)),
                *("--service-account", "a@b", "--audience", "x", "--no-schedule"),
            ],
            cwd=ROOT,
        )
        try:
            deadline = time.monotonic() + 60
            exported: dict[str, int] = {}
            while exported.get("delivered", 0) < 120 or exported.get("dead_letters", 0) < 2:
                assert time.monotonic() < deadline, exported
                time.sleep(0.1)
                if accepts(port)():
                    report = httpx.get(f"http://127.0.0.1:{port}/stats").json()
                    exported = report["subscriptions"].get(f"{export.topic.name}.bigquery", {})
            reasons = []
            while len(reasons) < 2:
                answer = subscriber.pull(subscription=kept, max_messages=2, timeout=20)
                reasons += [r.message.attributes["reason"] for r in answer.received_messages]
        finally:
            process.terminate()
            assert process.wait(10) == 0
    assert any(reason.startswith("not JSON") for reason in reasons)
    table = f"{PROJECT}.{topology.WAREHOUSE_DATASET}.{export.table.name}"
    sql = (
        "SELECT COUNT(*) AS n, SUM(position_ms) AS total, MIN(attributes) AS attributes, "
        f"MIN(subscription_name) AS subscription FROM `{table}` "
        f"WHERE STARTS_WITH(event_id, '{event}')"
    )
    (row,) = client.query_and_wait(sql)
    assert (row.n, row.total) == (120, sum(range(120)))
    assert (json.loads(row.attributes), row.subscription) == ({"origin": "test"}, name)
