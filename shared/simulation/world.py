"""People with hidden tastes, and what is true of them: affinities, skips, best shelves.

Everything follows from a catalogue, a number of people and a seed. Tracks and moods are vectors of
`DIMENSIONS`; the affinity of a track for a person in a mood is

    a(p, m, t) = STRENGTH * cos(mood of p, t) + quality of t

which over random people and tracks has a mean near 0 and a deviation near 1: 2 is a favourite, -2
what they cannot stand. A recommender sees none of it; a factorisation can find it, since all but
the cosine's norm is an inner product. People are made in blocks of `BLOCK` with a stream of random
numbers each, so that more people do not change those who are there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.simulation.behaviour import Behaviour
from shared.simulation.catalogue import Catalogue

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Rows = Sequence[int] | NDArray[np.int64]

DIMENSIONS = 16
MOODS = 3  # of a person, by the hour of the day
FAVOURITES = 30  # tracks that come to a person's mind by themselves
STRENGTH = 2.6  # of taste: see above
QUALITY = 0.5  # deviation of what everybody thinks of a track
LIKENESS = 0.8  # of an artist to their genre, of a track to its artist, of a mood to its genre
BLOCK = 256
_WEIGHED = 600  # tracks that are weighed against one another to find favourites
_CHUNK = 2_000_000  # affinities in memory at a time


@dataclass(frozen=True, slots=True)
class World:
    """Who listens to what: n tracks, and P people in whole blocks, of whom the first `people` are
    there. Nothing in it ever changes."""

    catalogue: Catalogue
    seed: int
    people: int
    vectors: NDArray[np.float32]  # (n, DIMENSIONS) of length 1
    quality: NDArray[np.float32]  # (n,)
    moods: NDArray[np.float32]  # (P, MOODS, DIMENSIONS) of length 1
    mood_genre: NDArray[np.int32]  # (P, MOODS) whose tracks they look for
    mood_share: NDArray[np.float32]  # (P, MOODS) sums to 1
    mood_hour: NDArray[np.float32]  # (P, MOODS) 0..24: when it is strongest
    favourites: NDArray[np.int32]  # (P, FAVOURITES)
    sessions_per_day: NDArray[np.float32]  # (P,) of the mean day
    impatience: NDArray[np.float32]  # (P,) added to the log odds of a skip
    curiosity: NDArray[np.float32]  # (P,) 0..1: share of what is new in what comes to mind
    trust: NDArray[np.float32]  # (P,) added to the utility of what is shown to them
    behaviour: Behaviour

    @classmethod
    def make(
        cls, catalogue: Catalogue, people: int, seed: int, behaviour: Behaviour | None = None
    ) -> World:
        """The world of `seed`. Raises ValueError for fewer people than 1."""
        import numpy as np

        if people < 1:
            raise ValueError(f"a world has at least 1 person, not {people}")
        draw = np.random.default_rng([seed, 0x3A7])
        genres = _unit(draw.normal(size=(catalogue.genres, DIMENSIONS)))
        artists = _near(draw, genres[catalogue.genre_of_artist])
        vectors = _near(draw, artists[catalogue.artist])
        quality = draw.normal(0.0, QUALITY, len(catalogue)).astype(np.float32)
        blocks = [
            _block(catalogue, genres, artists, vectors, quality, seed, number)
            for number in range(-(-people // BLOCK))
        ]
        columns = {name: np.concatenate([one[name] for one in blocks]) for name in blocks[0]}
        return cls(
            catalogue, seed, people, vectors, quality, **columns, behaviour=behaviour or Behaviour()
        )

    def __len__(self) -> int:
        """How many people there are."""
        return self.people

    def in_mood(
        self, people: NDArray[np.int64], moods: NDArray[np.int64], tracks: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """a(p, m, t) for each person in a mood (s,), and tracks (s, k) or (s,)."""
        import numpy as np

        shape = tracks.shape
        tracks = tracks.reshape(len(people), -1)
        likeness = np.matmul(self.vectors[tracks], self.moods[people, moods][:, :, None])[:, :, 0]
        found: NDArray[np.float32] = (STRENGTH * likeness + self.quality[tracks]).reshape(shape)
        return found

    def affinity(self, person: int, tracks: Rows) -> NDArray[np.float32]:
        """How much a person likes tracks over all of their moods: the mean of a(p, m, t) by the
        moods' shares."""
        import numpy as np

        wanted = np.asarray(tracks, np.int64)
        likeness = self.vectors[wanted] @ self.moods[person].T @ self.mood_share[person]
        found: NDArray[np.float32] = STRENGTH * likeness + self.quality[wanted]
        return found

    def affinities(self, people: Rows) -> NDArray[np.float32]:
        """The same for all tracks: (people, n)."""
        import numpy as np

        who = np.asarray(people, np.int64)
        mean = np.einsum("pmd,pm->pd", self.moods[who], self.mood_share[who])
        found: NDArray[np.float32] = STRENGTH * (mean @ self.vectors.T) + self.quality
        return found

    def p_skip(self, person: int, tracks: Rows) -> NDArray[np.float32]:
        """The probability that a person skips each track at its first play in a session, over
        their moods."""
        import numpy as np

        wanted = np.asarray(tracks, np.int64)
        who = np.full(len(wanted), person)
        by_mood = [
            self.behaviour.p_skip(self.in_mood(who, np.full_like(who, mood), wanted),
                                  self.impatience[who])
            for mood in range(MOODS)
        ]  # fmt: skip
        found: NDArray[np.float32] = np.tensordot(self.mood_share[person], np.array(by_mood), 1)
        return found

    def best_shelf(self, person: int, count: int) -> NDArray[np.int64]:
        """The tracks that a person likes best, best first: no recommender finds better ones."""
        return next(self.best_shelves([person], count))

    def best_shelves(self, people: Rows, count: int) -> Iterator[NDArray[np.int64]]:
        """`best_shelf` of each of `people`."""
        import numpy as np

        who = np.asarray(people, np.int64)
        step = max(1, _CHUNK // len(self.catalogue))
        for start in range(0, len(who), step):
            scores = self.affinities(who[start : start + step])
            yield from np.argsort(-scores, axis=1, kind="stable")[:, :count]

    def mood_at(self, people: NDArray[np.int64], hours: NDArray[np.float64]) -> NDArray[np.float64]:
        """(s, MOODS) The probability of each mood at an hour 0..24: its share, times
        exp(cos) of how far it is from the hour when it is strongest."""
        import numpy as np

        away = 2 * np.pi * (hours[:, None] - self.mood_hour[people]) / 24
        weights = self.mood_share[people] * np.exp(1.5 * np.cos(away))
        found: NDArray[np.float64] = weights / weights.sum(axis=1, keepdims=True)
        return found

    def user_id(self, person: int) -> str:
        """What a person is called."""
        return user_id(self.seed, person)


def user_id(seed: int, person: int) -> str:
    """What a person of the world of `seed` is called: also a username."""
    return f"listener-{seed}-{person:05d}"


def _block(
    catalogue: Catalogue,
    genres: NDArray[np.float32],
    artists: NDArray[np.float32],
    vectors: NDArray[np.float32],
    quality: NDArray[np.float32],
    seed: int,
    number: int,
) -> dict[str, NDArray[np.generic]]:
    """The columns of `BLOCK` people."""
    import numpy as np

    draw = np.random.default_rng([seed, 0xB10C, number])
    fame = np.bincount(catalogue.genre, catalogue.popularity, catalogue.genres)
    mood_genre = draw.choice(catalogue.genres, (BLOCK, MOODS), p=fame / fame.sum())
    moods = _near(draw, genres[mood_genre])
    share = draw.dirichlet(np.full(MOODS, 1.5), BLOCK)
    mean = np.einsum("pmd,pm->pd", moods, share)
    # Favourites are the best of many tracks that a person met: half of them by their popularity.
    met = np.concatenate(
        [
            draw.choice(len(catalogue), (BLOCK, _WEIGHED // 2)),
            np.searchsorted(
                np.cumsum(catalogue.popularity) / catalogue.popularity.sum(dtype=np.float64),
                draw.random((BLOCK, _WEIGHED // 2)),
            ).clip(0, len(catalogue) - 1),
        ],
        axis=1,
    )
    likes = STRENGTH * np.matmul(vectors[met], mean[:, :, None].astype(np.float32))[:, :, 0]
    likes = likes + quality[met] + 1e-3 * draw.random(met.shape)
    order = np.argsort(-likes, axis=1)[:, :FAVOURITES]
    return {
        "moods": moods,
        "mood_genre": mood_genre.astype(np.int32),
        "mood_share": share.astype(np.float32),
        "mood_hour": draw.uniform(0, 24, (BLOCK, MOODS)).astype(np.float32),
        "favourites": np.take_along_axis(met, order, 1).astype(np.int32),
        "sessions_per_day": draw.gamma(2.0, 0.45, BLOCK).astype(np.float32),
        "impatience": draw.normal(0.0, 0.6, BLOCK).astype(np.float32),
        "curiosity": draw.beta(2.0, 4.0, BLOCK).astype(np.float32),
        "trust": draw.normal(0.5, 0.5, BLOCK).astype(np.float32),
    }


def _near(draw: np.random.Generator, centres: NDArray[np.float32]) -> NDArray[np.float32]:
    """Vectors of length 1 near to `centres` (of length 1), by `LIKENESS`."""
    noise = _unit(draw.normal(size=centres.shape))
    return _unit(LIKENESS * centres + (1 - LIKENESS**2) ** 0.5 * noise)


def _unit(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    import numpy as np

    found: NDArray[np.float32] = (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(
        np.float32
    )
    return found
