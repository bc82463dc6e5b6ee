"""The W3C Clear Key licence format: a request parsed, a response rendered. Pure.

https://www.w3.org/TR/encrypted-media/#clear-key
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any, cast

from shared.drm.models import LicenceRequest, LicenceType
from shared.platform.errors import InvalidInput

MAX_KEY_IDS = 16  # one track has two keys; more is not one of our players
MAX_KEY_ID_BYTES = 512  # EME, "Clear Key: initialisation data"
MAX_REQUEST_BYTES = 16_384
_BASE64URL = re.compile(r"([A-Za-z0-9_-]+)={0,2}")  # padding is against the letter, and harmless
_TYPES = ("temporary", "persistent-license")


def parse_request(body: bytes) -> LicenceRequest:
    """The request in `body`; `type` defaults to "temporary".

    Raises InvalidInput that says what is wrong: not JSON, no key ids, a key id that is not
    unpadded base64url, an unknown session type.
    """
    if len(body) > MAX_REQUEST_BYTES:
        raise InvalidInput(f"A licence request has at most {MAX_REQUEST_BYTES} bytes.")
    try:
        request = json.loads(body)
    except (ValueError, RecursionError):
        raise InvalidInput("Malformed JSON in the licence request.") from None
    if not isinstance(request, dict):
        raise InvalidInput("A licence request is a JSON object with `kids`.")
    kids = request.get("kids")
    if not isinstance(kids, list) or not 1 <= len(kids) <= MAX_KEY_IDS:
        raise InvalidInput(f"`kids` is a list of 1..{MAX_KEY_IDS} base64url key ids.")
    kind = request.get("type", "temporary")
    if kind not in _TYPES:
        raise InvalidInput(f"`type` is one of: {', '.join(_TYPES)}.")
    return LicenceRequest(tuple(_key_id(kid) for kid in kids), cast(LicenceType, kind))


def render_response(keys: Mapping[str, bytes], kind: LicenceType = "temporary") -> dict[str, Any]:
    """A licence of `keys` (key id in hex to key) as a JSON Web Key set with `type`."""
    return {
        "keys": [
            {"kty": "oct", "kid": base64url(bytes.fromhex(kid)), "k": base64url(key)}
            for kid, key in keys.items()
        ],
        "type": kind,
    }


def base64url(data: bytes) -> str:
    """Unpadded base64url, the only encoding that Clear Key knows."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _key_id(text: object) -> str:
    if isinstance(text, str) and (match := _BASE64URL.fullmatch(text)):
        bare = match[1]
        if len(bare) % 4 != 1:
            raw = base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4))
            if len(raw) <= MAX_KEY_ID_BYTES:
                return raw.hex()
    raise InvalidInput("A key id is 1..512 bytes in unpadded base64url.")
