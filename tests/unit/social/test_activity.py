from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.social.activity import SHOWN_FOR, newest
from shared.social.models import Activity, FollowChanged, LastPlay, is_target_id

NOW = datetime(2026, 5, 1, tzinfo=UTC)
plays = st.none() | st.builds(
    LastPlay,
    track_id=st.just("a" * 22),
    played_at=st.datetimes(datetime(2026, 3, 1), datetime(2026, 5, 1), timezones=st.just(UTC)),
    context_uri=st.none(),
)


@given(st.lists(plays, max_size=20), st.integers(1, 50))
def test_the_latest_play_of_each_friend_comes_newest_first(
    held: list[LastPlay | None], limit: int
) -> None:
    friends = [Activity(f"friend-{number}", play) for number, play in enumerate(held)]
    shown = newest(friends, NOW, limit)
    times = [play.played_at for _, play in shown]
    assert times == sorted(times, reverse=True)
    assert len({friend for friend, _ in shown}) == len(shown)
    recent = [play for play in held if play and play.played_at >= NOW - SHOWN_FOR]
    assert len(shown) == min(limit, len(recent))
    assert all(time >= NOW - SHOWN_FOR for time in times)


def test_a_play_of_long_ago_is_not_shown() -> None:
    old = LastPlay("a" * 22, NOW - SHOWN_FOR - timedelta(seconds=1), None)
    assert newest([Activity("friend", old)], NOW, 10) == []


def test_one_change_has_one_event_however_often_it_is_told() -> None:
    target = "b" * 22
    first, again = (FollowChanged.of("ada", "artist", target, True, NOW) for _ in range(2))
    assert first == again
    others = (
        FollowChanged.of("ada", "artist", target, False, NOW),
        FollowChanged.of("ada", "artist", target, True, NOW + timedelta(microseconds=1)),
        FollowChanged.of("bob", "artist", target, True, NOW),
        FollowChanged.of("ada", "playlist", target, True, NOW),
    )
    assert len({first.event_id, *(other.event_id for other in others)}) == 5


def test_ids_that_could_leave_their_document_are_no_ids() -> None:
    assert is_target_id("user", "a.b-c_D9")
    assert is_target_id("artist", "a" * 22)
    for bad in ("", "a/b", "a:b", "a" * 65, "a b", "ü", "a\n"):
        assert not is_target_id("user", bad)
    assert not is_target_id("playlist", "a.b")
