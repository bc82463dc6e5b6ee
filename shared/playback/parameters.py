"""What requests for playback say, for the OpenAPI document: they are read by hand, for speed."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Header

from shared.drm.clearkey import MAX_KEY_IDS
from shared.platform.parameters import ID_PATTERN
from shared.playback.quality import DEFAULT_KBPS, KNOWN_KBPS, TIERS_KBPS
from shared.playback.service import MANIFESTS
from shared.playback.sessions import MAX_DEVICE_CHARS

DeviceHeader = Annotated[str | None, Header(max_length=MAX_DEVICE_CHARS)]


def _query(name: str, words: str, *, required: bool = False, **schema: Any) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": required,
        "description": words,
        "schema": schema,
    }


MANIFEST_QUERY: dict[str, Any] = {
    "parameters": [
        _query("track_id", "the track", required=True, type="string", pattern=ID_PATTERN),
        _query("codec", "how it is coded", type="string", enum=[*TIERS_KBPS], default="aac"),
        _query(
            *("br", "at most so many kbps; 320 needs Premium"),
            type="integer",
            enum=[*KNOWN_KBPS],
            default=DEFAULT_KBPS,
        ),
        _query("protocol", "of AAC", type="string", enum=[*MANIFESTS]),
        _query("preview", "30 s for everybody", type="boolean", default=False),
        {
            "name": "X-Device-ID",
            "in": "header",
            "required": False,
            "description": "the device that plays",
            "schema": {"type": "string", "maxLength": MAX_DEVICE_CHARS},
        },
    ]
}

LICENCE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["kids"],
                    "properties": {
                        "kids": {
                            "type": "array",
                            "minItems": 1,
                            "maxItems": MAX_KEY_IDS,
                            "items": {"type": "string", "pattern": "^[A-Za-z0-9_-]{22}$"},
                        },
                        "type": {"type": "string", "enum": ["temporary", "persistent-license"]},
                    },
                }
            }
        },
    }
}
