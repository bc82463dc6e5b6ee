"""Playback tokens (F041): 176 characters that open one asset to one session. Pure.

A token is a fixed layout of 100 bytes and their HMAC-SHA256, in base64url. 132 bytes leave no
spare bits in the encoding, so each token has one spelling and any changed character is refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import struct

from shared.catalog.models import Codec
from shared.platform.errors import Forbidden, Gone
from shared.playback.models import Session

LIFE_S = 3600  # at most, F091
TOKEN_CHARS = 176
NO_DEVICE = bytes(8)
NO_KID = "0" * 32
MIN_KEY_BYTES = 32

# version, codec | preview flag, kbps, expiry, session, user, device, track, asset version, kid
_LAYOUT = struct.Struct(">BBHI22s16s8s22s8s16s")
_MAC_BYTES = 32
_VERSION = 1
_CODECS: tuple[Codec, ...] = ("aac", "vorbis")
_PREVIEW_FLAG = 0x80
_SPELLING = re.compile(rf"[A-Za-z0-9_-]{{{TOKEN_CHARS}}}")


def digest_user(key: bytes, user_id: str) -> bytes:
    """16 bytes that stand for a user where their id must not be read."""
    digest = hashlib.blake2b(
        user_id.encode(), digest_size=16, key=key[:64], person=b"playback user"
    )
    return digest.digest()


def digest_device(device_id: str | None) -> bytes:
    """8 bytes that stand for a device, zeros for none."""
    if not device_id:
        return NO_DEVICE
    return hashlib.blake2s(device_id.encode(), digest_size=8).digest()


def issue(key: bytes, session: Session) -> str:
    """The token of `session` under `key` (32 bytes or more)."""
    payload = _LAYOUT.pack(
        _VERSION,
        _CODECS.index(session.codec) | (_PREVIEW_FLAG if session.is_preview else 0),
        session.bitrate_kbps,
        session.expires_at_s,
        session.session_id.encode(),
        session.user,
        session.device,
        session.track_id.encode(),
        bytes.fromhex(session.asset_version),
        bytes.fromhex(session.kid),
    )
    return base64.urlsafe_b64encode(payload + hmac.digest(key, payload, "sha256")).decode()


def read(key: bytes, token: str, now_s: float) -> Session:
    """The session of `token`.

    Raises Forbidden for anything that `issue` did not make under `key`, Gone once it expired.
    """
    raw = b""
    if _SPELLING.fullmatch(token):
        try:
            raw = base64.urlsafe_b64decode(token)
        except binascii.Error:
            raw = b""
    payload, mac = raw[: _LAYOUT.size], raw[_LAYOUT.size :]
    if len(mac) != _MAC_BYTES or not hmac.compare_digest(mac, hmac.digest(key, payload, "sha256")):
        raise Forbidden("Invalid playback session", reason="INVALID_SESSION")
    version, flags, kbps, expires_at_s, session, user, device, track, asset, kid = _LAYOUT.unpack(
        payload
    )
    if version != _VERSION:
        raise Forbidden("Invalid playback session", reason="INVALID_SESSION")
    if expires_at_s <= now_s:
        raise Gone(
            "The playback session expired; request a new manifest.", reason="SESSION_EXPIRED"
        )
    return Session(
        session_id=session.decode(),
        user=user,
        device=device,
        track_id=track.decode(),
        asset_version=asset.hex(),
        codec=_CODECS[flags & ~_PREVIEW_FLAG],
        bitrate_kbps=kbps,
        is_preview=bool(flags & _PREVIEW_FLAG),
        kid=kid.hex(),
        expires_at_s=expires_at_s,
    )
