"""Simulated days of both kinds. No person among them is suspected. Of seven kinds of machine five
are found on every day that is tried; the two that are not are named, and expected to be missed:
a change that finds them has to move them, and one that loses a kind shows."""

from __future__ import annotations

import random

import pytest

from shared.abuse.behaviour import SUSPECT_AT, assess
from tests.unit.abuse.simulated import (
    CAUGHT,
    MISSED,
    PEOPLE,
    Maker,
    album_on_repeat_all_night,
    album_on_repeat_day_and_night,
)

DAYS = 3
MARGIN = 0.15  # what people stay below by, so that they are not suspected by a hair


def scores(make: Maker) -> list[float]:
    return [assess(make(random.Random(day))).score for day in range(DAYS)]


@pytest.mark.parametrize("make", PEOPLE, ids=lambda make: make.__name__)
def test_no_person_is_near_to_being_suspected(make: Maker) -> None:
    assert max(scores(make)) < SUSPECT_AT - MARGIN


@pytest.mark.parametrize("make", CAUGHT, ids=lambda make: make.__name__)
def test_a_machine_of_these_kinds_is_always_suspected(make: Maker) -> None:
    assert min(scores(make)) >= SUSPECT_AT


@pytest.mark.parametrize("make", MISSED, ids=lambda make: make.__name__)
def test_a_machine_of_these_kinds_is_not_told_from_people(make: Maker) -> None:
    assert max(scores(make)) < SUSPECT_AT


def test_an_album_on_repeat_is_seen_and_not_enough() -> None:
    night, day = album_on_repeat_all_night, album_on_repeat_day_and_night
    for make, signals in ((night, {"monotony"}), (day, {"monotony", "no_pause"})):
        found = assess(make(random.Random(1)))
        assert {finding.signal for finding in found.findings} == signals
        assert 0 < found.score <= 0.3
