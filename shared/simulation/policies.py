"""What people are shown: recommenders, as a simulation sees them."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from shared.simulation.listening import Plays
    from shared.simulation.world import World


class Policy(Protocol):
    """A recommender. It sees who is there, and afterwards what they did; never their tastes."""

    def shelf(self, people: NDArray[np.int64], day: date) -> NDArray[np.int64]:
        """(people, k) Tracks for each person in order, -1 for none; k may be 0."""

    def learn(self, plays: Plays) -> None:
        """Takes in what a block of people did on a day."""


class Nothing:
    """Shows nothing: people listen to what they think of."""

    def shelf(self, people: NDArray[np.int64], day: date) -> NDArray[np.int64]:
        import numpy as np

        return np.empty((len(people), 0), np.int64)

    def learn(self, plays: Plays) -> None:
        """Nothing."""


class Fixed:
    """Shows each person a row of `shelves` (P, k): a list made ahead, or the best there is
    (`of_best`)."""

    def __init__(self, shelves: NDArray[np.int64]) -> None:
        self._shelves = shelves

    @classmethod
    def of_best(cls, world: World, count: int) -> Fixed:
        """What an all-knowing recommender shows: the bound for every other."""
        import numpy as np

        return cls(np.array(list(world.best_shelves(range(len(world)), count))))

    @classmethod
    def of_popular(cls, world: World, count: int) -> Fixed:
        """The most popular tracks, the same for everybody."""
        import numpy as np

        best = np.argsort(-world.catalogue.popularity, kind="stable")[:count]
        return cls(np.tile(best, (len(world), 1)))

    @classmethod
    def of_chance(cls, world: World, count: int, seed: int) -> Fixed:
        """Any tracks."""
        import numpy as np

        draw = np.random.default_rng(seed)
        return cls(draw.integers(0, len(world.catalogue), (len(world), count)))

    def shelf(self, people: NDArray[np.int64], day: date) -> NDArray[np.int64]:
        return self._shelves[people]

    def learn(self, plays: Plays) -> None:
        """Nothing."""


NOTHING = Nothing()
