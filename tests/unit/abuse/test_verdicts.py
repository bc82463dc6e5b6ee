from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.abuse.behaviour import SUSPECT_AT
from shared.abuse.models import OVERRIDES, Assessment, Finding, Override, Sweep, Verdict
from shared.abuse.verdicts import KEPT, LIFE, RENEWED_AFTER, overrule, settle

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
FINDING = Finding(signal="clockwork", value=0.01, unit="variation", strength=1, points=0.3)
MACHINE = Assessment(score=0.9, findings=(FINDING,))
PERSON = Assessment(score=SUSPECT_AT - 0.01)
MINUTE = timedelta(minutes=1)


def suspected(at: datetime = NOW) -> Verdict:
    verdict = settle(None, "u", MACHINE, at).verdict
    assert verdict is not None
    return verdict


def test_a_machines_score_starts_a_suspicion_with_its_reasons() -> None:
    settled = settle(None, "u", MACHINE, NOW)
    assert (settled.change, settled.cause) == ("started", "BEHAVIOUR")
    assert settled.verdict is not None
    assert settled.verdict.suspects(NOW)
    assert settled.verdict.suspects(NOW + LIFE - MINUTE)
    assert not settled.verdict.suspects(NOW + LIFE)
    assert settled.verdict.findings == (FINDING,)
    assert settled.verdict.expires_at == NOW + LIFE + KEPT


@pytest.mark.parametrize("assessment", [None, PERSON, Assessment()])
def test_nobody_else_gets_a_verdict(assessment: Assessment | None) -> None:
    assert settle(None, "u", assessment, NOW).verdict is None


def test_a_suspicion_that_goes_on_is_written_twice_a_day_and_started_once() -> None:
    verdict, written = suspected(), 0
    for quarter in range(1, 4 * 48):
        settled = settle(verdict, "u", MACHINE, NOW + quarter * timedelta(minutes=15))
        assert settled.change is None
        assert settled.verdict is not None
        written += settled.verdict != verdict
        verdict = settled.verdict
    assert written == timedelta(hours=48) // RENEWED_AFTER - 1
    assert verdict.suspected_since == NOW


def test_a_day_of_rest_does_not_end_a_suspicion_but_three_do() -> None:
    verdict = suspected()
    for hours in (1, 24, 71):
        settled = settle(verdict, "u", PERSON, NOW + timedelta(hours=hours))
        assert (settled.verdict, settled.change) == (verdict, None)
    settled = settle(verdict, "u", None, NOW + LIFE)
    assert (settled.change, settled.cause) == ("ended", "LAPSED")
    assert settled.verdict is not None
    assert settled.verdict.score == MACHINE.score  # what was found is kept for who asks
    assert settle(settled.verdict, "u", None, NOW + LIFE + MINUTE).change is None
    assert settle(settled.verdict, "u", MACHINE, NOW + LIFE + MINUTE).change == "started"


def test_who_is_cleared_is_not_suspected_again_whatever_they_play() -> None:
    settled = overrule(suspected(), "u", "cleared", "a radio show", NOW)
    assert (settled.change, settled.cause) == ("ended", "OPERATOR")
    cleared = settled.verdict
    assert cleared is not None
    assert not cleared.suspects(NOW)
    assert cleared.expires_at is None
    later = settle(cleared, "u", MACHINE, NOW + timedelta(days=400))
    assert (later.verdict, later.change) == (cleared, None)


def test_who_an_operator_suspects_stays_so_until_it_is_taken_back() -> None:
    settled = overrule(None, "u", "suspected", "bought plays", NOW)
    assert (settled.change, settled.cause) == ("started", "OPERATOR")
    verdict = settled.verdict
    assert verdict is not None
    year = NOW + timedelta(days=365)
    assert verdict.suspects(year)
    assert settle(verdict, "u", None, year).verdict == verdict
    back = overrule(verdict, "u", None, "refunded", year)
    assert (back.change, back.cause) == ("ended", "OPERATOR")
    assert back.verdict is not None
    assert not back.verdict.suspects(year)
    assert back.verdict.expires_at == year + KEPT


@pytest.mark.parametrize(
    ("typed", "means"),
    [
        ("cleared", "cleared"),
        (" Cleared ", "cleared"),
        ("suspected", "suspected"),
        ("not a bot", "cleared"),
        ("", None),
        (None, None),
        (False, None),
    ],
)
def test_a_word_written_by_hand_takes_effect(typed: object, means: Override | None) -> None:
    by_hand = Verdict.model_validate({**suspected().model_dump(), "override": typed})
    assert by_hand.override == means
    assert by_hand.suspects(NOW) == (means != "cleared")
    settled = settle(by_hand, "u", None, NOW + MINUTE)
    assert settled.change == ("ended" if means == "cleared" else None)
    if means:
        assert settled.verdict is not None
        assert settled.verdict.expires_at is None  # or Firestore would delete it with the word


def test_a_word_taken_out_by_hand_leaves_the_person_to_the_job() -> None:
    cleared = Verdict(user_id="u", override=None)
    settled = settle(cleared, "u", None, NOW)
    assert settled.verdict is not None
    assert settled.verdict.expires_at == NOW + KEPT
    said = overrule(None, "u", "suspected", "", NOW).verdict
    assert said is not None
    settled = settle(said.model_copy(update={"override": None}), "u", None, NOW)
    assert settled.change == "ended"


steps = st.lists(
    st.tuples(
        st.sampled_from([None, MACHINE, PERSON, *OVERRIDES, "retract"]),
        st.integers(1, 5 * 24 * 60),
    ),
    max_size=25,
)


@given(steps)
def test_the_ledger_tells_starts_and_ends_in_turn_and_says_what_holds(
    told: list[tuple[Assessment | str | None, int]],
) -> None:
    verdict, now, is_suspected = None, NOW, False
    for what, minutes in told:
        now += timedelta(minutes=minutes)
        settled = settle(verdict, "u", None, now)  # as each sweep begins
        for each in (settled, None):
            if each is None:
                if what == "retract":
                    each = overrule(settled.verdict, "u", None, "", now)
                elif isinstance(what, str):
                    each = overrule(settled.verdict, "u", what, "", now)  # type: ignore[arg-type]
                else:
                    each = settle(settled.verdict, "u", what, now)
            if each.change is not None:
                assert is_suspected == (each.change == "ended")
                is_suspected = each.change == "started"
            verdict = each.verdict
            assert is_suspected == (verdict is not None and verdict.suspects(now))


def test_a_sweep_goes_on_where_it_stopped_and_the_next_looks_from_its_beginning() -> None:
    begun = Sweep(since_ms=100).begun(200)
    stopped = begun.at("m")
    assert stopped.begun(300) == stopped
    assert stopped.finished() == Sweep(since_ms=200)
    assert stopped.finished().begun(400) == Sweep(since_ms=200, started_ms=400)
