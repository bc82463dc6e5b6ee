"""What a progressive rollout is made of (F311): a function's Cloud Run service and its revisions,
what was measured of them, how far the rollout is, and the incident that ends it (F307).

Revisions are named as Cloud Run does (`catalog-00002-abc`); shares are percent of the requests,
0..100, and those of a service add up to 100.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from shared.platform.events import Event
from shared.topology import SLO_BURN, Topic

REFUSALS_KEPT = 20  # only the newest revision is ever tried, so older refusals decide nothing


def service_name(function: str) -> str:
    """Name of the Cloud Run service underneath `function`: Cloud Functions writes `-` for `_`."""
    return function.replace("_", "-")


# --- what is there --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Target:
    """One entry of a service's traffic. `revision` None is whichever is the latest ready one; a
    `tag` gives the revision a URL of its own, with or without a share."""

    revision: str | None
    percent: int
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Service:
    """The Cloud Run service of one function in one region. `latest_ready` is its newest revision
    that can serve, empty before there is one; `etag` names just this state of it; while it is
    `reconciling`, Cloud Run is still at work on its last change."""

    region: str
    name: str
    etag: str
    latest_ready: str
    targets: tuple[Target, ...]
    reconciling: bool = False

    @property
    def shares(self) -> dict[str, int]:
        """Revision -> its share, without those that have none."""
        if not self.targets:  # what Cloud Run does then
            return {self.latest_ready: 100} if self.latest_ready else {}
        shares: dict[str, int] = {}
        for target in self.targets:
            revision = target.revision or self.latest_ready
            if target.percent and revision:
                shares[revision] = shares.get(revision, 0) + target.percent
        return shares

    @property
    def follows_latest(self) -> bool:
        """Whether the next revision will get traffic by itself, as it does on a new service."""
        return not self.targets or any(
            target.revision is None and target.percent for target in self.targets
        )


@dataclass(frozen=True, slots=True)
class Sample:
    """What was measured of one revision: `errors` of its `requests` were answered 5xx; `p95_ms` is
    None where there were none."""

    requests: int = 0
    errors: int = 0
    p95_ms: float | None = None


# --- what is remembered ---------------------------------------------------------------------


class Refusal(BaseModel):
    """A revision that is never tried again, and why."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    revision: str
    reason: str
    at: datetime


class Rollout(BaseModel):
    """`rollouts/{region}.{service}`. While a `candidate` is tried it has had `percent` of the
    requests since `since`, and the rest went to `stable`. `going_back` says that the candidate was
    refused just now and may still have requests. `on_hold` is an operator's."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    region: str
    service: str
    stable: str = ""
    candidate: str | None = None
    percent: int = Field(default=0, ge=0, le=100)
    since: datetime | None = None
    going_back: bool = False
    on_hold: bool = False
    refused: tuple[Refusal, ...] = ()
    reason: str = ""

    def refusal_of(self, revision: str) -> Refusal | None:
        """Why `revision` is not tried; None where nothing speaks against it."""
        return next((one for one in self.refused if one.revision == revision), None)

    def running(self, stable: str, reason: str) -> Rollout:
        """With `stable` alone in service."""
        return self.model_copy(
            update={
                "stable": stable,
                "candidate": None,
                "percent": 0,
                "since": None,
                "going_back": False,
                "reason": reason,
            }
        )

    def trying(
        self, candidate: str, percent: int, stable: str, now: datetime, reason: str
    ) -> Rollout:
        """With `percent` for `candidate` from `now` on. What is refused is not `stable`, unless a
        person has put it there: then it is no longer refused."""
        return self.allowing(stable).model_copy(
            update={
                "stable": stable,
                "candidate": candidate,
                "percent": percent,
                "since": now,
                "reason": reason,
            }
        )

    def refusing(self, revision: str, now: datetime, reason: str) -> Rollout:
        """With `revision` refused; nothing else changes."""
        refusal = Refusal(revision=revision, reason=reason, at=now)
        refused = (*self.allowing(revision).refused, refusal)[-REFUSALS_KEPT:]
        return self.model_copy(update={"refused": refused, "reason": reason})

    def allowing(self, revision: str) -> Rollout:
        """With nothing against `revision`."""
        refused = tuple(one for one in self.refused if one.revision != revision)
        return self.model_copy(update={"refused": refused})


# --- what ends it ---------------------------------------------------------------------------


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _or_empty(value: Any) -> Any:
    return {} if value is None else value


Labels = Annotated[dict[str, str], BeforeValidator(_or_empty)]


class _Resource(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    labels: Labels = {}


class Incident(BaseModel):
    """An incident of an alerting policy; `started_at` in seconds since 1970."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    incident_id: str
    state: Annotated[Literal["open", "closed"], BeforeValidator(_lower)]
    policy_name: str = ""
    started_at: int | None = Field(default=None, ge=0)
    policy_user_labels: Labels = {}
    resource: Annotated[_Resource, BeforeValidator(_or_empty)] = _Resource()


class SloBurn(Event):
    """What Cloud Monitoring publishes to a Pub/Sub notification channel, in version 1.2 of its
    format (cloud.google.com/monitoring/support/notification-options, "Schema structure"). The
    channel's "Send test notification" has the version `test`."""

    TOPIC: ClassVar[Topic] = SLO_BURN

    version: str
    incident: Incident

    @field_validator("version")
    @classmethod
    def _known(cls, version: str) -> str:
        if version != "test" and version.partition(".")[0] != "1":
            raise ValueError(f"the incident has format {version!r}; this knows 1.x")
        return version

    @property
    def is_burning(self) -> bool:
        """Whether a budget burns now: a closed incident and a test say that none does."""
        return self.incident.state == "open" and self.version != "test"

    @property
    def started_at(self) -> datetime | None:
        """When the burning began, as far as it was told."""
        seconds = self.incident.started_at
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)

    @property
    def service(self) -> str | None:
        """The Cloud Run service that the incident is about; None where it names none. The policy's
        label `function` says it (a topology name), or else the resource's `service_name`."""
        named = self.incident.policy_user_labels.get("function")
        named = named or self.incident.resource.labels.get("service_name")
        return service_name(named) if named else None
