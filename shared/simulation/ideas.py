"""What comes to people's minds by itself: favourites or something new, and what follows from the
track before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shared.simulation.world import FAVOURITES, World

if TYPE_CHECKING:
    from numpy.typing import NDArray

MIND = 12  # tracks at each step
SAME_ARTIST = 3  # and so many of the artist before
_ALL_NEW = 1 / 3  # of what is new: the share from every genre


@dataclass(slots=True)
class Thoughts:
    """What came to mind in each of s sessions."""

    tracks: NDArray[np.int64]  # (s, k), -1 for none
    utility: NDArray[np.float64]  # (s, k) added
    is_new: NDArray[np.bool_]  # (s, k) neither a favourite nor from the artist before


class Ideas:
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
    ) -> Thoughts:
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
        return Thoughts(
            np.concatenate([mind, follows], axis=1),
            np.concatenate([np.where(is_new, 0.0, world.behaviour.familiar), nothing], axis=1),
            np.concatenate([is_new, nothing > 0], axis=1),
        )
