"""Sessions side by side: one track of each in a step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shared.simulation.behaviour import Effect, skipped_at
from shared.simulation.ideas import Ideas
from shared.simulation.world import World

if TYPE_CHECKING:
    from numpy.typing import NDArray

COMPLETE, SKIP, STOP = range(3)  # outcomes
MAX_SESSIONS = 4  # of a person in a day
MAX_TRACKS = 40  # of a session
# Sessions that begin in each hour of the day, relatively: two peaks, as of commuters.
_HOURS = np.array(
    [2, 1, 1, 1, 1, 2, 5, 9, 10, 7, 6, 6, 7, 7, 6, 7, 9, 11, 11, 10, 9, 8, 6, 4], np.float64
)


@dataclass(slots=True)
class Step:
    """One track of each session that still goes on."""

    session: NDArray[np.int64]  # index among all of the block's sessions
    track: NDArray[np.int64]
    outcome: NDArray[np.int8]
    position_ms: NDArray[np.int64]
    shown_at: NDArray[np.int16]
    searched: NDArray[np.bool_]
    affinity: NDArray[np.float32]


class Sessions:
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
        self._ideas = Ideas(world)
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
    ) -> Sessions:
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

    def step(self, draw: np.random.Generator) -> Step | None:
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
        return Step(
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
