"""Rate limits against Bigtable: exact, rolling, shared by instances."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from shared import topology
from shared.platform import clients, rate_limits
from shared.platform.errors import RateLimited
from shared.platform.ids import random_id
from shared.platform.rate_limits import BLIND_MS, LIMITS, WINDOW_MS, admit
from shared.topology import RateClass
from tests import local_settings

pytestmark = pytest.mark.usefixtures("bigtable", "limits")
NOW_MS = 1_800_000_000_000


@pytest.fixture
def limits(settings_env: pytest.MonkeyPatch) -> Iterator[None]:
    """The limits of production, which other tests do without."""
    settings_env.setenv("SEGUE_RATE_LIMIT_SCALE", "1")
    settings_env.setenv("SEGUE_RATE_LIMIT_PATIENCE_S", "20")  # a busy machine is no failing store
    local_settings.forget_settings()
    yield
    settings_env.delenv("SEGUE_RATE_LIMIT_PATIENCE_S")
    settings_env.setenv("SEGUE_RATE_LIMIT_SCALE", "0")
    local_settings.forget_settings()


def forget_what_this_instance_knows() -> None:
    """What follows is another instance."""
    rate_limits._exceeded_until_ms.clear()


async def admitted(subject: str, rate_class: RateClass, now_ms: int) -> bool:
    try:
        await admit(subject, rate_class, now_ms)
    except RateLimited:
        return False
    return True


@pytest.mark.parametrize("rate_class", list(LIMITS))
async def test_one_more_than_the_limit_is_refused_until_the_oldest_is_thirty_seconds_old(
    rate_class: RateClass,
) -> None:
    subject, limit = random_id(), LIMITS[rate_class]
    for n in range(limit):
        assert await admitted(subject, rate_class, NOW_MS + n * 10)
    with pytest.raises(RateLimited) as refusal:
        await admit(subject, rate_class, NOW_MS + 5_000)
    assert refusal.value.retry_after_s == 25
    assert not await admitted(subject, rate_class, NOW_MS + WINDOW_MS - 1)
    assert await admitted(subject, rate_class, NOW_MS + WINDOW_MS)
    assert not await admitted(subject, rate_class, NOW_MS + WINDOW_MS + 9)  # the second is in still
    forget_what_this_instance_knows()
    assert await admitted(subject, rate_class, NOW_MS + WINDOW_MS + 10)


async def test_requests_of_two_instances_at_once_share_one_window() -> None:
    subject, limit = random_id(), LIMITS[RateClass.PLAYLIST_CHANGES]
    results = await asyncio.gather(
        *(admitted(subject, RateClass.PLAYLIST_CHANGES, NOW_MS + n) for n in range(3 * limit))
    )
    assert sum(results) == limit


async def test_refused_requests_do_not_count() -> None:
    subject, limit = random_id(), LIMITS[RateClass.SEARCH]
    for _ in range(limit):
        await admit(subject, RateClass.SEARCH, NOW_MS)
    for n in range(20):
        forget_what_this_instance_knows()
        assert not await admitted(subject, RateClass.SEARCH, NOW_MS + 10_000 + n)
    assert await admitted(subject, RateClass.SEARCH, NOW_MS + WINDOW_MS)


async def test_classes_and_people_have_windows_of_their_own() -> None:
    one, other = random_id(), random_id()
    for _ in range(LIMITS[RateClass.SEARCH]):
        await admit(one, RateClass.SEARCH, NOW_MS)
    assert not await admitted(one, RateClass.SEARCH, NOW_MS)
    assert await admitted(one, RateClass.STANDARD, NOW_MS)
    assert await admitted(other, RateClass.SEARCH, NOW_MS)


async def test_a_known_exceeded_window_answers_without_the_store(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    subject = random_id()
    for _ in range(LIMITS[RateClass.SEARCH] + 1):
        await admitted(subject, RateClass.SEARCH, NOW_MS)

    def no_store(_: topology.Table) -> None:
        raise AssertionError("asked the store")

    monkeypatch.setattr(clients, "table", no_store)
    assert not await admitted(subject, RateClass.SEARCH, NOW_MS + WINDOW_MS - 1)


async def test_a_row_never_holds_more_than_four_windows() -> None:
    subject, limit = random_id(), LIMITS[RateClass.PLAYLIST_CHANGES]
    for epoch in range(8):
        for n in range(limit):
            await admit(subject, RateClass.PLAYLIST_CHANGES, NOW_MS + epoch * WINDOW_MS + n)
    table = clients.table(topology.RATE_WINDOWS)
    row = await table.read_row(f"{subject}#{RateClass.PLAYLIST_CHANGES.value}")
    assert row is not None
    assert len(row.cells) <= 4 * limit


async def test_a_store_that_does_not_answer_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    from google.api_core.exceptions import ServiceUnavailable

    asked_at_ms: list[int] = []

    async def down(_key: str, _limit: int, now_ms: int) -> bool:
        asked_at_ms.append(now_ms)
        raise ServiceUnavailable("down")

    monkeypatch.setattr(rate_limits, "_take", down)
    monkeypatch.setattr(rate_limits, "_blind_until_ms", 0)
    for n in range(LIMITS[RateClass.SEARCH] * 2):
        await admit("anybody", RateClass.SEARCH, NOW_MS + n * 100)
    assert asked_at_ms == [NOW_MS, NOW_MS + BLIND_MS]  # and in between nobody waited for it


async def test_the_scale_multiplies_every_limit_and_zero_is_none(
    settings_env: pytest.MonkeyPatch,
) -> None:
    settings_env.setenv("SEGUE_RATE_LIMIT_SCALE", "0.1")
    local_settings.forget_settings()
    assert rate_limits.limit_of(RateClass.STANDARD) == 10
    settings_env.setenv("SEGUE_RATE_LIMIT_SCALE", "0")
    local_settings.forget_settings()
    assert rate_limits.limit_of(RateClass.STANDARD) is None
    assert rate_limits.limit_of(RateClass.NONE) is None
