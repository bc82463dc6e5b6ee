"""The cache, content keys, filter graphs and last words, without a process."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from emulators.transcoder.cache import Cache, cache_key
from emulators.transcoder.errors import JobFailed
from emulators.transcoder.ffmpeg import Gain, timeline_filters
from emulators.transcoder.keys import match_keys
from emulators.transcoder.plan import Cut, Layout
from emulators.transcoder.process import last_words

STEREO = Layout(44_100, 2)


def test_a_stored_file_comes_back_and_an_unknown_one_does_not(tmp_path: Path) -> None:
    cache, file = Cache(tmp_path / "cache"), tmp_path / "file"
    file.write_bytes(b"music")
    cache.store("ab12", ".ogg", file)
    file.unlink()
    assert cache.fetch("ab12", ".ogg", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == b"music"
    assert not cache.fetch("cd34", ".ogg", tmp_path / "none")


def test_the_least_recently_used_file_goes_first_and_readers_keep_theirs(tmp_path: Path) -> None:
    cache, file = Cache(tmp_path / "cache", max_bytes=25), tmp_path / "file"
    file.write_bytes(b"0123456789")
    for age, key in enumerate(("aa", "bb")):
        cache.store(key, ".ogg", file)
        os.utime(tmp_path / "cache" / key / f"{key}.ogg", (age, age))
    assert cache.fetch("aa", ".ogg", tmp_path / "reader")  # used: now the younger one
    cache.store("cc", ".ogg", file)
    assert not cache.fetch("bb", ".ogg", tmp_path / "bb")
    assert cache.fetch("aa", ".ogg", tmp_path / "aa")
    cache.store("dd", ".ogg", file)
    cache.store("ee", ".ogg", file)
    assert not cache.fetch("aa", ".ogg", tmp_path / "aa2")
    assert (tmp_path / "reader").read_bytes() == b"0123456789"


def test_half_written_entries_of_a_killed_process_are_removed(tmp_path: Path) -> None:
    (tmp_path / "aa").mkdir()
    (tmp_path / "aa" / "aa.ogg.1.part").write_bytes(b"half")
    Cache(tmp_path)
    assert list((tmp_path / "aa").iterdir()) == []


def test_a_broken_json_entry_is_as_good_as_none(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.store_json("aa", {"gain_db": 1.5})
    assert cache.fetch_json("aa") == {"gain_db": 1.5}
    (tmp_path / "aa" / "aa.json").write_text("{")
    assert cache.fetch_json("aa") is None


def test_cache_keys_differ_when_any_part_does() -> None:
    parts = [("a", 1), ("a", 2), ("b", 1), ("a", 1, None), ("a1",)]
    assert len({cache_key(*part) for part in parts}) == len(parts)


def _payload(**entry: object) -> bytes:
    return json.dumps({"encryptionKeys": [{"keyId": "A" * 32, "key": "b" * 32, **entry}]}).encode()


def test_a_key_goes_to_the_mux_streams_that_its_matchers_name() -> None:
    payload = _payload(matchers=[{"muxStreams": ["x", "y"]}], iv="c" * 32, keyUri="skd://k")
    keys = match_keys(payload, ["y"])
    assert list(keys) == ["y"]
    assert (keys["y"].key_id, keys["y"].iv, keys["y"].uri) == ("a" * 32, "c" * 32, "skd://k")


def test_a_key_without_matchers_goes_to_all() -> None:
    assert list(match_keys(_payload(), ["x", "y"])) == ["x", "y"]


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"{}",
        b'{"encryptionKeys": [1]}',
        b"\xff\xfe",
        _payload(key="secret"),
        _payload(iv="12"),
        _payload(matchers=[{"muxStreams": ["other"]}]),
        _payload(matchers=[{}]),
    ],
)
def test_a_bad_payload_fails_without_being_quoted(payload: bytes) -> None:
    with pytest.raises(JobFailed) as failure:
        match_keys(payload, ["x"])
    assert "secret" not in failure.value.message
    assert "bbbb" not in failure.value.message


def test_no_gain_is_no_filter_and_a_limiter_works_above_the_rate() -> None:
    assert Gain().filters() == ""
    assert Gain(-3).filters() == ",volume=-3.000dB"
    assert Gain(3, -20).filters().startswith(",volume=3.000dB,alimiter=limit=0.10000")


def test_cuts_are_trimmed_and_joined_in_their_order() -> None:
    assert timeline_filters([Cut(0.0, None)], "t") == "[0:a:0]anull[t]"
    one = timeline_filters([Cut(1.5, 31.5)], "t")
    assert "atrim=start=1.500000:end=31.500000" in one
    assert "concat=n=2" in timeline_filters([Cut(0, 1), Cut(5, None)], "t")


def test_last_words_name_no_address_and_no_path_and_nothing_twice() -> None:
    stderr = [
        "[flac @ 0x55aa] [error] invalid residual",
        "[in#0 @ 0x55ab] [error] Error opening input: Invalid data found",
        "[fatal] Error opening input file /tmp/state/tmp/job-1/input.",
        "[fatal] Error opening input file /tmp/state/tmp/job-1/input.",
        "Conversion failed!",
    ]
    words = last_words(stderr)
    assert "0x" not in words
    assert "/tmp" not in words
    assert words == ("Error opening input: Invalid data found; Error opening input file input")
    assert last_words([]) == "no message"
