"""What a person does with a home page of shelves; the probabilities are known truth.

    P(shelf s at place j) = examined_next^j * exp(u_s) / (exp(OWN_IDEA) + sum over shelves of that)
    u_s                   = trust + taste * mean affinity of the `VISIBLE` first tracks of s

which is the position-based model with attractions: what a bandit on the order of shelves has to
find out. From the shelf that is opened, tracks are played in its order, as anywhere else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from shared.simulation.behaviour import skipped_at
from shared.simulation.sessions import COMPLETE, SKIP
from shared.simulation.world import MOODS, World

if TYPE_CHECKING:
    from numpy.typing import NDArray

VISIBLE = 5  # tracks of a shelf that are seen without scrolling
OWN_IDEA = 1.5  # utility of leaving the page with what one had in mind
MOST_PLAYED = 12


@dataclass(frozen=True, slots=True)
class Heard:
    """A track of the shelf that was played, and how that ended."""

    track: int
    outcome: int  # `COMPLETE` or `SKIP`
    position_ms: int


@dataclass(frozen=True, slots=True)
class Reaction:
    """What was opened (None: nothing) and what was heard of it."""

    shelf: int | None
    heard: tuple[Heard, ...]


def p_shelf(world: World, person: int, shelves: Sequence[Sequence[int]]) -> NDArray[np.float64]:
    """(shelves,) The probability that a person opens each of `shelves` (tracks, in the order in
    which they stand); the rest to one is that of opening none. An empty shelf is never opened."""
    utility = np.full(len(shelves), -np.inf)
    for place, tracks in enumerate(shelves):
        if len(tracks):
            liked = float(world.affinity(person, list(tracks[:VISIBLE])).mean())
            utility[place] = world.trust[person] + world.behaviour.taste * liked
    weight = np.exp(utility) * world.behaviour.examined_next ** np.arange(len(shelves))
    found: NDArray[np.float64] = weight / (np.exp(OWN_IDEA) + weight.sum())
    return found


def react(
    world: World, person: int, shelves: Sequence[Sequence[int]], day: date, hour: int = 0
) -> Reaction:
    """What a person does with a page on a day and in an hour of it: the same each time it is
    asked."""
    draw = np.random.default_rng([world.seed, 0x40E, person, day.toordinal(), hour])
    chances = p_shelf(world, person, shelves)
    shelf = int(np.searchsorted(np.cumsum(chances), draw.random(), "right"))
    if shelf == len(shelves):
        return Reaction(None, ())
    tracks = np.array(shelves[shelf][:MOST_PLAYED])
    who = np.full(len(tracks), person)
    mood = np.full(len(tracks), draw.choice(MOODS, p=_shares(world, person)))
    p_skip = world.behaviour.p_skip(world.in_mood(who, mood, tracks), world.impatience[who])
    skipped = draw.random(len(tracks)) < p_skip
    duration = world.catalogue.duration_ms[tracks]
    position = np.where(skipped, skipped_at(draw, duration), duration)
    heard: list[Heard] = []
    in_a_row = 0
    for track, is_skip, at in zip(
        tracks.tolist(), skipped.tolist(), position.tolist(), strict=True
    ):
        heard.append(Heard(track, SKIP if is_skip else COMPLETE, int(at)))
        in_a_row = in_a_row + 1 if is_skip else 0
        if in_a_row == world.behaviour.skips_to_leave:
            break
    return Reaction(shelf, tuple(heard))


def _shares(world: World, person: int) -> NDArray[np.float64]:
    shares = world.mood_share[person].astype(np.float64)
    found: NDArray[np.float64] = shares / shares.sum()
    return found
