"""Makes a list of candidates that keeps the rules.

**Hard**: what `eligibility` turns away is not listed; no track and no recording is listed twice;
in any `WINDOW` places on end an artist has at most `max_per_artist` tracks (a track counts for
each of its artists) and an album at most `max_per_album`. For all input.

**Soft**, the more important first, and how far each holds:

1. *Tiers.* What is to come "last" comes after all that is not: first the unheard that was not
   listed lately, then the unheard, then what was not listed lately, then the rest. A tier adds to
   the list what the tiers before it leave room for.
2. *Length.* The list is shorter than asked only if nothing that is left can be appended.
3. *Floors* (the long tail, then freshness). A tier first reserves the best candidates that count
   for a floor, as many as the floor lacks, and the others must leave them room; they are spread
   over the list. A floor is missed only if none of the tier's candidates that count for it fits
   beside the reserved ones.
4. *Genres.* A track whose genre has its share already comes only when nothing else fits.
5. *Spacing.* Two neighbours share an artist only if no exchange of two places of a tier lowers the
   number of such neighbours.

Within that the best score goes first. All choices are greedy. Where every track has one artist and
every album is one artist's, the hard rules on a list of at most `WINDOW` are a matroid, on which
greedy choices are best (Edmonds 1971): no list is longer, and none has more that counts for the
first floor up to its share. Elsewhere they are k-extendible for tracks with k - 2 artists, and the
greedy choice has at least a k-th of the best (Mestre 2006); the exact optimum is NP-hard.

Each candidate is looked at once and again whenever an artist or an album that kept it out leaves
the window: O(n log n) for lists of at most `WINDOW`.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import groupby
from math import ceil, floor

from shared.recommendations.items import Item, Scored, Taste
from shared.recommendations.rules.eligibility import broken_rule, is_fresh, is_heard
from shared.recommendations.rules.policy import WINDOW, Policy, Rule
from shared.recommendations.rules.spacing import spaced

_Key = tuple[Rule, str]  # what a track takes room of: ("artist", its id), ("genre", its name)
_HARD: tuple[Rule, ...] = ("recording", "artist", "album")
_ALL: tuple[Rule, ...] = (*_HARD, "genre")
_PASSING: tuple[Rule, ...] = ("artist", "album")  # have room again once they leave the window
_ROUNDING = 1e-9  # a share of a length is whole though 0.29 * 100 is 28.999999999999996


@dataclass(frozen=True, slots=True)
class Applied:
    """The list, and by track id the rule that kept a candidate out of it. What is in neither was
    not needed: the list was full."""

    items: list[Scored]
    turned_away: dict[str, Rule]


def apply(
    candidates: Sequence[Scored],
    taste: Taste,
    policy: Policy,
    count: int,
    *,
    today: int,
    recently_listed: Collection[str] = (),
    heard_recordings: Collection[str] = (),
) -> Applied:
    """At most `count` of `candidates` for a person, best first as the policy goes.

    `today` counts days since 1970. `recently_listed` are ids of tracks that were recommended to
    them lately, `heard_recordings` the recordings of what they have heard (the same song on
    another release). The same input has the same list, whatever the order of the candidates; equal
    scores stand by track id. Raises ValueError for a negative `count`.
    """
    if count < 0:
        raise ValueError("count is how many tracks to list: 0 or more")
    turned_away: dict[str, Rule] = {}
    eligible = []
    for one in candidates:
        rule = broken_rule(
            one,
            taste,
            policy,
            today=today,
            listed=recently_listed,
            heard_recordings=heard_recordings,
        )
        if rule is None:
            eligible.append(one)
        else:
            turned_away[one.item.track_id] = rule

    def tier(one: Scored) -> tuple[bool, bool]:
        item = one.item
        return (
            policy.heard == "last" and is_heard(item, taste, heard_recordings),
            policy.listed == "last" and item.track_id in recently_listed,
        )

    eligible.sort(key=lambda one: (tier(one), -one.score, one.item.track_id, one.row))
    making = _Listing(policy, count, today, eligible)
    for _, members in groupby(eligible, tier):
        making.add(list(members))
    listed = {one.item.track_id for one in making.items}
    turned_away |= making.turned_away
    return Applied(
        making.items, {track: rule for track, rule in turned_away.items() if track not in listed}
    )


class _Listing:
    """A list in the making. What is listed or reserved takes room: recordings and genres for good,
    artists and albums while they are in the window."""

    def __init__(self, policy: Policy, count: int, today: int, eligible: Sequence[Scored]) -> None:
        self.items: list[Scored] = []
        self.turned_away: dict[str, Rule] = {}
        self._count = count
        self._is_spaced = policy.spaced
        self._caps: dict[Rule, int] = {
            "recording": 1,
            "artist": policy.max_per_artist,
            "album": policy.max_per_album,
            "genre": max(floor(policy.genre_share * count + _ROUNDING), 1),
        }
        tail = _least_popular(eligible, policy.tail_percentile)
        self._floors: tuple[tuple[float, Callable[[Item], bool]], ...] = (
            (policy.tail_share, lambda item: (item.popularity, item.plays) <= tail),
            (policy.fresh_share, lambda item: is_fresh(item, today, policy.fresh_days)),
        )
        self._taken: Counter[_Key] = Counter()
        self._window: deque[Scored] = deque()

    def add(self, tier: Sequence[Scored]) -> None:
        """Appends what fits of a tier, which comes best first. A *rank* is a place in the tier."""
        start, room = len(self.items), self._count - len(self.items)
        self._open_window()
        reserved = deque(self._reserve(tier, room))
        total = len(reserved)
        lanes = _Lanes(tier, without=set(reserved))
        for place in range(1, room + 1):
            is_due = total - len(reserved) < place * total // room
            rank = None if is_due else self._best(lanes.open, lanes)
            if reserved and (rank is None or reserved[0] < rank):
                rank = reserved.popleft()
            else:
                if rank is None:
                    rank = self._best(lanes.crowded, lanes)
                    if rank is None:
                        break
                    heappop(lanes.crowded)
                else:
                    heappop(lanes.open)
                self._taken.update(_keys(tier[rank].item))
            self._append(tier[rank], lanes)
        if self._is_spaced:
            fixed = self.items[max(start - WINDOW + 1, 0) : start]
            self.items[start:] = spaced(fixed, self.items[start:], self._caps)

    def _open_window(self) -> None:
        """Counts the artists and albums of the last places anew: spacing may have moved them."""
        self._window = deque(self.items[-(WINDOW - 1) :])
        for key in [key for key in self._taken if key[0] in _PASSING]:
            del self._taken[key]
        for one in self._window:
            self._taken.update(key for key in _keys(one.item) if key[0] in _PASSING)

    def _reserve(self, tier: Sequence[Scored], room: int) -> list[int]:
        """Ranks of the best that the floors lack, at most `room`; room is taken for them."""
        reserved: set[int] = set()
        for share, counts in self._floors:
            if share == 0:
                continue
            counting = [rank for rank, one in enumerate(tier) if counts(one.item)]
            missing = ceil(share * self._count - _ROUNDING)
            missing -= sum(counts(one.item) for one in self.items)
            missing -= len(reserved.intersection(counting))
            for rules in (_ALL, _HARD):  # within the genres' shares where that is enough
                for rank in counting:
                    if missing <= 0 or len(reserved) == room:
                        break
                    item = tier[rank].item
                    if rank not in reserved and self._full(item, rules) is None:
                        reserved.add(rank)
                        self._taken.update(_keys(item))
                        missing -= 1
        return sorted(reserved)

    def _best(self, lane: list[int], lanes: _Lanes) -> int | None:
        """The first of a lane that fits, which then is its head; those before it change lanes."""
        rules = _ALL if lane is lanes.open else _HARD
        while lane:
            rank = lane[0]
            item = lanes.tier[rank].item
            full = self._full(item, rules)
            if full is None:
                return rank
            heappop(lane)
            self.turned_away[item.track_id] = full[0]
            if full[0] == "genre":
                heappush(lanes.crowded, rank)
            elif full[0] in _PASSING:
                lanes.resting[full].append(rank)
        return None

    def _full(self, item: Item, rules: Collection[Rule]) -> _Key | None:
        """What has no room for a track; None: it fits."""
        for key in _keys(item):
            if key[0] in rules and self._taken[key] >= self._caps[key[0]]:
                return key
        return None

    def _append(self, one: Scored, lanes: _Lanes) -> None:
        self.items.append(one)
        self._window.append(one)
        if len(self._window) < WINDOW:
            return
        for key in _keys(self._window.popleft().item):
            if key[0] in _PASSING:
                self._taken[key] -= 1
                for rank in lanes.resting.pop(key, ()):
                    heappush(lanes.open, rank)


class _Lanes:
    """Where the ranks of a tier wait: heaps of those that may fit (`open`) and of those whose
    genre has its share (`crowded`), and by artist or album those that rest until it has room."""

    def __init__(self, tier: Sequence[Scored], without: Collection[int]) -> None:
        self.tier = tier
        self.open = [rank for rank in range(len(tier)) if rank not in without]
        self.crowded: list[int] = []
        self.resting: defaultdict[_Key, list[int]] = defaultdict(list)


def _keys(item: Item) -> list[_Key]:
    """What a track takes room of, the hard before the soft; each once."""
    keys: list[_Key] = [("recording", item.track_id), ("recording", item.recording)]
    if not item.recording:
        keys.pop()  # not known
    keys += [("artist", artist) for artist in item.artist_ids]
    if item.album_id:
        keys.append(("album", item.album_id))
    keys += [("genre", genre) for genre in item.genres]
    return list(dict.fromkeys(keys))


def _least_popular(candidates: Sequence[Scored], percentile: float) -> tuple[int, int]:
    """The greatest popularity and plays that still are of the long tail; negative where none is."""
    ranked = sorted((one.item.popularity, one.item.plays) for one in candidates)
    last = ceil(percentile * len(ranked) - _ROUNDING) - 1
    return ranked[last] if last >= 0 else (-1, 0)
