"""Retries of calls that lost a race."""

from __future__ import annotations

import pytest
from google.api_core.exceptions import Aborted, AlreadyExists, NotFound

from shared.platform.contention import retried
from shared.platform.errors import Unavailable


class Rivalry:
    """A call that loses to others a few times."""

    def __init__(self, *losses: Exception) -> None:
        self.losses = list(losses)
        self.calls = 0

    async def __call__(self) -> str:
        self.calls += 1
        if self.losses:
            raise self.losses.pop(0)
        return "done"


def exhausted_transaction() -> ValueError:
    error = ValueError("Failed to commit transaction in 5 attempts.")
    error.__cause__ = Aborted("contention")
    return error


async def test_an_aborted_call_is_made_again() -> None:
    call = Rivalry(Aborted("lock timeout"), exhausted_transaction())
    assert await retried(call, first_pause_s=0.001) == "done"
    assert call.calls == 3


async def test_only_named_errors_are_retried_beside_it() -> None:
    assert await retried(Rivalry(AlreadyExists("x")), AlreadyExists, first_pause_s=0.001) == "done"
    for error in (AlreadyExists("x"), NotFound("x"), ValueError("x")):
        call = Rivalry(error)
        with pytest.raises(type(error)):
            await retried(call, first_pause_s=0.001)
        assert call.calls == 1


async def test_who_loses_for_too_long_is_told_to_come_back() -> None:
    with pytest.raises(Unavailable):
        await retried(Rivalry(*[Aborted("x")] * 1000), first_pause_s=0.001, patience_s=0.05)
