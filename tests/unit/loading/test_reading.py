"""A catalogue file with faults is refused whole, and each fault told with its place and remedy."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.loading.faults import SHOWN, InvalidCatalogue
from shared.loading.lines import LINE_TYPES
from shared.loading.lines import __doc__ as format_text
from shared.loading.reading import read

Write = Callable[..., Path]


def id_of(number: int) -> str:
    return f"{number:022d}"


ARTIST = {"type": "artist", "id": id_of(1), "name": "A"}
ALBUM = {"type": "album", "id": id_of(2), "name": "B", "artists": [id_of(1)]}
TRACK = {"type": "track", "id": id_of(3), "name": "C", "album": id_of(2)}
USER = {"type": "user", "id": "u", "password": "12345678", "country": "DE"}


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def make(*lines: dict[str, Any] | str, name: str = "f.jsonl") -> Path:
        path = tmp_path / name
        texts = [one if isinstance(one, str) else json.dumps(one) for one in lines]
        path.write_text("\n".join(texts))
        return path

    return make


def faults(*files: Path) -> list[str]:
    with pytest.raises(InvalidCatalogue) as raised:
        read(files)
    return raised.value.faults


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{nonsense", "f.jsonl:1: not JSON"),
        ("[1]", "not a JSON object"),
        ({"id": id_of(1)}, "`type` is missing; it is one of artist, album"),
        ({"type": "song"}, "type 'song' is unknown; known are artist, album"),
        ({"type": "artist", "id": id_of(1)}, "`name` is missing"),
        ({**ARTIST, "nam": "x"}, "`nam` is unknown; there is type, id, name, genres"),
        ({**ARTIST, "id": "1"}, "artist 1: `id`: String should match pattern"),
        ({**ARTIST, "popularity": 101}, "`popularity`: Input should be less than or equal to 100"),
        ({**ALBUM, "release_date": "2024-02-30"}, "`release_date`: Value error, day is out of"),
        ({**ALBUM, "artists": []}, "`artists`: Tuple should have at least 1 item"),
        ({**TRACK, "audio_features": {"tempo": 1}}, "`audio_features.danceability` is missing"),
        ({**TRACK, "audio_features": {"mood": 1}}, "`audio_features.mood` is unknown; there is "),
        ({**TRACK, "lyrics": "[00:01.00]a\n[00:99.00]b"}, "`lyrics`: line 2"),
        ({**USER, "password": "short"}, "`password`: String should have at least 8 characters"),
        ({**USER, "saved_tracks": [{"id": id_of(3), "x": 1}]}, "`saved_tracks[0].x` is unknown"),
        ({**USER, "played": [{"track": id_of(3)}]}, "give `at` or `hours_ago`, one of them"),
        ({**USER, "played": [{"track": id_of(3), "hours_ago": 9999}]}, "less than or equal to"),
        (
            {"type": "playlist", "id": id_of(4), "name": "P", "owner": "u", "items": ["x"]},
            "`items[0].uri`: String should match pattern",
        ),
    ],
)
def test_a_faulty_line_is_told_with_its_place_and_field(
    write: Write, line: dict[str, Any] | str, told: str
) -> None:
    found = faults(write(line))
    assert all(fault.startswith("f.jsonl:1: ") for fault in found)
    assert any(told in fault for fault in found)


def test_all_faults_are_told_together_and_the_first_twenty_one_by_one(write: Write) -> None:
    bad = [{**ARTIST, "id": id_of(n), "popularity": -1} for n in range(30)]
    with pytest.raises(InvalidCatalogue, match="… and 10 more") as raised:
        read([write(*bad)])
    assert (len(raised.value.faults), raised.value.total) == (SHOWN, 30)


def test_what_a_track_needs_must_be_in_the_same_load(write: Write) -> None:
    assert (
        faults(write(TRACK, ALBUM))
        == [
            f"f.jsonl:1: there is no album '{id_of(2)}': add its line to this load",
            f"f.jsonl:2: there is no artist '{id_of(1)}': add its line to this load",
        ][1:]
    )
    assert faults(write(TRACK)) == [
        f"f.jsonl:1: there is no album '{id_of(2)}': add its line to this load"
    ]


def test_other_references_are_left_to_the_stored_catalogue(write: Write) -> None:
    catalogue = read([write({**USER, "saved_tracks": [id_of(9)], "follows_users": ["v"]})])
    assert catalogue.open_references == {
        ("track", id_of(9)): "f.jsonl:1",
        ("user", "v"): "f.jsonl:1",
    }


def test_an_id_stands_once_in_all_files(write: Write) -> None:
    first, second = write(ARTIST, name="a.jsonl"), write("", ARTIST, name="b.jsonl")
    assert faults(first, second) == [
        f"b.jsonl:2: artist '{id_of(1)}' is at a.jsonl:1 already; keep one"
    ]
    other = {**USER, "id": "w", "username": "U"}
    assert "username 'u' is at f.jsonl:1 already" in faults(write(USER, other))[0]


def test_missing_files_are_told(write: Write) -> None:
    told = faults(write(ARTIST, ALBUM, {**TRACK, "audio": "a.flac"}))
    assert told[0].startswith("f.jsonl:3: there is no file 'a.flac' beside the catalogue")


def test_a_track_without_a_number_has_its_place_in_the_album(write: Write, tmp_path: Path) -> None:
    (tmp_path / "x.flac").touch()
    tracks = [
        {**TRACK, "id": id_of(10)},
        {**TRACK, "id": id_of(11), "track_number": 9},
        {**TRACK, "id": id_of(12), "audio": "x.flac"},
        {**TRACK, "id": id_of(13), "disc_number": 2},
    ]
    catalogue = read([write(*tracks, ALBUM, ARTIST)])
    read_again = list(catalogue.tracks())
    assert [one.track_number for one in read_again] == [1, 9, 3, 1]
    assert read_again[2].audio == str(tmp_path / "x.flac")
    assert catalogue.album_facts[id_of(2)].tracks == 4


def test_an_album_is_released_where_one_of_its_tracks_is(write: Write) -> None:
    here, there = {**TRACK, "territories": ["DE"]}, {
        **TRACK, "id": id_of(5), "territories": ["US", "DE"]
    }  # fmt: skip
    facts = read([write(ARTIST, ALBUM, here, there)]).album_facts[id_of(2)]
    assert facts.territories == {"DE", "US"}
    everywhere = {**TRACK, "id": id_of(6)}
    facts = read([write(ARTIST, ALBUM, here, everywhere)]).album_facts[id_of(2)]
    assert facts.territories is None


def test_the_format_is_told_for_every_type_and_field() -> None:
    assert format_text is not None
    for name, model in LINE_TYPES.items():
        assert f"\n{name} " in format_text
        for field in model.model_fields:
            assert field in format_text, (name, field)


@given(st.binary(max_size=200))
def test_no_bytes_make_it_fail_otherwise(
    tmp_path_factory: pytest.TempPathFactory, text: bytes
) -> None:
    path = tmp_path_factory.mktemp("any") / "f.jsonl"
    path.write_bytes(text)
    with contextlib.suppress(InvalidCatalogue):
        assert read([path]).places == {}
