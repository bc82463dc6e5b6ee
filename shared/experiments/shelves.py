"""What shelves are worth: learned by a job from what was shown and played, held by those who serve.

`shelves/posteriors.json` in the models bucket has it all; it is replaced whole. Evidence fades by
half every `HALF_LIFE_DAYS`, and no more than `MOST_LOOKS` of it counts for a shelf: tastes change
whether many look or few, and a distribution that is too narrow would never look again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from shared.experiments.bandit import ANY, Beta
from shared.experiments.held import Held
from shared.platform import objects
from shared.topology import MODELS

if TYPE_CHECKING:
    from shared.experiments.warehouse import Shown

NAME = "shelves/posteriors.json"
DAYS = 56  # four half-lives: what is older would count for 6 % at most
HALF_LIFE_DAYS = 14.0
MOST_LOOKS = 50_000.0
FRESH_S = 600.0  # the job is hourly


class Worth(BaseModel):
    """A shelf's worth as a Beta distribution, and the evidence in it: how often it was `shown`,
    how many of the shows were looked at (`looks`, estimated), how many led to a play; all faded."""

    model_config = ConfigDict(frozen=True)

    a: float = Field(gt=0)
    b: float = Field(gt=0)
    shown: float = Field(ge=0)
    looks: float = Field(ge=0)
    played: float = Field(ge=0)


class Learned(BaseModel):
    """`examination` is the probability that each place is looked at, from the top down; `worths`
    are by shelf, and `*` is one of which nothing is known."""

    model_config = ConfigDict(frozen=True)

    learned_at: AwareDatetime
    examination: tuple[float, ...]
    worths: dict[str, Worth]

    def posteriors(self) -> dict[str, Beta]:
        """What `bandit.ordered` wants."""
        return {shelf: Beta(worth.a, worth.b) for shelf, worth in self.worths.items()}


def learn(rows: Sequence[Shown], now: datetime) -> Learned | None:
    """What `rows` teach; None where nothing was shown. Pure."""
    if not rows:
        return None
    import numpy as np

    from shared.experiments.examination import Counts, examination, posterior, prior

    names = sorted({row.shelf for row in rows})
    places = 1 + max(row.position for row in rows)
    shown, played = np.zeros((len(names), places)), np.zeros((len(names), places))
    for row in rows:
        faded = 0.5 ** (max((now.date() - row.day).days, 0) / HALF_LIFE_DAYS)
        at = names.index(row.shelf), row.position
        shown[at] += faded * row.shown
        played[at] += faded * min(row.played, row.shown)
    counts = Counts(shown, played)
    looked = examination(counts)
    before = prior(counts, looked)
    worths = {ANY: Worth(a=before.a, b=before.b, shown=0, looks=0, played=0)}
    for name, of_shelf, plays in zip(names, shown, played, strict=True):
        looks = float(of_shelf @ looked)
        scale = min(1.0, MOST_LOOKS / looks)
        known = posterior(of_shelf * scale, plays * scale, looked, before)
        worths[name] = Worth(
            a=known.a, b=known.b, shown=of_shelf.sum(), looks=looks, played=plays.sum()
        )
    return Learned(learned_at=now, examination=tuple(looked.tolist()), worths=worths)


async def store(learned: Learned) -> None:
    """Has `learned` used from now on, within minutes."""
    content = learned.model_dump_json(indent=1).encode()
    await objects.write(MODELS, NAME, content, "application/json")


async def stored() -> Learned | None:
    """What was learned last; None where that is nothing. Raises ValueError for a damaged file."""
    content = await objects.read(MODELS, NAME)
    if content is None:
        return None
    try:
        return Learned.model_validate_json(content)
    except ValidationError as error:
        raise ValueError(f"{NAME} in the bucket {MODELS.name} is damaged: {error}") from error


async def _load() -> Mapping[str, Beta]:
    learned = await stored()
    return learned.posteriors() if learned is not None else {}


_held: Held[Mapping[str, Beta]] = Held("the worth of shelves", _load, fresh_s=FRESH_S)


async def posteriors() -> Mapping[str, Beta]:
    """What is known of each shelf's worth: what was read last, whatever has failed since; empty
    before there is any, and then the order given stands. Never raises."""
    return await _held.get() or {}
