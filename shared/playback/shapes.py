"""What playback answers, as types."""

from __future__ import annotations

from typing import Literal, NotRequired

from typing_extensions import TypedDict


class ReasonsObject(TypedDict):
    """What a CDN's score is made of."""

    latency: float
    availability: float
    cost: float
    summary: str


class SignedCdnObject(TypedDict):
    """A CDN and the signature that opens the track's folder there; the best score is first."""

    cdn: str
    base_url: str
    query: str
    score: float
    reasons: ReasonsObject


class AlternateObject(TypedDict):
    """The same manifest on another CDN."""

    cdn: str
    manifest_url: str


class FileObject(TypedDict):
    """A file to play by byte ranges; `kid` (hex) and `iv` (hex) where it is encrypted."""

    cdn: str
    url: str
    codec: str
    bitrate_kbps: int
    size_bytes: int
    kid: str | None
    iv: str | None


class ManifestObject(TypedDict):
    """Where and how to play a track; `expires_at` is RFC 3339, `files` is there for Vorbis."""

    track_id: str
    codec: Literal["aac", "vorbis"]
    bitrate_kbps: int
    protocol: Literal["dash", "hls", "file"]
    manifest_url: str
    alternates: list[AlternateObject]
    license_url: str | None
    expires_at: str
    drm_scheme: Literal["clearkey", "none"]
    encryption: Literal["cbcs", "aes-256-ctr"] | None
    session_id: str
    cdn: str
    cdns: list[SignedCdnObject]
    duration_ms: int
    files: NotRequired[list[FileObject]]


class JsonWebKey(TypedDict):
    """A content key, base64url without padding."""

    kty: Literal["oct"]
    kid: str
    k: str


class LicenceObject(TypedDict):
    """A W3C Clear Key licence."""

    keys: list[JsonWebKey]
    type: Literal["temporary", "persistent-license"]
