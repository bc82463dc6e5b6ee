from __future__ import annotations

import statistics
import time

from shared.accounts import passwords


def test_a_password_is_recognised_by_its_hash_alone() -> None:
    stored = passwords.hash_password("correct horse")
    assert stored.startswith("$argon2id$")
    assert "correct" not in stored
    assert passwords.matches_password(stored, "correct horse")
    assert not passwords.matches_password(stored, "correct horsf")


def test_the_same_password_has_another_hash_each_time() -> None:
    assert passwords.hash_password("correct horse") != passwords.hash_password("correct horse")


async def test_nobody_has_a_password() -> None:
    assert not await passwords.verify_password(None, "")
    assert not await passwords.verify_password("not a hash", "x")


async def test_a_huge_password_is_refused_before_it_costs_anything() -> None:
    stored = passwords.hash_password("x" * 2000)
    assert not await passwords.verify_password(stored, "x" * 2000)


async def test_an_unknown_user_takes_as_long_as_a_wrong_password() -> None:
    stored = passwords.hash_password("correct horse")
    await passwords.verify_password(None, "warm up")

    async def median_s(against: str | None) -> float:
        times = []
        for _ in range(9):
            started = time.perf_counter()
            await passwords.verify_password(against, "wrong")
            times.append(time.perf_counter() - started)
        return statistics.median(times)

    known, unknown = await median_s(stored), await median_s(None)
    assert 0.3 < known / unknown < 3


def test_a_secret_is_compared_by_its_digest() -> None:
    secret = passwords.new_secret()
    assert len(secret) >= 43
    assert passwords.matches_digest(passwords.digest(secret), secret)
    assert not passwords.matches_digest(passwords.digest(secret), secret + "x")
    assert not passwords.matches_digest(passwords.digest(secret), "\udcff")
