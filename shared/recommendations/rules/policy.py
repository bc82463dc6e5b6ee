"""Which rules a product's lists keep, and with which limits.

Hard rules hold for whatever is listed: a list grows shorter rather than breaking one. Soft ones
(shares, the order of tiers, spacing) hold as far as the candidates allow; `listing` says what
that means exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MAX_PER_ARTIST = 2  # in any `WINDOW` tracks on end
MAX_PER_ALBUM = 3
WINDOW = 30

Rule = Literal[
    # of a track, whatever else is listed (`eligibility`)
    "score",  # its score is no finite number
    "hidden",  # the person does not want it, its album or one of its artists
    "market",  # it may not be played where they are
    "explicit",
    "unreleased",  # not out yet
    "old",  # the product is of new releases alone
    "heard",
    "listed",  # recommended lately
    # of a list (`listing`)
    "recording",  # the same recording, on another release perhaps
    "artist",
    "album",
    "genre",
]

When = Literal["never", "last", "any"]
"""What becomes of tracks of a kind: not listed, after all others, or like others."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What a product's lists keep.

    `heard` is for what the person has heard, `listed` for what was recommended to them lately.
    Shares are of the length that is asked for (0..1): at most `genre_share` of the tracks are of
    any one genre, at least `tail_share` belong to the `tail_percentile` (0..1) of the candidates
    that are least popular, at least `fresh_share` were released in the last `fresh_days` (days);
    with `fresh_only` nothing else is listed. `spaced`: not two of one artist in a row. A product
    may be stricter than `MAX_PER_ARTIST` and `MAX_PER_ALBUM`, never laxer.

    Raises ValueError for limits out of range.
    """

    name: str
    heard: When = "any"
    listed: When = "last"
    max_per_artist: int = MAX_PER_ARTIST
    max_per_album: int = MAX_PER_ALBUM
    genre_share: float = 1.0
    tail_share: float = 0.0
    tail_percentile: float = 0.5
    fresh_share: float = 0.0
    fresh_days: int = 180
    fresh_only: bool = False
    spaced: bool = True

    def __post_init__(self) -> None:
        for name in ("genre_share", "tail_share", "tail_percentile", "fresh_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{self.name}: {name} is a share, from 0 to 1")
        if not 1 <= self.max_per_artist <= MAX_PER_ARTIST:
            raise ValueError(f"{self.name}: max_per_artist is 1 to {MAX_PER_ARTIST}")
        if not 1 <= self.max_per_album <= MAX_PER_ALBUM:
            raise ValueError(f"{self.name}: max_per_album is 1 to {MAX_PER_ALBUM}")
        if self.fresh_days < 1:
            raise ValueError(f"{self.name}: fresh_days is at least 1")


# What is unheard is the point of it, so a week without enough of it is a shorter list. A third
# from the less popular half keeps it from being the charts (F213).
DISCOVER_WEEKLY = Policy(
    "discover_weekly",
    heard="never",
    listed="never",
    genre_share=0.4,
    tail_share=0.3,
    fresh_share=0.1,
)
# A mix is of one cluster of taste, of the known and the new; it is to be as narrow as its cluster.
DAILY_MIX = Policy("daily_mix", listed="any", genre_share=0.8, tail_share=0.2)
# The person's artists make it up: four weeks, as people wait for a Friday.
RELEASE_RADAR = Policy(
    "release_radar", heard="last", genre_share=0.6, fresh_days=28, fresh_only=True
)
# A seed has a genre, and who asks for more of it is to get it.
RADIO = Policy("radio", tail_share=0.2, fresh_share=0.05)
HOME_SHELF = Policy("home_shelf", heard="last", genre_share=0.5, tail_share=0.2, fresh_share=0.1)
AUTOPLAY = Policy("autoplay", tail_share=0.1)
