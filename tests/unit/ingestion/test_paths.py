"""Names of objects and ids."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ingestion import paths
from shared.platform.ids import is_id, random_id


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("song.flac", "song.flac"),
        ("C:\\Music\\song.flac", "song.flac"),
        ("../../etc/passwd.wav", "passwd.wav"),
        ("a#b?c*.mp3", "a_b_c_.mp3"),
        ("Café №5.flac", "Café №5.flac"),
        ("..", ""),
    ],
)
def test_a_filename_loses_folders_and_awkward_characters(name: str, safe: str) -> None:
    assert paths.safe_filename(name) == safe


@given(st.text(max_size=400))
def test_any_name_becomes_one_short_path_segment(name: str) -> None:
    safe = paths.safe_filename(name + ".flac")
    assert "/" not in safe
    assert len(safe.encode("utf-8", "surrogatepass")) <= paths.MAX_FILENAME_BYTES + 8


def test_a_master_is_known_by_its_upload() -> None:
    upload_id = random_id()
    assert paths.upload_id_of("b", paths.master(upload_id, "x.flac")) == upload_id


def test_a_foreign_object_gets_an_id_of_its_own() -> None:
    ids = {paths.upload_id_of("b", name) for name in ("x.flac", "y.flac", "uploads/short/x.flac")}
    assert len(ids) == 3
    assert all(is_id(made) for made in ids)


def test_another_key_is_another_version() -> None:
    assert paths.asset_version("hash", "aa") != paths.asset_version("hash", "bb")
    assert len(paths.asset_version("hash", "aa")) == 16
