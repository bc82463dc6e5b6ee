from __future__ import annotations

import pytest

from shared.accounts.throttle import FREE_FAILURES, FREE_FAILURES_ANYWHERE, MAX_WAIT_S, Throttle
from shared.platform.errors import RateLimited


def fail(throttle: Throttle, times: int, username: str = "ada", address: str = "here") -> None:
    for _ in range(times):
        throttle.attempt(username, address, 0.0)


def test_a_few_mistakes_cost_nothing() -> None:
    throttle = Throttle()
    fail(throttle, FREE_FAILURES)


def test_then_each_try_waits_twice_as_long() -> None:
    throttle = Throttle()
    fail(throttle, FREE_FAILURES)
    now_s, waits = 0.0, []
    for _ in range(9):
        with pytest.raises(RateLimited) as caught:
            throttle.attempt("ada", "here", now_s)
        waits.append(caught.value.retry_after_s)
        now_s += caught.value.retry_after_s
        throttle.attempt("ada", "here", now_s)
    assert waits[:3] == [2, 3, 5]
    assert waits == sorted(waits)
    assert max(waits) == MAX_WAIT_S + 1


def test_a_success_forgets_them() -> None:
    throttle = Throttle()
    for _ in range(100):
        fail(throttle, FREE_FAILURES - 1)
        throttle.succeeded("ada", "here")


def test_others_are_not_slowed_down() -> None:
    throttle = Throttle()
    fail(throttle, FREE_FAILURES)
    throttle.attempt("grace", "here", 0.0)
    throttle.attempt("ada", "elsewhere", 0.0)


def test_many_addresses_or_many_names_do_not_get_round_it() -> None:
    throttle = Throttle()
    for number in range(FREE_FAILURES_ANYWHERE):
        throttle.attempt("ada", str(number), 0.0)
    with pytest.raises(RateLimited):
        throttle.attempt("ada", "one more", 0.0)
    for number in range(FREE_FAILURES_ANYWHERE):
        throttle.attempt(str(number), "one address", 0.0)
    with pytest.raises(RateLimited):
        throttle.attempt("one more", "one address", 0.0)
