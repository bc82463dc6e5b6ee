"""Types of playback."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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
