from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from shared.connect.requests import (
    DeviceRequest,
    OnOff,
    PlayRequest,
    ReportRequest,
    TransferRequest,
)

TRACK = "spotify:track:" + "a" * 22
ALBUM = "spotify:album:" + "a" * 22


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"context_uri": ALBUM, "offset": {"position": 0}},
        {"context_uri": "spotify:user:a.b-c_d:collection"},
        {"uris": [TRACK, "spotify:episode:" + "b" * 22], "offset": {"uri": TRACK}},
        {"position_ms": 5.0},  # an integer, to JSON
        {"uris": None, "offset": None, "unknown": 1},
    ],
)
def test_what_clients_send_is_understood(body: dict[str, Any]) -> None:
    asked = PlayRequest.model_validate(body).asked()
    assert asked["context_uri"] == body.get("context_uri")
    assert asked["uris"] == body.get("uris")


@pytest.mark.parametrize(
    "body",
    [
        {"position_ms": 1.5},
        {"position_ms": "1"},
        {"position_ms": True},
        {"position_ms": -1},
        {"context_uri": TRACK},
        {"context_uri": f"{ALBUM}\n"},
        {"context_uri": "spotify:user::collection"},
        {"uris": [ALBUM]},
        {"uris": [TRACK] * 1001},
        {"uris": [TRACK], "context_uri": ALBUM},
        {"offset": {"position": 1, "uri": TRACK}},
        {"offset": 3},
    ],
)
def test_what_is_none_of_ours_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PlayRequest.model_validate(body)


def test_one_device_is_transferred_to() -> None:
    assert TransferRequest.model_validate({"device_ids": ["a"]}).play is None
    for ids in ([], ["a", "b"], ["a b"], "a"):
        with pytest.raises(ValidationError):
            TransferRequest.model_validate({"device_ids": ids})


def test_a_devices_type_is_read_in_any_case_and_told_in_one() -> None:
    assert DeviceRequest.model_validate({"name": "x", "type": "smartPHONE"}).type == "Smartphone"
    assert DeviceRequest.model_validate({"name": "x"}).type == "Unknown"
    for fault in ({"name": ""}, {"name": "a\x00"}, {"name": "x", "volume_percent": 101}):
        with pytest.raises(ValidationError):
            DeviceRequest.model_validate(fault)


def test_a_report_says_all_that_is_needed() -> None:
    said = {"version": 3, "position_ms": 0, "is_playing": False}
    assert ReportRequest.model_validate(said).item_uri is None
    for missing in said:
        with pytest.raises(ValidationError):
            ReportRequest.model_validate({key: said[key] for key in said if key != missing})


def test_on_and_off_have_one_spelling() -> None:
    switch: TypeAdapter[bool] = TypeAdapter(OnOff)
    assert [switch.validate_python(text) for text in ("true", "False")] == [True, False]
    for text in ("1", "yes", "on", ""):
        with pytest.raises(ValidationError):
            switch.validate_python(text)
