"""What signals say of a person: taste, session, shelves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from shared.recommendations import making
from shared.recommendations.due import State
from shared.recommendations.items import Taste, Why
from shared.recommendations.lists import ListedTrack, Made, MadeList
from shared.recommendations.products import shelves
from shared.recommendations.taste import Listener, Session, drawn, session_of
from shared.signals.models import Signal
from tests.unit.recommendations.bundles import TODAY, a_taste, a_world, track_id

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)


def signal(minutes_ago: float, kind: str, row: int, **changes: Any) -> Signal:
    fields = {
        "event_id": f"{kind}-{row}-{minutes_ago}",
        "user_id": "somebody",
        "kind": kind,
        "ts": NOW - timedelta(minutes=minutes_ago),
        "track_id": track_id(row),
        "session_id": f"of-{row}",
        **changes,
    }
    return Signal.model_validate(fields)


def test_a_session_ends_with_half_an_hour_of_silence() -> None:
    played = [signal(minutes, "play", row) for row, minutes in enumerate((2, 6, 30, 61, 65))]
    assert session_of(played, NOW_MS).played == tuple(track_id(row) for row in range(3))
    assert session_of(played, NOW_MS + 29 * 60_000) == Session()


def test_a_skip_counts_until_the_track_is_heard_again() -> None:
    skipped = [signal(2, "skip", 1, position_ms=5_000), signal(2.1, "play", 1)]
    assert session_of(skipped, NOW_MS).skipped == (track_id(1),)
    again = [signal(1, "play", 1, session_id="again"), *skipped]
    assert session_of(again, NOW_MS).skipped == ()
    assert session_of(again, NOW_MS).played == (track_id(1),)


def test_a_taste_is_what_the_signals_say() -> None:
    signals = [
        signal(1, "hide", 9),
        signal(2, "save", 1),
        signal(3, "complete", 1, position_ms=180_000),
        signal(6, "play", 1),
        signal(8, "skip", 2, position_ms=1_000),
        signal(9, "play", 2),
    ]
    found = drawn("somebody", signals, NOW_MS, country="DE", followed=frozenset({"a"})).taste
    assert list(found.confidences) == [track_id(1)]
    assert set(found.heard) == {track_id(1), track_id(2)}
    assert found.hidden == {track_id(9)}
    assert found.recent == (track_id(1),)
    assert (found.country, found.followed_artists) == ("DE", {"a"})
    assert found.features


def listener(*signals: Signal, **changes: Any) -> Listener:
    return drawn("somebody", signals, NOW_MS, **changes)


def test_a_fingerprint_is_the_tastes_not_the_moments() -> None:
    plays = [signal(10, "play", 1), signal(20, "play", 2)]
    first = making.fingerprint_of(listener(*plays), "daily-mix")
    later = drawn("somebody", plays, NOW_MS + 10 * 3600 * 1000)
    assert making.fingerprint_of(later, "daily-mix") == first
    searched = listener(signal(1, "search", 1, track_id=None, query="x"), *plays)
    assert making.fingerprint_of(searched, "daily-mix") == first
    others = (
        listener(signal(1, "play", 3), *plays),
        listener(signal(1, "hide", 1), *plays),
        listener(*plays, followed=frozenset({"a"})),
        listener(*plays, country="SE"),
    )
    assert len({making.fingerprint_of(one, "daily-mix") for one in others} - {first}) == 4
    assert making.fingerprint_of(listener(*plays), "discover-weekly") != first


# --- shelves ----------------------------------------------------------------------------------


def a_made_list() -> Made:
    track = ListedTrack(track_id(1), 1.0, "neighbours", Why("listeners_like_you"))
    only = MadeList("discover-weekly", "Discover Weekly", "", (track,))
    return Made("discover-weekly", "2026-11-23", 1, 1, "f", "v", (only,))


def test_shelves_of_a_listener_and_of_a_stranger() -> None:
    bundle = a_world()
    taste = a_taste(bundle, dict.fromkeys(range(0, 40, 4), 1.0))
    full = shelves.fill(bundle, Listener(taste), {"discover-weekly": a_made_list()}, today=TODAY)
    names = [one.name for one in full]
    assert names[:3] == ["recently-played", "made-for-you", "because-1"]
    assert names[-1] == "popular"
    for shelf in full:
        assert shelf.tracks or shelf.lists or shelf.contexts
        assert len(shelf.tracks) <= shelves.TRACKS
    stranger = shelves.fill(bundle, Listener(Taste("new", "DE")), {}, today=TODAY)
    assert [one.name for one in stranger] == ["popular"]


def test_without_a_bundle_home_is_the_persons_own() -> None:
    taste = a_taste(a_world(), {0: 1.0})
    found = shelves.fill(None, Listener(taste), {"discover-weekly": a_made_list()}, today=TODAY)
    assert [one.name for one in found] == ["recently-played", "made-for-you"]
    assert shelves.fill(None, Listener(Taste("new")), {}, today=TODAY) == []


def test_contexts_to_go_on_with_are_the_newest_that_anybody_can_open() -> None:
    album, artist = "spotify:album:" + "a" * 22, "spotify:artist:" + "b" * 22
    signals = (
        signal(1, "play", 1, context_uri="segue:shelf:popular"),
        signal(2, "play", 1, context_uri=artist),
        signal(3, "play", 2, context_uri=album),
        signal(4, "play", 3, context_uri=artist),
        signal(5, "play", 3, context_uri="spotify:show:" + "c" * 22),
    )
    assert shelves.contexts_of(Listener(Taste("x"), signals)) == (artist, album)


def test_popular_shows_nothing_that_may_not_be_played() -> None:
    bundle = a_world(markets=frozenset({"SE"}))
    assert shelves.fill(bundle, Listener(Taste("new", "DE")), {}, today=TODAY) == []
    found = shelves.fill(bundle, Listener(Taste("new", "SE")), {}, today=TODAY)
    assert [one.name for one in found] == ["popular"]


def test_states_of_made_lists() -> None:
    assert a_made_list().state == State("2026-11-23", 1, "f")
