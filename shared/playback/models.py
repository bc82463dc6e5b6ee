"""Types of playback."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from shared.catalog.models import Codec

Protocol = Literal["dash", "hls"]


@dataclass(frozen=True, slots=True)
class Session:
    """What a playback token says: who may hear what, on which device, until when.

    `user` and `device` are keyed digests, so an address in a log names nobody; `device` is all
    zeros when the client named none. `bitrate_kbps` is the highest rendition granted, `kid` the
    one content key (32 hex digits, all zeros for an unprotected preview).
    """

    session_id: str
    user: bytes  # 16 bytes
    device: bytes  # 8 bytes
    track_id: str
    asset_version: str  # 16 hex digits
    codec: Codec
    bitrate_kbps: int
    is_preview: bool
    kid: str
    expires_at_s: int

    @property
    def uid(self) -> str:
        """The listener as the CDNs' tokens and logs know them."""
        return self.user.hex()


@dataclass(frozen=True, slots=True)
class StreamAnswer:
    """A rewritten playlist."""

    body: bytes
    content_type: str
    max_age_s: int


class HeartbeatRequest(BaseModel):
    """A device that sounds, by its playback session or by its id; `stopped` gives its place to
    the next."""

    model_config = ConfigDict(strict=True, frozen=True)

    session: str | None = Field(default=None, pattern=r"^[0-9A-Za-z_-]{1,256}$")
    device_id: str | None = Field(default=None, min_length=1, max_length=128)
    stopped: bool = False


class HeartbeatObject(TypedDict):
    """Until when (RFC 3339) the device may sound without another heartbeat, how often to send
    one, and how many devices sound of how many that may."""

    expires_at: str
    heartbeat_s: int
    streams: int
    limit: int
