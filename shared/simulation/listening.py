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

from shared.simulation.behaviour import Effect, sigmoid, skipped_at
from shared.simulation.policies import Policy
from shared.simulation.world import BLOCK, FAVOURITES, World

if TYPE_CHECKING:
    from numpy.typing import NDArray

COMPLETE, SKIP, STOP = range(3)  # outcomes
Action = Literal["save", "playlist_add", "follow", "share", "hide", "report"]  # of `Behaviour`
ACTIONS: tuple[Action, ...] = get_args(Action)
_AFTER_THE_END = 4  # so many of them follow a track that was heard to its end, others a skip
COMPLAINTS: tuple[Action, ...] = ("hide", "report")
MAX_SESSIONS = 4  # of a person in a day
MAX_TRACKS = 40  # of a session
AA = Effect()
GAP_MS = 500  # between two tracks
PAUSE_MS = 120_000  # between two sessions of a person, at least
DAY_MS = 86_400_000
EPOCH_DAY = date(1970, 1, 1).toordinal()
# Sessions that begin in each hour of the day, relatively: two peaks, as of commuters.
_HOURS = np.array(
    [2, 1, 1, 1, 1, 2, 5, 9, 10, 7, 6, 6, 7, 7, 6, 7, 9, 11, 11, 10, 9, 8, 6, 4], np.float64
)
# What comes to mind at each step: favourites or new, by curiosity; and what follows from the last.
MIND = 12
SAME_ARTIST = 3
_ALL_NEW = 1 / 3  # of what is new: the share from every genre


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
    state = _Sessions.begin(draw, world, everybody, shown, in_treatment, effect)
    steps = []
    while (row := state.step(draw)) is not None:
        steps.append(row)
    return _finished(draw, world, day, state, steps)


@dataclass(slots=True)
class _Step:
    """One track of each session that still goes on."""

    session: NDArray[np.int64]  # index among all of the block's sessions
    track: NDArray[np.int64]
    outcome: NDArray[np.int8]
    position_ms: NDArray[np.int64]
    shown_at: NDArray[np.int16]
    searched: NDArray[np.bool_]
    affinity: NDArray[np.float32]


class _Sessions:
    """All sessions of a block on one day, side by side."""

    def __init__(
        self,
        world: World,
        person: NDArray[np.int64],
        shown: NDArray[np.int64],
        treated: NDArray[np.bool_],
        effect: Effect,
    ) -> None:
        self.world, self.person, self._shown, self.effect = world, person, shown, effect
        self.treated = treated
        self._ideas = _Ideas(world)
        self.hour = np.empty(len(person), np.float64)
        self._mood = np.empty(len(person), np.int64)
        self._length = np.empty(len(person), np.int64)
        self._heard = np.full((len(person), MAX_TRACKS), -1, np.int64)
        self._skips = np.zeros(len(person), np.int64)  # in a row
        self._going = np.arange(len(person))
        self._number = 0

    @classmethod
    def begin(
        cls,
        draw: np.random.Generator,
        world: World,
        everybody: NDArray[np.int64],
        shown: NDArray[np.int64],
        treated: NDArray[np.bool_],
        effect: Effect,
    ) -> _Sessions:
        counts = draw.poisson(world.sessions_per_day[everybody]).clip(0, MAX_SESSIONS)
        whose = np.repeat(np.arange(len(everybody)), counts)
        self = cls(world, everybody[whose], shown[whose], treated[whose], effect)
        size = len(whose)
        hours = draw.choice(24, size, p=_HOURS / _HOURS.sum()) + draw.random(size)
        order = np.lexsort((hours, whose))  # a person's sessions by their hours
        self.hour = hours[order]
        chances = np.cumsum(world.mood_at(self.person, self.hour), axis=1)
        self._mood = (draw.random(size)[:, None] > chances[:, :-1]).sum(axis=1)
        longer = np.where(self.treated, effect.session_length, 1.0)
        mean = world.behaviour.tracks_per_session * longer
        self._length = draw.geometric(1 / mean).clip(1, MAX_TRACKS)
        return self

    def step(self, draw: np.random.Generator) -> _Step | None:
        """The next track of each session, None once all have ended."""
        here = self._going
        if not len(here):
            return None
        world, rules, who = self.world, self.world.behaviour, self.person[here]
        treated = self.treated[here]
        ideas = self._ideas.at(draw, who, self._mood[here], self._last(here))
        own = ideas.tracks.shape[1]
        offered = np.concatenate([ideas.tracks, self._shown[here]], axis=1)
        known = offered >= 0
        tracks = np.where(known, offered, 0)
        affinity = world.in_mood(who, self._mood[here], tracks)
        heard = self._times_heard(here, tracks)
        utility = rules.taste * affinity + rules.repeated * heard
        utility[:, :own] += ideas.utility
        if self._number:
            last = self._last(here)
            likeness = np.matmul(world.vectors[tracks], world.vectors[last][:, :, None])[:, :, 0]
            utility += rules.coherence * likeness
            utility += rules.album_goes_on * (tracks == self._ideas.next_on_album[last][:, None])
        trust = world.trust[who] + np.where(treated, self.effect.trust, 0.0)
        places = np.arange(offered.shape[1] - own)
        utility[:, own:] += trust[:, None] + np.log(rules.examined_next) * places
        utility = np.where(known, utility, -np.inf)
        chosen = np.argmax(utility + draw.gumbel(size=utility.shape), axis=1)
        at = np.arange(len(here)), chosen
        moved = np.where(treated, self.effect.skip_log_odds, 0.0)
        p_skip = rules.p_skip(affinity[at], world.impatience[who], heard[at], moved)
        skipped = draw.random(len(here)) < p_skip
        duration = world.catalogue.duration_ms[tracks[at]]
        position = np.where(skipped, skipped_at(draw, duration), duration)
        self._heard[here, self._number] = tracks[at]
        self._number += 1
        self._skips[here] = np.where(skipped, self._skips[here] + 1, 0)
        over = self._number >= self._length[here]
        over |= self._skips[here] >= rules.skips_to_leave
        stopped = over & ~skipped & (draw.random(len(here)) < rules.stopped)
        position = np.where(stopped, (duration * draw.random(len(here))).astype(np.int64), position)
        self._going = here[~over]
        is_search = ideas.is_new[np.arange(len(here)), np.minimum(chosen, own - 1)] & (chosen < own)
        is_search &= draw.random(len(here)) < rules.searched
        return _Step(
            session=here,
            track=tracks[at],
            outcome=np.select([skipped, stopped], [SKIP, STOP], COMPLETE).astype(np.int8),
            position_ms=position.astype(np.int64),
            shown_at=np.where(chosen >= own, chosen - own, -1).astype(np.int16),
            searched=is_search,
            affinity=affinity[at],
        )

    def _last(self, here: NDArray[np.int64]) -> NDArray[np.int64]:
        found: NDArray[np.int64] = self._heard[here, self._number - 1]  # -1 at the beginning
        return found

    def _times_heard(self, here: NDArray[np.int64], tracks: NDArray[np.int64]) -> NDArray[np.int64]:
        count = np.zeros(tracks.shape, np.int64)
        for place in range(self._number):
            count += tracks == self._heard[here, place][:, None]
        return count


@dataclass(slots=True)
class _Thoughts:
    tracks: NDArray[np.int64]  # (s, k), -1 for none
    utility: NDArray[np.float64]  # (s, k) added
    is_new: NDArray[np.bool_]  # (s, k) neither a favourite nor from the artist before


class _Ideas:
    """What comes to people's minds by itself."""

    def __init__(self, world: World) -> None:
        self._world = world
        catalogue = world.catalogue
        n = len(catalogue)
        goes_on = np.r_[catalogue.album[1:] == catalogue.album[:-1], False]
        self.next_on_album = np.where(goes_on, np.arange(1, n + 1), -1)
        self._first = np.searchsorted(catalogue.artist, np.arange(len(catalogue.artist_ids)))
        self._size = np.bincount(catalogue.artist, minlength=len(catalogue.artist_ids))
        self._by_genre = np.argsort(catalogue.genre, kind="stable")
        weights = catalogue.popularity[self._by_genre].astype(np.float64)
        self._mass = np.r_[0.0, np.cumsum(weights)]
        genre = catalogue.genre[self._by_genre]
        bounds = np.searchsorted(genre, np.arange(catalogue.genres + 1))
        self._from, self._to = self._mass[bounds[:-1]], self._mass[bounds[1:]]

    def at(
        self,
        draw: np.random.Generator,
        people: NDArray[np.int64],
        moods: NDArray[np.int64],
        last: NDArray[np.int64],
    ) -> _Thoughts:
        """`MIND` tracks for each session, then what follows from its last one."""
        world, size = self._world, (len(people), MIND)
        favourite = world.favourites[people[:, None], draw.integers(0, FAVOURITES, size)]
        genre = world.mood_genre[people, moods][:, None]
        everywhere = draw.random(size) < _ALL_NEW
        low = np.where(everywhere, 0.0, self._from[genre])
        high = np.where(everywhere, self._mass[-1], self._to[genre])
        place = np.searchsorted(self._mass, low + (high - low) * draw.random(size), "right") - 1
        new = self._by_genre[place.clip(0, len(self._by_genre) - 1)]
        is_new = draw.random(size) < world.curiosity[people][:, None]
        mind = np.where(is_new, new, favourite)
        artist = world.catalogue.artist[last]
        among = draw.random((len(people), SAME_ARTIST)) * self._size[artist][:, None]
        same = self._first[artist][:, None] + among.astype(np.int64)
        follows = np.concatenate([self.next_on_album[last][:, None], same], axis=1)
        follows = np.where(last[:, None] >= 0, follows, -1)
        nothing = np.zeros(follows.shape)
        return _Thoughts(
            np.concatenate([mind, follows], axis=1),
            np.concatenate([np.where(is_new, 0.0, world.behaviour.familiar), nothing], axis=1),
            np.concatenate([is_new, nothing > 0], axis=1),
        )


def _finished(
    draw: np.random.Generator, world: World, day: date, state: _Sessions, steps: Sequence[_Step]
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
    state: _Sessions, session: NDArray[np.int64], heard_ms: NDArray[np.int64]
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
    state: _Sessions,
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
