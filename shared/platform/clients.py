"""Google clients: made at first use, one per event loop, found by topology resource.

Every store asks here for a collection, bucket, table or topic by its declaration, so a physical
name is written nowhere else. Nothing is made at import: a cold start pays for the clients that
its first request needs and for no other.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

from shared import topology
from shared.platform.settings import settings

if TYPE_CHECKING:
    import httpx
    from google.cloud.bigquery import Client as BigQueryClient
    from google.cloud.bigtable.data import TableAsync
    from google.cloud.bigtable_v2 import BigtableAsyncClient
    from google.cloud.firestore import AsyncClient, AsyncCollectionReference
    from google.cloud.kms_v1 import KeyManagementServiceAsyncClient
    from google.cloud.secretmanager_v1 import SecretManagerServiceAsyncClient
    from google.cloud.spanner_v1 import SpannerAsyncClient
    from google.cloud.storage import Bucket
    from google.cloud.tasks_v2 import CloudTasksAsyncClient
    from google.cloud.video.transcoder_v1 import TranscoderServiceAsyncClient
    from google.pubsub_v1 import PublisherAsyncClient

T = TypeVar("T")

REST_TIMEOUT_S = 30  # of one request
CELLS_TIMEOUT_S = 1.0

# An async gRPC channel belongs to the loop that it was made on. In a function there is one loop;
# jobs and tests have several.
_per_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, Any]] = WeakKeyDictionary()
_per_process: dict[str, Any] = {}


def _cached(key: str, make: Callable[[], T]) -> T:
    clients = _per_loop.setdefault(asyncio.get_running_loop(), {})
    if key not in clients:
        clients[key] = make()
    client: T = clients[key]
    return client


def _transport(transport: type[Any], endpoint: str | None) -> dict[str, Any]:
    """Keyword arguments that point a gRPC client at a local `host:port`, or none at all."""
    if endpoint is None:
        return {}
    import grpc.aio

    return {"transport": transport(channel=grpc.aio.insecure_channel(endpoint))}


def _credentials() -> Any:
    """None, which means the function's own service account, or nobody's for an emulator."""
    if not settings().anonymous:
        return None
    from google.auth.credentials import AnonymousCredentials

    return AnonymousCredentials()  # type: ignore[no-untyped-call]


def firestore() -> AsyncClient:
    """The Firestore client."""

    def make() -> AsyncClient:
        from google.cloud.firestore import AsyncClient

        return AsyncClient(project=settings().project)

    return _cached("firestore", make)


def collection(declared: topology.Collection) -> AsyncCollectionReference:
    """The Firestore collection `declared`."""
    return firestore().collection(declared.name)


def table(declared: topology.Table, *, transactions: bool = False) -> TableAsync:
    """The Bigtable table `declared`, at the nearest cluster; with `transactions` always at this
    region's own, which conditional writes and the reads that go with them want."""
    profile = (
        settings().bigtable_transactions_profile if transactions else topology.BIGTABLE_PROFILE
    )

    def make() -> TableAsync:
        from google.cloud.bigtable.data import BigtableDataClientAsync

        client = BigtableDataClientAsync(project=settings().project)
        found: TableAsync = client.get_table(
            topology.BIGTABLE_INSTANCE, declared.name, app_profile_id=profile or None
        )
        return found

    return _cached(f"table/{declared.name}/{profile}", make)


def bigtable() -> BigtableAsyncClient:
    """Bigtable's plain client, for a call per request that cannot afford `table`'s layers (half
    of the time that such a call takes here)."""

    def make() -> BigtableAsyncClient:
        from google.cloud.bigtable_v2 import BigtableAsyncClient
        from google.cloud.bigtable_v2.services.bigtable import transports

        return BigtableAsyncClient(
            **_transport(transports.BigtableGrpcAsyncIOTransport, settings().bigtable_endpoint)
        )

    return _cached("bigtable", make)


def table_name(declared: topology.Table) -> str:
    """Full resource name of `declared`."""
    instance = f"projects/{settings().project}/instances/{topology.BIGTABLE_INSTANCE}"
    return f"{instance}/tables/{declared.name}"


async def cells(
    declared: topology.Table, row_keys: Collection[bytes]
) -> AsyncIterator[tuple[bytes, bytes, bytes]]:
    """The newest cell of each column of these rows: row key, column, value.

    By the plain client, for functions that have loaded it for their rate limits: to import that of
    `table` takes a second, which somebody's first play would wait for. Raises what it raises.
    """
    asked = {
        "table_name": table_name(declared),
        "app_profile_id": topology.BIGTABLE_PROFILE,
        "rows": {"row_keys": list(row_keys)},
        "filter": {"cells_per_column_limit_filter": 1},
    }
    key = column = value = b""
    row: list[tuple[bytes, bytes, bytes]] = []
    async for answer in await bigtable().read_rows(asked, timeout=CELLS_TIMEOUT_S):
        for chunk in answer.chunks:
            if chunk.reset_row:  # what came of it is sent again
                row, value = [], b""
                continue
            key = chunk.row_key or key
            column = column if chunk.qualifier is None else chunk.qualifier
            value += chunk.value
            if not chunk.value_size:  # else the rest of a long value follows
                row.append((key, column, value))
                value = b""
            if chunk.commit_row:
                for cell in row:
                    yield cell
                row = []


def bucket(declared: topology.Bucket) -> Bucket:
    """The bucket `declared`. The storage client blocks: call it under `asyncio.to_thread`."""
    if "storage" not in _per_process:
        from google.cloud.storage import Client

        _per_process["storage"] = Client(project=settings().project, credentials=_credentials())
    found: Bucket = _per_process["storage"].bucket(settings().bucket(declared.name))
    return found


def bigquery() -> BigQueryClient:
    """The BigQuery client. It blocks: call it under `asyncio.to_thread`, and rather through
    `shared.platform.warehouse`."""
    if "bigquery" not in _per_process:
        from google.cloud.bigquery import Client

        _per_process["bigquery"] = Client(project=settings().project, credentials=_credentials())
    client: BigQueryClient = _per_process["bigquery"]
    return client


def publisher() -> PublisherAsyncClient:
    """The Pub/Sub publisher; a publish that returned is stored."""

    def make() -> PublisherAsyncClient:
        from google.pubsub_v1 import PublisherAsyncClient
        from google.pubsub_v1.services.publisher.transports import PublisherGrpcAsyncIOTransport

        return PublisherAsyncClient(
            **_transport(PublisherGrpcAsyncIOTransport, settings().pubsub_endpoint)
        )

    return _cached("publisher", make)


def transcoder() -> TranscoderServiceAsyncClient:
    """The Transcoder client."""

    def make() -> TranscoderServiceAsyncClient:
        from google.cloud.video.transcoder_v1 import TranscoderServiceAsyncClient
        from google.cloud.video.transcoder_v1.services.transcoder_service import transports

        transport = transports.TranscoderServiceGrpcAsyncIOTransport
        return TranscoderServiceAsyncClient(**_transport(transport, settings().transcoder_endpoint))

    return _cached("transcoder", make)


def secret_manager() -> SecretManagerServiceAsyncClient:
    """The Secret Manager client."""

    def make() -> SecretManagerServiceAsyncClient:
        from google.cloud.secretmanager_v1 import SecretManagerServiceAsyncClient
        from google.cloud.secretmanager_v1.services.secret_manager_service import transports

        transport = transports.SecretManagerServiceGrpcAsyncIOTransport
        return SecretManagerServiceAsyncClient(
            **_transport(transport, settings().secret_manager_endpoint)
        )

    return _cached("secret_manager", make)


def kms() -> KeyManagementServiceAsyncClient:
    """The Cloud KMS client."""

    def make() -> KeyManagementServiceAsyncClient:
        from google.cloud.kms_v1 import KeyManagementServiceAsyncClient
        from google.cloud.kms_v1.services.key_management_service import transports

        transport = transports.KeyManagementServiceGrpcAsyncIOTransport
        return KeyManagementServiceAsyncClient(**_transport(transport, settings().kms_endpoint))

    return _cached("kms", make)


def tasks() -> CloudTasksAsyncClient:
    """The Cloud Tasks client."""

    def make() -> CloudTasksAsyncClient:
        from google.cloud.tasks_v2 import CloudTasksAsyncClient
        from google.cloud.tasks_v2.services.cloud_tasks import transports

        transport = transports.CloudTasksGrpcAsyncIOTransport
        return CloudTasksAsyncClient(**_transport(transport, settings().tasks_endpoint))

    return _cached("tasks", make)


def spanner() -> SpannerAsyncClient:
    """Spanner's plain client: a call per query, on the loop, without the pools and threads of the
    layers above it. What it reads and writes is `Settings.spanner_database`."""

    def make() -> SpannerAsyncClient:
        from google.cloud.spanner_v1 import SpannerAsyncClient
        from google.cloud.spanner_v1.services.spanner import transports

        return SpannerAsyncClient(
            **_transport(transports.SpannerGrpcAsyncIOTransport, settings().spanner_endpoint)
        )

    return _cached("spanner", make)


async def _authorize(request: httpx.Request) -> None:
    """Adds the access token of the function's own service account; none for an emulator."""
    if settings().anonymous:
        return
    from google.auth import default
    from google.auth.transport.requests import Request

    def token() -> str:
        if "credentials" not in _per_process:
            scope = "https://www.googleapis.com/auth/cloud-platform"
            _per_process["credentials"] = default(scopes=[scope])[0]
        credentials = _per_process["credentials"]
        if not credentials.valid:  # no token yet, or one that is about to end
            credentials.refresh(Request())
        return str(credentials.token)

    # Both the discovery of credentials and their renewal block.
    request.headers["authorization"] = f"Bearer {await asyncio.to_thread(token)}"


def _rest(name: str, url: str) -> httpx.AsyncClient:
    """HTTP client of a Google API that has no client library among our dependencies."""

    def make() -> httpx.AsyncClient:
        import httpx

        return httpx.AsyncClient(
            base_url=url, timeout=REST_TIMEOUT_S, event_hooks={"request": [_authorize]}
        )

    return _cached(name, make)


def run() -> httpx.AsyncClient:
    """HTTP client of the Cloud Run Admin API; paths start with `/v2/`."""
    return _rest("run", settings().run_endpoint or "https://run.googleapis.com")


def monitoring() -> httpx.AsyncClient:
    """HTTP client of the Cloud Monitoring API; paths start with `/v3/`."""
    return _rest(
        "monitoring", settings().monitoring_endpoint or "https://monitoring.googleapis.com"
    )


def dataproc() -> httpx.AsyncClient:
    """HTTP client of the Dataproc API; paths start with `/v1/`."""
    return _rest("dataproc", settings().dataproc_endpoint or "https://dataproc.googleapis.com")
