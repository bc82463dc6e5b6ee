from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.abuse.slices import SLICES, Slice, slice_of, slices_of_task
from shared.platform.ids import encode

ALL = [slice_of(number) for number in range(SLICES)]


@given(st.from_regex(r"[0-9A-Za-z_.:-]{1,64}", fullmatch=True))
@example("0")
@example("7")
@example("zz")
@example("-")
@example(slice_of(5).start)
def test_everybody_is_in_one_slice_with_all_of_their_rows(user_id: str) -> None:
    of_id = [each for each in ALL if each.start <= user_id and _before(user_id, each)]
    assert len(of_id) == 1
    for row in (f"{user_id}#0000000000000#e", f"{user_id}#9999999999999#e"):
        assert of_id == [each for each in ALL if each.start <= row and _before(row, each)]


def _before(key: str, each: Slice) -> bool:
    return each.end is None or key < each.end


def test_slices_follow_one_another() -> None:
    assert ALL[0].start == ""
    assert ALL[-1].end is None
    assert all(one.end == following.start for one, following in pairwise(ALL))
    assert len({each.name for each in ALL}) == SLICES


def test_generated_ids_are_spread_evenly() -> None:
    ids = [encode(number * 2**128 // 1280) for number in range(1280)]
    for each in ALL:
        held = sum(each.start <= one and _before(one, each) for one in ids)
        assert 19 <= held <= 21


@given(st.integers(1, 100))
def test_tasks_share_all_slices(count: int) -> None:
    shared = [each.name for index in range(count) for each in slices_of_task(index, count)]
    assert sorted(shared) == [each.name for each in ALL]


@pytest.mark.parametrize(("index", "count"), [(-1, 2), (2, 2), (0, 0)])
def test_a_task_that_does_not_exist_is_refused(index: int, count: int) -> None:
    with pytest.raises(ValueError, match="does not exist"):
        slices_of_task(index, count)
