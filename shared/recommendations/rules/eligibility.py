"""What may not be listed, whatever else is: a predicate for each rule, true where it is broken."""

from __future__ import annotations

from collections.abc import Collection
from math import isfinite

from shared.recommendations.items import Item, Scored, Taste
from shared.recommendations.rules.policy import Policy, Rule

_EVERYWHERE = "*"  # as a market in which something is blocked


def is_hidden(item: Item, taste: Taste) -> bool:
    """Whether the person does not want the track, its album or one of its artists."""
    hidden = taste.hidden
    return not hidden.isdisjoint((item.track_id, item.album_id, *item.artist_ids))


def is_unplayable(item: Item, country: str | None) -> bool:
    """Whether it may not be played in `country` (ISO 3166-1 alpha-2; None: not known, so only
    what is blocked everywhere counts, as in `shared.catalog`)."""
    if item.blocked_in and (_EVERYWHERE in item.blocked_in or country in item.blocked_in):
        return True
    return country is not None and item.markets is not None and country not in item.markets


def is_too_explicit(item: Item, taste: Taste) -> bool:
    """Whether the person's filter is on and the track is explicit."""
    return item.is_explicit and not taste.allows_explicit


def is_unreleased(item: Item, today: int) -> bool:
    """Whether it comes out after `today` (days since 1970); what has no date is out."""
    return item.released_on > today


def is_heard(item: Item, taste: Taste, recordings: Collection[str]) -> bool:
    """Whether the person has heard the track, or one of the `recordings` on another release."""
    return item.track_id in taste.heard or (bool(item.recording) and item.recording in recordings)


def is_fresh(item: Item, today: int, days: int) -> bool:
    """Whether it came out on `today` or in the `days` before."""
    return item.released_on > 0 and 0 <= today - item.released_on <= days


def broken_rule(
    scored: Scored,
    taste: Taste,
    policy: Policy,
    *,
    today: int,
    listed: Collection[str] = (),
    heard_recordings: Collection[str] = (),
) -> Rule | None:
    """The first rule that keeps a candidate out of every list; None: it may be listed."""
    item = scored.item
    if not isfinite(scored.score):
        return "score"
    if is_hidden(item, taste):
        return "hidden"
    if is_unplayable(item, taste.country):
        return "market"
    if is_too_explicit(item, taste):
        return "explicit"
    if is_unreleased(item, today):
        return "unreleased"
    if policy.fresh_only and not is_fresh(item, today, policy.fresh_days):
        return "old"
    if policy.heard == "never" and is_heard(item, taste, heard_recordings):
        return "heard"
    if policy.listed == "never" and item.track_id in listed:
        return "listed"
    return None
