"""Requests, events and their schema."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from shared.ingestion import service
from shared.ingestion.models import (
    MasterMetadata,
    MasterReceived,
    TrackMetadata,
    UploadMetadata,
    UploadRequest,
)
from shared.platform.errors import InvalidInput, TooLarge

SCHEMAS = Path(service.__file__).parents[1] / "schemas"


def test_the_schema_of_the_event_has_the_events_fields() -> None:
    text = (SCHEMAS / "master_received.proto").read_text()
    body = re.search(r"message MasterReceived \{(.*?)\}", text, re.DOTALL)
    assert body is not None
    fields = re.findall(r"^\s*optional (\w+) (\w+) = \d+;", body[1], re.MULTILINE)
    kinds = {str: "string", int: "int64"}
    assert {name: kind for kind, name in fields} == {
        name: kinds[field.annotation]  # type: ignore[index]
        for name, field in MasterReceived.model_fields.items()
    }


@pytest.mark.parametrize(
    "metadata",
    [
        {"isrc": "USS1Z99"},
        {"upc": "036000291453"},
        {"territories": ["XX"]},
        {"territories": ["DEU"]},
        {"artists": []},
        {"title": "   "},
        {"title": "x" * 501},
        {"release_date": "2024-13"},
        {"release_date": "24"},
        {"track_number": 0},
        {"colour": "red"},
    ],
)
def test_metadata_that_breaks_the_schema_is_refused(metadata: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        UploadMetadata.model_validate(metadata)


def test_codes_and_countries_are_normalised() -> None:
    metadata = UploadMetadata.model_validate(
        {"isrc": "us-s1z-99-00001", "upc": "0360 0029 1452", "territories": ["de", "Fr"]}
    )
    assert (metadata.isrc, metadata.upc) == ("USS1Z9900001", "036000291452")
    assert metadata.territories == ("DE", "FR")


async def test_two_gigabytes_are_too_large_and_the_limit_is_named() -> None:
    with pytest.raises(TooLarge, match=r"1073741824 bytes \(1 GiB\)"):
        await service.start_upload("me", UploadRequest(filename="a.wav", size_bytes=2 * 10**9))


@pytest.mark.parametrize("size_bytes", [0, -1])
async def test_an_empty_file_is_refused(size_bytes: int) -> None:
    with pytest.raises(InvalidInput, match="empty"):
        await service.start_upload("me", UploadRequest(filename="a.wav", size_bytes=size_bytes))


@pytest.mark.parametrize("filename", ["a.txt", "a", "flac", "../..", "a.flac/"])
async def test_a_name_that_says_no_audio_is_refused(filename: str) -> None:
    with pytest.raises(InvalidInput, match="filename"):
        await service.start_upload("me", UploadRequest(filename=filename, size_bytes=10))


def test_metadata_survives_the_way_through_an_object() -> None:
    stated = MasterMetadata(
        user_id="me", filename="é.flac", metadata=UploadMetadata(title="Ünï", territories=("DE",))
    )
    value = service.encode_metadata(stated)
    assert value.isascii()
    assert service.decode_metadata(value, "x") == stated


@pytest.mark.parametrize("value", [None, "", "???", "e30", "W10=", "eyJhIjog"])
def test_foreign_metadata_is_passed_over(value: str | None) -> None:
    assert service.decode_metadata(value, "x") == MasterMetadata()


def test_metadata_that_does_not_fit_an_object_is_refused() -> None:
    metadata = UploadMetadata(artists=tuple("x" * 400 + str(n) for n in range(20)))
    with pytest.raises(InvalidInput, match="too long"):
        service.encode_metadata(MasterMetadata(metadata=metadata))


@pytest.mark.parametrize(("date", "precision"), [("2024", "year"), ("2024-05", "month")])
def test_a_release_date_knows_its_precision(date: str, precision: str) -> None:
    track = TrackMetadata(
        title="t", artists=("a",), album="b", album_artists=("a",), release_date=date
    )
    assert track.release_date_precision == precision
