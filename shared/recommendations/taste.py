"""What is known of a person when something is recommended to them.

It is read anew for each list, but for what changes seldom (whom they follow, where they live), so
that a skip of a moment ago already counts.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from shared.accounts import service as accounts
from shared.platform.cache import ReadThroughCache
from shared.recommendations.items import Taste
from shared.recommendations.patience import within
from shared.signals import service as signals
from shared.signals.features import user_features
from shared.signals.listening import listens
from shared.signals.log import cut
from shared.signals.models import Signal
from shared.signals.preferences import confidences, heard, hidden, recent
from shared.social import service as social

FOLLOWED_READ = 500  # artists, the newest
FOLLOWED_KEPT = 5_000  # people; some 12 kB each at most
FOLLOWED_S = 60.0
SESSION_MS = 30 * 60 * 1000  # without a sign of the listener ends a session
SESSION_READ = 50  # its newest plays


@dataclass(frozen=True, slots=True)
class Session:
    """The tracks of the present session, newest first; what was left early is `skipped`."""

    played: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Listener:
    """A person's taste, the signals that it was drawn from (newest first), and what they are
    listening to right now. Not `is_whole`: whom they follow or what their account says did not come
    in time."""

    taste: Taste
    signals: tuple[Signal, ...] = ()
    session: Session = Session()
    is_whole: bool = True


def drawn(
    user_id: str,
    newest_first: Sequence[Signal],
    now_ms: int,
    *,
    country: str | None = None,
    allows_explicit: bool = True,
    followed: frozenset[str] = frozenset(),
    heard_before: Mapping[str, int] = MappingProxyType({}),
) -> Listener:
    """What the signals and the account say. `heard_before` is when they last heard what. Pure."""
    # As what is learned from is: without what was said longer ago.
    counted = cut(newest_first, now_ms)
    taste = Taste(
        user_id=user_id,
        country=country or None,
        allows_explicit=allows_explicit,
        confidences=confidences(counted, now_ms),
        heard={**heard_before, **heard(counted)},
        hidden=hidden(newest_first),
        followed_artists=followed,
        recent=recent(newest_first),
        features=user_features(newest_first, now_ms),
    )
    return Listener(taste, tuple(newest_first), session_of(newest_first, now_ms))


def session_of(newest_first: Sequence[Signal], now_ms: int) -> Session:
    """The session that goes on at `now_ms`; an empty one where nothing was heard for
    `SESSION_MS`. Pure."""
    played: dict[str, None] = {}
    skipped: dict[str, None] = {}
    later_ms = now_ms
    for listen in listens(newest_first)[:SESSION_READ]:
        if later_ms - listen.play.ts_ms > SESSION_MS:
            break
        later_ms = min(listen.play.ts_ms, later_ms)
        track_id = listen.play.track_id
        if track_id is None:
            continue
        if track_id not in played:  # the newest hearing of a track is what holds
            played[track_id] = None
            if listen.ending == "skip":
                skipped[track_id] = None
    return Session(tuple(played), tuple(skipped))


def unknown(user_id: str, country: str | None) -> Listener:
    """Somebody of whom nothing can be read now: perhaps their filter is on, so nothing explicit is
    for them."""
    return Listener(Taste(user_id, country, allows_explicit=False))


async def read(
    user_id: str, country: str | None = None, *, patience_s: float | None = None
) -> Listener:
    """The person as of now. `country` is the token's word; without it the account's counts. Raises
    what the stores raise. With `patience_s`, follows and account that do not come in that time are
    unknown, so that nothing explicit is for the person."""
    following, account = _followed.get(user_id), accounts.get_users([user_id])
    if patience_s is not None:
        following = within(patience_s, following, None, "what they follow")
        account = within(patience_s, account, [], "their account")
    known, followed, people = await asyncio.gather(signals.known_of(user_id), following, account)
    person = people[0] if people else None
    listener = drawn(
        user_id,
        known.signals,
        time.time_ns() // 1_000_000,
        country=country or (person.country if person else None),
        allows_explicit=bool(people) and (person is None or not person.explicit_filter),
        followed=followed or frozenset(),
        heard_before=known.heard,
    )
    return replace(listener, is_whole=followed is not None and bool(people))


async def _read_followed(ids: Sequence[str]) -> dict[str, frozenset[str]]:
    found = await asyncio.gather(*(social.following(one, "artist", FOLLOWED_READ) for one in ids))
    return {one: frozenset(page.ids) for one, page in zip(ids, found, strict=True)}


_followed: ReadThroughCache[str, frozenset[str]] = ReadThroughCache(
    _read_followed, maximum=FOLLOWED_KEPT, ttl_s=FOLLOWED_S, negative_ttl_s=FOLLOWED_S
)
