"""What is told of exposures: each once, in the warehouse's own columns, and nothing is lost."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.experiments import exposures
from shared.experiments.bandit import Choice
from shared.experiments.models import Assignment, Exposure
from shared.platform import events
from shared.topology import EXPOSURES_TABLE

SCHEMA = Path(__file__).parents[3] / "shared/schemas/exposure.proto"
NOW = datetime(2026, 11, 22, 12, 10, tzinfo=UTC)
GIVEN = Assignment("warm-home", "warm", "assigned")
CHOICES = [Choice("made-for-you", 0, 0.6), Choice("new-releases", 1, 0.3)]


def test_the_schema_has_the_models_fields_and_the_tables_columns() -> None:
    fields = re.findall(r"optional (\w+) (\w+) =", SCHEMA.read_text())
    assert [name for _, name in fields] == list(Exposure.model_fields)
    delivery = {"subscription_name", "message_id", "publish_time", "attributes"}
    columns = {c.name: c.type for c in EXPOSURES_TABLE.columns if c.name not in delivery}
    assert [name for _, name in fields] == list(columns)
    kinds = {"string": ("STRING", "TIMESTAMP"), "int64": ("INTEGER",), "double": ("FLOAT",)}
    for kind, name in fields:
        assert columns[name] in kinds[kind]


def test_an_exposure_is_one_a_day_and_variant() -> None:
    def id_of(given: Assignment = GIVEN, user: str = "u", at: datetime = NOW) -> str:
        return exposures.exposure(given, user, "home", at).event_id

    assert id_of() == id_of(at=NOW + timedelta(hours=11))
    different = {
        id_of(),
        id_of(at=NOW + timedelta(days=1)),
        id_of(user="v"),
        id_of(Assignment("warm-home", "control", "assigned")),
        id_of(Assignment("other", "warm", "assigned")),
        exposures.assignment(GIVEN, "u", NOW).event_id,
    }
    assert len(different) == 6


def test_a_shelf_that_stays_on_the_screen_was_shown_once() -> None:
    def ids(at: datetime, choices: Sequence[Choice] = CHOICES) -> set[str]:
        made = exposures.impressions("u", choices, {"made-for-you": ["a", "b"]}, "home", at)
        return {one.event_id for one in made}

    assert ids(NOW) == ids(NOW + timedelta(minutes=19))
    assert not ids(NOW) & ids(NOW + timedelta(minutes=20))
    swapped = [Choice("new-releases", 0, 0.4), Choice("made-for-you", 1, 0.3)]
    assert not ids(NOW) & ids(NOW, swapped)


def test_an_impression_says_what_stood_where() -> None:
    first, second = exposures.impressions(
        "u", CHOICES, {"made-for-you": ["a", "b"]}, "home", NOW, GIVEN
    )
    assert (first.kind, first.shelf, first.position, first.propensity) == (
        "impression",
        "made-for-you",
        0,
        0.6,
    )
    assert (first.items, second.items) == ('["a", "b"]', "[]")
    assert (first.experiment, first.variant) == ("warm-home", "warm")


async def test_what_was_told_is_not_told_again_and_what_was_noted_goes_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stored: list[Exposure] = []

    async def keep(batch: Sequence[Exposure]) -> None:
        stored.extend(batch)

    monkeypatch.setattr(events, "publish", keep)
    log = exposures.Log()
    noted = exposures.assignment(GIVEN, "u", NOW)
    told = exposures.exposure(GIVEN, "u", "home", NOW)
    for _ in range(3):
        log.note(noted)
    assert stored == []
    assert await log.tell([told, told])
    assert stored == [noted, told]
    log.note(noted)
    assert await log.tell([told])
    assert stored == [noted, told]


async def test_what_could_not_be_stored_goes_with_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stored: list[Exposure] = []
    away = True

    async def keep(batch: Sequence[Exposure]) -> None:
        if away:
            raise ConnectionError("Pub/Sub is away")
        stored.extend(batch)

    monkeypatch.setattr(events, "publish", keep)
    log = exposures.Log()
    told = exposures.exposure(GIVEN, "u", "home", NOW)
    assert not await log.tell([told])
    away = False
    assert await log.tell([])
    assert stored == [told]


async def test_what_too_much_pushes_out_is_said_and_may_be_noted_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stored: list[Exposure] = []

    async def keep(batch: Sequence[Exposure]) -> None:
        stored.extend(batch)

    monkeypatch.setattr(events, "publish", keep)
    monkeypatch.setattr(exposures, "MAX_NOTED", 2)
    log = exposures.Log()
    noted = [exposures.assignment(GIVEN, user, NOW) for user in "abcd"]
    for one in noted:
        log.note(one)
    assert caplog.text.count("assignments are dropped") == 1
    assert await log.tell([])
    assert stored == noted[2:]
    assert "2 assignments were dropped" in caplog.text
    log.note(noted[0])
    assert await log.tell([])
    assert stored == [*noted[2:], noted[0]]
