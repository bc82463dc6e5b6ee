"""Everything that is deployed, on one page.

Two builders read these declarations: `infra/` turns them into Google Cloud, `emulators/` into
this machine. An entry states what it reads, writes, publishes and uses; in the cloud that becomes
the roles of its service account, here the local cloud refuses anything else.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

DAY_S = 86_400


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


@dataclass(frozen=True, slots=True)
class Collection:
    """A Firestore collection; `ttl_field` names the timestamp after which documents expire."""

    name: str
    ttl_field: str | None = None
    indexes: tuple[tuple[str, ...], ...] = ()  # composite; a leading "-" is descending
    pii: bool = False


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
    make their own."""

    name: str
    dynamic: bool = False


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
    hand."""

    name: str
    schedule: str | None = None
    tasks: int = 1
    memory_mb: int = 1024
    cpu: float = 1.0
    timeout_s: int = 3600


# --- the declarations -----------------------------------------------------------------------

USERS = Collection("users", pii=True)
OAUTH_CLIENTS = Collection("oauth_clients")
AUTHORIZATION_CODES = Collection("authorization_codes", ttl_field="expires_at")
REFRESH_TOKENS = Collection("refresh_tokens", ttl_field="expires_at")
GRANTS = Collection("grants", ttl_field="expires_at")  # one per sign-in: a refresh token family
TRACKS = Collection("tracks", indexes=(("album_id", "disc_number", "track_number"), ("isrc", "id")))
ALBUMS = Collection("albums")
ARTISTS = Collection("artists")
SEARCH_DOCUMENTS = Collection("search_documents", indexes=(("type", "prefixes", "-popularity"),))
UPLOADS = Collection("uploads", ttl_field="expires_at")
INGESTIONS = Collection("ingestions")
FINGERPRINTS = Collection("fingerprints", indexes=(("bucket_keys", "duration_ms"),))
CONTENT_KEYS = Collection("content_keys")
CDN_HEALTH = Collection("cdn_health")
AUDIT_LEDGER = Collection("audit_ledger", pii=True)

MASTERS = Bucket("masters", versioned=True, cold_after_days=30, sensitive=True)
STAGING = Bucket("staging", delete_after_days=1, sensitive=True)
AUDIO = Bucket("audio", cdn=True, signed=True, cache_control="public, max-age=31536000, immutable")
IMAGES = Bucket("images", cdn=True, cache_control="public, max-age=2592000")
PREVIEWS = Bucket("previews", cdn=True, cache_control="public, max-age=31536000, immutable")

LISTENING_HISTORY = Table("listening_history", (Family("play", max_age_s=90 * DAY_S),))

PLAYBACK_EVENTS_TABLE = WarehouseTable(
    "playback_events",
    (
        Column("event_id", "STRING"),
        Column("type", "STRING"),
        Column("user_id", "STRING"),
        Column("track_id", "STRING"),
        Column("session_id", "STRING"),
        Column("device_id", "STRING"),
        Column("position_ms", "INTEGER"),
        Column("ts", "TIMESTAMP"),
        Column("country", "STRING"),
        Column("tier", "STRING"),
        Column("bitrate_kbps", "INTEGER"),
        Column("time_to_first_audio_ms", "INTEGER"),
        Column("cdn", "STRING"),
        Column("context_uri", "STRING"),
        Column("subscription_name", "STRING"),
        Column("message_id", "STRING"),
        Column("publish_time", "TIMESTAMP"),
        Column("attributes", "STRING"),
    ),
    partition_by="ts",
    cluster_by=("track_id",),
)
# Export subscriptions deliver at least once: every report reads the view, never the table. Players
# make the event ids, so one is only told apart from the same person's others.
PLAYBACK_EVENTS_VIEW = WarehouseView(
    "playback_events_unique",
    "SELECT * EXCEPT (delivery) FROM (SELECT *, ROW_NUMBER() OVER "
    "(PARTITION BY user_id, event_id ORDER BY publish_time, message_id) AS delivery "
    "FROM `{dataset}.playback_events`) WHERE delivery = 1",
)

MASTER_RECEIVED = Topic("master-received", schema="MasterReceived")
TRANSCODE_FINISHED = Topic("transcode-finished", schema=None)
TRACK_PUBLISHED = Topic("track-published", schema="TrackPublished")
PLAYBACK_EVENTS = Topic("playback-events", schema="PlaybackEvent")

CDN_PRIMING = Queue(
    "cdn-priming",
    target="prime_cdn",
    path="/tasks/prime-cdn",
    max_dispatches_per_second=50,
    max_concurrent=10,
)

TOKEN_SIGNING_KEY = Secret("token-signing-key")
PLAYBACK_TOKEN_KEY = Secret("playback-token-key")
UPLOAD_SIGNING_KEY = Secret("upload-signing-key")
CDN_KEYS = Secret("cdn-key", dynamic=True)  # cdn-key-<cdn name>
TRANSCODE_KEYS = Secret("transcode-key", dynamic=True)  # lives while its Transcoder job does

CONTENT_KEY_KEK = CryptoKey("content-keys")

TRANSCODER = Service("transcoder")

HTTP_FUNCTIONS: tuple[HttpFunction, ...] = (
    HttpFunction(
        name="accounts",
        routes=(
            Route("/accounts/authorize", ("GET", "POST"), Auth.PUBLIC, RateClass.NONE),
            Route("/accounts/api/token", ("POST",), Auth.PUBLIC, RateClass.NONE),
            Route("/accounts/logout", ("POST",), Auth.PUBLIC, RateClass.NONE),
            Route("/accounts/.well-known/{rest:path}", ("GET",), Auth.PUBLIC, RateClass.NONE),
            Route("/v1/me"),
        ),
        reads=(USERS, OAUTH_CLIENTS),
        writes=(AUTHORIZATION_CODES, REFRESH_TOKENS, GRANTS),
        uses=(TOKEN_SIGNING_KEY,),
    ),
    HttpFunction(
        name="catalog",
        routes=(
            Route("/v1/tracks/{id}"),
            Route("/v1/albums/{id}"),
            Route("/v1/albums/{id}/tracks"),
            Route("/v1/artists/{id}"),
        ),
        reads=(TRACKS, ALBUMS, ARTISTS),
        min_instances=1,
    ),
    HttpFunction(
        name="search",
        routes=(Route("/v1/search", rate_class=RateClass.SEARCH),),
        reads=(SEARCH_DOCUMENTS, TRACKS, ALBUMS, ARTISTS),
        min_instances=1,
    ),
    HttpFunction(
        name="playback",
        routes=(
            Route("/v1/playback/manifest", rate_class=RateClass.PLAYER),
            Route("/v1/playback/license", ("POST",), rate_class=RateClass.PLAYER),
            Route(
                "/v1/playback/streams/{token}/{rest:path}",
                auth=Auth.SESSION,
                rate_class=RateClass.NONE,
            ),
        ),
        reads=(TRACKS, CDN_HEALTH, CONTENT_KEYS, AUDIO),
        writes=(AUDIT_LEDGER,),
        uses=(PLAYBACK_TOKEN_KEY, CDN_KEYS, CONTENT_KEY_KEK),
        min_instances=1,
    ),
    HttpFunction(
        name="events",
        routes=(Route("/v1/events", ("POST",), rate_class=RateClass.PLAYER),),
        publishes=(PLAYBACK_EVENTS,),
        min_instances=1,
    ),
    HttpFunction(
        name="player",
        routes=(Route("/v1/me/player/recently-played", rate_class=RateClass.PLAYER),),
        reads=(LISTENING_HISTORY, TRACKS),
    ),
    HttpFunction(
        name="uploads",
        routes=(Route("/v1/uploads", ("POST",)), Route("/v1/uploads/{id}")),
        writes=(UPLOADS,),
        uses=(UPLOAD_SIGNING_KEY,),
    ),
    HttpFunction(
        name="prime_cdn",
        routes=(Route("/tasks/prime-cdn", ("POST",), Auth.SERVICE, RateClass.NONE),),
        uses=(CDN_KEYS,),
    ),
    HttpFunction(
        name="web_player",
        routes=(
            Route("/", auth=Auth.PUBLIC, rate_class=RateClass.NONE),
            Route("/callback", auth=Auth.PUBLIC, rate_class=RateClass.NONE),
            Route("/assets/{rest:path}", auth=Auth.PUBLIC, rate_class=RateClass.NONE),
        ),
    ),
)

EVENT_FUNCTIONS: tuple[EventFunction, ...] = (
    EventFunction(
        name="receive_master",
        trigger=ObjectTrigger(MASTERS),
        writes=(UPLOADS,),
        publishes=(MASTER_RECEIVED,),
    ),
    EventFunction(
        name="validate_master",
        trigger=TopicTrigger(MASTER_RECEIVED, ack_deadline_s=600),
        reads=(MASTERS,),
        writes=(UPLOADS, INGESTIONS, FINGERPRINTS, CONTENT_KEYS, IMAGES),
        publishes=(TRANSCODE_FINISHED,),  # repeats a lost notification
        uses=(TRANSCODER, TRANSCODE_KEYS, CONTENT_KEY_KEK),
        memory_mb=2048,
        cpu=2.0,
        concurrency=1,
    ),
    EventFunction(
        name="publish_track",
        trigger=TopicTrigger(TRANSCODE_FINISHED, ack_deadline_s=600),
        reads=(CONTENT_KEYS,),
        writes=(
            UPLOADS,
            INGESTIONS,
            FINGERPRINTS,
            STAGING,
            AUDIO,
            PREVIEWS,
            TRACKS,
            ALBUMS,
            ARTISTS,
            SEARCH_DOCUMENTS,
        ),
        publishes=(TRACK_PUBLISHED,),
        uses=(TRANSCODER, TRANSCODE_KEYS, CONTENT_KEY_KEK),
        memory_mb=2048,
        cpu=2.0,
        concurrency=1,
    ),
    EventFunction(
        name="queue_cdn_priming",
        trigger=TopicTrigger(TRACK_PUBLISHED),
        reads=(TRACKS,),
        uses=(CDN_PRIMING,),
    ),
    EventFunction(
        name="record_history",
        trigger=TopicTrigger(PLAYBACK_EVENTS),
        writes=(LISTENING_HISTORY,),
        concurrency=80,
    ),
)

JOBS: tuple[Job, ...] = (
    Job(
        name="redrive_masters",
        schedule="*/10 * * * *",
        reads=(MASTERS,),
        writes=(UPLOADS,),
        publishes=(MASTER_RECEIVED,),
    ),
    Job(
        name="probe_cdn_health",
        schedule="* * * * *",
        writes=(CDN_HEALTH,),
        uses=(CDN_KEYS,),
    ),
    Job(
        name="seed_accounts",
        writes=(USERS, OAUTH_CLIENTS),
    ),
)

COLLECTIONS: tuple[Collection, ...] = (
    USERS,
    OAUTH_CLIENTS,
    AUTHORIZATION_CODES,
    REFRESH_TOKENS,
    GRANTS,
    TRACKS,
    ALBUMS,
    ARTISTS,
    SEARCH_DOCUMENTS,
    UPLOADS,
    INGESTIONS,
    FINGERPRINTS,
    CONTENT_KEYS,
    CDN_HEALTH,
    AUDIT_LEDGER,
)
BUCKETS: tuple[Bucket, ...] = (MASTERS, STAGING, AUDIO, IMAGES, PREVIEWS)
TABLES: tuple[Table, ...] = (LISTENING_HISTORY,)
WAREHOUSE_TABLES: tuple[WarehouseTable, ...] = (PLAYBACK_EVENTS_TABLE,)
WAREHOUSE_VIEWS: tuple[WarehouseView, ...] = (PLAYBACK_EVENTS_VIEW,)
WAREHOUSE_EXPORTS: tuple[WarehouseExport, ...] = (
    WarehouseExport(PLAYBACK_EVENTS, PLAYBACK_EVENTS_TABLE),
)
WAREHOUSE_DATASET = "segue"
TOPICS: tuple[Topic, ...] = (
    MASTER_RECEIVED,
    TRANSCODE_FINISHED,
    TRACK_PUBLISHED,
    PLAYBACK_EVENTS,
)
QUEUES: tuple[Queue, ...] = (CDN_PRIMING,)
SECRETS: tuple[Secret, ...] = (
    TOKEN_SIGNING_KEY,
    PLAYBACK_TOKEN_KEY,
    UPLOAD_SIGNING_KEY,
    CDN_KEYS,
    TRANSCODE_KEYS,
)
KMS_KEY_RING = "segue"
CRYPTO_KEYS: tuple[CryptoKey, ...] = (CONTENT_KEY_KEK,)

Entry = HttpFunction | EventFunction | Job
ENTRIES: dict[str, Entry] = {}
for _group in (HTTP_FUNCTIONS, EVENT_FUNCTIONS, JOBS):
    ENTRIES.update({entry.name: entry for entry in _group})
