"""The kinds of things that can be deployed: what `shared/topology.py` declares is made of these.

Each is a frozen value with Google Cloud's own terms; the builders (`infra/`, `emulators/`) decide
what becomes of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Auth(StrEnum):
    """Who may call an HTTP function."""

    PUBLIC = "public"  # anyone; the function's own pages and key sets
    BEARER = "bearer"  # an access token; scopes stand beside each route
    SESSION = "session"  # a playback token in the path: stock players send no headers
    SERVICE = "service"  # a Google-signed OIDC token of one of our service accounts


class RateClass(StrEnum):
    """Classes of F285: requests per rolling 30 s and user."""

    NONE = "none"
    STANDARD = "standard"
    SEARCH = "search"
    PLAYER = "player"
    PLAYLIST_CHANGES = "playlist_changes"


# --- resources ------------------------------------------------------------------------------


class IndexMode(StrEnum):
    """What an index of Firestore's holds of a field."""

    ASCENDING = "ASCENDING"
    DESCENDING = "DESCENDING"
    CONTAINS = "CONTAINS"  # the elements of an array


@dataclass(frozen=True, slots=True)
class IndexField:
    """One field of an index."""

    path: str
    mode: IndexMode

    @classmethod
    def parse(cls, text: str) -> IndexField:
        """From `name` (ascending), `-name` (descending) or `name[]` (elements of an array)."""
        if text.endswith("[]"):
            return cls(text.removesuffix("[]"), IndexMode.CONTAINS)
        if text.startswith("-"):
            return cls(text.removeprefix("-"), IndexMode.DESCENDING)
        return cls(text, IndexMode.ASCENDING)


@dataclass(frozen=True, slots=True)
class Collection:
    """A Firestore collection; `ttl_field` names the timestamp after which documents expire.

    `indexes` are all that its queries stand on, of one field or several, each written as
    `IndexField.parse` reads it. Firestore would index every field by itself; here what is not
    named is not indexed, which makes a write cheaper and spares fields that only grow (timestamps)
    the limit of 500 writes a second. Documents are found by their id without any.
    """

    name: str
    ttl_field: str | None = None
    indexes: tuple[tuple[str, ...], ...] = ()
    pii: bool = False

    @property
    def parsed_indexes(self) -> tuple[tuple[IndexField, ...], ...]:
        """`indexes`, read."""
        return tuple(tuple(map(IndexField.parse, index)) for index in self.indexes)


@dataclass(frozen=True, slots=True)
class Bucket:
    """A storage bucket, physically `<project>-<name>`."""

    name: str
    versioned: bool = False
    cdn: bool = False  # a CDN backend
    signed: bool = False  # the CDN requires a token
    cold_after_days: int | None = None
    delete_after_days: int | None = None
    cache_control: str | None = None
    sensitive: bool = False  # customer-managed encryption


@dataclass(frozen=True, slots=True)
class Family:
    """A Bigtable column family with its garbage collection policy."""

    name: str
    max_age_s: int | None = None
    max_versions: int = 1


@dataclass(frozen=True, slots=True)
class Table:
    """A Bigtable table."""

    name: str
    families: tuple[Family, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A warehouse column; `type` and `mode` are BigQuery's."""

    name: str
    type: str
    mode: str = "NULLABLE"


@dataclass(frozen=True, slots=True)
class WarehouseTable:
    """A BigQuery table in the `segue` dataset."""

    name: str
    columns: tuple[Column, ...]
    partition_by: str
    cluster_by: tuple[str, ...] = ()
    expires_after_days: int | None = None


@dataclass(frozen=True, slots=True)
class WarehouseView:
    """A BigQuery view; `{dataset}` in the query stands for `project.dataset`."""

    name: str
    query: str


@dataclass(frozen=True, slots=True)
class Topic:
    """A Pub/Sub topic. `schema` is the Protobuf message under `shared/schemas/<file>.proto`
    (JSON encoding); None where another Google service defines the payload. Each topic has a
    dead-letter topic `<name>-dead` with a subscription of its own."""

    name: str
    schema: str | None
    retention_days: int = 7

    @property
    def dead_letter(self) -> str:
        """Name of the topic for messages that can never succeed."""
        return f"{self.name}-dead"


@dataclass(frozen=True, slots=True)
class WarehouseExport:
    """A BigQuery subscription: topic to table, by the table's schema, with metadata."""

    topic: Topic
    table: WarehouseTable


@dataclass(frozen=True, slots=True)
class LakeExport:
    """The rows of a table as Parquet files in a bucket, a folder for each day of the column that
    the table is partitioned by; of rows that are equal in `unique_by` the first that came."""

    table: WarehouseTable
    bucket: Bucket
    unique_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Queue:
    """A Cloud Tasks queue whose tasks call one HTTP function."""

    name: str
    target: str  # name of an HTTP function with Auth.SERVICE
    path: str
    max_dispatches_per_second: float
    max_concurrent: int
    max_attempts: int = 8


@dataclass(frozen=True, slots=True)
class Secret:
    """A Secret Manager secret that the stack owns, or (`dynamic`) a prefix under which entries
    make their own. `account_key` names the service account whose private key it holds."""

    name: str
    dynamic: bool = False
    account_key: str | None = None


@dataclass(frozen=True, slots=True)
class CryptoKey:
    """A KMS key in the `segue` key ring."""

    name: str
    purpose: str = "ENCRYPT_DECRYPT"
    protection: str = "HSM"
    rotation_days: int = 90


@dataclass(frozen=True, slots=True)
class Service:
    """A Google API that has no resource of ours to grant on."""

    name: str


Resource = (
    Collection
    | Bucket
    | Table
    | WarehouseTable
    | WarehouseView
    | Topic
    | Queue
    | Secret
    | CryptoKey
    | Service
)

# --- what runs ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Route:
    """One path template of the URL map, for example `/v1/tracks/{id}`; a last `{rest:path}`
    matches the remainder."""

    path: str
    methods: tuple[str, ...] = ("GET",)
    auth: Auth = Auth.BEARER
    rate_class: RateClass = RateClass.STANDARD


@dataclass(frozen=True, slots=True, kw_only=True)
class Grants:
    """What an entry may touch. Writing includes reading back what was written."""

    reads: tuple[Resource, ...] = ()
    writes: tuple[Resource, ...] = ()
    publishes: tuple[Topic, ...] = ()
    uses: tuple[Resource, ...] = ()  # secrets, keys, queues, services


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpFunction(Grants):
    """A Cloud Function behind the load balancer: `functions/<name>/main.py`."""

    name: str
    routes: tuple[Route, ...]
    memory_mb: int = 512
    cpu: float = 1.0
    concurrency: int = 80
    timeout_s: int = 60
    min_instances: int = 0


@dataclass(frozen=True, slots=True)
class TopicTrigger:
    """Pub/Sub push with an OIDC token; `filter` is a subscription filter."""

    topic: Topic
    max_attempts: int = 5
    ack_deadline_s: int = 60


@dataclass(frozen=True, slots=True)
class ObjectTrigger:
    """Eventarc `google.cloud.storage.object.v1.finalized` of one bucket."""

    bucket: Bucket
    max_attempts: int = 5
    ack_deadline_s: int = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFunction(Grants):
    """A Cloud Function that handles events: `functions/<name>/main.py`."""

    name: str
    trigger: TopicTrigger | ObjectTrigger
    memory_mb: int = 512
    cpu: float = 1.0
    concurrency: int = 8
    timeout_s: int = 540


@dataclass(frozen=True, slots=True, kw_only=True)
class Job(Grants):
    """A Cloud Run job: `jobs/<name>/main.py`; `schedule` is a cron line in UTC, None is by
    hand. It finds the files of the buckets that it `mounts` below `/mnt/<bucket>`, to read."""

    name: str
    schedule: str | None = None
    mounts: tuple[Bucket, ...] = ()
    tasks: int = 1
    memory_mb: int = 1024
    cpu: float = 1.0
    timeout_s: int = 3600
