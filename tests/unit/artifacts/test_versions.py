"""Names, pointers and manifests of versions of what jobs build."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.artifacts import versions
from shared.artifacts.versions import File, Manifest, Pointer

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
moments = st.datetimes(
    min_value=datetime(2020, 1, 1),
    max_value=datetime(2100, 1, 1),
    timezones=st.just(UTC),
)


def version(hours_ago: float = 0, tie: int = 0) -> str:
    return versions.new_version(NOW - timedelta(hours=hours_ago), tie)


def a_manifest(**changes: object) -> Manifest:
    fields = {"version": version(), "format": 1, "built_at": NOW, "counts": {}, "files": ()}
    return Manifest.model_validate(fields | changes)


@given(moments, moments, st.integers(0, 4095), st.integers(0, 4095))
@example(NOW, NOW + timedelta(microseconds=1), 4095, 0)
def test_versions_are_ordered_as_they_were_begun(
    a: datetime, b: datetime, one: int, another: int
) -> None:
    earlier, later = sorted((a, b))
    assert versions.is_version(versions.new_version(a, one))
    if earlier < later:
        assert versions.new_version(earlier, one) < versions.new_version(later, another)


def test_two_builds_of_one_moment_have_two_names() -> None:
    assert version(tie=1) != version(tie=2)


@pytest.mark.parametrize("text", ["", "current.json", "20261122T120000Z", "../x", version() + "x"])
def test_other_names_are_none_of_versions(text: str) -> None:
    assert not versions.is_version(text)


def test_a_flip_remembers_what_served_before_newest_first() -> None:
    pointer = None
    for hours_ago in range(9, 0, -1):
        pointer = versions.flipped(pointer, version(hours_ago))
    assert pointer is not None
    assert pointer.current == version(1)
    assert pointer.previous == tuple(version(one) for one in range(2, 7))


def test_the_pointer_never_goes_back() -> None:
    pointer = Pointer(current=version(1))
    assert versions.flipped(pointer, version(2)) is None
    assert versions.flipped(pointer, version(1)) is None
    assert versions.flipped(pointer, version(0)) is not None


def test_pointed_back_nothing_newer_is_fallen_back_to_until_the_next_build() -> None:
    pointer = Pointer(current=version(1), previous=(version(2), version(3), version(4)))
    back = versions.pointed_back(pointer, version(3))
    assert back == Pointer(current=version(3), previous=(version(4),))
    assert versions.flipped(back, version(0)) == Pointer(
        current=version(0), previous=(version(3), version(4))
    )
    assert versions.pointed_back(None, version(3)) == Pointer(current=version(3))


def test_what_the_pointer_says_is_tried_in_its_order() -> None:
    pointer = Pointer(current=version(1), previous=(version(2), version(3)))
    tried = versions.to_open(pointer, [version(0), "x"])
    assert tried == [version(1), version(2), version(3)]


def test_without_a_pointer_the_newest_that_is_there_is_tried_first() -> None:
    listed = [version(3), version(1), "current.json", version(2)]
    assert versions.to_open(None, listed) == [version(1), version(2), version(3)]


def test_old_versions_can_go_but_for_the_newest() -> None:
    listed = [version(hours) for hours in (1, 30, 49, 60, 70, 80)]
    pointer = Pointer(current=version(1))
    assert set(versions.expired(listed, pointer, NOW)) == {version(60), version(70), version(80)}


def test_the_current_version_stays_however_old_and_what_a_killed_builder_left_goes() -> None:
    listed = [version(hours) for hours in (50, 60, 70, 80, 90)]
    pointer = Pointer(current=version(90))  # the newer ones were never whole
    assert set(versions.expired(listed, pointer, NOW)) == set(listed[:4])


@pytest.mark.parametrize(
    ("before", "after", "lost"),
    [
        ({}, {}, False),
        ({"track": 100}, {"track": 50}, False),
        ({"track": 100}, {"track": 49}, True),
        ({"track": 10, "album": 90}, {"track": 60}, False),
        ({"track": 3}, {}, True),
    ],
)
def test_a_build_may_lose_half_and_not_more(
    before: dict[str, int], after: dict[str, int], lost: bool
) -> None:
    assert (versions.losses(before, after) is not None) is lost


def test_a_loss_names_each_type() -> None:
    assert versions.losses({"track": 2_000, "album": 4}, {"album": 4}) == (
        "it has 4 in all, the version before 2,004 (album 4 -> 4, track 2,000 -> 0)"
    )


def test_a_manifest_of_another_version_or_format_is_unfit() -> None:
    manifest = a_manifest()
    assert versions.unfit(manifest, version(), 1) is None
    assert versions.unfit(manifest, version(1), 1) is not None
    assert "format is 1, known is 2" in (versions.unfit(manifest, version(), 2) or "")


def test_files_that_lack_or_are_cut_off_are_missing() -> None:
    files = tuple(File(name=name, size_bytes=7, sha256="0" * 64) for name in ("a/b", "c", "d"))
    manifest = a_manifest(files=files)
    assert versions.missing(manifest, {"a/b": 7, "c": 6, "more": 1}) == ["c", "d"]
    assert manifest.size_bytes == 21


@pytest.mark.parametrize("name", ["../x", "a/../x", "/etc/x", "", "a//b", "..", "a/."])
def test_a_manifest_names_no_file_outside_of_its_folder(name: str) -> None:
    with pytest.raises(ValidationError):
        File(name=name, size_bytes=1, sha256="0" * 64)


def test_files_of_the_index_may_begin_with_a_dot() -> None:
    assert File(name="track/tier-0/.managed.json", size_bytes=1, sha256="0" * 64)
