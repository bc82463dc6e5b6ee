"""Documents of the catalog, as Firestore holds them (F126, F129-F132).

Ids are 22 base62 characters, `territories` ISO 3166-1 alpha-2 codes where the empty tuple means
everywhere and `blocked_in` takes away from them (`*`: everywhere), `images` ids below the images
bucket (each in all of `IMAGE_SIZES_PX`), `popularity` 0..100.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, computed_field

from shared.catalog.markets import EVERYWHERE, is_available
from shared.platform.events import Event
from shared.topology import TRACK_PUBLISHED, Topic

IMAGE_SIZES_PX = (640, 300, 64)  # widest first, as the Web API lists them
NAME_LIMIT = 500  # F126

AlbumType = Literal["album", "single", "compilation"]
AlbumGroup = Literal["album", "single", "compilation", "appears_on"]
DatePrecision = Literal["year", "month", "day"]
Codec = Literal["aac", "vorbis"]
DrmScheme = Literal["cbcs", "aes-256-ctr", "none"]


def _market(code: Any) -> Any:
    return code.upper() if isinstance(code, str) else code


Market = Annotated[str, BeforeValidator(_market), Field(pattern=r"^[A-Z]{2}$")]
BlockedMarket = Annotated[str, BeforeValidator(_market), Field(pattern=r"^([A-Z]{2}|\*)$")]
Popularity = Annotated[int, Field(ge=0, le=100)]


class Document(BaseModel):
    """Base of the documents: frozen; a field that a later version added is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    def to_document(self) -> dict[str, Any]:
        """The fields as Firestore stores them."""
        return self.model_dump(mode="python")


class Withdrawable(Document):
    """What can be withdrawn: `blocked_in` is written by `catalog.service.withdraw` alone."""

    blocked_in: tuple[BlockedMarket, ...] = ()

    @property
    def withheld_in(self) -> tuple[str, ...]:
        """Where it is blocked, by itself or with what it belongs to."""
        return self.blocked_in

    def is_blocked_in(self, market: str | None) -> bool:
        """Whether it must not be shown in `market` (None: not known, so blocks of single markets
        do not count)."""
        return EVERYWHERE in self.withheld_in or market in self.withheld_in


class Released(Withdrawable):
    """What is heard where it is licensed and not withdrawn."""

    territories: tuple[Market, ...] = ()

    def is_released_in(self, market: str | None) -> bool:
        """Whether it may be played in `market` (None: in any)."""
        if market is None:
            return not self.is_blocked_in(None)
        return is_available(self.territories, market, self.withheld_in)


class ArtistRef(Document):
    """An artist by id and name, copied into what they made."""

    id: str
    name: str


class AlbumRef(Released):
    """The copy of an album that each of its tracks carries; `publish_track` keeps it true."""

    id: str
    name: str
    images: tuple[str, ...] = ()
    release_date: str = "0000"  # YYYY, YYYY-MM or YYYY-MM-DD; "0000" is unknown
    release_date_precision: DatePrecision = "year"
    album_type: AlbumType = "album"
    total_tracks: int = 0
    artists: tuple[ArtistRef, ...] = ()


class Copyright(Document):
    """A copyright line: `type` C for the work, P for the recording."""

    text: str
    type: Literal["C", "P"]


class Encoding(Document):
    """One rendition of a track (F132).

    `path` is relative to the audio bucket: of the media playlist (`…/aac_160.m3u8`) for segmented
    renditions, of the file for Ogg. `checksum` is the SHA-256, in hex, of what `path` names. `kid`
    is 32 hex digits; `iv` (hex, 16 bytes) is there for Ogg only.
    """

    codec: Codec
    bitrate_kbps: int = Field(gt=0)
    container: str
    path: str
    size_bytes: int = Field(ge=0)
    kid: str | None = None
    iv: str | None = None
    drm_scheme: DrmScheme = "none"
    checksum: str = ""
    sample_rate_hz: int = 44_100
    channels: int = 2
    measured_bitrate_kbps: float | None = None


class Track(Released):
    """A track as published; without audio (loaded metadata alone) `asset_version` and
    `content_hash` are empty and there are no encodings."""

    id: str
    name: str = Field(max_length=NAME_LIMIT)
    artists: tuple[ArtistRef, ...]
    album_id: str
    album: AlbumRef
    disc_number: int = Field(default=1, ge=1)
    track_number: int = Field(default=1, ge=1)
    duration_ms: int = Field(gt=0)
    explicit: bool = False
    isrc: str | None = None
    popularity: Popularity = 0
    preview_url: str | None = None  # absolute, or a path (`/previews/…`) on the images host
    image_id: str | None = None
    asset_version: str = ""  # 16 hex digits; changes with the audio (F096)
    encodings: tuple[Encoding, ...] = ()
    loudness_lufs: float | None = None
    content_hash: str = ""  # SHA-256 of the master, in hex
    published_at: datetime = Field(default_factory=lambda: datetime.now(UTC))

    @computed_field  # type: ignore[prop-decorator]
    @property
    def artist_ids(self) -> tuple[str, ...]:
        """Ids of its artists, in their order; stored, so that an artist's tracks can be asked."""
        return tuple(artist.id for artist in self.artists)

    @property
    def asset_prefix(self) -> str:
        """Where its audio lies in the audio bucket, without slashes at the ends."""
        return f"{self.id}/{self.asset_version}"

    @property
    def withheld_in(self) -> tuple[str, ...]:
        """Its own blocks and its album's."""
        return tuple(dict.fromkeys((*self.blocked_in, *self.album.blocked_in)))


class Sound(Document):
    """What ingestion adds to a track that the catalogue has: the fields of `Track` of the same
    names."""

    duration_ms: int = Field(gt=0)
    preview_url: str | None = None
    asset_version: str
    encodings: tuple[Encoding, ...]
    loudness_lufs: float | None = None
    content_hash: str


class Album(Released):
    """An album; `territories` is where at least one of its tracks is released, `guest_ids` who
    is on a track of it without being one of its artists."""

    id: str
    name: str = Field(max_length=NAME_LIMIT)
    artists: tuple[ArtistRef, ...]
    album_type: AlbumType = "album"
    release_date: str = "0000"
    release_date_precision: DatePrecision = "year"
    upc: str | None = None
    label: str | None = None
    images: tuple[str, ...] = ()
    total_tracks: int = Field(default=0, ge=0)
    genres: tuple[str, ...] = ()
    popularity: Popularity = 0
    copyrights: tuple[Copyright, ...] = ()
    guest_ids: tuple[str, ...] = ()

    @computed_field  # type: ignore[prop-decorator]
    @property
    def artist_ids(self) -> tuple[str, ...]:
        """Ids of everybody on it, its own artists first; stored, so that an artist's albums can
        be asked."""
        own = tuple(artist.id for artist in self.artists)
        return (*own, *(guest for guest in self.guest_ids if guest not in own))

    def ref(self) -> AlbumRef:
        """The copy for its tracks."""
        return AlbumRef.model_validate(self.model_dump(include=set(AlbumRef.model_fields)))


class Artist(Withdrawable):
    """An artist."""

    id: str
    name: str = Field(max_length=NAME_LIMIT)
    aliases: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    genres: tuple[str, ...] = ()
    popularity: Popularity = 0
    verified: bool = False

    def ref(self) -> ArtistRef:
        """The copy for what they made."""
        return ArtistRef(id=self.id, name=self.name)


class Publication(Document):
    """What the catalog holds after a publish: the documents as merged with what was there."""

    track: Track
    album: Album
    artists: tuple[Artist, ...]


class TrackPublished(Event):
    """A track can now be found and played. `event_id` is the same for the same asset."""

    TOPIC: ClassVar[Topic] = TRACK_PUBLISHED

    event_id: str
    track_id: str
    asset_version: str
    content_hash: str
    album_id: str
    artist_ids: tuple[str, ...]
    published_at: datetime
