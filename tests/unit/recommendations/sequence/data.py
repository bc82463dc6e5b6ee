"""Sessions to predict: real ones of lastfm-2k, and those of simulated people."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from shared.recommendations.sequence.choosing import newest
from shared.simulation.catalogue import invented
from shared.simulation.listening import days_of
from shared.simulation.policies import NOTHING
from shared.simulation.sessions import SKIP
from shared.simulation.world import World

DATA = Path(__file__).resolve().parents[5] / "shared" / "data"
TAGGED = DATA / "lastfm-2k" / "user_taggedartists.dat"
TEST_SHARE = 0.2  # of the plays, the newest
LONGEST = 50  # of a session; what comes after is cut off


@dataclass(frozen=True, slots=True)
class Split:
    """Sessions of rows, the oldest first; all of `test` are newer than all of `train`."""

    name: str
    train: Sequence[Sequence[int]]
    test: Sequence[Sequence[int]]
    n_items: int


def lastfm(seed: int = 1, *, least: int = 5) -> Split:
    """What a person tagged in a month is a session: 1,892 people, 74 months. The file has days, of
    which 98 % are the first of the month, and is sorted by artist, so the order within a month is
    not known and is drawn by `seed`. Artists with fewer than `least` months in training are left
    out."""
    tagged: dict[tuple[int, int], set[int]] = defaultdict(set)
    for line in TAGGED.read_text("latin-1").splitlines()[1:]:
        user, artist, _, _, month, year = map(int, line.split("\t"))
        tagged[year * 12 + month, user].add(artist)
    draw = np.random.default_rng(seed)
    sessions = [draw.permutation(sorted(tagged[key])).tolist() for key in sorted(tagged)]
    return split("lastfm-2k", sessions, least)


def simulated(people: int = 1_000, tracks: int = 3_000, days: int = 28, seed: int = 7) -> Split:
    """Sessions of simulated people whom nobody recommends anything, without what they skipped."""
    world = World.make(invented(tracks, seed), people, seed)
    sessions: list[list[int]] = []
    for plays in days_of(world, NOTHING, [date(2026, 6, 1) + timedelta(n) for n in range(days)]):
        of = plays.person * 8 + plays.session
        kept = plays.outcome != SKIP
        sessions += [
            plays.track[rows][kept[rows]].tolist()
            for rows in np.split(np.arange(len(plays)), np.flatnonzero(np.diff(of)) + 1)
        ]
    return split("simulated", sessions, 2)


def split(name: str, sessions: Sequence[Sequence[int]], least: int) -> Split:
    """Keeps the newest for the test, and what stands `least` times in the rest."""
    train, test = newest(sessions, TEST_SHARE)
    counts = Counter(item for one in train for item in one)
    known = sorted(item for item, count in counts.items() if count >= least)
    row_of = {item: row for row, item in enumerate(known)}

    def rows(part: Sequence[Sequence[int]]) -> list[list[int]]:
        kept = [[row_of[item] for item in one if item in row_of][:LONGEST] for one in part]
        return [one for one in kept if len(one) > 1]

    return Split(name, rows(train), rows(test), len(known))
