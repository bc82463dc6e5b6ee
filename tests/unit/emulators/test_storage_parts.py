"""The storage emulator's pure parts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulators.journal import Journal
from emulators.storage.messages import multipart_related
from emulators.storage.objects import Span, requested_span
from emulators.storage.preconditions import PreconditionFailed, Preconditions
from emulators.storage.uploads import ContentRange, UploadRefused, content_range


def test_generation_zero_means_that_there_must_be_no_object() -> None:
    Preconditions(generation=0).check(None)
    with pytest.raises(PreconditionFailed):
        Preconditions(generation=0).check({"generation": "7", "metageneration": "1"})


def test_not_match_zero_means_that_there_must_be_one() -> None:
    Preconditions(not_generation=0).check({"generation": "7", "metageneration": "1"})
    with pytest.raises(PreconditionFailed):
        Preconditions(not_generation=0).check(None)


@pytest.mark.parametrize(
    ("header", "span"),
    [
        (None, None),
        ("bytes=0-", Span(0, 10)),
        ("bytes=2-4", Span(2, 3)),
        ("bytes=2-99", Span(2, 8)),
        ("bytes=-3", Span(7, 3)),
        ("bytes=-99", Span(0, 10)),
        ("lines=1-2", None),
    ],
)
def test_ranges_are_read_as_http_says(header: str | None, span: Span | None) -> None:
    assert requested_span(header, 10) == span


def test_a_range_behind_the_end_cannot_be_satisfied() -> None:
    with pytest.raises(ValueError, match="range"):
        requested_span("bytes=10-", 10)


def test_content_ranges_of_chunks_and_questions() -> None:
    assert content_range(None) == ContentRange(0, None)
    assert content_range("bytes 0-9/*") == ContentRange(0, None)
    assert content_range("bytes 10-19/20") == ContentRange(10, 20)
    assert content_range("bytes */20") == ContentRange(None, 20)
    with pytest.raises(UploadRefused):
        content_range("bytes ten")


@given(st.binary(max_size=2000))
def test_multipart_content_comes_through_byte_for_byte(content: bytes) -> None:
    body = (
        b'--==b==\r\nContent-Type: application/json\r\n\r\n{"name": "x"}\r\n'
        b"--==b==\r\nContent-Type: audio/flac\r\n\r\n" + content + b"\r\n--==b==--"
    )
    parsed = multipart_related(body, 'multipart/related; boundary="==b=="')
    assert parsed == {"meta": {"name": "x"}, "content": content, "content-type": "audio/flac"}


def test_an_unfinished_journal_line_is_dropped_and_the_rest_kept(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.compact({"objects": {}})
    journal.append({"kind": "put", "n": 1})
    journal.close()
    with (tmp_path / "journal.jsonl").open("ab") as file:
        file.write(b'{"kind": "pu')
    snapshot, changes = Journal(tmp_path).load()
    assert snapshot == {"objects": {}}
    assert list(changes) == [{"kind": "put", "n": 1}]


def test_a_compacted_journal_is_empty(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append({"kind": "put"})
    journal.compact({"objects": {"b": {}}})
    journal.close()
    assert json.loads((tmp_path / "metadata.json").read_text()) == {"objects": {"b": {}}}
    assert (tmp_path / "journal.jsonl").read_bytes() == b""
