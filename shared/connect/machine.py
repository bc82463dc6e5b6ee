"""The player as a state machine: state x command x now -> state. Pure.

Nobody tells a server that a track has ended. So a state says what was true at `at_ms`, and
`settled` walks from there to now through what was played meanwhile: the rest of the track, the
queue, then the context, with repeat, then what autoplay goes on with. Every read and every command
starts from the settled state.

Refusals carry the reasons of the Web API. Where it refuses a command that would change nothing
(to pause what is paused, to resume what plays), this answers that it is done: clients repeat
commands whose answer they lost.
"""

from __future__ import annotations

from dataclasses import replace

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
from shared.connect.models import AUTOPLAY_URI, Item, Player, Shuffle
from shared.connect.ordering import neighbour, order, place_of
from shared.platform.errors import Forbidden

QUEUE_LIMIT = 500  # entries; ours: the state is one small document
RECENT_ENTRIES = 50
# A report that differs less from what was computed changes nothing: clocks and buffers differ.
DRIFT_MS = 2_000


def settled(player: Player, now_ms: int, until_ms: int | None = None) -> Player:
    """The state as it is at `now_ms`. Playback stopped at `until_ms`, if that is earlier: it is
    when the lease of the device that played ended."""
    if _lapsed(player, now_ms, until_ms):
        assert until_ms is not None
        stopped = _paused(_played_to(player, max(until_ms, player.at_ms)))
        return replace(stopped, at_ms=max(now_ms, player.at_ms))
    return _played_to(player, now_ms)


def apply(
    player: Player,
    command: Command,
    now_ms: int,
    until_ms: int | None = None,
    device_id: str | None = None,
) -> Player:
    """The state after `command`, given at `now_ms` to the stored state `player`, on the device
    `device_id` if one is named; for `until_ms` see `settled`.

    `version` is one more if anything changed, else the answer is `player` as it was stored.
    Raises Forbidden with the reason where the state does not allow the command.
    """
    before = settled(player, now_ms, until_ms)
    there = before if device_id is None else replace(before, device_id=device_id)
    if isinstance(command, Report):
        after = _reported(player, there, command)
    else:
        after = _changed(there, command)
    if after == before and not _lapsed(player, now_ms, until_ms):
        return player
    return replace(after, version=player.version + 1, changed_at_ms=before.at_ms)


def _lapsed(player: Player, now_ms: int, until_ms: int | None) -> bool:
    return player.is_playing and until_ms is not None and until_ms < now_ms


def ends_in_ms(player: Player, now_ms: int) -> int | None:
    """Time until the current item ends, None while nothing plays."""
    if not player.is_playing or player.current is None:
        return None
    return max(player.current.duration_ms - player.position_ms - (now_ms - player.at_ms), 0)


def _changed(player: Player, command: Command) -> Player:
    match command:
        case Play():
            return _play(player, command)
        case Resume():
            return _resume(player, command.position_ms)
        case Pause():
            return _paused(player)
        case Next():
            _need_something(player)
            return _skipped(player)
        case Previous():
            return _previous(player)
        case Seek():
            if player.current is None:
                raise _refusal("Nothing is playing", "NOT_PLAYING_TRACK")
            return _at(player, command.position_ms)
        case SetRepeat():
            return replace(player, repeat=command.mode)
        case SetShuffle():
            return _shuffled(player, command)
        case Enqueue():
            return _enqueued(player, command)
        case Transfer():
            moved = replace(player, device_id=command.device_id)
            has_something = moved.current is not None or moved.queue or moved.items
            return _resume(moved, None) if command.play and has_something else moved
        case Leave():
            return replace(_paused(player), device_id=None)
        case _:
            raise AssertionError(f"no such command: {command}")


# --- commands -------------------------------------------------------------------------------


def _play(player: Player, command: Play) -> Player:
    if not command.items:
        raise _refusal("The context has nothing to play", "NO_SPECIFIC_TRACK")
    shuffle = None
    if player.shuffle is not None:
        first = -1 if command.start is None else command.start
        shuffle = Shuffle(command.seed, first)
    start = command.start
    if start is None:
        start = order(len(command.items), shuffle)[0]
    started = replace(
        player,
        context_uri=command.context_uri,
        items=command.items,
        index=start,
        current=command.items[start],
        from_queue=False,
        shuffle=shuffle,
        is_playing=True,
        position_ms=0,
        autoplay=command.autoplay,
    )
    return _at(started, command.position_ms)


def _resume(player: Player, position_ms: int | None) -> Player:
    if player.current is None:
        _need_something(player)
        player = _skipped(player)
    player = replace(player, is_playing=True)
    return player if position_ms is None else _at(player, position_ms)


def _previous(player: Player) -> Player:
    if player.current is None:
        raise _refusal("Nothing is playing", "NOT_PLAYING_TRACK")
    if player.from_queue and player.index >= 0:  # back to what the queue interrupted
        return _playing(player, player.index)
    before = neighbour(player, -1)
    if before is None or player.from_queue:
        raise _refusal("There is no previous track", "NO_PREV_TRACK")
    return _playing(player, before)


def _shuffled(player: Player, command: SetShuffle) -> Player:
    if command.on == (player.shuffle is not None):
        return player
    shuffle = Shuffle(command.seed, player.index) if command.on else None
    return replace(player, shuffle=shuffle)


def _enqueued(player: Player, command: Enqueue) -> Player:
    if command.entry.id in player.recent_entries:
        return player  # the same request again
    if len(player.queue) >= QUEUE_LIMIT:
        raise _refusal(f"The queue is full: it holds {QUEUE_LIMIT} items", "UNKNOWN")
    recent = (*player.recent_entries, command.entry.id)[-RECENT_ENTRIES:]
    return replace(player, queue=(*player.queue, command.entry), recent_entries=recent)


def _reported(stored: Player, now: Player, report: Report) -> Player:
    """The state that a device tells, `now` being the one that was computed from `stored`.

    A device knows best what it plays; what differs little from what was computed is the same. One
    that lags is still at an item that `now` is past: so it is looked for from `stored` on, where
    no entry has been taken off the queue yet.
    """
    item = report.item or now.current
    if item is None:
        return now
    if now.current is not None and item.uri == now.current.uri:
        base = now
    elif stored.current is not None and item.uri == stored.current.uri:
        played_ms = now.at_ms - stored.at_ms if stored.is_playing else 0
        base = replace(
            stored,
            at_ms=now.at_ms,
            position_ms=stored.position_ms + played_ms,
            device_id=now.device_id,
        )
        if report.is_playing and abs(base.position_ms - report.position_ms) <= DRIFT_MS:
            return now
    else:
        moved = replace(stored, at_ms=now.at_ms, device_id=now.device_id)
        base = _found(moved, item, report.context_uri)
    if (
        base is now
        and report.is_playing == now.is_playing
        and abs(report.position_ms - now.position_ms) <= DRIFT_MS
    ):
        return now
    position_ms = min(max(report.position_ms, 0), item.duration_ms)
    return replace(base, is_playing=report.is_playing, position_ms=position_ms)


def _found(player: Player, item: Item, context_uri: str | None) -> Player:
    """The state in which `item` is current: it is in the queue or the context, or a context of its
    own, if the person chose it at the device."""
    for number, entry in enumerate(player.queue):
        if entry.item.uri == item.uri:
            rest = player.queue[number + 1 :]
            return replace(player, queue=rest, current=entry.item, from_queue=True)
    if context_uri in (None, player.context_uri):
        indices = order(len(player.items), player.shuffle)
        start = place_of(player, player.index) + 1 if player.index >= 0 else 0
        for index in (*indices[start:], *indices[:start]):
            if player.items[index].uri == item.uri:
                return _playing(player, index)
        if item in player.autoplay:  # the device went on by itself
            return _playing(_on_autoplay(player), player.autoplay.index(item))
    return replace(
        player,
        context_uri=context_uri,
        items=(item,),
        index=0,
        current=item,
        from_queue=False,
        shuffle=player.shuffle and Shuffle(player.shuffle.seed),
        autoplay=(),
    )


# --- moves ----------------------------------------------------------------------------------


def _played_to(player: Player, now_ms: int) -> Player:
    """`player` at `now_ms`: tracks that ended meanwhile are followed by what comes next."""
    if now_ms <= player.at_ms:
        return player
    if not player.is_playing or player.current is None:
        return replace(player, at_ms=now_ms)
    left_ms = player.position_ms + now_ms - player.at_ms
    player = replace(player, position_ms=0, at_ms=now_ms)
    if player.repeat == "track":
        assert player.current is not None
        return replace(player, position_ms=left_ms % player.current.duration_ms)
    rounds_skipped = False
    while player.current is not None and left_ms >= player.current.duration_ms:
        left_ms -= player.current.duration_ms
        if not player.queue and player.repeat == "context" and not rounds_skipped:
            # A player left alone for days has gone round many times.
            left_ms %= max(sum(item.duration_ms for item in player.items), 1)
            rounds_skipped = True
        player = replace(_skipped(player), changed_at_ms=now_ms - left_ms)
        if not player.is_playing:
            return player
    return replace(player, position_ms=left_ms)


def _skipped(player: Player) -> Player:
    """What comes after the current item, from its start. After the last one comes `autoplay`, and
    without any the player holds at the beginning of the context."""
    if player.queue:
        return replace(
            player,
            current=player.queue[0].item,
            queue=player.queue[1:],
            from_queue=True,
            position_ms=0,
        )
    following = neighbour(player, 1)
    if following is not None:
        return _playing(player, following)
    if player.autoplay and player.repeat == "off":
        return _playing(_on_autoplay(player), 0)
    ended = replace(player, is_playing=False, position_ms=0)
    if not player.items:  # a queue alone, and it is done
        return replace(ended, current=None, from_queue=False)
    return _playing(ended, order(len(player.items), player.shuffle)[0])


def _on_autoplay(player: Player) -> Player:
    """The player with `autoplay` as its context; who shuffles goes on with its first item too."""
    return replace(
        player,
        context_uri=AUTOPLAY_URI,
        items=player.autoplay,
        index=-1,
        shuffle=player.shuffle and replace(player.shuffle, first=0),
        autoplay=(),
    )


def _playing(player: Player, index: int) -> Player:
    return replace(
        player, index=index, current=player.items[index], from_queue=False, position_ms=0
    )


def _at(player: Player, position_ms: int) -> Player:
    assert player.current is not None
    if position_ms < player.current.duration_ms:
        return replace(player, position_ms=position_ms)
    return _skipped(player)


def _paused(player: Player) -> Player:
    return replace(player, is_playing=False)


def _need_something(player: Player) -> None:
    if player.current is None and not player.queue and not player.items:
        raise _refusal("Nothing is there to play", "NOT_PLAYING_CONTEXT")


def _refusal(message: str, reason: str) -> Forbidden:
    return Forbidden(f"Player command failed: {message}", reason=reason)
