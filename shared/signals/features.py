"""The features of a person, a track, and the two together: one definition, online and offline.

`shared.signals.service` hands these functions what Bigtable holds as of now,
`shared.signals.exporting` and `shared.signals.training` what the warehouse held at a moment of the
past; what a model learned from is what it is asked with. Names end with their window (`_1h`, `_1d`,
`_7d`, `_28d`); the last two cover whole weeks, so that no weekday weighs more.

A rate of so few events that it says nothing is drawn towards what is usual:

    rate = (n + PRIOR_PLAYS * prior) / (plays + PRIOR_PLAYS)

where `plays` is at least the endings that were counted, since a play may have begun before the
window or reached us later than its end.

| feature | unit | range |
|---|---|---|
| `*_plays_*`, `*_skips_*`, `*_completes_*`, `user_saves_28d`, ... | events | 0.. |
| `*_skip_rate*`, `*_completion_rate*`, `*_save_rate*`, `*_playlist_add_rate*` | rate | 0..1 |
| `user_heard_s_28d`, `pair_heard_s`: mean of how far plays came | seconds | 0.. |
| `user_search_to_play_28d`: searches that a play followed within 5 min | share, prior 0.5 | 0..1 |
| `user_sessions_28d`: times of listening, 30 min without a sign apart | sessions | 0.. |
| `user_devices_28d`, `user_distinct_tracks_28d` | distinct | 0.. |
| `user_track_entropy_28d`: 0 where one track is played again and again | share of the most | 0..1 |
| `user_hour_cos`, `user_hour_sin`: mean direction of the plays' hours (UTC) on a clock of 24 h | | -1..1 |
| `*_hours_since_*` | hours | 0..2160, which is never |
| `track_trend_7d`: plays a day of the last day over the last week, drawn to 1 | ratio | 0..7 |
| `pair_is_saved`, `pair_is_in_playlist`, `pair_follows_artist`, `pair_is_hidden` | truth | 0 or 1 |
| `pair_confidence` | see `shared.signals.preferences` | 0.. |
"""  # noqa: E501 - a table

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import pairwise

from shared.signals.counting import DAY_MS, HOUR_MS, Counts
from shared.signals.counting import TrackCounts as TrackCounts
from shared.signals.log import LIFE_MS, OF_PLAYERS, considered
from shared.signals.models import Signal, SignalKind
from shared.signals.preferences import confidences, hidden

# Of over a billion plays on Spotify 48.6 % were left before their end
# (https://musicmachinery.com/2014/05/02/the-skip/).
PRIOR_SKIP_RATE = 0.486
PRIOR_COMPLETION_RATE = 1 - PRIOR_SKIP_RATE
PRIOR_SAVE_RATE = 0.02  # of plays; a guess of the size, which a hundred plays outweigh
PRIOR_PLAYS = 10.0  # so many plays weigh as much as what is usual
PRIOR_SEARCHES = 2.0  # as many, half of them with a play
SEARCH_TO_PLAY_MS = 5 * 60 * 1000
SESSION_GAP_MS = 30 * 60 * 1000  # the pause that parts sessions on the Web
NEVER_HOURS = LIFE_MS / HOUR_MS

_WINDOWS_MS = {"1h": HOUR_MS, "1d": DAY_MS, "7d": 7 * DAY_MS, "28d": 28 * DAY_MS}
_MONTH_MS = _WINDOWS_MS["28d"]

USER_FEATURES: tuple[str, ...] = (
    *(f"user_plays_{window}" for window in _WINDOWS_MS),
    *(f"user_skip_rate_{window}" for window in _WINDOWS_MS),
    *(f"user_completion_rate_{window}" for window in _WINDOWS_MS),
    "user_heard_s_28d",
    "user_saves_28d",
    "user_playlist_adds_28d",
    "user_follows_28d",
    "user_shares_28d",
    "user_searches_28d",
    "user_search_to_play_28d",
    "user_sessions_28d",
    "user_plays_per_session_28d",
    "user_devices_28d",
    "user_distinct_tracks_28d",
    "user_track_entropy_28d",
    "user_hour_cos",
    "user_hour_sin",
    "user_hours_since_play",
)
TRACK_FEATURES: tuple[str, ...] = (
    *(f"track_plays_{window}" for window in _WINDOWS_MS),
    *(f"track_skip_rate_{window}" for window in _WINDOWS_MS),
    *(f"track_completion_rate_{window}" for window in _WINDOWS_MS),
    "track_save_rate_28d",
    "track_playlist_add_rate_28d",
    "track_trend_7d",
)
PAIR_FEATURES: tuple[str, ...] = (
    "pair_plays_28d",
    "pair_skips_28d",
    "pair_completes_28d",
    "pair_skip_rate_28d",
    "pair_heard_s",
    "pair_hours_since_play",
    "pair_hours_since_skip",
    "pair_is_saved",
    "pair_is_in_playlist",
    "pair_follows_artist",
    "pair_is_hidden",
    "pair_confidence",
)


def user_features(signals: Iterable[Signal], now_ms: int) -> dict[str, float]:
    """`USER_FEATURES` of the person whose `signals` are given, in any order; those of them that
    are known by `now_ms`."""
    counted = considered(signals, now_ms)
    lately = [one for one in counted if now_ms - one.ts_ms < _MONTH_MS]
    features: dict[str, float] = {}
    for window, length_ms in _WINDOWS_MS.items():
        counts = Counter(one.kind for one in lately if now_ms - one.ts_ms < length_ms)
        ends = counts["play"], counts["skip"], counts["complete"]
        features[f"user_plays_{window}"] = counts["play"]
        features[f"user_skip_rate_{window}"] = _skip_rate(*ends)
        features[f"user_completion_rate_{window}"] = _completion_rate(*ends)
    month = Counter(one.kind for one in lately)
    plays = [one for one in lately if one.kind == "play"]
    tracks = Counter(one.track_id for one in plays)
    sessions = _sessions(lately)
    cos, sin = _mean_hour(plays)
    features |= {
        "user_heard_s_28d": _heard_s(lately),
        "user_saves_28d": month["save"],
        "user_playlist_adds_28d": month["playlist_add"],
        "user_follows_28d": month["follow"],
        "user_shares_28d": month["share"],
        "user_searches_28d": month["search"],
        "user_search_to_play_28d": _search_to_play(lately),
        "user_sessions_28d": sessions,
        "user_plays_per_session_28d": len(plays) / sessions if sessions else 0,
        "user_devices_28d": len({one.device_id for one in lately if one.device_id}),
        "user_distinct_tracks_28d": len(tracks),
        "user_track_entropy_28d": _entropy(tracks.values()),
        "user_hour_cos": cos,
        "user_hour_sin": sin,
        "user_hours_since_play": _hours_since(counted, "play", now_ms),
    }
    return {name: float(features[name]) for name in USER_FEATURES}


def track_features(counts: TrackCounts, now_ms: int) -> dict[str, float]:
    """`TRACK_FEATURES` of a track that was so often played, skipped, saved, ... by `now_ms`."""
    hour, day = counts.last_hours(1, now_ms), counts.last_hours(24, now_ms)
    week, month = counts.last_days(7, now_ms), counts.last_days(28, now_ms)
    features: dict[str, float] = {}
    for window, found in zip(_WINDOWS_MS, (hour, day, week, month), strict=True):
        features[f"track_plays_{window}"] = found.plays
        features[f"track_skip_rate_{window}"] = _skip_rate(*found[:3])
        features[f"track_completion_rate_{window}"] = _completion_rate(*found[:3])
    features["track_save_rate_28d"] = _save_rate(month.saves, month)
    features["track_playlist_add_rate_28d"] = _save_rate(month.playlist_adds, month)
    features["track_trend_7d"] = (day.plays + PRIOR_PLAYS) / (week.plays / 7 + PRIOR_PLAYS)
    return {name: float(features[name]) for name in TRACK_FEATURES}


def pair_features(
    signals_of_user: Iterable[Signal], track_id: str, artist_ids: Collection[str], now_ms: int
) -> dict[str, float]:
    """`PAIR_FEATURES` of a person and a track by `artist_ids`; for many tracks see `Pairs`."""
    return Pairs(signals_of_user, now_ms).features(track_id, artist_ids)


class Pairs:
    """`PAIR_FEATURES` of one person with any number of tracks: the signals are looked through
    once, and a track that the person never met costs next to nothing."""

    def __init__(self, signals: Iterable[Signal], now_ms: int) -> None:
        counted = considered(signals, now_ms)
        self._now_ms = now_ms
        self._of_track: dict[str, list[Signal]] = defaultdict(list)
        self._followed: dict[str, bool] = {}  # by artist: what was said last
        for one in counted:
            if one.track_id is not None:
                self._of_track[one.track_id].append(one)
            elif one.kind in ("follow", "unfollow") and ":artist:" in (one.subject_uri or ""):
                artist_id = (one.subject_uri or "").rpartition(":")[2]
                self._followed.setdefault(artist_id, one.kind == "follow")
        self._confidences = confidences(counted, now_ms)
        self._hidden = hidden(counted)

    def tracks(self) -> Iterator[str]:
        """The tracks that the person met."""
        return iter(self._of_track)

    def features(self, track_id: str, artist_ids: Collection[str]) -> dict[str, float]:
        """`PAIR_FEATURES` with a track by `artist_ids`."""
        met = self._of_track.get(track_id, ())
        lately = [one for one in met if self._now_ms - one.ts_ms < _MONTH_MS]
        kinds = Counter(one.kind for one in lately)
        plays, skips, completes = kinds["play"], kinds["skip"], kinds["complete"]
        features: dict[str, float] = {
            "pair_plays_28d": plays,
            "pair_skips_28d": skips,
            "pair_completes_28d": completes,
            "pair_skip_rate_28d": _skip_rate(plays, skips, completes),
            "pair_heard_s": _heard_s(met),
            "pair_hours_since_play": _hours_since(met, "play", self._now_ms),
            "pair_hours_since_skip": _hours_since(met, "skip", self._now_ms),
            "pair_is_saved": _is_saved(met),
            "pair_is_in_playlist": _is_in_playlist(met),
            "pair_follows_artist": any(self._followed.get(one, False) for one in artist_ids),
            "pair_is_hidden": not self._hidden.isdisjoint((track_id, *artist_ids)),
            "pair_confidence": self._confidences.get(track_id, 0),
        }
        return {name: float(features[name]) for name in PAIR_FEATURES}


def _rate(count: float, plays: float, prior: float) -> float:
    return (count + PRIOR_PLAYS * prior) / (max(plays, count) + PRIOR_PLAYS)


def _skip_rate(plays: float, skips: float, completes: float) -> float:
    return _rate(skips, max(plays, skips + completes), PRIOR_SKIP_RATE)


def _completion_rate(plays: float, skips: float, completes: float) -> float:
    return _rate(completes, max(plays, skips + completes), PRIOR_COMPLETION_RATE)


def _save_rate(saves: float, of: Counts) -> float:
    return _rate(saves, of.plays, PRIOR_SAVE_RATE)


def _heard_s(signals: Iterable[Signal]) -> float:
    heard = [
        one.position_ms / 1000
        for one in signals
        if one.position_ms is not None and one.kind in OF_PLAYERS and one.kind != "play"
    ]
    return math.fsum(heard) / len(heard) if heard else 0.0


def _search_to_play(newest_first: Sequence[Signal]) -> float:
    searches = led_to_play = 0
    searched_ms: int | None = None  # the last search that no play followed yet
    for one in reversed(newest_first):
        if one.kind == "search":
            searches += 1
            searched_ms = one.ts_ms
        elif one.kind == "play" and searched_ms is not None:
            led_to_play += one.ts_ms - searched_ms <= SEARCH_TO_PLAY_MS
            searched_ms = None
    return (led_to_play + PRIOR_SEARCHES / 2) / (searches + PRIOR_SEARCHES)


def _sessions(newest_first: Sequence[Signal]) -> int:
    times = [one.ts_ms for one in newest_first if one.kind in OF_PLAYERS]
    gaps = (later - earlier for later, earlier in pairwise(times))
    return sum(gap > SESSION_GAP_MS for gap in gaps) + bool(times)


def _entropy(counts: Collection[int]) -> float:
    """Shannon's entropy over the greatest that so many events can have (all distinct)."""
    total = sum(counts)
    if total < 2:
        return 0.0
    bits = -math.fsum(one / total * math.log2(one / total) for one in counts)
    return max(0.0, bits / math.log2(total))


def _mean_hour(plays: Sequence[Signal]) -> tuple[float, float]:
    if not plays:
        return 0.0, 0.0
    angles = [one.ts_ms % DAY_MS / DAY_MS * math.tau for one in plays]
    return (
        math.fsum(map(math.cos, angles)) / len(angles),
        math.fsum(map(math.sin, angles)) / len(angles),
    )


def _hours_since(newest_first: Iterable[Signal], kind: SignalKind, now_ms: int) -> float:
    last = next((one for one in newest_first if one.kind == kind), None)
    if last is None:
        return NEVER_HOURS
    return min(max(0.0, (now_ms - last.ts_ms) / HOUR_MS), NEVER_HOURS)


def _is_saved(newest_first: Iterable[Signal]) -> bool:
    last = next((one.kind for one in newest_first if one.kind in ("save", "unsave")), None)
    return last == "save"


def _is_in_playlist(newest_first: Iterable[Signal]) -> bool:
    said: dict[str | None, bool] = {}
    for one in newest_first:
        if one.kind in ("playlist_add", "playlist_remove"):
            said.setdefault(one.context_uri, one.kind == "playlist_add")
    return any(said.values())
