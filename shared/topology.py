"""Everything that is deployed, on one page.

Two builders read these declarations: `infra/` turns them into Google Cloud, `emulators/` into
this machine. An entry states what it reads, writes, publishes and uses; in the cloud that becomes
the roles of its service account, here the local cloud refuses anything else.
"""

from __future__ import annotations

from shared.resources import (
    Auth,
    Bucket,
    Collection,
    Column,
    CryptoKey,
    EventFunction,
    Family,
    HttpFunction,
    Job,
    LakeExport,
    ObjectTrigger,
    Queue,
    RateClass,
    Resource,
    Route,
    Secret,
    Service,
    Table,
    Topic,
    TopicTrigger,
    WarehouseExport,
    WarehouseTable,
    WarehouseView,
)

DAY_S = 86_400

# --- the declarations -----------------------------------------------------------------------

# --- accounts
USERS = Collection("users", pii=True)
USERNAMES = Collection("usernames", pii=True)
OAUTH_CLIENTS = Collection("oauth_clients", indexes=(("owner_id",),))
AUTHORIZATION_CODES = Collection("authorization_codes", ttl_field="expires_at")
REFRESH_TOKENS = Collection("refresh_tokens", ttl_field="expires_at")
GRANTS = Collection("grants", ttl_field="expires_at")  # one per sign-in: a refresh token family
DEVICE_CODES = Collection("device_codes", ttl_field="expires_at")
SIGN_IN_SESSIONS = Collection("sign_in_sessions", ttl_field="expires_at", pii=True)
CONSENTS = Collection("consents")
DPOP_PROOFS = Collection("dpop_proofs", ttl_field="expires_at")
# --- catalogue
TRACKS = Collection(
    "tracks",
    indexes=(
        ("album_id",),
        ("isrc",),
        ("artist_ids[]", "-popularity"),
    ),
)
ALBUMS = Collection("albums", indexes=(("-release_date",), ("artist_ids[]", "-release_date")))
ARTISTS = Collection("artists", indexes=(("-popularity",), ("genres[]", "-popularity")))
SHOWS = Collection("shows")
EPISODES = Collection("episodes", indexes=(("show_id", "-release_date"),))
AUDIO_FEATURES = Collection("audio_features", indexes=(("cell",),))
LYRICS = Collection("lyrics")
CATEGORIES = Collection("categories")
FEATURED = Collection("featured")
# What became of documents since the index was built; an index that is older is never served.
SEARCH_CHANGES = Collection(
    "search_changes", ttl_field="expires_at", indexes=(("slice", "changed_at"),)
)
EXPERIMENTS = Collection("experiments")  # flags and experiments: who gets what, and how it goes
# --- people's own
PLAYLISTS = Collection("playlists", pii=True)
# Below each playlist: granted with it, declared for its TTL policy and its indexes.
PLAYLIST_ITEMS = Collection(
    "playlist_items",
    ttl_field="expires_at",
    indexes=(("order_key",), ("changed_version",), ("removed_version",)),
    pii=True,
)
LIBRARIES = Collection("libraries", pii=True)  # a version per person and kind
LIBRARY_ITEMS = Collection(
    "library_items", indexes=(("user_id", "kind", "-added_at", "-item_id"),), pii=True
)
FOLLOWS = Collection(
    "follows",
    indexes=(("follower_id", "kind"), ("follower_id", "kind", "-followed_at")),
    pii=True,
)
COUNTERS = Collection("counters")  # shards of distributed counters (decision 3)
FRIEND_ACTIVITY = Collection("friend_activity", pii=True)
SHARES = Collection("shares", ttl_field="expires_at")
RESUME_POINTS = Collection("resume_points", pii=True)
PLAYER_STATES = Collection("player_states", pii=True)
PLAYER_CONTEXTS = Collection("player_contexts", pii=True)  # what a player plays from
DEVICES = Collection("devices", ttl_field="expires_at", pii=True)
STREAM_LEASES = Collection("stream_leases", ttl_field="expires_at", pii=True)
IDEMPOTENCY_KEYS = Collection("idempotency_keys", ttl_field="expires_at", pii=True)
# --- ingestion and delivery
UPLOADS = Collection("uploads", ttl_field="expires_at", indexes=(("state", "updated_at"),))
INGESTIONS = Collection("ingestions")
FINGERPRINTS = Collection("fingerprints", indexes=(("isrc",), ("bucket_keys[]", "duration_ms")))
CONTENT_KEYS = Collection("content_keys")
CDN_HEALTH = Collection("cdn_health")
AUDIT_LEDGER = Collection("audit_ledger", pii=True)
# --- abuse
BOT_VERDICTS = Collection("bot_verdicts", ttl_field="expires_at", indexes=(("user_id",),), pii=True)
BOT_SWEEPS = Collection("bot_sweeps")  # how far the search through a slice of people is
# --- operations
ROLLOUTS = Collection("rollouts")  # one per function and region: how far its release is

MASTERS = Bucket("masters", versioned=True, cold_after_days=30, sensitive=True)
STAGING = Bucket("staging", delete_after_days=1, sensitive=True)
AUDIO = Bucket("audio", cdn=True, signed=True, cache_control="public, max-age=31536000, immutable")
IMAGES = Bucket("images", cdn=True, cache_control="public, max-age=2592000")
# Playlist covers change under one address, so they are cached for a day alone (F087, F160).
COVERS = Bucket("covers", cdn=True, cache_control="public, max-age=86400")
PREVIEWS = Bucket("previews", cdn=True, cache_control="public, max-age=31536000, immutable")
# Files for `load_catalogue`; people's accounts may be among what they hold.
CATALOGUES = Bucket("catalogues", delete_after_days=7, sensitive=True)
# Parquet files of the warehouse, for training and for whoever reads without BigQuery.
LAKE = Bucket("lake", cold_after_days=30, sensitive=True)

# Built by jobs and read by functions: indexes, embeddings, rankers. Each version is written once.
MODELS = Bucket("models")
# What trainings leave for the jobs after them: who liked what can be told from it, so no function
# reads it.
TRAININGS = Bucket("trainings", sensitive=True)
# Pages for people: how experiments go. A page is written anew while its experiment runs.
REPORTS = Bucket("reports", delete_after_days=400)

LISTENING_HISTORY = Table("listening_history", (Family("play", max_age_s=90 * DAY_S),))
PLAY_COUNTS = Table(
    "play_counts", (Family("seen", max_age_s=8 * DAY_S), Family("pending"), Family("total"))
)
# What each person did lately, and what was done with each track (shared/signals).
ONLINE_FEATURES = Table(
    "online_features",
    (
        Family("signal", max_age_s=90 * DAY_S),
        Family("standing"),  # what holds until somebody takes it back
        Family("heard", max_age_s=90 * DAY_S, max_versions=1),
        Family("count", max_age_s=90 * DAY_S),
    ),
)
# Lists made ahead of the request (F200), what they were made from, and a last good home (F219). Of
# somebody who is gone they go when their signals do; whatever else is here is written anew weekly.
RECOMMENDATIONS = Table(
    "recommendations",
    (Family("list", max_age_s=90 * DAY_S, max_versions=2), Family("made", max_age_s=90 * DAY_S)),
)
# A ring of four families, one for each 30 s in turn (shared/platform/rate_limits.py).
RATE_WINDOWS = Table("rate_windows", tuple(Family(f"w{n}", max_age_s=120) for n in range(4)))

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
        Column("suspected", "BOOLEAN"),
        Column("subscription_name", "STRING"),
        Column("message_id", "STRING"),
        Column("publish_time", "TIMESTAMP"),
        Column("attributes", "STRING"),
    ),
    partition_by="ts",
    cluster_by=("track_id",),
)
# Export subscriptions deliver at least once: a report reads the view, or between bounds the table
# where a row that is there twice changes nothing. Players make the event ids, so one is only told
# apart from the same person's others.
PLAYBACK_EVENTS_VIEW = WarehouseView(
    "playback_events_unique",
    "SELECT * EXCEPT (delivery) FROM (SELECT *, ROW_NUMBER() OVER "
    "(PARTITION BY user_id, event_id ORDER BY publish_time, message_id) AS delivery "
    "FROM `{dataset}.playback_events`) WHERE delivery = 1",
)

SEARCH_EVENTS_TABLE = WarehouseTable(
    "search_events",
    (
        Column("event_id", "STRING"),
        Column("user_id", "STRING"),
        Column("ts", "TIMESTAMP"),
        Column("query", "STRING"),
        Column("type", "STRING"),
        Column("market", "STRING"),
        Column("locale", "STRING"),
        Column("view", "STRING"),
        Column("offset", "INTEGER"),
        Column("total", "INTEGER"),
        Column("shown", "STRING"),
        Column("features", "STRING"),
        Column("suggested_query", "STRING"),
        Column("subscription_name", "STRING"),
        Column("message_id", "STRING"),
        Column("publish_time", "TIMESTAMP"),
        Column("attributes", "STRING"),
    ),
    partition_by="ts",
    cluster_by=("type",),
    expires_after_days=90,
)
SEARCH_EVENTS_VIEW = WarehouseView(
    "search_events_unique",
    "SELECT * EXCEPT (delivery) FROM (SELECT *, ROW_NUMBER() OVER "
    "(PARTITION BY event_id ORDER BY publish_time, message_id) AS delivery "
    "FROM `{dataset}.search_events`) WHERE delivery = 1",
)

LISTENER_SIGNALS_TABLE = WarehouseTable(
    "listener_signals",
    (
        Column("event_id", "STRING"),
        Column("user_id", "STRING"),
        Column("kind", "STRING"),
        Column("ts", "TIMESTAMP"),
        Column("track_id", "STRING"),
        Column("subject_uri", "STRING"),
        Column("session_id", "STRING"),
        Column("device_id", "STRING"),
        Column("position_ms", "INTEGER"),
        Column("country", "STRING"),
        Column("context_uri", "STRING"),
        Column("suspected", "BOOLEAN"),
        Column("subscription_name", "STRING"),
        Column("message_id", "STRING"),
        Column("publish_time", "TIMESTAMP"),
        Column("attributes", "STRING"),
    ),
    partition_by="ts",
    cluster_by=("user_id",),
    expires_after_days=400,
)
LISTENER_SIGNALS_VIEW = WarehouseView(
    "listener_signals_unique",
    "SELECT * EXCEPT (delivery) FROM (SELECT *, ROW_NUMBER() OVER "
    "(PARTITION BY user_id, event_id ORDER BY publish_time, message_id) AS delivery "
    "FROM `{dataset}.listener_signals`) WHERE delivery = 1",
)

EXPOSURES_TABLE = WarehouseTable(
    "exposures",
    (
        Column("event_id", "STRING"),
        Column("user_id", "STRING"),
        Column("ts", "TIMESTAMP"),
        Column("kind", "STRING"),
        Column("experiment", "STRING"),
        Column("variant", "STRING"),
        Column("surface", "STRING"),
        Column("shelf", "STRING"),
        Column("position", "INTEGER"),
        Column("items", "STRING"),
        Column("propensity", "FLOAT"),
        Column("subscription_name", "STRING"),
        Column("message_id", "STRING"),
        Column("publish_time", "TIMESTAMP"),
        Column("attributes", "STRING"),
    ),
    partition_by="ts",
    cluster_by=("experiment",),
    expires_after_days=400,
)
EXPOSURES_VIEW = WarehouseView(
    "exposures_unique",
    "SELECT * EXCEPT (delivery) FROM (SELECT *, ROW_NUMBER() OVER "
    "(PARTITION BY event_id ORDER BY publish_time, message_id) AS delivery "
    "FROM `{dataset}.exposures`) WHERE delivery = 1",
)

MASTER_RECEIVED = Topic("master-received", schema="MasterReceived")
TRANSCODE_FINISHED = Topic("transcode-finished", schema=None)
TRACK_PUBLISHED = Topic("track-published", schema="TrackPublished")
PLAYBACK_EVENTS = Topic("playback-events", schema="PlaybackEvent")
FOLLOW_CHANGED = Topic("follow-changed", schema="FollowChanged")
SEARCH_EVENTS = Topic("search-events", schema="SearchEvent")
LISTENER_SIGNALS = Topic("listener-signals", schema="ListenerSignal")
EXPOSURES = Topic("exposures", schema="Exposure")
SLO_BURN = Topic("slo-burn", schema=None)  # incidents, as Cloud Monitoring publishes them

CDN_PRIMING = Queue(
    "cdn-priming",
    target="prime_cdn",
    path="/tasks/prime-cdn",
    max_dispatches_per_second=50,
    max_concurrent=10,
)

TOKEN_SIGNING_KEY = Secret("token-signing-key")
PLAYBACK_TOKEN_KEY = Secret("playback-token-key")
UPLOAD_SIGNING_KEY = Secret("upload-signing-key", account_key="uploads")
CDN_KEYS = Secret("cdn-key", dynamic=True)  # cdn-key-<cdn name>
TRANSCODE_KEYS = Secret("transcode-key", dynamic=True)  # lives while its Transcoder job does

CONTENT_KEY_KEK = CryptoKey("content-keys")

TRANSCODER = Service("transcoder")
RUN = Service("run")  # the Cloud Run Admin API: the traffic of our functions' revisions
MONITORING = Service("monitoring")  # the Cloud Monitoring API: our time series

# What every function behind a token does: count the caller's requests, refuse replayed proofs.
PER_REQUEST: tuple[Resource, ...] = (RATE_WINDOWS, DPOP_PROOFS)

WRITES = ("PUT", "POST", "DELETE")
CHANGES = RateClass.PLAYLIST_CHANGES

HTTP_FUNCTIONS: tuple[HttpFunction, ...] = (
    HttpFunction(
        name="accounts",
        routes=(
            Route("/accounts/authorize", ("GET", "POST"), Auth.PUBLIC, RateClass.NONE),
            Route("/accounts/login", ("GET", "POST"), Auth.PUBLIC, RateClass.NONE),
            Route("/accounts/signup", ("GET", "POST"), Auth.PUBLIC, RateClass.NONE),
            Route("/accounts/device", ("GET", "POST"), Auth.PUBLIC, RateClass.NONE),
            Route("/accounts/apps", ("GET", "POST"), Auth.PUBLIC, RateClass.NONE),
            Route("/accounts/logout", ("GET", "POST"), Auth.PUBLIC, RateClass.NONE),
            Route("/accounts/api/token", ("POST",), Auth.PUBLIC, RateClass.NONE),
            Route("/accounts/api/device_authorization", ("POST",), Auth.PUBLIC, RateClass.NONE),
            Route("/accounts/api/revoke", ("POST",), Auth.PUBLIC, RateClass.NONE),
            Route("/accounts/api/introspect", ("POST",), Auth.PUBLIC, RateClass.NONE),
            Route("/accounts/api/register", ("POST",), Auth.PUBLIC, RateClass.NONE),
            Route("/accounts/.well-known/{rest:path}", ("GET",), Auth.PUBLIC, RateClass.NONE),
            Route(
                "/.well-known/oauth-authorization-server/accounts",
                ("GET",),
                Auth.PUBLIC,
                RateClass.NONE,
            ),
        ),
        writes=(
            USERS,
            USERNAMES,
            OAUTH_CLIENTS,
            AUTHORIZATION_CODES,
            REFRESH_TOKENS,
            GRANTS,
            DEVICE_CODES,
            SIGN_IN_SESSIONS,
            CONSENTS,
            *PER_REQUEST,
        ),
        reads=(BOT_VERDICTS,),
        uses=(TOKEN_SIGNING_KEY,),
    ),
    HttpFunction(
        name="users",
        routes=(
            Route("/v1/me"),
            Route("/v1/users/{id}"),
            Route("/v1/me/following", ("GET", "PUT", "DELETE")),
            Route("/v1/me/following/contains"),
            Route("/v1/me/friends/activity", ("GET", "PUT")),
            Route("/v1/shares", ("POST",)),
            Route("/v1/shares/{id}"),
        ),
        reads=(USERS, ARTISTS, TRACKS, ALBUMS, SHOWS, EPISODES, PLAYLISTS, LISTENING_HISTORY),
        writes=(FOLLOWS, COUNTERS, FRIEND_ACTIVITY, SHARES, IDEMPOTENCY_KEYS, *PER_REQUEST),
        publishes=(FOLLOW_CHANGED, LISTENER_SIGNALS),
    ),
    HttpFunction(
        name="catalog",
        routes=(
            Route("/v1/tracks"),
            Route("/v1/tracks/{id}"),
            Route("/v1/tracks/{id}/plays"),
            Route("/v1/albums"),
            Route("/v1/albums/{id}"),
            Route("/v1/albums/{id}/tracks"),
            Route("/v1/artists"),
            Route("/v1/artists/{id}"),
            Route("/v1/artists/{id}/albums"),
            Route("/v1/artists/{id}/top-tracks"),
            Route("/v1/artists/{id}/related-artists"),
            Route("/v1/markets"),
            Route("/v1/audio-features"),
            Route("/v1/audio-features/{id}"),
            Route("/v1/audio-analysis/{id}"),
            Route("/v1/audiobooks"),
            Route("/v1/audiobooks/{id}"),
            Route("/v1/audiobooks/{id}/chapters"),
            Route("/v1/chapters"),
            Route("/v1/chapters/{id}"),
            Route("/v1/me/audiobooks", ("GET", "PUT", "DELETE")),
            Route("/v1/me/audiobooks/contains"),
        ),
        reads=(TRACKS, ALBUMS, ARTISTS, AUDIO_FEATURES, COUNTERS, PLAY_COUNTS),
        writes=PER_REQUEST,
        min_instances=1,
    ),
    HttpFunction(
        name="podcasts",
        routes=(
            Route("/v1/shows"),
            Route("/v1/shows/{id}"),
            Route("/v1/shows/{id}/episodes"),
            Route("/v1/episodes"),
            Route("/v1/episodes/{id}"),
            Route("/v1/me/episodes/{id}/resume-point", ("PUT",), rate_class=RateClass.PLAYER),
        ),
        reads=(SHOWS, EPISODES),
        writes=(RESUME_POINTS, *PER_REQUEST),
    ),
    HttpFunction(
        name="lyrics",
        routes=(Route("/v1/tracks/{id}/lyrics", ("GET", "PUT")),),
        reads=(TRACKS, UPLOADS, INGESTIONS),
        writes=(LYRICS, *PER_REQUEST),
    ),
    HttpFunction(
        name="browse",
        routes=(
            Route("/v1/browse/featured-playlists"),
            Route("/v1/browse/new-releases"),
            Route("/v1/browse/categories"),
            Route("/v1/browse/categories/{id}"),
            Route("/v1/browse/categories/{id}/playlists"),
        ),
        reads=(CATEGORIES, FEATURED, PLAYLISTS, ALBUMS, TRACKS, SHOWS, EPISODES, USERS),
        writes=PER_REQUEST,
    ),
    HttpFunction(
        name="recommendations",
        routes=(
            Route("/v1/recommendations"),
            Route("/v1/recommendations/available-genre-seeds"),
            Route("/v1/me/home"),
            Route("/v1/me/made-for-you"),
            Route("/v1/me/made-for-you/{id}"),
            Route("/v1/me/radio"),
            Route("/v1/me/autoplay"),
            Route("/v1/me/feedback", ("POST",)),
            Route("/v1/me/flags"),
        ),
        reads=(
            MODELS,
            TRACKS,
            ALBUMS,
            ARTISTS,
            PLAYLISTS,
            PLAYLIST_ITEMS,
            AUDIO_FEATURES,
            ONLINE_FEATURES,
            LISTENING_HISTORY,
            FOLLOWS,
            USERS,
            EXPERIMENTS,
        ),
        writes=(RECOMMENDATIONS, *PER_REQUEST),
        publishes=(LISTENER_SIGNALS, EXPOSURES),
        memory_mb=2048,  # /tmp is memory, and two versions of the embeddings may lie there
        min_instances=1,
    ),
    HttpFunction(
        name="search",
        routes=(
            Route("/v1/search", rate_class=RateClass.SEARCH),
            Route("/v1/search/suggest", rate_class=RateClass.SEARCH),
        ),
        reads=(
            MODELS,
            SEARCH_CHANGES,
            LISTENING_HISTORY,
            FOLLOWS,
            TRACKS,
            ALBUMS,
            ARTISTS,
            SHOWS,
            EPISODES,
            PLAYLISTS,
            USERS,
            COUNTERS,
        ),
        writes=PER_REQUEST,
        publishes=(SEARCH_EVENTS, LISTENER_SIGNALS),
        memory_mb=4096,  # /tmp is memory, and two versions of the index may lie there
        min_instances=1,
    ),
    HttpFunction(
        name="playlists",
        routes=(
            Route("/v1/me/playlists"),
            Route("/v1/me/playlists", ("POST",), rate_class=RateClass.PLAYLIST_CHANGES),
            Route("/v1/users/{id}/playlists"),
            Route("/v1/users/{id}/playlists", ("POST",), rate_class=RateClass.PLAYLIST_CHANGES),
            Route("/v1/playlists", ("POST",), rate_class=RateClass.PLAYLIST_CHANGES),
            *(
                route
                for path, writes in (
                    ("", ("PUT",)),
                    ("/tracks", WRITES),
                    ("/items", WRITES),
                    ("/images", ("PUT",)),
                    ("/followers", ("PUT", "DELETE")),
                )
                for route in (
                    *((Route(f"/v1/playlists/{{id}}{path}"),) if path != "/followers" else ()),
                    Route(
                        f"/v1/playlists/{{id}}{path}", writes, rate_class=RateClass.PLAYLIST_CHANGES
                    ),
                )
            ),
            Route("/v1/playlists/{id}/followers/contains"),
        ),
        reads=(TRACKS, ALBUMS, ARTISTS, SHOWS, EPISODES, USERS),
        writes=(
            PLAYLISTS,
            FOLLOWS,
            COUNTERS,
            COVERS,
            SEARCH_CHANGES,
            IDEMPOTENCY_KEYS,
            *PER_REQUEST,
        ),
        publishes=(FOLLOW_CHANGED, LISTENER_SIGNALS),
    ),
    HttpFunction(
        name="library",
        routes=(
            Route("/v1/me/library", ("PUT", "DELETE")),
            Route("/v1/me/library/contains"),
            *(
                route
                for kind in ("tracks", "albums", "shows", "episodes")
                for route in (
                    Route(f"/v1/me/{kind}", ("GET", "PUT", "DELETE")),
                    Route(f"/v1/me/{kind}/contains"),
                )
            ),
            Route("/v1/me/tracks/{id}", ("PUT", "DELETE")),
        ),
        reads=(TRACKS, ALBUMS, ARTISTS, SHOWS, EPISODES, RESUME_POINTS, USERS, PLAYLISTS),
        # An owner who removes a playlist from the library takes it out of search.
        writes=(LIBRARIES, LIBRARY_ITEMS, FOLLOWS, COUNTERS, SEARCH_CHANGES, *PER_REQUEST),
        publishes=(FOLLOW_CHANGED, LISTENER_SIGNALS),
    ),
    HttpFunction(
        name="playback",
        routes=(
            Route("/v1/playback/manifest", rate_class=RateClass.PLAYER),
            Route("/v1/playback/license", ("POST",), rate_class=RateClass.PLAYER),
            Route("/v1/playback/heartbeat", ("POST",), rate_class=RateClass.PLAYER),
            Route(
                "/v1/playback/streams/{token}/{rest:path}",
                auth=Auth.SESSION,
                rate_class=RateClass.NONE,
            ),
        ),
        reads=(TRACKS, CDN_HEALTH, CONTENT_KEYS, AUDIO),
        writes=(AUDIT_LEDGER, STREAM_LEASES, *PER_REQUEST),
        uses=(PLAYBACK_TOKEN_KEY, CDN_KEYS, CONTENT_KEY_KEK),
        min_instances=1,
    ),
    HttpFunction(
        name="events",
        routes=(Route("/v1/events", ("POST",), rate_class=RateClass.PLAYER),),
        writes=PER_REQUEST,
        publishes=(PLAYBACK_EVENTS,),
        min_instances=1,
    ),
    HttpFunction(
        name="player",
        routes=tuple(
            Route(f"/v1/me/player{path}", methods, rate_class=RateClass.PLAYER)
            for path, methods in (
                ("", ("GET", "PUT")),
                ("/devices", ("GET",)),
                ("/currently-playing", ("GET",)),
                ("/queue", ("GET", "POST")),
                ("/play", ("PUT", "POST")),
                ("/pause", ("PUT",)),
                ("/next", ("POST",)),
                ("/previous", ("POST",)),
                ("/seek", ("PUT",)),
                ("/repeat", ("PUT",)),
                ("/volume", ("PUT",)),
                ("/shuffle", ("PUT",)),
            )
        ),
        reads=(
            TRACKS,
            ALBUMS,
            ARTISTS,
            SHOWS,
            EPISODES,
            PLAYLISTS,
            PLAYLIST_ITEMS,
            LIBRARIES,
            LIBRARY_ITEMS,
            USERS,
            COUNTERS,
            RECOMMENDATIONS,  # what autoplay goes on with
            ONLINE_FEATURES,  # and what of that is hidden
        ),
        writes=(
            PLAYER_STATES,
            PLAYER_CONTEXTS,
            DEVICES,
            RESUME_POINTS,
            IDEMPOTENCY_KEYS,
            *PER_REQUEST,
        ),
    ),
    HttpFunction(
        name="connect",
        routes=tuple(
            Route(f"/v1/me/player{path}", methods, rate_class=RateClass.PLAYER)
            for path, methods in (
                ("/devices/{id}", ("PUT", "DELETE")),
                ("/state", ("PUT",)),
                ("/events", ("GET",)),
            )
        ),
        reads=(TRACKS, ALBUMS, ARTISTS, SHOWS, EPISODES, COUNTERS),
        writes=(PLAYER_STATES, PLAYER_CONTEXTS, DEVICES, RESUME_POINTS, *PER_REQUEST),
        concurrency=60,  # each stream listens, and a Firestore channel carries 100 calls at once
        timeout_s=3600,  # a stream of events ends with it, and the client resumes
    ),
    HttpFunction(
        name="history",
        routes=(
            Route("/v1/me/player/recently-played", rate_class=RateClass.PLAYER),
            Route("/v1/me/top/artists"),
            Route("/v1/me/top/tracks"),
        ),
        reads=(LISTENING_HISTORY, TRACKS, ARTISTS, COUNTERS),
        writes=PER_REQUEST,
    ),
    HttpFunction(
        name="uploads",
        routes=(Route("/v1/uploads", ("POST",)), Route("/v1/uploads/{id}")),
        writes=(UPLOADS, IDEMPOTENCY_KEYS, *PER_REQUEST),
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
    HttpFunction(
        name="api_docs",
        routes=(
            Route("/openapi.json", auth=Auth.PUBLIC, rate_class=RateClass.NONE),
            Route("/docs", auth=Auth.PUBLIC, rate_class=RateClass.NONE),
            Route("/docs/{rest:path}", auth=Auth.PUBLIC, rate_class=RateClass.NONE),
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
        reads=(MASTERS, TRACKS),
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
            SEARCH_CHANGES,
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
        reads=(FOLLOWS,),
        writes=(LISTENING_HISTORY, PLAY_COUNTS, FRIEND_ACTIVITY, ONLINE_FEATURES),
        concurrency=80,
    ),
    EventFunction(
        name="record_signal",
        trigger=TopicTrigger(LISTENER_SIGNALS),
        writes=(ONLINE_FEATURES,),
        concurrency=80,
    ),
    EventFunction(
        name="halt_rollouts",
        trigger=TopicTrigger(SLO_BURN, ack_deadline_s=600),
        writes=(ROLLOUTS,),
        uses=(RUN,),
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
        name="detect_bots",
        schedule="*/15 * * * *",
        tasks=2,
        reads=(LISTENING_HISTORY, TRACKS),
        writes=(BOT_VERDICTS, BOT_SWEEPS, AUDIT_LEDGER),
        timeout_s=1200,
    ),
    Job(
        name="advance_rollouts",
        schedule="*/5 * * * *",
        writes=(ROLLOUTS,),
        uses=(RUN, MONITORING),
        timeout_s=280,
    ),
    Job(
        name="build_search_index",
        schedule="7 * * * *",  # F186: a new catalogue is found within four hours
        reads=(
            TRACKS,
            ALBUMS,
            ARTISTS,
            SHOWS,
            EPISODES,
            PLAYLISTS,
            USERS,
            COUNTERS,
            FOLLOWS,
            SEARCH_EVENTS_VIEW,
            PLAYBACK_EVENTS_VIEW,
        ),
        writes=(MODELS,),
        memory_mb=8192,
        cpu=2.0,
    ),
    Job(
        name="train_search_ranker",
        schedule="30 4 * * 1",
        reads=(SEARCH_EVENTS_VIEW, PLAYBACK_EVENTS_VIEW),
        writes=(MODELS,),
        memory_mb=4096,
        cpu=2.0,
    ),
    Job(
        name="analyze_audio",
        schedule="*/15 * * * *",
        reads=(MASTERS, UPLOADS, INGESTIONS, TRACKS),
        writes=(AUDIO_FEATURES,),
        memory_mb=4096,
        cpu=2.0,
    ),
    Job(
        name="export_features",
        schedule="10 3 * * *",
        reads=(PLAYBACK_EVENTS_VIEW, LISTENER_SIGNALS_VIEW),
        writes=(LAKE,),
        memory_mb=4096,
        cpu=2.0,
    ),
    Job(
        name="train_embeddings",
        schedule="0 2 * * 6",  # F191: weekly
        reads=(
            TRACKS,
            ALBUMS,
            ARTISTS,
            AUDIO_FEATURES,
            PLAYLISTS,
            PLAYLIST_ITEMS,
            FOLLOWS,  # an owner who follows a playlist keeps it
            PLAYBACK_EVENTS_VIEW,
            LISTENER_SIGNALS_VIEW,
        ),
        writes=(MODELS, TRAININGS, RECOMMENDATIONS),
        memory_mb=16_384,
        cpu=4.0,
        timeout_s=6 * 3600,
    ),
    Job(
        name="refresh_embeddings",
        # F192: a track has a vector within the hour, and one that is published just after a run
        # began waits for the next.
        schedule="5,25,45 * * * *",
        reads=(
            TRACKS,
            ALBUMS,
            ARTISTS,
            AUDIO_FEATURES,
            PLAYLISTS,
            PLAYLIST_ITEMS,
            FOLLOWS,
            PLAYBACK_EVENTS_VIEW,
            LISTENER_SIGNALS_VIEW,
            TRAININGS,
        ),
        writes=(MODELS, RECOMMENDATIONS),
        memory_mb=8192,
        cpu=2.0,
    ),
    Job(
        name="train_track_ranker",
        schedule="0 5 * * 1",
        reads=(PLAYBACK_EVENTS_VIEW, LISTENER_SIGNALS_VIEW, EXPOSURES_VIEW, MODELS),
        writes=(MODELS,),
        memory_mb=8192,
        cpu=2.0,
    ),
    Job(
        name="make_recommendations",
        schedule="40 * * * *",  # what is due for whom: shared/recommendations/products
        tasks=4,
        reads=(
            MODELS,
            TRACKS,
            ALBUMS,
            ARTISTS,
            ONLINE_FEATURES,
            LISTENING_HISTORY,
            FOLLOWS,
            USERS,
        ),
        writes=(RECOMMENDATIONS,),
        memory_mb=2048,
        cpu=1.0,
    ),
    Job(
        name="learn_shelves",
        schedule="5 * * * *",
        reads=(EXPOSURES_TABLE, PLAYBACK_EVENTS_TABLE),
        writes=(MODELS,),
    ),
    Job(
        name="experiment_report",
        schedule="50 * * * *",  # a guardrail stops an experiment within the hour
        reads=(EXPOSURES_TABLE, PLAYBACK_EVENTS_TABLE, LISTENER_SIGNALS_TABLE),
        writes=(EXPERIMENTS, REPORTS),
        memory_mb=2048,
    ),
    Job(
        name="simulate_listeners",  # by hand; it knows the public API alone
        memory_mb=2048,
    ),
    Job(
        name="withdraw_content",
        writes=(TRACKS, ALBUMS, ARTISTS, SEARCH_CHANGES, AUDIT_LEDGER),
    ),
    Job(
        name="seed_accounts",
        writes=(USERS, USERNAMES, OAUTH_CLIENTS),
    ),
    Job(
        name="load_catalogue",
        mounts=(CATALOGUES,),
        writes=(
            USERS,
            USERNAMES,
            TRACKS,
            ALBUMS,
            ARTISTS,
            SHOWS,
            EPISODES,
            AUDIO_FEATURES,
            LYRICS,
            CATEGORIES,
            FEATURED,
            OAUTH_CLIENTS,
            PLAYLISTS,
            LIBRARIES,
            LIBRARY_ITEMS,
            FOLLOWS,
            COUNTERS,
            FRIEND_ACTIVITY,
            RESUME_POINTS,
            LISTENING_HISTORY,
            PLAY_COUNTS,
            IMAGES,
            COVERS,
            MASTERS,
        ),
        memory_mb=4096,
        cpu=2.0,
    ),
)

COLLECTIONS: tuple[Collection, ...] = (
    USERS,
    USERNAMES,
    OAUTH_CLIENTS,
    AUTHORIZATION_CODES,
    REFRESH_TOKENS,
    GRANTS,
    DEVICE_CODES,
    SIGN_IN_SESSIONS,
    CONSENTS,
    DPOP_PROOFS,
    TRACKS,
    ALBUMS,
    ARTISTS,
    SHOWS,
    EPISODES,
    AUDIO_FEATURES,
    LYRICS,
    CATEGORIES,
    FEATURED,
    SEARCH_CHANGES,
    EXPERIMENTS,
    PLAYLISTS,
    PLAYLIST_ITEMS,
    LIBRARIES,
    LIBRARY_ITEMS,
    FOLLOWS,
    COUNTERS,
    FRIEND_ACTIVITY,
    SHARES,
    RESUME_POINTS,
    PLAYER_STATES,
    PLAYER_CONTEXTS,
    DEVICES,
    STREAM_LEASES,
    IDEMPOTENCY_KEYS,
    UPLOADS,
    INGESTIONS,
    FINGERPRINTS,
    CONTENT_KEYS,
    CDN_HEALTH,
    AUDIT_LEDGER,
    BOT_VERDICTS,
    BOT_SWEEPS,
    ROLLOUTS,
)
BUCKETS: tuple[Bucket, ...] = (
    MASTERS,
    STAGING,
    AUDIO,
    IMAGES,
    COVERS,
    PREVIEWS,
    CATALOGUES,
    LAKE,
    MODELS,
    TRAININGS,
    REPORTS,
)
BIGTABLE_INSTANCE = "segue-tables"  # an instance's id has 6 to 33 characters
BIGTABLE_PROFILE = "nearest"  # routes to any cluster; conditional writes have others
TABLES: tuple[Table, ...] = (
    LISTENING_HISTORY,
    PLAY_COUNTS,
    ONLINE_FEATURES,
    RECOMMENDATIONS,
    RATE_WINDOWS,
)
WAREHOUSE_TABLES: tuple[WarehouseTable, ...] = (
    PLAYBACK_EVENTS_TABLE,
    SEARCH_EVENTS_TABLE,
    LISTENER_SIGNALS_TABLE,
    EXPOSURES_TABLE,
)
WAREHOUSE_VIEWS: tuple[WarehouseView, ...] = (
    PLAYBACK_EVENTS_VIEW,
    SEARCH_EVENTS_VIEW,
    LISTENER_SIGNALS_VIEW,
    EXPOSURES_VIEW,
)
WAREHOUSE_EXPORTS: tuple[WarehouseExport, ...] = (
    WarehouseExport(PLAYBACK_EVENTS, PLAYBACK_EVENTS_TABLE),
    WarehouseExport(SEARCH_EVENTS, SEARCH_EVENTS_TABLE),
    WarehouseExport(LISTENER_SIGNALS, LISTENER_SIGNALS_TABLE),
    WarehouseExport(EXPOSURES, EXPOSURES_TABLE),
)
LAKE_EXPORTS: tuple[LakeExport, ...] = (
    LakeExport(PLAYBACK_EVENTS_TABLE, LAKE, unique_by=("user_id", "event_id")),
    LakeExport(LISTENER_SIGNALS_TABLE, LAKE, unique_by=("user_id", "event_id")),
)
WAREHOUSE_DATASET = "segue"
TOPICS: tuple[Topic, ...] = (
    MASTER_RECEIVED,
    TRANSCODE_FINISHED,
    TRACK_PUBLISHED,
    PLAYBACK_EVENTS,
    FOLLOW_CHANGED,
    SEARCH_EVENTS,
    LISTENER_SIGNALS,
    EXPOSURES,
    SLO_BURN,
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
