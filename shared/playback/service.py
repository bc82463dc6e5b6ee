"""The way from a track to its addresses: manifest answers and rewritten playlists (F033-F046)."""

from __future__ import annotations

import re
import time
from typing import Any

from cachetools import LRUCache
from pydantic_core import to_json

from shared.catalog import service as catalog
from shared.catalog.models import Encoding, Track
from shared.delivery.models import SignedCandidate, SignedDelivery
from shared.platform.auth import Principal
from shared.platform.cache import ReadThroughCache
from shared.platform.errors import Forbidden, InvalidInput, NotFound, NotInMarket
from shared.platform.ids import random_id
from shared.platform.settings import settings
from shared.playback import playlists, sessions, store, tokens
from shared.playback.models import Session, StreamAnswer
from shared.playback.quality import DEFAULT_KBPS, checked_bitrate, checked_codec, choose
from shared.playback.sessions import Signed

MANIFESTS = {"dash": "manifest.mpd", "hls": "master.m3u8"}
PREVIEW_MANIFEST = "preview/master.m3u8"
CONTENT_TYPES = {"mpd": "application/dash+xml", "m3u8": "application/vnd.apple.mpegurl"}
MAX_PLAYLIST_AGE_S = 300
TEMPLATES_KEPT = 2_000  # about 15 kB each
MANIFEST_TTL_S = 86_400
MISSING_TTL_S = 30  # F099
_FILE = re.compile(r"(?:preview/)?[A-Za-z0-9_-]{1,64}\.(mpd|m3u8)")

_manifests: ReadThroughCache[str, bytes] = ReadThroughCache(
    store.read_manifests, maximum=500, ttl_s=MANIFEST_TTL_S, negative_ttl_s=MISSING_TTL_S
)
_templates: LRUCache[tuple[str, int], str] = LRUCache(TEMPLATES_KEPT)


async def manifest(
    principal: Principal,
    track_id: str,
    *,
    codec: str = "aac",
    br: str = str(DEFAULT_KBPS),
    protocol: str = "",
    preview: bool = False,
    device_id: str | None = None,
) -> dict[str, Any]:
    """Where and how `principal` may hear a track, as the body of the answer.

    The checks in their order (F040): the track exists (NotFound), is licensed in the caller's
    country (NotInMarket), and the subscription includes `br` (PremiumRequired); then InvalidInput
    for values that are none of ours. A preview needs no subscription and is always HLS.
    """
    user_id = principal.require_user()
    device = sessions.checked_device(device_id)
    track = await catalog.get_track(track_id)
    if not track.is_released_in(principal.country):
        raise NotInMarket(f"This track is not available in {principal.country}.")
    chosen_codec = checked_codec(codec)
    kbps = DEFAULT_KBPS if preview else checked_bitrate(br, chosen_codec, principal.tier)
    if protocol not in ("", *MANIFESTS):
        raise InvalidInput(f"Invalid protocol; it is one of: {', '.join(MANIFESTS)}")
    if preview and (chosen_codec != "aac" or protocol == "dash"):
        raise InvalidInput("A preview is there as AAC over HLS only.")

    encoding = choose(track.encodings, chosen_codec, kbps).encoding
    key = await sessions.token_key()
    session = Session(
        session_id=random_id(),
        user=tokens.digest_user(key, user_id),
        device=tokens.digest_device(device),
        track_id=track.id,
        asset_version=track.asset_version,
        codec=chosen_codec,
        bitrate_kbps=encoding.bitrate_kbps,
        is_preview=preview,
        kid=tokens.NO_KID if preview else encoding.kid or tokens.NO_KID,
        expires_at_s=int(time.time()) + tokens.LIFE_S,
    )
    # What lies in a folder of its own is opened by a signature of its own: Premium's renditions.
    folder = encoding.path.rpartition("/")[0] if chosen_codec == "vorbis" else None
    signed = await sessions.signed(session, folder)
    token = tokens.issue(key, session)
    if chosen_codec == "vorbis":
        return _vorbis(track, session, token, signed, encoding)
    if preview:
        return _segmented(track, session, token, signed, "hls", PREVIEW_MANIFEST)
    protocol = protocol or "dash"
    return _segmented(track, session, token, signed, protocol, MANIFESTS[protocol])


def _segmented(
    track: Track,
    session: Session,
    token: str,
    signed: Signed,
    protocol: str,
    file: str,
) -> dict[str, Any]:
    urls = [
        (one.signed.cdn, sessions.stream_url(token, one.signed.cdn, file))
        for one in signed.delivery.candidates
    ]
    encryption = "cbcs" if session.kid != tokens.NO_KID else None
    answer = _common(track, session, token, signed, protocol, encryption)
    return {
        **answer,
        "manifest_url": urls[0][1],
        "alternates": [{"cdn": cdn, "manifest_url": url} for cdn, url in urls[1:]],
    }


def _vorbis(
    track: Track, session: Session, token: str, signed: Signed, encoding: Encoding
) -> dict[str, Any]:
    name = encoding.path.rpartition("/")[2]
    files = [
        {
            "cdn": one.signed.cdn,
            "url": one.signed.url(name),
            "codec": encoding.codec,
            "bitrate_kbps": encoding.bitrate_kbps,
            "size_bytes": encoding.size_bytes,
            "kid": encoding.kid,
            "iv": encoding.iv,
        }
        for one in signed.delivery.candidates
    ]
    encryption = "aes-256-ctr" if encoding.kid else None
    return {
        **_common(track, session, token, signed, "file", encryption),
        "manifest_url": files[0]["url"],
        "alternates": [{"cdn": one["cdn"], "manifest_url": one["url"]} for one in files[1:]],
        "files": files,
    }


def _common(
    track: Track,
    session: Session,
    token: str,
    signed: Signed,
    protocol: str,
    encryption: str | None,
) -> dict[str, Any]:
    return {
        "track_id": track.id,
        "codec": session.codec,
        "bitrate_kbps": session.bitrate_kbps,
        "protocol": protocol,
        "license_url": sessions.licence_url(token) if encryption else None,
        "expires_at": sessions.timestamp(min(session.expires_at_s, signed.expires_at_s)),
        "drm_scheme": "clearkey" if encryption else "none",
        "encryption": encryption,
        "session_id": session.session_id,
        "cdn": signed.shown[0]["cdn"],
        "cdns": signed.shown,
        "duration_ms": track.duration_ms,
    }


async def stream(token: str, cdn: str, file: str) -> StreamAnswer:
    """A playlist of the token's asset with every address on `cdn`, signed.

    Raises Forbidden or Gone for the token, NotFound for a CDN or a file that is not there.
    """
    session = await sessions.read_token(token)
    named = _FILE.fullmatch(file)
    kbps = playlists.rendition_kbps(file)
    if named is None or session.is_preview != file.startswith("preview/"):
        raise NotFound("There is no such playlist in this session.")
    if kbps is not None and kbps > session.bitrate_kbps:
        raise Forbidden(f"This session goes up to {session.bitrate_kbps} kbps.")
    path = f"{session.track_id}/{session.asset_version}/{file}"
    template = _templates.get((path, session.bitrate_kbps))
    if template is None:
        template = await _template(path, session.bitrate_kbps)
    delivery = (await sessions.signed(session)).delivery
    chosen = _candidate(delivery, cdn)
    folder = file.rpartition("/")[0]
    base_url = f"{chosen.signed.base_url}{folder}/" if folder else chosen.signed.base_url
    if named[1] == "mpd":
        body = playlists.fill_mpd(
            template, base_url, chosen.signed.query, sessions.licence_url(token)
        )
    else:
        body = playlists.fill_hls(template, base_url, chosen.signed.query)
    ends_s = min(session.expires_at_s, chosen.signed.expires_at.timestamp()) - time.time()
    return StreamAnswer(body, CONTENT_TYPES[named[1]], max(0, min(MAX_PLAYLIST_AGE_S, int(ends_s))))


async def _template(path: str, kbps: int) -> str:
    document = await _manifests.get(path)
    if document is None:
        raise NotFound("There is no such playlist in this session.")
    if path.endswith(".mpd"):
        template = playlists.mpd_template(document, kbps)
    else:
        template = playlists.hls_template(document.decode(), kbps)
    _templates[path, kbps] = template
    return template


def _candidate(delivery: SignedDelivery, cdn: str) -> SignedCandidate:
    for one in delivery.candidates:
        if one.signed.cdn == cdn:
            return one
    # Judged unhealthy since the manifest named it: the best one serves instead.
    if any(known.name == cdn for known in settings().cdns):
        return delivery.candidates[0]
    raise NotFound(f"There is no CDN {cdn[:40]!r}.")


def to_bytes(body: dict[str, Any]) -> bytes:
    """`body` as compact JSON."""
    return to_json(body)
