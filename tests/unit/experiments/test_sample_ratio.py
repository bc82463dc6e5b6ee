"""People who come in other proportions than were meant are noticed, and others are not."""

from __future__ import annotations

import numpy as np
import pytest

from shared.experiments.sample_ratio import check


@pytest.mark.parametrize("weights", [(5000, 5000), (9000, 500, 500)])
def test_hardly_any_sound_experiment_raises_the_alarm_at_any_look(
    weights: tuple[int, ...],
) -> None:
    generator = np.random.default_rng(1)
    shares = np.array(weights) / 10_000
    alarms = classical = 0
    for _ in range(250):
        seen = np.cumsum(generator.multinomial(100, shares, size=40), axis=0)
        checked = [check(row.tolist(), weights) for row in seen]
        alarms += any(one.is_off for one in checked)
        classical += any(one.chi_square_p < 0.05 for one in checked)
    assert alarms <= 1  # of 250 a quarter of one is expected at most
    assert classical > 50  # what looking again and again makes of a test for one look


def test_people_who_are_lost_are_noticed() -> None:
    sound = check([50_100, 49_900], (5000, 5000))
    assert not sound.is_off
    assert sound.chi_square_p > 0.1
    lost = check([50_000, 48_500], (5000, 5000))  # 3 % of one variant
    assert lost.is_off
    assert lost.chi_square_p < 0.001


def test_nobody_is_no_mismatch() -> None:
    assert check([0, 0], (5000, 5000)).p_value == 1
    with pytest.raises(ValueError, match="2 counts for 3 weights"):
        check([1, 2], (1, 1, 1))
