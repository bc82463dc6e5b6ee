"""Holds each function and job to what its topology entry declares.

In the cloud a service account enforces that; emulators take any call from anybody. So the
processes that host our functions put this between Google's client libraries and the wire: it reads
each request, as sent, finds the resource in it and the entry on whose behalf it goes out, and
refuses what the entry does not declare. The product's code knows nothing of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import unquote, urlsplit

import grpc
import grpc.aio

from emulators import firestore_indexes
from shared import topology


class UndeclaredAccess(Exception):
    """An entry touched what it does not declare; the message says what to add where."""


@dataclass(slots=True)
class Caller:
    """The entry that is running, and what it was refused."""

    entry: topology.Entry
    refused: list[str] = field(default_factory=list)


caller: ContextVar[Caller | None] = ContextVar("caller", default=None)


@dataclass(frozen=True, slots=True)
class Access:
    """One touch of one resource: `action` is `read`, `write`, `publish` or `use`."""

    kind: str
    name: str
    action: str


_FIELD_OF = {"read": "reads", "write": "writes", "publish": "publishes", "use": "uses"}
_KIND_OF: dict[type[Any], str] = {
    topology.Collection: "Firestore collection",
    topology.Bucket: "bucket",
    topology.Table: "Bigtable table",
    topology.WarehouseTable: "warehouse table",
    topology.WarehouseView: "warehouse view",
    topology.Topic: "topic",
    topology.Queue: "task queue",
    topology.Secret: "secret",
    topology.CryptoKey: "KMS key",
    topology.Service: "service",
}


@cache
def _granted(entry: topology.Entry) -> dict[str, tuple[topology.Resource, ...]]:
    return {
        # What an entry writes it may read back, and a service that it uses it may drive.
        "read": (*entry.reads, *entry.writes),
        "write": entry.writes,
        "publish": entry.publishes,
        "use": entry.uses,
    }


def _is(resource: topology.Resource, access: Access) -> bool:
    if _KIND_OF[type(resource)] != access.kind:
        return False
    if isinstance(resource, topology.Secret) and resource.dynamic:
        return access.name == resource.name or access.name.startswith(f"{resource.name}-")
    if isinstance(resource, topology.Topic) and access.name == resource.dead_letter:
        return True
    return resource.name == access.name


def check(access: Access) -> None:
    """Raises UndeclaredAccess when the running entry does not declare `access`. Outside of any
    entry (provisioning) everything is allowed."""
    running = caller.get()
    if running is None:
        return
    entry = running.entry
    trigger = getattr(entry, "trigger", None)
    if (
        isinstance(trigger, topology.TopicTrigger)
        and access.kind == "topic"
        and access.name == trigger.topic.dead_letter
    ):
        return  # an event function may bury what it cannot handle
    if any(_is(resource, access) for resource in _granted(entry)[access.action]):
        return
    verb = {"read": "reads", "write": "writes", "publish": "publishes to", "use": "uses"}
    message = (
        f"'{entry.name}' {verb[access.action]} the {access.kind} '{access.name}', which its entry "
        f"in shared/topology.py does not declare: add it to `{_FIELD_OF[access.action]}`."
    )
    running.refused.append(message)
    raise UndeclaredAccess(message)


# --- what a request touches -----------------------------------------------------------------

_FIRESTORE_TOUCHES_NOTHING = {"BeginTransaction", "Rollback"}
_SECRET_OF = re.compile(r"/secrets/([^/]+)")
_KEY_OF = re.compile(r"/cryptoKeys/([^/]+)")


def _collection_of(document: str) -> str:
    return document.partition("/documents/")[2].split("/")[0]


def _firestore(method: str, request: Any) -> Iterable[Access]:
    kind = "Firestore collection"
    if method in ("Commit", "BatchWrite"):
        for write in request.writes:
            name = write.update.name or write.delete or write.transform.document
            if name:
                yield Access(kind, _collection_of(name), "write")
    elif method == "BatchGetDocuments":
        for name in {_collection_of(name) for name in request.documents}:
            yield Access(kind, name, "read")
    elif method == "RunQuery" or method == "RunAggregationQuery":
        if method == "RunAggregationQuery":
            query = request.structured_aggregation_query.structured_query
        else:
            query = request.structured_query
        parent = _collection_of(request.parent + "/")
        for selector in getattr(query, "from_", None) or getattr(query, "from"):
            yield Access(kind, parent or selector.collection_id, "read")
    elif method == "Listen":
        target = request.add_target
        for name in target.documents.documents:
            yield Access(kind, _collection_of(name), "read")
        for selector in target.query.structured_query.from_:
            yield Access(kind, selector.collection_id, "read")
    elif method not in _FIRESTORE_TOUCHES_NOTHING:
        raise UndeclaredAccess(f"Firestore.{method} is not known to emulators/iam.py; add it.")


def _bigtable(method: str, request: Any) -> Iterable[Access]:
    table = str(getattr(request, "table_name", "")).rpartition("/")[2]
    if table:
        reading = method in ("ReadRows", "SampleRowKeys")
        yield Access("Bigtable table", table, "read" if reading else "write")


def _pubsub(method: str, request: Any) -> Iterable[Access]:
    if method == "Publish":
        yield Access("topic", request.topic.rpartition("/")[2], "publish")


def _secret_manager(_: str, request: Any) -> Iterable[Access]:
    name = getattr(request, "secret_id", "") or ""
    if not name:
        for holder in ("name", "parent"):
            found = _SECRET_OF.search(str(getattr(request, holder, "") or ""))
            name = name or (found[1] if found else "")
    yield Access("secret", name, "use")


def _kms(_: str, request: Any) -> Iterable[Access]:
    found = _KEY_OF.search(str(getattr(request, "name", "") or ""))
    yield Access("KMS key", found[1] if found else "?", "use")


def _tasks(method: str, request: Any) -> Iterable[Access]:
    if method == "CreateTask":
        yield Access("task queue", request.parent.rpartition("/")[2], "use")


def _transcoder(_: str, __: Any) -> Iterable[Access]:
    yield Access("service", "transcoder", "use")


_READERS: dict[str, Callable[[str, Any], Iterable[Access]]] = {
    "google.firestore.v1.Firestore": _firestore,
    "google.bigtable.v2.Bigtable": _bigtable,
    "google.pubsub.v1.Publisher": _pubsub,
    "google.cloud.secretmanager.v1.SecretManagerService": _secret_manager,
    "google.cloud.kms.v1.KeyManagementService": _kms,
    "google.cloud.tasks.v2.CloudTasks": _tasks,
    "google.cloud.video.transcoder.v1.TranscoderService": _transcoder,
}


def check_rpc(path: str | bytes, request: Any) -> None:
    """Checks one gRPC request, `path` being `/package.Service/Method`."""
    if caller.get() is None:
        return
    text = path.decode() if isinstance(path, bytes) else path
    service, _, method = text.lstrip("/").partition("/")
    reader = _READERS.get(service)
    if reader is None:
        raise UndeclaredAccess(f"the service {service} is not known to emulators/iam.py; add it.")
    for access in reader(method, request):
        check(access)
    if reader is _firestore:
        _check_index(request)


def _check_index(request: Any) -> None:
    """Firestore's emulator answers a query that has no index; the service refuses it."""
    message = type(request).pb(request) if hasattr(type(request), "pb") else request
    kind = message.DESCRIPTOR.name
    if kind == "RunQueryRequest":
        query = message.structured_query
    elif kind == "RunAggregationQueryRequest":
        query = message.structured_aggregation_query.structured_query
    else:
        return
    standing = firestore_indexes.index_of(query)
    running = caller.get()
    if standing is not None and not standing.declared and running is not None:
        refusal = (
            f"'{running.entry.name}' queries the Firestore collection '{standing.collection}' "
            f"without an index: add {standing.index!r} to its `indexes` in shared/topology.py."
        )
        running.refused.append(refusal)
        raise UndeclaredAccess(refusal)


_OBJECT_URL = re.compile(r"^(?:/upload|/download)?/storage/v1/b/([^/]+)(?:/o(?:/(.*))?)?$")
_REWRITE = re.compile(r"^.*/(?:rewriteTo|copyTo)/b/([^/]+)/o/")


def check_storage(method: str, url: str) -> None:
    """Checks one request of the Cloud Storage JSON API."""
    running = caller.get()
    if running is None:
        return
    path = urlsplit(url).path
    found = _OBJECT_URL.match(path)
    if found is None:
        return
    copied_to = _REWRITE.match(path)
    if copied_to:
        check(Access("bucket", _declared_bucket(copied_to[1]), "write"))
    writing = method not in ("GET", "HEAD") and not copied_to
    check(Access("bucket", _declared_bucket(found[1]), "write" if writing else "read"))


_WAREHOUSE_URL = re.compile(r"^/bigquery/v2/projects/[^/]+/(.*)$")
_WAREHOUSE_DATA = re.compile(r"^datasets/[^/]+/tables/([^/]+)/(insertAll|data)$")
_QUOTED = re.compile(r"`([^`]+)`")
_WRITING_SQL = re.compile(
    r"^\s*(INSERT|UPDATE|DELETE|MERGE|TRUNCATE|CREATE|ALTER|DROP|EXPORT|LOAD)\b", re.IGNORECASE
)


def check_warehouse(method: str, url: str, body: bytes | str | None) -> None:
    """Checks one request of the BigQuery API: a query touches each table and view that it names
    with its dataset, in backquotes. What is neither a query nor a table's rows is refused."""
    running = caller.get()
    found = _WAREHOUSE_URL.match(urlsplit(url).path)
    if running is None or found is None:
        return
    path = found[1]
    rows = _WAREHOUSE_DATA.match(path)
    if rows:
        action = "write" if rows[2] == "insertAll" else "read"
        check(_warehouse_access(unquote(rows[1]), action))
    elif method == "POST" and path in ("queries", "jobs"):
        sql = _query_in(json.loads(body or "{}"))
        action = "write" if _WRITING_SQL.match(sql) else "read"
        named = [one.rpartition(".")[2] for one in _QUOTED.findall(sql) if "." in one]
        if not named:
            raise UndeclaredAccess(
                "A query names its tables and views as `project.dataset.name`, in backquotes."
            )
        for name in named:
            check(_warehouse_access(name, action))
    elif not (method == "GET" and path.startswith(("queries/", "jobs/"))):
        raise UndeclaredAccess(f"{method} {path} is not known to emulators/iam.py; add it.")


def _query_in(request: Any) -> str:
    """The SQL of a request to `queries` or, below its configuration, to `jobs`."""
    holder = request if "query" in request else request.get("configuration", {}).get("query")
    if holder is None:
        raise UndeclaredAccess("BigQuery jobs but queries are not known to emulators/iam.py.")
    return str(holder["query"])


def _warehouse_access(name: str, action: str) -> Access:
    is_view = any(view.name == name for view in topology.WAREHOUSE_VIEWS)
    return Access("warehouse view" if is_view else "warehouse table", name, action)


_REST_SERVICES = {
    re.compile(r"^/v2/projects/[^/]+/locations/[^/]+/(?:services|operations)(?:/|$)"): "run",
    re.compile(r"^/v3/projects/[^/]+/timeSeries$"): "monitoring",
}


def check_rest(url: str) -> None:
    """Checks one request of the Cloud Run Admin API or the Cloud Monitoring API."""
    path = urlsplit(url).path
    for pattern, service in _REST_SERVICES.items():
        if pattern.match(path):
            check(Access("service", service, "use"))


def _declared_bucket(physical: str) -> str:
    name = unquote(physical)
    for declared in topology.BUCKETS:
        if name.endswith(f"-{declared.name}"):
            return declared.name
    return name


# --- between the libraries and the wire -----------------------------------------------------


async def _checked(path: str | bytes, requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
    async for request in requests:
        check_rpc(path, request)
        yield request


class _UnaryUnary(grpc.aio.UnaryUnaryClientInterceptor):
    async def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        check_rpc(details.method, request)
        return await continuation(details, request)


class _UnaryStream(grpc.aio.UnaryStreamClientInterceptor):
    async def intercept_unary_stream(self, continuation: Any, details: Any, request: Any) -> Any:
        check_rpc(details.method, request)
        return await continuation(details, request)


class _StreamStream(grpc.aio.StreamStreamClientInterceptor):
    async def intercept_stream_stream(self, continuation: Any, details: Any, requests: Any) -> Any:
        return await continuation(details, _checked(details.method, requests))


def install() -> None:
    """Puts the checks under every client that this process makes from here on."""
    import httpx
    import requests

    plain_channel = grpc.aio.insecure_channel
    interceptors = [_UnaryUnary(), _UnaryStream(), _StreamStream()]

    def channel(target: str, *args: Any, **kwargs: Any) -> grpc.aio.Channel:
        kwargs["interceptors"] = [*(kwargs.get("interceptors") or []), *interceptors]
        return plain_channel(target, *args, **kwargs)

    grpc.aio.insecure_channel = channel
    send = requests.Session.send

    def checked_send(self: requests.Session, request: Any, **kwargs: Any) -> Any:
        check_storage(request.method or "GET", request.url or "")
        check_warehouse(request.method or "GET", request.url or "", request.body)
        return send(self, request, **kwargs)

    requests.Session.send = checked_send  # type: ignore[method-assign]
    send_async = httpx.AsyncClient.send

    async def checked_send_async(self: httpx.AsyncClient, request: Any, **kwargs: Any) -> Any:
        check_rest(str(request.url))
        return await send_async(self, request, **kwargs)

    httpx.AsyncClient.send = checked_send_async  # type: ignore[method-assign]
