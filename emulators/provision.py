"""The topology's resources, made in the emulators: what `pulumi up` makes in the cloud.

Every step is an upsert; emulators that keep their data between starts are left as they are.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from typing import Any

import httpx

from emulators.keys import Keys
from shared import topology


class ProvisioningFailed(RuntimeError):
    """An emulator refused a resource; the message names both."""


def _check(answer: httpx.Response, what: str) -> None:
    if answer.status_code >= 400 and answer.status_code != 409:  # 409: it is there already
        raise ProvisioningFailed(f"{what}: {answer.status_code} {answer.text[:300]}")


async def topics(client: httpx.AsyncClient, pubsub: str, project: str) -> None:
    """Creates every topic with its dead-letter topic and its subscriptions.

    The emulator does not implement Protobuf schemas; tests hold each event's model to its .proto.
    """
    root = f"http://{pubsub}/v1/projects/{project}"
    for topic in topology.TOPICS:
        _check(await client.put(f"{root}/topics/{topic.name}", json={}), f"topic {topic.name}")
        _check(await client.put(f"{root}/topics/{topic.dead_letter}", json={}), topic.dead_letter)
        for subscription, source in subscriptions(topic):
            declared = {
                "topic": f"projects/{project}/topics/{source}",
                "ackDeadlineSeconds": 600,
            }
            url = f"{root}/subscriptions/{subscription}"
            _check(await client.put(url, json=declared), f"subscription {subscription}")


def subscriptions(topic: topology.Topic) -> Iterable[tuple[str, str]]:
    """Names of the subscriptions around `topic`, each with the topic that it reads."""
    yield f"{topic.dead_letter}.kept", topic.dead_letter
    for function in topology.EVENT_FUNCTIONS:
        trigger = function.trigger
        if isinstance(trigger, topology.TopicTrigger) and trigger.topic == topic:
            yield f"{topic.name}.{function.name}", topic.name
    if any(export.topic == topic for export in topology.WAREHOUSE_EXPORTS):
        yield f"{topic.name}.bigquery", topic.name


async def tables(bigtable: str, project: str) -> None:
    """Creates every Bigtable table with its families and their garbage collection."""
    import grpc.aio
    from google.api_core.exceptions import AlreadyExists
    from google.cloud.bigtable_admin_v2.services.bigtable_table_admin import (
        BaseBigtableTableAdminAsyncClient,
    )
    from google.cloud.bigtable_admin_v2.services.bigtable_table_admin.transports import (
        BigtableTableAdminGrpcAsyncIOTransport,
    )
    from google.cloud.bigtable_admin_v2.types import ColumnFamily, GcRule
    from google.cloud.bigtable_admin_v2.types import Table as AdminTable
    from google.protobuf.duration_pb2 import Duration

    async with grpc.aio.insecure_channel(bigtable) as channel:
        client = BaseBigtableTableAdminAsyncClient(
            transport=BigtableTableAdminGrpcAsyncIOTransport(channel=channel)
        )
        for table in topology.TABLES:
            families = {}
            for family in table.families:
                rules = [GcRule(max_num_versions=family.max_versions)]
                if family.max_age_s is not None:
                    rules.append(GcRule(max_age=Duration(seconds=family.max_age_s)))
                families[family.name] = ColumnFamily(
                    gc_rule=GcRule(union=GcRule.Union(rules=rules))
                )
            try:
                await client.create_table(
                    parent=f"projects/{project}/instances/{topology.BIGTABLE_INSTANCE}",
                    table_id=table.name,
                    table=AdminTable(column_families=families),
                    timeout=30,
                )
            except AlreadyExists:
                continue


async def warehouse(client: httpx.AsyncClient, bigquery: str, project: str) -> None:
    """Creates the dataset, its tables and its views."""
    root = f"{bigquery}/bigquery/v2/projects/{project}/datasets"
    dataset = topology.WAREHOUSE_DATASET
    reference = {"projectId": project, "datasetId": dataset}
    _check(await client.post(root, json={"datasetReference": reference}), f"dataset {dataset}")
    for table in topology.WAREHOUSE_TABLES:
        columns = [{"name": c.name, "type": c.type, "mode": c.mode} for c in table.columns]
        body: dict[str, Any] = {
            "tableReference": {**reference, "tableId": table.name},
            "schema": {"fields": columns},
            "timePartitioning": {"type": "DAY", "field": table.partition_by},
        }
        if table.cluster_by:
            body["clustering"] = {"fields": list(table.cluster_by)}
        _check(await client.post(f"{root}/{dataset}/tables", json=body), f"table {table.name}")
    for view in topology.WAREHOUSE_VIEWS:
        query = view.query.replace("{dataset}", f"{project}.{dataset}")
        body = {
            "tableReference": {**reference, "tableId": view.name},
            "view": {"query": query, "useLegacySql": False},
        }
        _check(await client.post(f"{root}/{dataset}/tables", json=body), f"view {view.name}")


async def secrets_and_keys(
    secret_manager: str, kms: str, project: str, region: str, keys: Keys
) -> None:
    """Adds version 1 of every secret of `keys`, and creates the key ring with its keys."""
    import grpc.aio
    from google.api_core.exceptions import AlreadyExists
    from google.cloud import kms_v1, secretmanager_v1
    from google.cloud.kms_v1.services.key_management_service import transports as kms_transports
    from google.cloud.secretmanager_v1.services.secret_manager_service import transports

    async with (
        grpc.aio.insecure_channel(secret_manager) as secrets_channel,
        grpc.aio.insecure_channel(kms) as kms_channel,
    ):
        secrets = secretmanager_v1.SecretManagerServiceAsyncClient(
            transport=transports.SecretManagerServiceGrpcAsyncIOTransport(channel=secrets_channel)
        )
        for name, payload in keys.secrets().items():
            parent = f"projects/{project}"
            replicated = secretmanager_v1.Secret(
                replication=secretmanager_v1.Replication(
                    automatic=secretmanager_v1.Replication.Automatic()
                )
            )
            try:
                await secrets.create_secret(parent=parent, secret_id=name, secret=replicated)
            except AlreadyExists:
                continue
            await secrets.add_secret_version(
                parent=f"{parent}/secrets/{name}",
                payload=secretmanager_v1.SecretPayload(data=payload.encode()),
            )
        key_service = kms_v1.KeyManagementServiceAsyncClient(
            transport=kms_transports.KeyManagementServiceGrpcAsyncIOTransport(channel=kms_channel)
        )
        location = f"projects/{project}/locations/{region}"
        ring = f"{location}/keyRings/{topology.KMS_KEY_RING}"
        with contextlib.suppress(AlreadyExists):
            await key_service.create_key_ring(
                parent=location, key_ring_id=topology.KMS_KEY_RING, key_ring=kms_v1.KeyRing()
            )
        for key in topology.CRYPTO_KEYS:
            with contextlib.suppress(AlreadyExists):
                await key_service.create_crypto_key(
                    parent=ring,
                    crypto_key_id=key.name,
                    crypto_key=kms_v1.CryptoKey({"purpose": key.purpose}),
                )


async def everything(
    *,
    project: str,
    region: str,
    pubsub: str,
    bigtable: str,
    bigquery_url: str,
    secret_manager: str,
    kms: str,
    keys: Keys,
) -> None:
    """Makes all of it, the emulators side by side; the storage emulator makes its own buckets."""
    async with httpx.AsyncClient(timeout=60) as client:
        await asyncio.gather(
            topics(client, pubsub, project),
            warehouse(client, bigquery_url, project),
            tables(bigtable, project),
            secrets_and_keys(secret_manager, kms, project, region, keys),
        )
