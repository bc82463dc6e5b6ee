"""Progressive delivery: `advance` is the job's, `handle_slo_burn` the incident's, the rest is for
operators.

Forward, Cloud Run is changed first and the change remembered after; a run that is killed between
the two leaves a share that the next one finds and goes on from. Back, the refusal is remembered
first: else the next run would take the revision for a new one and try it again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import product
from typing import TypeVar

from shared import topology
from shared.platform.errors import Conflict, InvalidInput
from shared.platform.settings import settings
from shared.rollout import steps
from shared.rollout.health import Health, judge
from shared.rollout.models import Rollout, Service, SloBurn, service_name
from shared.rollout.steps import Action, Decision
from shared.rollout.store import measurements, revisions, rollouts
from shared.rollout.store.rollouts import Held

PARALLEL = 8  # services at once
TRIES = 5  # where others change the same

T = TypeVar("T")
R = TypeVar("R")
Decide = Callable[[Service, Rollout], Awaitable[Decision]]
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One service after what was decided for it is done."""

    service: Service
    decision: Decision


def service_names() -> tuple[str, ...]:
    """The Cloud Run services underneath the topology's functions."""
    return tuple(
        service_name(entry.name)
        for entry in topology.ENTRIES.values()
        if not isinstance(entry, topology.Job)
    )


async def advance(now: datetime | None = None) -> list[Outcome]:
    """The next step of every rollout, wherever one is due; safe when two runs overlap.

    Raises ExceptionGroup when some services failed, after all were tried.
    """
    moment = now or datetime.now(UTC)
    found = await _side_by_side(service_names(), lambda name: _advance(name, moment))
    return [outcome for outcomes in found for outcome in outcomes]


async def handle_slo_burn(burn: SloBurn) -> None:
    """Ends the rollouts that may burn the budget: that of the function which the incident names,
    or all. An incident about nobody we know is about everybody.

    Raises ExceptionGroup when one could not be ended, so that Pub/Sub calls again.
    """
    if not burn.is_burning:
        _log.info("incident %s is closed, or a test", burn.incident.incident_id)
        return
    names = tuple(name for name in service_names() if name == burn.service) or service_names()
    places = product(settings().deployed_regions, names)
    await _side_by_side(places, lambda place: _halt(*place, burn))


async def _side_by_side(items: Iterable[T], work: Callable[[T], Awaitable[R]]) -> list[R]:
    """`work` on each, several at once; one that fails keeps nobody from theirs."""
    slots = asyncio.Semaphore(PARALLEL)

    async def one(item: T) -> R:
        async with slots:
            return await work(item)

    ended = await asyncio.gather(*map(one, items), return_exceptions=True)
    faults = [each for each in ended if isinstance(each, Exception)]
    if faults:
        raise ExceptionGroup("the traffic of some services was not looked after", faults)
    return [each for each in ended if not isinstance(each, BaseException)]


async def _advance(name: str, now: datetime) -> list[Outcome]:
    """One service, region by region. A region that does not answer keeps the later ones from
    starting, and not from anything else."""
    earlier: list[Outcome] = []
    faults: list[Exception] = []

    async def decide(service: Service, rollout: Rollout) -> Decision:
        health = await _health(service, rollout, now)
        decision = steps.decide(service, rollout, now, health)
        if decision.action is not Action.START or not (earlier or faults):
            return decision
        if faults:
            return Decision(Action.WAIT, "an earlier region does not answer", rollout)
        age = now - await revisions.made_at(service, service.latest_ready)
        before = [(outcome.service, outcome.decision.rollout) for outcome in earlier]
        return steps.after_earlier_regions(decision, rollout, before, age)

    for region in steps.in_order(settings().deployed_regions, settings().region):
        try:
            outcome = await _settle(region, name, decide)
        except Exception as error:
            faults.append(error)
            continue
        if outcome is not None:
            earlier.append(outcome)
    if faults:
        raise ExceptionGroup(f"{name} was not looked after everywhere", faults)
    return earlier


async def _health(service: Service, rollout: Rollout, now: datetime) -> Health | None:
    if not steps.is_tried(service, rollout):
        return None
    candidate = service.latest_ready
    stable = steps.stable_beside(candidate, service, rollout)
    since = rollout.since or now
    measured = await measurements.samples(service, (candidate, stable), since, now)
    return judge(measured[candidate], measured[stable])


async def _halt(region: str, name: str, burn: SloBurn) -> None:
    why = f"incident {burn.incident.incident_id} of {burn.incident.policy_name!r}"

    async def decide(service: Service, rollout: Rollout) -> Decision:
        candidate = steps.under_way(service, rollout)
        made_at = await revisions.made_at(service, candidate) if candidate else None
        now, since = datetime.now(UTC), burn.started_at
        return steps.halt(service, rollout, now, why, made_at=made_at, burning_since=since)

    await _settle(region, name, decide)


async def _settle(region: str, name: str, decide: Decide) -> Outcome | None:
    """Decides and does so, anew where somebody else was faster; None where there is no service."""
    for attempt in range(1, TRIES + 1):
        held = await rollouts.read(region, name)
        service = await revisions.service(region, name)
        if service is None:
            return None
        decision = await decide(service, held.rollout)
        try:
            rollout = await _carry_out(decision, service, held)
        except Conflict:
            if attempt == TRIES:
                raise
            continue
        level = {Action.LEAVE: logging.DEBUG, Action.GO_BACK: logging.ERROR}
        _log.log(
            level.get(decision.action, logging.INFO),
            f"{name}: {decision.reason}",
            extra={"region": region, "service": name, "action": decision.action},
        )
        return Outcome(service, replace(decision, rollout=rollout))
    raise AssertionError("unreachable")


async def _carry_out(decision: Decision, service: Service, held: Held) -> Rollout:
    """Does what was decided; what is remembered then."""
    rollout = decision.rollout
    going_back = decision.action is Action.GO_BACK
    if going_back and rollout != held.rollout:
        held = await rollouts.save(rollout, held)
    shares = decision.shares
    if shares is not None and (service.follows_latest or shares != service.shares):
        await revisions.shift(service, shares)
    if going_back:
        rollout = rollout.running(rollout.stable, rollout.reason)
    if rollout != held.rollout:
        await rollouts.save(rollout, held)
    return rollout


# --- for operators --------------------------------------------------------------------------


async def standing(function: str) -> list[Rollout]:
    """How far a function's release is, region by region in the order in which they get it.

    Raises InvalidInput for a name that the topology does not have.
    """
    return [held.rollout for held in await _of(function)]


async def hold(function: str, on_hold: bool) -> list[Rollout]:
    """Keeps a function's releases where they are, in every region, or lets them go on. One on hold
    still goes back by itself. Raises InvalidInput, and Conflict where a run was faster."""
    return [
        (await rollouts.save(held.rollout.model_copy(update={"on_hold": on_hold}), held)).rollout
        for held in await _of(function)
    ]


async def allow(function: str, revision: str) -> list[Rollout]:
    """Has a refused revision tried again, from the first step on. Raises InvalidInput where no
    region refuses it, and Conflict where a run was faster."""
    refusing = [held for held in await _of(function) if held.rollout.refusal_of(revision)]
    if not refusing:
        raise InvalidInput(f"No region refuses {revision!r} of {function}: see --show {function}.")
    return [
        (await rollouts.save(held.rollout.allowing(revision), held)).rollout for held in refusing
    ]


async def _of(function: str) -> list[Held]:
    name = service_name(function)
    if name not in service_names():
        raise InvalidInput(f"shared/topology.py has no function {function!r}.")
    order = steps.in_order(settings().deployed_regions, settings().region)
    return [await rollouts.read(region, name) for region in order]
