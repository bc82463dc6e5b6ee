"""The event and its Protobuf schema say the same."""

from __future__ import annotations

import re
from pathlib import Path

from shared.catalog.models import Track, TrackPublished
from shared.catalog.service import track_published
from tests.unit.catalog.samples import a_track, an_album, an_artist

SCHEMA = Path(__file__).parents[3] / "shared" / "schemas" / "track_published.proto"
TRACK = a_track(an_album(an_artist()))


def test_the_schema_has_the_fields_of_the_event() -> None:
    text = SCHEMA.read_text()
    assert re.search(rf"\bmessage {TrackPublished.TOPIC.schema} \{{", text)
    declared = re.findall(r"^\s+(?:optional|repeated) string (\w+) = \d+;", text, re.MULTILINE)
    assert declared == list(TrackPublished.model_fields)


def test_one_asset_has_one_event_id() -> None:
    again = track_published(TRACK.model_copy(update={"popularity": 3}))
    assert again == track_published(TRACK)
    other = TRACK.model_copy(update={"asset_version": "f" * 16})
    assert track_published(other).event_id != again.event_id


def test_a_document_survives_the_store_and_a_field_from_the_future() -> None:
    assert Track.model_validate({**TRACK.to_document(), "mood": "blue"}) == TRACK
