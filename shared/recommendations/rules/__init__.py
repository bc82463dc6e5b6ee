"""The business rules of every list that is recommended (F196, F213): what each product asks for
(`policy`), what no person may be shown (`eligibility`), how a list keeps them when it is made
(`listing`), and later when it is shown (`showing`)."""

from __future__ import annotations

from shared.recommendations.rules.listing import Applied, apply
from shared.recommendations.rules.policy import (
    AUTOPLAY,
    DAILY_MIX,
    DISCOVER_WEEKLY,
    HOME_SHELF,
    MAX_PER_ALBUM,
    MAX_PER_ARTIST,
    RADIO,
    RELEASE_RADAR,
    WINDOW,
    Policy,
    Rule,
    When,
)
from shared.recommendations.rules.showing import is_wanted, uncrowded

__all__ = [
    "AUTOPLAY",
    "DAILY_MIX",
    "DISCOVER_WEEKLY",
    "HOME_SHELF",
    "MAX_PER_ALBUM",
    "MAX_PER_ARTIST",
    "RADIO",
    "RELEASE_RADAR",
    "WINDOW",
    "Applied",
    "Policy",
    "Rule",
    "When",
    "apply",
    "is_wanted",
    "uncrowded",
]
