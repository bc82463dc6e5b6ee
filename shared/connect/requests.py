"""What requests to the player say, as types that validate and document them.

Strict, but for what clients really send: an empty body, keys that are not known.
"""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Header, Path, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from typing_extensions import TypedDict

from shared.connect.contexts import CONTEXT_PATTERN, ITEM_PATTERN, Offset
from shared.connect.models import DEVICE_TYPES

MAX_POSITION_MS = 7 * 24 * 3600 * 1000  # longer than anything that is played
MAX_URIS = 1_000  # of one list to play
DEVICE_ID_PATTERN = r"^[0-9A-Za-z_.:-]{1,128}$"
MAX_STREAM_S = 3_300  # below the function's timeout of 3,600 s; the client reconnects
NAME_PATTERN = r"^[^\x00-\x1f\x7f]{1,100}$"
_CANONICAL = {one.lower(): one for one in DEVICE_TYPES}


def _boolean(text: object) -> object:
    known = {"true": True, "false": False}
    if isinstance(text, str) and text.lower() not in known:
        raise ValueError("must be true or false")
    return known[text.lower()] if isinstance(text, str) else text


def _whole(number: object) -> object:
    return int(number) if isinstance(number, float) and number.is_integer() else number


def _device_type(text: object) -> object:
    return _CANONICAL.get(text.lower(), text) if isinstance(text, str) else text


DeviceId = Annotated[str, Path(pattern=DEVICE_ID_PATTERN, description="chosen by the device")]
DeviceIdQuery = Annotated[
    str | None,
    Query(pattern=DEVICE_ID_PATTERN, description="the device; by default the active one"),
]
ReportingDevice = Annotated[
    str, Query(alias="device_id", pattern=DEVICE_ID_PATTERN, description="the device that reports")
]
PositionMs = Annotated[int, Query(ge=0, le=MAX_POSITION_MS)]
VolumePercent = Annotated[int, Query(ge=0, le=100)]
OnOff = Annotated[bool, BeforeValidator(_boolean), Query()]
RepeatMode = Annotated[Literal["track", "context", "off"], Query()]
ItemUri = Annotated[str, Query(pattern=ITEM_PATTERN, description="of a track or an episode")]
AdditionalTypes = Annotated[
    str | None, Query(max_length=100, description="`episode`, where the client knows episodes")
]
DeviceName = Annotated[str, Query(pattern=NAME_PATTERN)]
DeviceType = Annotated[Literal[DEVICE_TYPES], BeforeValidator(_device_type)]  # type: ignore[valid-type]
StreamLife = Annotated[
    int, Query(ge=1, le=MAX_STREAM_S, description="seconds until the stream ends, at most")
]
LastEventId = Annotated[int | None, Header(ge=0, le=2**53)]


Whole = Annotated[int, BeforeValidator(_whole)]
"""An integer as JSON has it: 5.0 is one."""


class _Request(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)


def _either(one: str, other: str) -> ConfigDict:
    """That two keys exclude each other, for the document; `_check_either` holds requests to it."""
    return ConfigDict(json_schema_extra={"not": {"required": [one, other]}})


def _check_either(request: BaseModel, one: str, other: str) -> None:
    if {one, other} <= request.model_fields_set:
        raise ValueError(f"{one} and {other} must not be given together")


class OffsetRequest(_Request):
    """Where in a context to start: at an index or at an item."""

    model_config = _either("position", "uri")

    position: Whole | None = Field(default=None, ge=0, le=100_000)
    uri: str | None = Field(default=None, pattern=ITEM_PATTERN)

    @model_validator(mode="after")
    def _one(self) -> OffsetRequest:
        _check_either(self, "position", "uri")
        return self


class Asked(TypedDict):
    """What play is asked for."""

    context_uri: str | None
    uris: list[str] | None
    offset: Offset | None
    position_ms: int | None


class PlayRequest(_Request):
    """The body of play; an empty one plays on."""

    model_config = _either("context_uri", "uris")

    context_uri: str | None = Field(default=None, pattern=CONTEXT_PATTERN)
    uris: list[Annotated[str, Field(pattern=ITEM_PATTERN)]] | None = Field(
        default=None, min_length=1, max_length=MAX_URIS
    )
    offset: OffsetRequest | None = None
    position_ms: Whole | None = Field(default=None, ge=0, le=MAX_POSITION_MS)

    @model_validator(mode="after")
    def _one(self) -> PlayRequest:
        _check_either(self, "context_uri", "uris")
        return self

    def asked(self) -> Asked:
        """What it asks for, by the names of `service.play`."""
        return {
            "context_uri": self.context_uri,
            "uris": self.uris,
            "offset": Offset(self.offset.position, self.offset.uri) if self.offset else None,
            "position_ms": self.position_ms,
        }


class TransferRequest(_Request):
    """The body of transfer: one device."""

    device_ids: list[Annotated[str, Field(pattern=DEVICE_ID_PATTERN)]] = Field(
        min_length=1, max_length=1
    )
    play: bool | None = None


class DeviceRequest(_Request):
    """What a device says of itself; without `volume_percent` its volume stays."""

    name: str = Field(pattern=NAME_PATTERN)
    type: DeviceType = "Unknown"
    volume_percent: Whole | None = Field(default=None, ge=0, le=100)
    supports_volume: bool = True
    is_private_session: bool = False
    is_restricted: bool = False


class ReportRequest(_Request):
    """What the active device does. `version` is that of the state which it last took up;
    `item_uri` is left out while it plays what that state says."""

    version: Whole = Field(ge=0, le=2**53)
    position_ms: Whole = Field(ge=0, le=MAX_POSITION_MS)
    is_playing: bool
    item_uri: str | None = Field(default=None, pattern=ITEM_PATTERN)
    context_uri: str | None = Field(default=None, pattern=CONTEXT_PATTERN)
