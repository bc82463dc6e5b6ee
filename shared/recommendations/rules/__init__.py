"""The business rules of every list that is recommended (F196, F213): what each product asks for
(`policy`), what no person may be shown (`eligibility`), and how a list keeps them (`listing`)."""

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
]
