"""Uploads, ingestions and the events between their steps.

Upload states: awaiting_upload → received → validating → transcoding → publishing → published, or
one of the ends duplicate, rejected (the master's or the metadata's fault) and failed (ours or the
Transcoder's). An ingestion has the states from validating on.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from shared.ingestion.isrc import normalised_isrc, normalised_upc
from shared.ingestion.territories import COUNTRIES
from shared.platform.events import Event
from shared.topology import MASTER_RECEIVED, TRANSCODE_FINISHED, Topic

UploadState = Literal[
    "awaiting_upload",
    "received",
    "validating",
    "transcoding",
    "publishing",
    "published",
    "duplicate",
    "rejected",
    "failed",
]
TERMINAL_STATES: frozenset[str] = frozenset({"published", "duplicate", "rejected", "failed"})
# Of the time to publish: transcoding takes nearly all of it.
PROGRESS_PERCENT: dict[UploadState, int] = {
    "awaiting_upload": 0,
    "received": 5,
    "validating": 10,
    "transcoding": 25,
    "publishing": 90,
    "published": 100,
    "duplicate": 100,
    "rejected": 100,
    "failed": 100,
}

JobRole = Literal["cmaf", "vorbis", "preview"]
JOB_ROLES: tuple[JobRole, ...] = ("cmaf", "vorbis", "preview")

MAX_TEXT = 500  # F126
MAX_ARTISTS = 20


def _territory(code: str) -> str:
    code = code.upper()
    if code not in COUNTRIES:
        raise ValueError(f"{code!r} is not an ISO 3166-1 alpha-2 country code")
    return code


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_TEXT)]
Isrc = Annotated[str, StringConstraints(max_length=40), AfterValidator(normalised_isrc)]
Upc = Annotated[str, StringConstraints(max_length=40), AfterValidator(normalised_upc)]
Territory = Annotated[str, StringConstraints(max_length=2), AfterValidator(_territory)]
ReleaseDate = Annotated[
    str, StringConstraints(pattern=r"^\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?$")
]
Number = Annotated[int, Field(ge=1, le=9999)]


class Frozen(BaseModel):
    """Base of the feature's values."""

    model_config = ConfigDict(frozen=True)


class Rejected(Exception):
    """The master or its metadata cannot be published; the text tells its owner why."""


class UploadMetadata(Frozen):
    """What an uploader states about a master (F003); each field overrides the file's tags.

    `release_date` is YYYY, YYYY-MM or YYYY-MM-DD; `territories` ISO 3166-1 alpha-2 codes, where
    none means everywhere.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Text | None = None
    artists: tuple[Text, ...] | None = Field(None, min_length=1, max_length=MAX_ARTISTS)
    album: Text | None = None
    album_artist: Text | None = None
    isrc: Isrc | None = None
    upc: Upc | None = None
    track_number: Number | None = None
    disc_number: Number | None = None
    release_date: ReleaseDate | None = None
    explicit: bool | None = None
    territories: tuple[Territory, ...] | None = Field(None, max_length=300)
    genres: tuple[Text, ...] | None = Field(None, max_length=10)
    label: Text | None = None


class UploadRequest(Frozen):
    """Body of `POST /v1/uploads`; `size_bytes` is exact."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    filename: Annotated[str, StringConstraints(min_length=1, max_length=1024)]
    size_bytes: int = Field(strict=True)
    content_type: str | None = Field(None, max_length=100, pattern=r"^[\w.+-]+/[\w.+-]+$")
    metadata: UploadMetadata = UploadMetadata()


class UploadTicket(Frozen):
    """Where and how to send the bytes: POST `upload_url` with exactly `headers`, then PUT to the
    `Location` that it answers."""

    upload_id: str
    upload_url: str
    method: Literal["POST"] = "POST"
    headers: dict[str, str]
    expires_at: datetime


class MasterMetadata(Frozen):
    """What travels as an object's custom metadata `segue`: enough to rebuild everything from the
    masters bucket alone. `track_id` makes the master the sound of a track that the catalogue has
    already; it counts below the folder `catalogue/` alone, for which no upload URL is signed."""

    user_id: str | None = None
    track_id: str | None = None
    filename: str | None = None
    metadata: UploadMetadata = UploadMetadata()


class Upload(Frozen):
    """State of one master, keyed by upload id."""

    upload_id: str
    user_id: str | None
    filename: str
    size_bytes: int
    state: UploadState
    progress_percent: int = 0
    reason: str | None = None
    track_id: str | None = None
    content_hash: str | None = None
    generation: int | None = None
    sound_of: str | None = None  # the track of the catalogue that this master is the sound of
    metadata: UploadMetadata = UploadMetadata()
    updated_at: datetime


class TrackMetadata(Frozen):
    """Metadata of a track as it will be published: the request merged over the tags."""

    title: Text
    artists: tuple[Text, ...] = Field(min_length=1, max_length=MAX_ARTISTS)
    album: Text
    album_artists: tuple[Text, ...] = Field(min_length=1, max_length=MAX_ARTISTS)
    compilation: bool = False
    track_number: Number = 1
    disc_number: Number = 1
    total_tracks: int | None = None
    release_date: ReleaseDate = "0000"
    isrc: Isrc | None = None
    upc: Upc | None = None
    explicit: bool = False
    territories: tuple[Territory, ...] = ()
    genres: tuple[Text, ...] = ()
    label: Text | None = None

    @property
    def release_date_precision(self) -> Literal["year", "month", "day"]:
        """How exact `release_date` is."""
        return {4: "year", 7: "month"}.get(len(self.release_date), "day")  # type: ignore[return-value]


class TranscodeJob(Frozen):
    """A Transcoder job of an ingestion."""

    name: str
    state: Literal["RUNNING", "SUCCEEDED", "FAILED"] = "RUNNING"

    @property
    def job_id(self) -> str:
        """The last part of the name: the Transcoder answers with the project's number where it
        was asked with its id."""
        return self.name.rpartition("/")[2]


class MasterObject(Frozen):
    """One generation of a master in the masters bucket."""

    bucket: str
    name: str
    generation: int


class Ingestion(Frozen):
    """The work on one recording, keyed by the SHA-256 of its master (F027).

    `asset_version`, `metadata`, `duration_ms` and `image_id` are there from the state transcoding
    on. With `sound_only` the catalogue has the track already and publishing adds its sound: there
    is no metadata and no image, and the key is made of the master's hash and the track, since the
    same bytes may be the sound of several tracks.
    """

    content_hash: str
    track_id: str
    upload_id: str  # whose master is worked on
    sound_only: bool = False
    source: MasterObject
    state: UploadState
    reason: str | None = None
    duplicate_of: str | None = None
    asset_version: str | None = None
    metadata: TrackMetadata | None = None
    duration_ms: int | None = None
    image_id: str | None = None
    jobs: dict[JobRole, TranscodeJob] = {}
    created_at: datetime
    updated_at: datetime

    @property
    def all_jobs_succeeded(self) -> bool:
        """Whether every job is done."""
        return all(role in self.jobs and self.jobs[role].state == "SUCCEEDED" for role in JOB_ROLES)


class MasterReceived(Event):
    """A master is complete in the masters bucket."""

    TOPIC: ClassVar[Topic] = MASTER_RECEIVED

    upload_id: str
    bucket: str
    name: str
    generation: int


class FinishedJob(Frozen):
    """The `job` of a Transcoder notification."""

    name: str
    state: Literal["SUCCEEDED", "FAILED"]
    error: dict[str, Any] | None = None


class TranscodeFinished(Event):
    """The Transcoder's own notification.

    https://cloud.google.com/transcoder/docs/how-to/create-pub-sub
    """

    TOPIC: ClassVar[Topic] = TRANSCODE_FINISHED

    job: FinishedJob
