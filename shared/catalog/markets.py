"""Where what may be heard."""

from __future__ import annotations

from shared.platform.errors import InvalidInput
from shared.platform.markets import MARKETS

EVERYWHERE = "*"  # as a market in which something is blocked
_KNOWN = frozenset(MARKETS)


def available_markets(territories: tuple[str, ...], blocked_in: tuple[str, ...] = ()) -> list[str]:
    """The markets of a licence (no territories means everywhere), without those in which the item
    is blocked (`EVERYWHERE`: all of them)."""
    if not territories and not blocked_in:
        return list(MARKETS)
    return [market for market in MARKETS if is_available(territories, market, blocked_in)]


def is_available(
    territories: tuple[str, ...], market: str, blocked_in: tuple[str, ...] = ()
) -> bool:
    """Whether a licence covers `market`, and no block does."""
    if blocked_in and (market in blocked_in or EVERYWHERE in blocked_in):
        return False
    return not territories or market in territories


def checked_market(market: str | None, own_country: str) -> str | None:
    """The market that a request names, `from_token` being the caller's own country.

    Raises InvalidInput for a code that is no country of ours.
    """
    if market is None or market == "":
        return None
    if market == "from_token":
        return own_country
    code = market.upper()
    if code not in _KNOWN:
        raise InvalidInput("Invalid market code")
    return code
