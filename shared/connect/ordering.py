"""The order in which a context plays: natural, or shuffled by a seed. Pure."""

from __future__ import annotations

import random
from functools import lru_cache

from shared.connect.models import Player, Shuffle

ORDERS_KEPT = 256  # about 20 kB each at the largest
MAX_SEED = 2**32 - 1


def order(count: int, shuffle: Shuffle | None) -> tuple[int, ...]:
    """The indices 0 .. `count` - 1 in playing order; the same for the same seed on every machine,
    so an order is stored as its seed and un-shuffling is nothing but to forget it."""
    return tuple(range(count)) if shuffle is None else _shuffled(count, shuffle)


@lru_cache(ORDERS_KEPT)
def _shuffled(count: int, shuffle: Shuffle) -> tuple[int, ...]:
    # Of Python's generator only random() is promised to give the same numbers in every version.
    draw = random.Random(shuffle.seed).random
    indices = list(range(count))
    for last in range(count - 1, 0, -1):
        other = int(draw() * (last + 1))
        indices[last], indices[other] = indices[other], indices[last]
    if 0 <= shuffle.first < count:
        indices.remove(shuffle.first)
        indices.insert(0, shuffle.first)
    return tuple(indices)


def playing_order(player: Player) -> tuple[int, ...]:
    """The indices of the player's items in the order in which they play."""
    return order(len(player.items), player.shuffle)


@lru_cache(ORDERS_KEPT)
def _places(count: int, shuffle: Shuffle) -> dict[int, int]:
    return {index: place for place, index in enumerate(_shuffled(count, shuffle))}


def place_of(player: Player, index: int) -> int:
    """Where in the playing order the item at `index` stands."""
    if player.shuffle is None:
        return index
    return _places(len(player.items), player.shuffle)[index]


def neighbour(player: Player, step: int) -> int | None:
    """Index of the item `step` places (1 or -1) from where the context stands, None past an end.
    With repeat of the context an end is followed by the other end."""
    count = len(player.items)
    if not count:
        return None
    place = place_of(player, player.index) + step if player.index >= 0 else 0
    if not 0 <= place < count:
        if player.repeat != "context":
            return None
        place %= count
    return playing_order(player)[place]


def upcoming(player: Player, limit: int) -> list[int]:
    """The indices of at most `limit` items that the context goes on with, next one first."""
    count = len(player.items)
    if not count:
        return []
    place = place_of(player, player.index) + 1 if player.index >= 0 else 0
    indices = playing_order(player)
    ahead = list(indices[place : place + limit])
    while player.repeat == "context" and len(ahead) < limit:
        ahead += indices[: limit - len(ahead)]
    return ahead
