"""Random candidates, tastes and policies, in which rules collide all the time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from hypothesis import strategies as st

from shared.recommendations.items import Item, Scored, Taste, Why
from shared.recommendations.rules import Applied, Policy, When, apply

TODAY = 20_450
COUNTRIES = ("SE", "DE", "US")
PLAIN = Policy("plain", listed="any", spaced=False)  # the hard rules alone


def scored(number: int, **changes: object) -> Scored:
    """A candidate that breaks nothing: the first is the best."""
    item = Item(
        track_id=f"t{number:03}",
        name=f"Track {number}",
        artist_ids=(f"a{number}",),
        artist_names=(f"Artist {number}",),
        album_id=f"l{number}",
        genres=(),
        recording=f"r{number}",
        duration_ms=200_000,
        released_on=10_000,
    )
    fields = {name: changes.pop(name) for name in ("score", "row") if name in changes}
    made = Scored(number, item, 1 - number / 1_000, "collaborative", Why("listeners_like_you"))
    return replace(made, item=replace(item, **changes), **fields)  # type: ignore[arg-type]


def ids(items: Sequence[Scored]) -> list[str]:
    """Their track ids."""
    return [one.item.track_id for one in items]


@dataclass(frozen=True)
class World:
    """Everything that a list is made of."""

    candidates: list[Scored]
    taste: Taste
    policy: Policy
    count: int
    listed: frozenset[str]
    recordings: frozenset[str]

    def apply(self) -> Applied:
        """The list."""
        return apply(
            self.candidates,
            self.taste,
            self.policy,
            self.count,
            today=TODAY,
            recently_listed=self.listed,
            heard_recordings=self.recordings,
        )


@st.composite
def worlds(draw: st.DrawFn, most: int = 150) -> World:
    """Up to `most` candidates of few artists, albums, recordings and genres."""
    random = Random(draw(st.integers(0, 2**32)))
    size = draw(st.integers(0, most))
    artists = draw(st.integers(1, 60))
    crowd = draw(st.sampled_from([1, 1, 2, 4]))  # artists of a track, at most
    genres = draw(st.integers(1, 6))
    tracks = [f"t{number:03}" for number in range(size)]

    def some(share: float) -> frozenset[str]:
        return frozenset(track for track in tracks if random.random() < share)

    candidates = [
        scored(
            number,
            artist_ids=tuple(
                f"a{random.randrange(artists)}" for _ in range(random.randint(0, crowd))
            ),
            album_id=random.choice(["", *(f"l{one}" for one in range(artists))]),
            genres=tuple(f"g{random.randrange(genres)}" for _ in range(random.randint(0, 2))),
            recording=random.choice(
                ["", f"r{random.randrange(size)}", f"r{random.randrange(size)}"]
            ),
            released_on=random.choice([0, TODAY - random.randint(-20, 400)]),
            popularity=random.choice([0, 50, random.randint(0, 100)]),
            plays=random.randint(0, 3),
            is_explicit=random.random() < 0.2,
            markets=random.choice([None, None, frozenset(random.sample(COUNTRIES, 2))]),
            blocked_in=random.choice(
                [frozenset(), frozenset(), frozenset("*"), frozenset([random.choice(COUNTRIES)])]
            ),
            score=random.choice([random.random(), 0.5, -3.0, float("nan"), float("inf")])
            if random.random() < 0.3
            else random.random(),
        )
        for number in range(size)
    ]
    # Two sources may offer a track, each with its score.
    again = random.sample(candidates, size // 10)
    candidates += [replace(one, score=random.random()) for one in again]
    taste = Taste(
        "u",
        country=draw(st.sampled_from([None, *COUNTRIES])),
        allows_explicit=draw(st.booleans()),
        heard=dict.fromkeys(some(draw(st.sampled_from([0.0, 0.3, 0.9]))), 1),
        hidden=some(0.05) | {f"a{random.randrange(60)}", f"l{random.randrange(artists)}"},
    )
    recordings = frozenset(f"r{random.randrange(max(size, 1))}" for _ in range(3))
    policy = draw(policies())
    return World(candidates, taste, policy, draw(st.integers(0, 80)), some(0.3), recordings)


def policies() -> st.SearchStrategy[Policy]:
    """Any policy."""
    when: st.SearchStrategy[When] = st.sampled_from(["never", "last", "any"])
    share = st.sampled_from([0.0, 0.1, 0.3, 0.5, 1.0])
    return st.builds(
        Policy,
        name=st.just("any"),
        heard=when,
        listed=when,
        max_per_artist=st.integers(1, 2),
        max_per_album=st.integers(1, 3),
        genre_share=share,
        tail_share=share,
        tail_percentile=share,
        fresh_share=share,
        fresh_days=st.sampled_from([28, 180]),
        fresh_only=st.sampled_from([False, False, True]),
        spaced=st.booleans(),
    )
