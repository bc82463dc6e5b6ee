"""Not two tracks of one artist in a row, where an exchange of places avoids it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from shared.recommendations.items import Scored
from shared.recommendations.rules.policy import WINDOW, Rule


def spaced(
    fixed: Sequence[Scored], items: Sequence[Scored], caps: Mapping[Rule, int]
) -> list[Scored]:
    """`items`, which stand after `fixed`, with the nearest places exchanged until no exchange
    lowers the number of neighbours that share an artist. `caps` of artists and albums hold in
    any `WINDOW` on end as before."""
    order = [*fixed, *items]
    artists = [frozenset(one.item.artist_ids) for one in order]
    first = len(fixed)

    def clashes(places: Iterable[int]) -> int:
        """How many of the tracks there share an artist with the one before."""
        return sum(
            0 < at < len(order) and not artists[at].isdisjoint(artists[at - 1]) for at in places
        )

    def exchange(a: int, b: int) -> None:
        order[a], order[b] = order[b], order[a]
        artists[a], artists[b] = artists[b], artists[a]

    def is_improved(at: int) -> bool:
        for a, b in _exchanges(at, first, len(order)):
            near = {a, a + 1, b, b + 1}
            before = clashes(near)
            exchange(a, b)
            if clashes(near) < before and _keeps(order, (a, b), caps):
                return True
            exchange(a, b)
        return False

    improves = True
    while improves:
        improves = False
        for at in range(max(first, 1), len(order)):
            while clashes((at,)) and is_improved(at):
                improves = True
    return order[first:]


def _exchanges(at: int, first: int, end: int) -> Iterator[tuple[int, int]]:
    """The exchanges that part the tracks at `at` and before it, the nearest first."""
    for distance in range(1, end - first):
        for moved in (at, at - 1):
            for other in (moved + distance, moved - distance):
                if moved >= first and first <= other < end:
                    yield moved, other


def _keeps(order: Sequence[Scored], places: Iterable[int], caps: Mapping[Rule, int]) -> bool:
    """Whether no window around `places` has more of an artist or an album than its cap."""
    if len(order) <= WINDOW:
        return True  # one window, of the same tracks in any order
    for place in places:
        item = order[place].item
        near = order[max(place - WINDOW + 1, 0) : place + WINDOW]
        for artist in set(item.artist_ids):
            if not _is_sparse([artist in one.item.artist_ids for one in near], caps["artist"]):
                return False
        if item.album_id and not _is_sparse(
            [one.item.album_id == item.album_id for one in near], caps["album"]
        ):
            return False
    return True


def _is_sparse(present: Sequence[bool], cap: int) -> bool:
    """Whether any `WINDOW` places on end have at most `cap`."""
    places = [at for at, one in enumerate(present) if one]
    return all(
        later - earlier >= WINDOW for earlier, later in zip(places, places[cap:], strict=False)
    )
