from __future__ import annotations

from dataclasses import replace

import pytest

from shared.connect import machine
from shared.connect.commands import (
    Command,
    Enqueue,
    Leave,
    Next,
    Pause,
    Play,
    Previous,
    Report,
    Resume,
    Seek,
    SetRepeat,
    SetShuffle,
    Transfer,
)
from shared.connect.machine import apply, settled
from shared.connect.models import Player, QueueEntry
from shared.connect.ordering import playing_order, upcoming
from shared.platform.errors import Forbidden
from tests.unit.connect.players import NOW_MS, TRACK_MS, a_player, an_entry, an_item, number


def after(player: Player, *commands: Command, now_ms: int = NOW_MS) -> Player:
    for command in commands:
        player = apply(player, command, now_ms)
    return player


# --- time -----------------------------------------------------------------------------------


def test_position_grows_while_it_plays_and_holds_while_it_does_not() -> None:
    player = a_player()
    assert settled(player, NOW_MS + 5_000).position_ms == 5_000
    paused = apply(player, Pause(), NOW_MS + 5_000)
    assert (paused.is_playing, paused.position_ms) == (False, 5_000)
    assert settled(paused, NOW_MS + 60_000).position_ms == 5_000
    resumed = apply(paused, Resume(), NOW_MS + 60_000)
    assert settled(resumed, NOW_MS + 61_000).position_ms == 6_000


def test_what_ended_meanwhile_is_followed_by_what_comes_next() -> None:
    player = a_player(3)
    later = settled(player, NOW_MS + 2 * TRACK_MS + 7_000)
    assert (number(later), later.index, later.position_ms) == (2, 2, 7_000)
    assert later.changed_at_ms == NOW_MS + 2 * TRACK_MS  # when that item began
    assert later.version == player.version


def test_after_the_last_item_the_player_holds_at_the_first() -> None:
    ended = settled(a_player(3), NOW_MS + 10 * TRACK_MS)
    assert (number(ended), ended.is_playing, ended.position_ms) == (0, False, 0)


def test_the_queue_plays_before_the_context_goes_on_where_it_stood() -> None:
    player = after(a_player(3), Enqueue(an_entry(1)), Enqueue(an_entry(2)))
    heard = [number(settled(player, NOW_MS + n * TRACK_MS)) for n in range(5)]
    assert heard == [0, 1001, 1002, 1, 2]


def test_a_repeated_context_goes_round_and_a_repeated_track_stays() -> None:
    round_ = after(a_player(3), SetRepeat("context"))
    assert number(settled(round_, NOW_MS + 4 * TRACK_MS)) == 1
    days = settled(round_, NOW_MS + (3 * 100_000 + 2) * TRACK_MS + 11)
    assert (number(days), days.position_ms, days.is_playing) == (2, 11, True)
    stay = after(a_player(3), SetRepeat("track"))
    held = settled(stay, NOW_MS + 7 * TRACK_MS + 11)
    assert (number(held), held.position_ms) == (0, 11)


def test_playback_stops_when_the_lease_of_its_device_ends() -> None:
    player = a_player()
    stopped = settled(player, NOW_MS + 500_000, until_ms=NOW_MS + 30_000)
    assert (number(stopped), stopped.is_playing, stopped.position_ms) == (0, False, 30_000)
    back = apply(player, Resume(), NOW_MS + 500_000, NOW_MS + 30_000)
    assert settled(back, NOW_MS + 501_000).position_ms == 31_000


def test_that_playback_stopped_is_kept_even_if_the_command_changes_nothing_else() -> None:
    player = a_player()
    kept = apply(player, Pause(), NOW_MS + 500_000, NOW_MS + 30_000)
    assert (kept.version, kept.is_playing, kept.position_ms) == (player.version + 1, False, 30_000)


def test_a_clock_that_is_behind_moves_nothing_back() -> None:
    player = apply(a_player(), Seek(50_000), NOW_MS + 10_000)
    assert settled(player, NOW_MS).position_ms == 50_000


# --- commands -------------------------------------------------------------------------------


def test_play_starts_at_the_item_and_position_that_are_asked_for() -> None:
    play = Play((an_item(1), an_item(2), an_item(3)), None, 7, start=1, position_ms=5_000)
    player = apply(Player(), play, NOW_MS)
    assert (number(player), player.position_ms, player.is_playing) == (2, 5_000, True)
    assert player.version == 1


def test_a_position_past_the_end_goes_to_the_next_item() -> None:
    assert number(after(a_player(), Seek(TRACK_MS))) == 1
    play = Play((an_item(1), an_item(2)), None, 7, start=0, position_ms=TRACK_MS + 1)
    started = apply(Player(), play, NOW_MS)
    assert (number(started), started.position_ms) == (2, 0)


def test_skipping_walks_the_context_and_back() -> None:
    player = after(a_player(3), Next(), Next())
    assert number(player) == 2
    assert number(after(player, Previous())) == 1
    assert number(after(player, SetRepeat("context"), Next())) == 0
    assert number(after(a_player(3), SetRepeat("context"), Previous())) == 2


def test_skipping_past_the_end_ends_playback_there() -> None:
    player = after(a_player(2), Next(), Next())
    assert (number(player), player.is_playing, player.position_ms) == (0, False, 0)


def test_back_from_the_queue_is_what_it_interrupted() -> None:
    player = after(a_player(3), Next(), Enqueue(an_entry(1)), Next())
    assert number(player) == 1001
    assert number(after(player, Previous())) == 1
    assert number(after(player, Next())) == 2


def test_a_queue_alone_can_be_played() -> None:
    player = after(Player(), Enqueue(an_entry(1)), Resume())
    assert (number(player), player.is_playing) == (1001, True)
    ended = settled(player, NOW_MS + TRACK_MS)
    assert (ended.current, ended.is_playing) == (None, False)


def test_one_request_queues_one_entry_even_after_it_was_played() -> None:
    player = after(a_player(), Enqueue(an_entry(1)), Enqueue(an_entry(1)))
    assert [entry.id for entry in player.queue] == ["entry-1"]
    assert after(player, Next(), Enqueue(an_entry(1))).queue == ()


def test_a_full_queue_refuses() -> None:
    entries = tuple(an_entry(n) for n in range(machine.QUEUE_LIMIT))
    with pytest.raises(Forbidden, match="queue is full"):
        apply(a_player(queue=entries), Enqueue(an_entry(9999)), NOW_MS)


def test_shuffling_keeps_the_current_item_and_unshuffling_the_natural_order() -> None:
    player = after(a_player(50), Next(), Next(), SetShuffle(True, seed=3))
    assert number(player) == 2
    assert playing_order(player)[0] == 2
    assert sorted(playing_order(player)) == list(range(50))
    assert upcoming(player, 49) != list(range(3, 50))
    back = after(player, Next(), SetShuffle(False, seed=4))
    assert number(back) == playing_order(player)[1]
    assert number(after(back, Next())) == (playing_order(player)[1] + 1) % 50


def test_a_new_context_is_shuffled_too_and_starts_anywhere() -> None:
    shuffled = after(a_player(5), SetShuffle(True, seed=3))
    items = tuple(an_item(n) for n in range(100))
    starts = {number(after(shuffled, Play(items, None, seed))) for seed in range(20)}
    assert len(starts) > 5
    chosen = after(shuffled, Play(items, None, 1, start=42))
    assert number(chosen) == 42
    assert len(upcoming(chosen, 100)) == 99  # everything else is still to come


def test_to_move_keeps_what_plays_and_starts_it_only_when_asked() -> None:
    paused = after(a_player(), Pause())
    moved = after(paused, Transfer("phone"))
    assert (moved.device_id, moved.is_playing, number(moved)) == ("phone", False, 0)
    assert after(paused, Transfer("phone", play=True)).is_playing
    assert after(Player(), Transfer("phone", play=True)).device_id == "phone"


def test_the_device_that_leaves_takes_playback_with_it() -> None:
    player = apply(a_player(), Leave(), NOW_MS + 3_000)
    assert (player.device_id, player.is_playing, player.position_ms) == (None, False, 3_000)


@pytest.mark.parametrize("command", [Pause(), SetRepeat("off"), SetShuffle(False, 1)])
def test_what_changes_nothing_is_no_new_version(command: Command) -> None:
    player = after(a_player(), Pause())
    assert apply(player, command, NOW_MS + 9_000) is player


def test_every_change_is_a_new_version() -> None:
    player = a_player()
    commands: list[Command] = [Pause(), Resume(), Next(), Seek(9), SetRepeat("track")]
    for count, command in enumerate(commands, 2):
        player = apply(player, command, NOW_MS + count)
        assert (player.version, player.changed_at_ms) == (count, NOW_MS + count)


@pytest.mark.parametrize(
    ("player", "command", "reason"),
    [
        (Player(), Resume(), "NOT_PLAYING_CONTEXT"),
        (Player(), Next(), "NOT_PLAYING_CONTEXT"),
        (Player(), Previous(), "NOT_PLAYING_TRACK"),
        (Player(), Seek(1), "NOT_PLAYING_TRACK"),
        (a_player(), Previous(), "NO_PREV_TRACK"),
        (Player(), Play((), None, 1), "NO_SPECIFIC_TRACK"),
    ],
)
def test_a_refusal_says_why(player: Player, command: Command, reason: str) -> None:
    with pytest.raises(Forbidden) as refusal:
        apply(player, command, NOW_MS)
    assert refusal.value.reason == reason


# --- reports --------------------------------------------------------------------------------


def test_a_report_of_what_was_known_changes_nothing() -> None:
    player = a_player()
    told = Report(an_item(0), 10_900, is_playing=True)
    assert apply(player, told, NOW_MS + 10_000) is player
    assert apply(player, Report(None, 9_500, is_playing=True), NOW_MS + 10_000) is player


def test_a_report_corrects_the_position() -> None:
    corrected = apply(a_player(), Report(None, 4_000, is_playing=True), NOW_MS + 10_000)
    assert settled(corrected, NOW_MS + 11_000).position_ms == 5_000


def test_a_report_of_silence_pauses() -> None:
    paused = apply(a_player(), Report(None, 10_000, is_playing=False), NOW_MS + 10_000)
    assert (paused.is_playing, paused.position_ms) == (False, 10_000)


def test_a_device_that_lags_behind_a_track_end_loses_no_entry() -> None:
    player = after(a_player(3), Enqueue(an_entry(1)), Enqueue(an_entry(2)))
    now = NOW_MS + TRACK_MS + 4_000  # by our clock the first entry plays
    assert number(settled(player, now)) == 1001
    lagging = apply(player, Report(an_item(0), TRACK_MS - 5_000, is_playing=True), now)
    assert (number(lagging), len(lagging.queue)) == (0, 2)
    ahead = apply(player, Report(an_entry(1).item, 5, is_playing=True), NOW_MS + TRACK_MS - 5_000)
    assert (number(ahead), [entry.id for entry in ahead.queue]) == (1001, ["entry-2"])


def test_a_device_that_skipped_is_followed() -> None:
    skipped = apply(a_player(), Report(an_item(3), 0, is_playing=True), NOW_MS + 1_000)
    assert (number(skipped), skipped.index, len(skipped.items)) == (3, 3, 5)


def test_what_was_chosen_at_the_device_becomes_the_context() -> None:
    chosen = apply(a_player(), Report(an_item(77), 0, is_playing=True), NOW_MS)
    assert (number(chosen), chosen.items, chosen.context_uri) == (77, (an_item(77),), None)


def test_a_report_of_more_than_there_is_stays_in_range() -> None:
    told = apply(a_player(), Report(None, 10 * TRACK_MS, is_playing=False), NOW_MS)
    assert told.position_ms == TRACK_MS


def test_time_to_the_end_of_what_plays() -> None:
    player = a_player()
    assert machine.ends_in_ms(player, NOW_MS + 50_000) == TRACK_MS - 50_000
    assert machine.ends_in_ms(replace(player, is_playing=False), NOW_MS) is None
    assert QueueEntry("x", an_item(1)).item.kind == "track"
