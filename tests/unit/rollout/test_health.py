from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.rollout.health import MIN_ERRORS, MIN_REQUESTS, Verdict, judge
from shared.rollout.models import Sample

FINE = Sample(requests=10_000, errors=2, p95_ms=80.0)


@pytest.mark.parametrize(
    ("candidate", "verdict"),
    [
        (Sample(100, 0, 80), Verdict.HEALTHY),
        (Sample(100, 1, 80), Verdict.HEALTHY),  # one in a hundred happens
        (Sample(100, 5, 80), Verdict.UNHEALTHY),
        (Sample(20, 20, 80), Verdict.UNHEALTHY),  # a burst needs no hundred requests
        (Sample(10_000, 5, 80), Verdict.HEALTHY),
        (Sample(10_000, 60, 80), Verdict.UNHEALTHY),
        (Sample(99, 0, 80), Verdict.UNPROVEN),
        (Sample(), Verdict.UNPROVEN),
    ],
)
def test_errors_are_held_against_those_of_the_stable_revision(
    candidate: Sample, verdict: Verdict
) -> None:
    assert judge(candidate, FINE).verdict is verdict


def test_what_ails_both_is_not_the_candidates_fault() -> None:
    everybody = Sample(requests=9_900, errors=990, p95_ms=80)
    assert judge(Sample(100, 12, 80), everybody).verdict is Verdict.HEALTHY


def test_without_a_stable_request_the_budget_alone_is_the_measure() -> None:
    assert judge(Sample(100, 5, 80), Sample()).verdict is Verdict.UNHEALTHY
    assert judge(Sample(100, 0, 80), Sample()).verdict is Verdict.HEALTHY


@pytest.mark.parametrize(
    ("candidate_ms", "stable_ms", "verdict"),
    [
        (119, 80, Verdict.HEALTHY),
        (179, 80, Verdict.HEALTHY),  # more than half as long again, and still no tenth of a second
        (181, 80, Verdict.UNHEALTHY),
        (1_490, 1_000, Verdict.HEALTHY),
        (1_510, 1_000, Verdict.UNHEALTHY),
    ],
)
def test_latency_is_held_against_that_of_the_stable_revision(
    candidate_ms: float, stable_ms: float, verdict: Verdict
) -> None:
    health = judge(Sample(500, 0, candidate_ms), Sample(5_000, 0, stable_ms))
    assert health.verdict is verdict
    if verdict is Verdict.UNHEALTHY:
        assert f"{candidate_ms} ms" in health.reason


def test_latency_needs_requests_on_both_sides() -> None:
    assert judge(Sample(500, 0, 9_000), Sample(99, 0, 10)).verdict is Verdict.HEALTHY
    assert judge(Sample(99, 0, 9_000), Sample(500, 0, 10)).verdict is Verdict.UNPROVEN


counts = st.integers(0, 100_000)


@given(st.tuples(counts, counts).map(sorted), st.tuples(counts, counts).map(sorted))
def test_more_errors_never_look_better(candidate: list[int], stable: list[int]) -> None:
    errors, requests = candidate
    beside = Sample(stable[1], stable[0], None)
    verdict = judge(Sample(requests, errors, None), beside).verdict
    if verdict is Verdict.UNHEALTHY:
        assert errors >= MIN_ERRORS
        worse = Sample(requests, min(requests, errors + 1), None)
        assert judge(worse, beside).verdict is Verdict.UNHEALTHY
    assert (verdict is Verdict.UNPROVEN) <= (requests < MIN_REQUESTS)


@given(st.integers(1, 10_000), st.integers(1, 100), st.floats(0, 1))
def test_a_candidate_with_the_same_ratio_is_never_refused(
    requests: int, times: int, ratio: float
) -> None:
    errors = int(requests * ratio)
    stable = Sample(requests * times, errors * times, 50)
    assert judge(Sample(requests, errors, 50), stable).verdict is not Verdict.UNHEALTHY
