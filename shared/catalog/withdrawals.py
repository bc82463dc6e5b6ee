"""Where something is withdrawn from the catalogue, whatever its licence says. Pure.

Blocks are kept apart from the territories, so that no publish and no load can lift one, and to
restore an item is to be back at its licence.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from shared.catalog.markets import EVERYWHERE, checked_market
from shared.platform.errors import InvalidInput

Kind = Literal["track", "album", "artist"]


def withdrawn(held: Sequence[str], markets: Sequence[str]) -> tuple[str, ...]:
    """The blocks `held` and those in `markets` (none: everywhere), sorted. Raises InvalidInput
    for a code that is no market of ours."""
    wanted = _checked(markets) or {EVERYWHERE}
    if EVERYWHERE in wanted or EVERYWHERE in held:
        return (EVERYWHERE,)
    return tuple(sorted({*held, *wanted}))


def restored(held: Sequence[str], markets: Sequence[str]) -> tuple[str, ...]:
    """The blocks `held` without those in `markets` (none: without any). Raises InvalidInput for a
    code that is no market of ours, and for single markets of what is blocked everywhere."""
    wanted = _checked(markets)
    if not wanted:
        return ()
    if EVERYWHERE in held:
        raise InvalidInput(
            "It is blocked everywhere: restore it without naming a market, "
            "then withdraw it where it must stay blocked."
        )
    return tuple(sorted({*held} - wanted))


def _checked(markets: Sequence[str]) -> set[str]:
    return {code for one in markets if (code := checked_market(one, ""))}
