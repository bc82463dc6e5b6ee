"""What happens next with one function in one region: the decision and its reason.

How much traffic a revision has is Cloud Run's to say, and nobody else's: whatever `rollout`
remembers is compared with that first. So a run that was killed between its two writes, and a
person with `gcloud`, are met in the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from shared.rollout.health import Health, Verdict
from shared.rollout.models import Rollout, Service

# Tenfold as far as that goes: "scaling by orders of magnitude ... while varying the geographic
# location" (sre.google/sre-book/testing-reliability, note on canaries). Cloud Run splits off 1 % at
# the least.
STEPS = (1, 10, 50, 100)
# How long a step takes at least; ours. A request is measured within three minutes (sampled every
# 60 s, visible up to 120 s later: cloud.google.com/monitoring/api/metrics_gcp_p_z), so this is
# enough to judge twelve minutes of them.
BAKE = timedelta(minutes=15)
# Nothing is left to compare the last step with. The burn-rate alerts watch it, and this is the
# long window of the fastest one (14.4 times the budget over 1 h).
LAST_BAKE = timedelta(hours=1)
# How long a step waits for enough requests before it goes on without; ours.
PATIENCE = timedelta(hours=1)
# How far apart one `pulumi up` may make a function's revisions in two regions; ours, and many
# times what a build takes.
DEPLOY_SPREAD = timedelta(hours=1)


class Action(StrEnum):
    """What is done."""

    LEAVE = "leave"  # nothing to do
    WAIT = "wait"  # something to do, but not yet
    PIN = "pin"  # name the revisions that serve, so that the next one gets nothing by itself
    NOTE = "note"  # remember what Cloud Run does already
    START = "start"
    ADVANCE = "advance"
    GO_BACK = "go back"
    FINISH = "finish"


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do and why: `rollout` is to be remembered, `shares` (where there are any) are to be
    Cloud Run's."""

    action: Action
    reason: str
    rollout: Rollout
    shares: dict[str, int] | None = None


def in_order(regions: Sequence[str], home: str) -> tuple[str, ...]:
    """The order in which regions get a release: as named, but `home` last. The others can do
    without each other; none can do without the jobs and the database that are at home."""
    return tuple(sorted(regions, key=lambda region: region == home))


def is_tried(service: Service, rollout: Rollout) -> bool:
    """Whether the newest revision and another share the requests in just the step that is
    remembered: then their health decides."""
    share = service.shares.get(service.latest_ready, 0)
    return (
        0 < share < 100
        and (rollout.candidate, rollout.percent) == (service.latest_ready, share)
        and not rollout.going_back
        and not service.follows_latest
        and rollout.refusal_of(service.latest_ready) is None
    )


def decide(
    service: Service, rollout: Rollout, now: datetime, health: Health | None = None
) -> Decision:
    """The next move; `health` is the candidate's, for where it `is_tried`."""
    latest = service.latest_ready
    share = service.shares.get(latest, 0)
    refusal = rollout.refusal_of(latest)
    if rollout.going_back and rollout.candidate:
        return _go_back(service, rollout, rollout.candidate, now, rollout.reason)
    if not latest:
        return Decision(Action.LEAVE, "no revision is ready", rollout)
    if service.reconciling:
        return Decision(Action.WAIT, "it is being changed", rollout)
    if service.follows_latest:
        reason = "pinned, so that the next revision gets no requests by itself"
        return Decision(Action.PIN, reason, _noted(service, rollout, now), service.shares)
    if share == 100:
        return _with_all(service, rollout, now)
    if refusal is not None:
        if share:
            return _go_back(service, rollout, latest, now, refusal.reason)
        return Decision(Action.LEAVE, f"{latest} is refused: {refusal.reason}", rollout)
    if share == 0:
        return _with_none(service, rollout, now)
    if not is_tried(service, rollout):
        return Decision(Action.NOTE, f"{latest} has {share} %", _noted(service, rollout, now))
    return _judged(service, rollout, health or Health(Verdict.UNPROVEN, "not measured"), now)


def after_earlier_regions(
    decision: Decision,
    rollout: Rollout,
    earlier: Sequence[tuple[Service, Rollout]],
    revision_age: timedelta,
) -> Decision:
    """`decision`, which starts a rollout, or to wait: until every region before this one is
    through with its own. `rollout` is what is remembered, `revision_age` the candidate's."""
    for service, theirs in earlier:
        refusal = theirs.refusal_of(service.latest_ready)
        if refusal is not None:
            reason = f"{service.region} refused {service.latest_ready}: {refusal.reason}"
            return Decision(Action.WAIT, reason, rollout)
        served = service.shares.get(service.latest_ready, 0)
        if theirs.candidate or served < 100 or service.reconciling:
            return Decision(Action.WAIT, f"{service.region} is not through with its own", rollout)
    if earlier and revision_age < DEPLOY_SPREAD:
        reason = f"{_minutes(revision_age)} old: an earlier region may get its own yet"
        return Decision(Action.WAIT, reason, rollout)
    return decision


def under_way(service: Service, rollout: Rollout) -> str | None:
    """The revision that is tried, from its first request until it is the stable one or has none
    again; None where there is no rollout."""
    if rollout.going_back:
        return rollout.candidate
    if 0 < service.shares.get(service.latest_ready, 0) < 100:
        return service.latest_ready  # whether or not it has been noted
    return rollout.candidate if service.shares.get(rollout.candidate or "") else None


def halt(
    service: Service,
    rollout: Rollout,
    now: datetime,
    why: str,
    *,
    made_at: datetime | None,
    burning_since: datetime | None,
) -> Decision:
    """Back to the stable revision, where a rollout is under way that can be the cause: its
    candidate was `made_at` before it burned."""
    candidate = under_way(service, rollout)
    if candidate is None:
        return Decision(Action.LEAVE, "no rollout is under way", rollout)
    if not rollout.going_back and made_at and burning_since and burning_since < made_at:
        # Told late, or once more: this candidate may well be the remedy.
        return Decision(Action.LEAVE, f"it burned before there was {candidate}", rollout)
    return _go_back(service, rollout, candidate, now, rollout.reason if rollout.going_back else why)


def stable_beside(candidate: str, service: Service, rollout: Rollout) -> str:
    """The revision that the requests go back to: the one remembered, unless others than it and
    the candidate have them all; then the one with most."""
    tried = (candidate, service.latest_ready)
    others = {name: share for name, share in service.shares.items() if name not in tried}
    if rollout.stable in others or not others:
        return rollout.stable
    return max(others, key=lambda name: others[name])


def _with_all(service: Service, rollout: Rollout, now: datetime) -> Decision:
    latest = service.latest_ready
    if rollout.candidate == latest and rollout.percent == 100 and rollout.since is not None:
        if now - rollout.since < LAST_BAKE:
            return Decision(Action.WAIT, f"{latest} has all requests and is watched", rollout)
        reason = f"{latest} is the stable revision"
        return Decision(Action.FINISH, reason, rollout.running(latest, reason))
    noted = _noted(service, rollout, now)
    action = Action.LEAVE if noted == rollout else Action.NOTE
    return Decision(action, f"{latest} has all requests", noted)


def _with_none(service: Service, rollout: Rollout, now: datetime) -> Decision:
    latest = service.latest_ready
    stable = stable_beside(latest, service, rollout)
    if latest in (rollout.stable, rollout.candidate):
        reason = "its requests were taken from it by hand"
        refusing = rollout.refusing(latest, now, reason).running(stable, reason)
        return Decision(Action.NOTE, f"{latest} is refused: {reason}", refusing)
    if rollout.on_hold:
        return Decision(Action.WAIT, f"on hold before {latest}", rollout)
    reason = f"{latest} is new and gets {STEPS[0]} %, beside {stable}"
    trying = rollout.trying(latest, STEPS[0], stable, now, reason)
    return Decision(Action.START, reason, trying, _split(latest, STEPS[0], stable))


def _judged(service: Service, rollout: Rollout, health: Health, now: datetime) -> Decision:
    latest, percent = service.latest_ready, rollout.percent
    age = now - (rollout.since or now)
    if health.verdict is Verdict.UNHEALTHY:
        return _go_back(service, rollout, latest, now, f"at {percent} %, {health.reason}")
    if rollout.on_hold:
        return Decision(Action.WAIT, f"on hold at {percent} %", rollout)
    seen = f"at {percent} % for {_minutes(age)}, {health.reason}"
    is_proven = health.verdict is Verdict.HEALTHY
    if age < BAKE or (age < PATIENCE and not is_proven):
        return Decision(Action.WAIT, f"{latest}: {seen}", rollout)
    following = next(step for step in STEPS if step > percent)
    doubt = "" if is_proven else ", and nothing speaks against it"
    reason = f"{latest} gets {following} %: {seen}{doubt}"
    stable = stable_beside(latest, service, rollout)
    trying = rollout.trying(latest, following, stable, now, reason)
    return Decision(Action.ADVANCE, reason, trying, _split(latest, following, stable))


def _go_back(
    service: Service, rollout: Rollout, candidate: str, now: datetime, reason: str
) -> Decision:
    stable = stable_beside(candidate, service, rollout)
    refusing = rollout
    if not rollout.going_back:
        change = {"stable": stable, "candidate": candidate, "going_back": True}
        refusing = rollout.allowing(stable).refusing(candidate, now, reason)
        refusing = refusing.model_copy(update=change)
    text = f"back to {stable}, {candidate} is refused: {reason}"
    return Decision(Action.GO_BACK, text, refusing, {stable: 100})


def _noted(service: Service, rollout: Rollout, now: datetime) -> Rollout:
    """`rollout` as Cloud Run has it, whoever brought that about."""
    latest = service.latest_ready
    share = service.shares.get(latest, 0)
    reason = f"found with {share} %"
    if rollout.candidate == latest and rollout.percent == share:
        return rollout
    if share == 100 and rollout.candidate != latest:
        if rollout.stable == latest and rollout.candidate is None:
            return rollout
        return rollout.allowing(latest).running(latest, reason)
    if share == 0:
        return rollout
    return rollout.trying(latest, share, stable_beside(latest, service, rollout), now, reason)


def _split(candidate: str, percent: int, stable: str) -> dict[str, int]:
    return {candidate: percent, stable: 100 - percent} if percent < 100 else {candidate: 100}


def _minutes(span: timedelta) -> str:
    return f"{span.total_seconds() / 60:.0f} min"
