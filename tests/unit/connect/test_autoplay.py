"""What a player goes on with when its context has ended."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.connect import render
from shared.connect.commands import Next, Play, Previous, Report, SetRepeat
from shared.connect.machine import apply, settled
from shared.connect.models import AUTOPLAY_URI, Player, Shuffle
from tests.unit.connect.players import ALBUM, NOW_MS, TRACK_MS, an_entry, an_item, number

AUTOPLAY = tuple(an_item(500 + n) for n in range(4))


def a_player(count: int = 2, **changes: object) -> Player:
    items = tuple(an_item(n) for n in range(count))
    play = Play(items, ALBUM, seed=7, start=0, autoplay=AUTOPLAY)
    return apply(replace(Player(device_id="speaker"), **changes), play, NOW_MS)  # type: ignore[arg-type]


def test_next_after_the_last_item_goes_on_with_what_is_recommended() -> None:
    last = apply(a_player(), Next(), NOW_MS)
    assert last.context_uri == ALBUM
    on = apply(last, Next(), NOW_MS)
    assert number(on) == 500
    assert on.is_playing
    assert on.context_uri == AUTOPLAY_URI
    assert on.items == AUTOPLAY
    assert number(apply(on, Next(), NOW_MS)) == 501


def test_the_end_of_the_last_item_goes_on_by_itself() -> None:
    later = settled(a_player(), NOW_MS + 2 * TRACK_MS + 1_000)
    assert (number(later), later.position_ms, later.is_playing) == (500, 1_000, True)


def test_after_the_recommended_ones_it_holds() -> None:
    later = settled(a_player(), NOW_MS + 100 * TRACK_MS)
    assert (number(later), later.is_playing, later.context_uri) == (500, False, AUTOPLAY_URI)


@pytest.mark.parametrize("mode", ["context", "track"])
def test_what_is_repeated_does_not_end(mode: str) -> None:
    player = apply(a_player(), SetRepeat(mode), NOW_MS)  # type: ignore[arg-type]
    assert settled(player, NOW_MS + 100 * TRACK_MS).context_uri == ALBUM


def test_the_queue_comes_first() -> None:
    player = replace(apply(a_player(), Next(), NOW_MS), queue=(an_entry(1),))
    queued = apply(player, Next(), NOW_MS)
    assert (number(queued), queued.from_queue) == (1001, True)
    assert number(apply(queued, Next(), NOW_MS)) == 500


def test_who_shuffles_goes_on_shuffling_from_the_best_one() -> None:
    player = a_player(5, shuffle=Shuffle(3))
    heard = []
    for _ in range(5 + len(AUTOPLAY) - 1):
        player = apply(player, Next(), NOW_MS)
        heard.append(number(player))
    assert heard[4] == 500
    assert set(heard[4:]) == {500, 501, 502, 503}
    assert player.shuffle is not None


def test_there_is_nothing_before_the_first_recommended_one() -> None:
    player = settled(a_player(), NOW_MS + 2 * TRACK_MS)
    with pytest.raises(Exception, match="no previous track"):
        apply(player, Previous(), NOW_MS + 2 * TRACK_MS)


def test_a_device_that_went_on_by_itself_is_followed() -> None:
    player = a_player()
    report = Report(AUTOPLAY[1], position_ms=5_000, is_playing=True)
    told = apply(player, report, NOW_MS + 1_000, device_id="speaker")
    assert (number(told), told.context_uri, told.position_ms) == (501, AUTOPLAY_URI, 5_000)


def test_a_context_of_the_devices_own_has_no_autoplay() -> None:
    report = Report(an_item(900), position_ms=0, is_playing=True)
    assert apply(a_player(), report, NOW_MS, device_id="speaker").autoplay == ()


def test_devices_are_told_what_comes_after_the_context() -> None:
    player = a_player()
    assert render.next_items(player) == [an_item(1), *AUTOPLAY]
    repeated = apply(player, SetRepeat("track"), NOW_MS)
    assert render.next_items(repeated) == [an_item(1)]
