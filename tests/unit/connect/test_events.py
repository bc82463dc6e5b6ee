from __future__ import annotations

import json

from shared.connect.events import sse


def test_an_event_is_one_line_of_data_with_its_version_as_id() -> None:
    body = {"name": "line\nbreak", "title": "Ø"}
    lines = sse("state", body, 7).decode().split("\n")
    assert lines[:2] == ["event: state", "id: 7"]
    assert json.loads(lines[2].removeprefix("data: ")) == body
    assert lines[3:] == ["", ""]
    assert b"id:" not in sse("devices", body)
