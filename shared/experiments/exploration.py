"""A floor for what nobody knows yet (F212, F213): a share of what is shown is new tracks.

New is a track with fewer than `NEW_BELOW_PLAYS` plays: too few to say whether people skip it. Of a
list, `EPSILON` of the places are for such tracks, wherever a ranking would put them, so that each
gets its chance and the ranking data on what it does not favour. Pure; where and which are the
generator's to say.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np

T = TypeVar("T")

# Of the tracks shown. 5 % is the low end of what is usual, and one or two tracks of a list of 30.
EPSILON = 0.05
# The standard error of a skip rate of 0.3 is 0.065 then: enough to tell a bad track from a good.
NEW_BELOW_PLAYS = 50


def slots(count: int, generator: np.random.Generator, share: float = EPSILON) -> tuple[int, ...]:
    """The places (0 .. `count` - 1, ascending) of a list that are for new tracks: as many as
    `count` x `share`, rounded up or down at random so that the share is exact on average."""
    if not 0 <= share <= 1:
        raise ValueError(f"share is {share}: a part of the list, 0 to 1")
    whole, part = divmod(count * share, 1)
    wanted = min(int(whole) + int(generator.random() < part), count)
    chosen = generator.choice(count, wanted, replace=False) if wanted else ()
    return tuple(sorted(int(place) for place in chosen))


def with_floor(
    ranked: Sequence[T],
    newcomers: Collection[T],
    count: int,
    generator: np.random.Generator,
    share: float = EPSILON,
) -> list[T]:
    """The `count` best of `ranked`, with as many of the `newcomers` among them as `slots` asks for
    and as there are. Newcomers who are among the best already count; others are drawn evenly, stand
    at random places, and the last of the known make room. Nothing is there twice.

    Call it before the rules: what they take out is not made up for here.
    """
    best = list(dict.fromkeys(ranked))[:count]
    wanted = len(slots(min(count, len({*ranked, *newcomers})), generator, share))
    new = set(newcomers)
    missing = wanted - sum(one in new for one in best)
    present = set(best)
    # In their order, since a set's is another in each process.
    waiting = [one for one in dict.fromkeys(newcomers) if one not in present]
    missing = min(max(missing, 0), len(waiting))
    if not missing:
        return best
    drawn = [waiting[i] for i in generator.choice(len(waiting), missing, replace=False)]
    places = set(generator.choice(min(count, len(best) + missing), missing, replace=False).tolist())
    room = min(count, len(best) + missing) - missing
    known_too_many = max(len(best) - room, 0)
    kept = _without_last(best, new, known_too_many)
    entering, staying = iter(drawn), iter(kept)
    return [
        next(entering) if place in places else next(staying) for place in range(len(kept) + missing)
    ]


def _without_last(best: Sequence[T], new: Collection[T], number: int) -> list[T]:
    """`best` without the last `number` that are not new."""
    known = [place for place, one in enumerate(best) if one not in new]
    leaving = set(known[len(known) - number :])
    return [one for place, one in enumerate(best) if place not in leaving]
