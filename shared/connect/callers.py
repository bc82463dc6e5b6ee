"""Who may ask a player for what: scopes and tiers as data, and the caller as the feature sees
them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Security

from shared.catalog.markets import checked_market
from shared.connect.contexts import Listener
from shared.connect.render import Reader
from shared.connect.requests import AdditionalTypes
from shared.platform.auth import Principal
from shared.platform.errors import PremiumRequired
from shared.platform.http import authenticate, authenticate_any
from shared.platform.parameters import MarketParam

READ = "user-read-playback-state"
MODIFY = "user-modify-playback-state"
POSITIONS = "user-read-playback-position"

Viewer = Annotated[Principal, Security(authenticate, scopes=[READ])]
CurrentViewer = Annotated[
    Principal, Security(authenticate_any, scopes=["user-read-currently-playing", READ])
]
"""Who may see what plays now."""

Device = Annotated[Principal, Security(authenticate_any, scopes=["streaming", MODIFY])]
"""A device of the person, which may say what it is and does on every tier."""


async def _commander(
    caller: Annotated[Principal, Security(authenticate, scopes=[MODIFY])],
) -> Principal:
    caller.require_user()
    if caller.tier != "premium":
        raise PremiumRequired("Player command failed: Premium required")
    return caller


Commander = Annotated[Principal, Depends(_commander)]
"""Who may command players, which takes Premium."""


async def _listener(caller: Commander) -> Listener:
    return listener(caller)


CommandingListener = Annotated[Listener, Depends(_listener)]


def listener(caller: Principal) -> Listener:
    """The person behind a token. Raises Unauthenticated for an app's own."""
    return Listener(caller.require_user(), caller.country)


def reader(caller: Principal) -> Reader:
    """For whom an answer is rendered that any client of today's understands."""
    return Reader(caller.require_user(), sees_positions=POSITIONS in caller.scopes)


def _asked(caller: Principal, market: str | None, types: str | None) -> Reader:
    return Reader(
        caller.require_user(),
        checked_market(market, caller.country),
        "episode" in (types or "").split(","),
        POSITIONS in caller.scopes,
    )


async def _playback_reader(
    caller: Viewer, market: MarketParam = None, additional_types: AdditionalTypes = None
) -> Reader:
    return _asked(caller, market, additional_types)


async def _current_reader(
    caller: CurrentViewer, market: MarketParam = None, additional_types: AdditionalTypes = None
) -> Reader:
    return _asked(caller, market, additional_types)


PlaybackReader = Annotated[Reader, Depends(_playback_reader)]
CurrentReader = Annotated[Reader, Depends(_current_reader)]
