"""Days of listening: who chooses what, and what becomes of it.

A day is a function of the world, the date and the policy alone: nothing is carried from one to the
next. So days can be simulated in any order, and the same day comes out the same in a longer run.
All sessions of a block's day go on side by side, one track of each in a step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from shared.simulation.behaviour import Effect, sigmoid
from shared.simulation.policies import Policy
from shared.simulation.sessions import (
    COMPLETE,
    MAX_SESSIONS,
    SKIP,
    Sessions,
    Step,
)
from shared.simulation.world import BLOCK, World

if TYPE_CHECKING:
    from numpy.typing import NDArray

Action = Literal["save", "playlist_add", "follow", "share", "hide", "report"]  # of `Behaviour`
ACTIONS: tuple[Action, ...] = get_args(Action)
_AFTER_THE_END = 4  # so many of them follow a track that was heard to its end, others a skip
COMPLAINTS: tuple[Action, ...] = ("hide", "report")
AA = Effect()
GAP_MS = 500  # between two tracks
PAUSE_MS = 120_000  # between two sessions of a person, at least
DAY_MS = 86_400_000
EPOCH_DAY = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Plays:
    """Plays of a block of people on one day, one row each, by session and in order.

    `shown_at` is the place on the shelf that it was chosen from (-1: the person's own idea),
    `affinity` what the person felt. `action`, `actor` are what was done and after which row.
    """

    day: date
    person: NDArray[np.int64]
    session: NDArray[np.int64]  # 0.. of the person on that day
    track: NDArray[np.int64]
    ts_ms: NDArray[np.int64]  # since the epoch, of the start
    outcome: NDArray[np.int8]
    position_ms: NDArray[np.int64]  # how far it was heard
    shown_at: NDArray[np.int16]
    searched: NDArray[np.bool_]
    affinity: NDArray[np.float32]
    action: NDArray[np.int8]
    actor: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.person)


def days_of(
    world: World,
    policy: Policy,
    days: Sequence[date],
    *,
    treated: NDArray[np.bool_] | None = None,
    effect: Effect = AA,
) -> Iterator[Plays]:
    """The plays of everybody on `days`, block by block within a day; of each the policy is told.
    `treated` says who (by person) is under `effect`."""
    for day in days:
        for block in range(-(-len(world) // BLOCK)):
            plays = block_of(world, policy, day, block, treated=treated, effect=effect)
            policy.learn(plays)
            yield plays


def block_of(
    world: World,
    policy: Policy,
    day: date,
    block: int,
    *,
    treated: NDArray[np.bool_] | None = None,
    effect: Effect = AA,
) -> Plays:
    """One day of the people `block * BLOCK` and on. The whole block is simulated, also those who
    are not there: so people fare the same however many come after them."""
    draw = np.random.default_rng([world.seed, 0xDA7, block, day.toordinal()])
    everybody = np.arange(block * BLOCK, (block + 1) * BLOCK)
    there = everybody[everybody < len(world)]
    in_treatment = np.zeros(BLOCK, np.bool_)
    if treated is not None:
        in_treatment[: len(there)] = treated[there]
    shelf = policy.shelf(there, day)
    shown = np.full((BLOCK, shelf.shape[1]), -1, np.int64)
    shown[: len(there)] = shelf
    state = Sessions.begin(draw, world, everybody, shown, in_treatment, effect)
    steps = []
    while (row := state.step(draw)) is not None:
        steps.append(row)
    return _finished(draw, world, day, state, steps)


def _finished(
    draw: np.random.Generator, world: World, day: date, state: Sessions, steps: Sequence[Step]
) -> Plays:
    """The steps as rows by session, at their times, with what was done after each. A day ends at
    midnight, whatever was still to be played."""
    if not steps:
        return _nothing(day)
    session = np.concatenate([one.session for one in steps])
    order = np.argsort(session, kind="stable")
    session = session[order]
    columns = {
        name: np.concatenate([getattr(one, name) for one in steps])[order]
        for name in ("track", "outcome", "position_ms", "shown_at", "searched", "affinity")
    }
    person = state.person[session]
    heard_ms = columns["position_ms"] + GAP_MS
    action, actor = _actions(draw, world, state, session, columns)
    ts_ms, number = _times(state, session, heard_ms)
    midnight = (day.toordinal() - EPOCH_DAY + 1) * DAY_MS
    ts_ms += midnight - DAY_MS
    kept = (ts_ms + columns["position_ms"] < midnight) & (person < len(world))
    renumbered = np.cumsum(kept) - 1
    acts = kept[actor]
    return Plays(
        day=day,
        person=person[kept],
        session=number[session][kept],
        ts_ms=ts_ms[kept],
        action=action[acts],
        actor=renumbered[actor[acts]],
        **{name: values[kept] for name, values in columns.items()},
    )


def _times(
    state: Sessions, session: NDArray[np.int64], heard_ms: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Milliseconds into the day of each row, and each session's number among its person's: none
    begins before the one before it has ended."""
    size = len(state.person)
    length = np.bincount(session, heard_ms, size).astype(np.int64)
    first_of_person = np.searchsorted(state.person, state.person)
    number = np.arange(size) - first_of_person
    starts = (state.hour * 3_600_000).astype(np.int64)
    for nth in range(1, MAX_SESSIONS):
        later = np.flatnonzero(number == nth)
        free = starts[later - 1] + length[later - 1] + PAUSE_MS
        starts[later] = np.maximum(starts[later], free)
    within = np.cumsum(heard_ms) - heard_ms
    first_row = np.searchsorted(session, session)
    return starts[session] + within - within[first_row], number


def _actions(
    draw: np.random.Generator,
    world: World,
    state: Sessions,
    session: NDArray[np.int64],
    columns: dict[str, NDArray[np.generic]],
) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
    """What is done after which row, by row."""
    affinity, outcome = columns["affinity"], columns["outcome"]
    found = []
    for code, name in enumerate(ACTIONS):
        base, slope = getattr(world.behaviour, name)
        log_odds = base + slope * affinity
        if name in COMPLAINTS:
            log_odds = log_odds + np.where(
                state.treated[session], state.effect.complaint_log_odds, 0.0
            )
        wanted = COMPLETE if code < _AFTER_THE_END else SKIP
        done = (draw.random(len(session)) < sigmoid(log_odds)) & (outcome == wanted)
        rows = np.flatnonzero(done)
        found.append((np.full(len(rows), code, np.int8), rows))
    codes, rows = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.argsort(rows, kind="stable")
    return codes[order], rows[order]


def _nothing(day: date) -> Plays:
    whole, short = np.empty(0, np.int64), np.empty(0, np.int8)
    return Plays(
        day, whole, whole, whole, whole, short, whole, np.empty(0, np.int16),
        np.empty(0, np.bool_), np.empty(0, np.float32), short, whole,
    )  # fmt: skip
