"""Which rendition a listener gets (F042-F046). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import get_args

from shared.catalog.models import Codec, Encoding
from shared.platform.errors import InvalidInput, NotFound, PremiumRequired

TIERS_KBPS: dict[Codec, tuple[int, ...]] = {
    "aac": (64, 96, 160, 256),  # F046: 256 is the web player's, for everyone
    "vorbis": (24, 96, 160, 320),
}
PREMIUM_KBPS = 320  # F045
DEFAULT_KBPS = 160
KNOWN_KBPS = tuple(sorted({kbps for tiers in TIERS_KBPS.values() for kbps in tiers}))


@dataclass(frozen=True, slots=True)
class Choice:
    """The rendition to play, and in words why this one."""

    encoding: Encoding
    reason: str


def checked_codec(text: str) -> Codec:
    """The codec that a request names; raises InvalidInput."""
    for codec in get_args(Codec):
        if text == codec:
            found: Codec = codec
            return found
    raise InvalidInput(f"Invalid codec; it is one of: {', '.join(TIERS_KBPS)}")


def checked_bitrate(text: str, codec: Codec, tier: str) -> int:
    """The tier in kbps that a request names and the caller's subscription includes.

    Raises InvalidInput that lists the tiers, PremiumRequired for 320 on another tier.
    """
    kbps = int(text) if text.isascii() and text.isdigit() and len(text) < 5 else 0
    if kbps not in KNOWN_KBPS:
        tiers = ", ".join(str(known) for known in TIERS_KBPS[codec])
        raise InvalidInput(f"Invalid br; the tiers of {codec} are: {tiers} (kbps)")
    if kbps >= PREMIUM_KBPS and tier != "premium":
        raise PremiumRequired(f"{kbps} kbps needs Premium; ask for 160 or below.")
    return kbps


def choose(encodings: Sequence[Encoding], codec: Codec, kbps: int) -> Choice:
    """The best rendition of `codec` at `kbps` or below, else the smallest there is.

    Raises NotFound when the track has none in `codec`.
    """
    own = [one for one in encodings if one.codec == codec]
    if not own:
        raise NotFound(f"This track has no rendition in {codec}.")
    fitting = [one for one in own if one.bitrate_kbps <= kbps]
    if fitting:
        best = max(fitting, key=_bitrate)
        return Choice(best, f"highest of {len(own)} at {kbps} kbps or below")
    return Choice(min(own, key=_bitrate), f"lowest there is: none at {kbps} kbps or below")


_bitrate = attrgetter("bitrate_kbps")
