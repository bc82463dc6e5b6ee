from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.platform.errors import Forbidden
from shared.playback.leases import (
    LEASE_MS,
    LICENCE_LEASE_MS,
    LIMIT_REASON,
    RENEWED_WITHIN_MS,
    Claim,
    Slot,
    leased,
    most_streams,
    released,
)

NOW_MS = 1_800_000_000_000


def take(
    slots: tuple[Slot, ...], key: str, tier: str = "premium", now_ms: int = NOW_MS
) -> tuple[Slot, ...]:
    return leased(slots, Claim(key, "s"), tier, now_ms, by_licence=False)


def test_a_tier_has_so_many_slots_and_the_next_device_is_refused() -> None:
    for tier in ("free", "premium"):
        slots: tuple[Slot, ...] = ()
        for number in range(most_streams(tier)):
            slots = take(slots, str(number), tier)
        with pytest.raises(Forbidden) as refusal:
            take(slots, "one more", tier)
        assert refusal.value.reason == LIMIT_REASON
        assert len(take(slots, "0", tier)) == most_streams(tier)  # its own again


def test_a_slot_is_free_when_its_lease_ends_or_is_given_back() -> None:
    slots = take((), "a", "free")
    assert [s.key for s in take(slots, "b", "free", NOW_MS + LEASE_MS)] == ["b"]
    assert [s.key for s in take(released(slots, Claim("a")), "b", "free")] == ["b"]


def test_a_heartbeat_prolongs_but_not_at_once() -> None:
    slots = take((), "a")
    assert take(slots, "a", now_ms=NOW_MS + RENEWED_WITHIN_MS - 1) == slots
    later = take(slots, "a", now_ms=NOW_MS + 30_000)
    assert later[0].expires_at_ms == NOW_MS + 30_000 + LEASE_MS
    assert later[0].since_ms == NOW_MS


def test_a_licence_leaves_time_for_a_heartbeat_and_shortens_none() -> None:
    def licence(slots: tuple[Slot, ...]) -> tuple[Slot, ...]:
        return leased(slots, Claim("a", "s"), "free", NOW_MS, by_licence=True)

    assert licence(())[0].expires_at_ms == NOW_MS + LICENCE_LEASE_MS
    kept = take((), "a")
    assert licence(kept) == kept


def test_on_a_smaller_tier_those_that_sounded_longest_keep_their_slot() -> None:
    slots: tuple[Slot, ...] = ()
    for number, key in enumerate("abc"):
        slots = take(slots, key, now_ms=NOW_MS + number)
    assert take(slots, "a", "free", NOW_MS + 30_000)
    with pytest.raises(Forbidden):
        take(slots, "b", "free", NOW_MS + 30_000)


def test_of_an_app_that_names_no_device_the_newest_session_goes_on() -> None:
    def claim(session: str | None, *, by_licence: bool) -> tuple[Slot, ...]:
        asked = Claim("app:x", session, is_shared=True)
        return leased(slots, asked, "free", NOW_MS, by_licence=by_licence)

    slots: tuple[Slot, ...] = ()
    slots = claim("old", by_licence=True)
    slots = claim("new", by_licence=True)
    assert [slot.session_id for slot in slots] == ["new"]
    assert [slot.session_id for slot in claim("new", by_licence=False)] == ["new"]
    with pytest.raises(Forbidden, match="newer"):
        claim("old", by_licence=False)
    assert released(slots, Claim("app:x", "old", is_shared=True)) == slots
    assert released(slots, Claim("app:x", "new", is_shared=True)) == ()


@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 90_000)), max_size=40),
    st.sampled_from(["free", "premium"]),
)
def test_never_more_live_slots_than_the_tier_has(claims: list[tuple[str, int]], tier: str) -> None:
    slots: tuple[Slot, ...] = ()
    now_ms = NOW_MS
    for key, pause_ms in claims:
        now_ms += pause_ms
        try:
            slots = take(slots, key, tier, now_ms)
        except Forbidden:
            live = [one for one in slots if one.expires_at_ms > now_ms]
            assert len(live) == most_streams(tier)
        assert sum(one.expires_at_ms > now_ms for one in slots) <= most_streams(tier)
        assert len({one.key for one in slots}) == len(slots)
