"""Flags and experiments: what is defined, who gets what, and what was shown to whom (F214).

An *experiment* divides people between variants and has a primary metric; without one it is a
*flag*, which is never analysed. `control` is what everybody has who is not in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from shared.experiments.metrics import GUARDRAILS, METRICS
from shared.platform.events import Event
from shared.topology import EXPOSURES, Topic

CONTROL = "control"
BUCKETS = 10_000  # that people fall into: a basis point each
MAX_OVERRIDES = 100  # people; they stand in the definition, which every instance holds
MAX_CHANGES = 100  # of an experiment that are kept

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
Status = Literal["draft", "running", "stopped", "concluded"]
Reason = Literal[
    "assigned",  # by their bucket
    "override",  # a tester's; never analysed
    "winner",  # the experiment is concluded: its winner is for the whole audience
    "not running",
    "not in the audience",
    "not in its slots",  # of the layer: they may be another experiment's
    "unknown",
    "definitions cannot be read",
]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Variant(_Frozen):
    """One of the things compared. `weight` is its share of the people, in basis points."""

    name: Name
    weight: int = Field(ge=0, le=BUCKETS)


class Audience(_Frozen):
    """Whom an experiment is for; an empty tuple is everybody. Countries are ISO 3166-1 alpha-2."""

    countries: tuple[Annotated[str, Field(pattern=r"^[A-Z]{2}$")], ...] = ()
    tiers: tuple[str, ...] = ()

    def holds(self, country: str | None, tier: str | None) -> bool:
        """Whether somebody from `country` on `tier` (None: not known) is among them."""
        return (not self.countries or country in self.countries) and (
            not self.tiers or tier in self.tiers
        )


class Guardrail(_Frozen):
    """What must not get worse: `metric` of a variant may exceed control's by the share `limit`
    (0.05: 5 % of control's value). More harm than that, once shown, stops the experiment."""

    metric: str
    limit: float = Field(ge=0, le=10)

    @model_validator(mode="after")
    def _is_known(self) -> Guardrail:
        if self.metric not in GUARDRAILS:
            raise ValueError(f"guardrail {self.metric!r} is none; take {', '.join(GUARDRAILS)}")
        return self


DEFAULT_GUARDRAILS = (
    Guardrail(metric="skip_rate", limit=0.05),
    Guardrail(metric="complaint_rate", limit=0.5),
)


class Change(_Frozen):
    """One line of an experiment's story."""

    at: AwareDatetime
    what: str
    note: str = ""


class Experiment(_Frozen):
    """A flag or an experiment.

    People fall into the `BUCKETS` of a `layer` by their id. The experiment has those from
    `slots[0]` up to but not including `slots[1]`: experiments with disjoint slots of one layer
    share nobody, and one that gets more slots keeps everybody in their variant. Which variant is
    decided by another hash, of `salt`; weights and salt stand once it has started.

    Each person counts once, with what they did in the `window_days` after their first exposure.
    `planned_people` is how many are expected to be enough: the tests are sharpest there, and valid
    anywhere (`sequential`).
    """

    name: Name
    about: str = Field(min_length=1, max_length=500)
    variants: tuple[Variant, ...]
    salt: str = Field(default="", max_length=60)  # empty: the name
    layer: str = Field(default="", max_length=60)  # empty: one of its own
    slots: tuple[int, int] = (0, BUCKETS)
    audience: Audience = Audience()
    overrides: dict[str, str] = Field(default_factory=dict, max_length=MAX_OVERRIDES)
    primary_metric: str | None = None
    guardrails: tuple[Guardrail, ...] = DEFAULT_GUARDRAILS
    window_days: int = Field(default=7, ge=1, le=28)
    planned_people: int = Field(default=20_000, ge=1_000, le=100_000_000)
    status: Status = "draft"
    winner: str | None = None
    started_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None
    stop_reason: str = ""
    changes: tuple[Change, ...] = ()

    @model_validator(mode="after")
    def _is_whole(self) -> Experiment:
        names = [variant.name for variant in self.variants]
        if len(set(names)) < len(names) or CONTROL not in names or len(names) < 2:
            raise ValueError(
                f"variants are {names}: name {CONTROL!r} and at least one more, each once"
            )
        if (total := sum(variant.weight for variant in self.variants)) != BUCKETS:
            raise ValueError(f"the variants' weights are {total} together; make them {BUCKETS:,}")
        if not 0 <= self.slots[0] < self.slots[1] <= BUCKETS:
            raise ValueError(f"slots are {self.slots}: a range of 0 to {BUCKETS:,}, not empty")
        if unknown := set(self.overrides.values()) - set(names):
            raise ValueError(f"overrides name {sorted(unknown)}; the variants are {names}")
        if self.winner is not None and self.winner not in names:
            raise ValueError(f"the winner {self.winner!r} is no variant; they are {names}")
        if self.primary_metric is not None and self.primary_metric not in METRICS:
            raise ValueError(
                f"the primary metric {self.primary_metric!r} is none; take {', '.join(METRICS)}"
            )
        if not self.is_flag and not all(variant.weight for variant in self.variants):
            raise ValueError("a variant of weight 0 gets nobody to measure; leave it out")
        return self

    @property
    def is_flag(self) -> bool:
        """Whether nothing is measured."""
        return self.primary_metric is None

    @property
    def effective_salt(self) -> str:
        """What variants are drawn with."""
        return self.salt or self.name

    @property
    def effective_layer(self) -> str:
        """The layer whose slots it has."""
        return self.layer or f"of:{self.name}"

    @property
    def treatments(self) -> tuple[str, ...]:
        """The variants that are compared with control, in their order."""
        return tuple(one.name for one in self.variants if one.name != CONTROL)


@dataclass(frozen=True, slots=True)
class Assignment:
    """The variant that somebody gets, and why. `is_active`: they are in a running experiment, so
    that what they are shown is to be told (`service.expose`)."""

    experiment: str
    variant: str
    reason: Reason

    @property
    def is_active(self) -> bool:
        return self.reason == "assigned"


class Exposure(Event):
    """What somebody was given or shown; a row of the warehouse table `exposures`.

    `assignment`: an experiment was asked which variant they get. `exposure`: they were shown what
    the variant changes; analysis counts those alone. `impression`: a shelf was on their screen, at
    `position` (0 is the top), where the order put it with probability `propensity`, or a list that
    is no shelf and has no position; `items` is a JSON list of what stood on it.
    """

    TOPIC: ClassVar[Topic] = EXPOSURES

    event_id: str = Field(pattern=r"^[0-9A-Za-z]{22}$")
    user_id: str
    ts: datetime
    kind: Literal["assignment", "exposure", "impression"]
    experiment: str | None = None
    variant: str | None = None
    surface: str | None = None
    shelf: str | None = None
    position: int | None = Field(default=None, ge=0)
    items: str | None = None
    propensity: float | None = Field(default=None, gt=0, le=1)
