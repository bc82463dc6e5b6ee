"""Flags and experiments for those who serve, and for those who run them.

Serving never fails by this: where definitions cannot be read, everybody gets control, and nothing
is told of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime

from shared.experiments import bucketing, exposures, lifecycle, store
from shared.experiments.bandit import Choice
from shared.experiments.held import Held
from shared.experiments.models import CONTROL, Assignment, Experiment, Exposure
from shared.platform.errors import NotFound

FRESH_S = 20.0
EXPIRES_S = 60.0  # a stopped experiment is over for everybody after this

definitions: Held[Mapping[str, Experiment]] = Held(
    "definitions of experiments", store.read_all, fresh_s=FRESH_S, expires_s=EXPIRES_S
)


async def assigned(
    experiment: str, user_id: str, *, country: str | None = None, tier: str | None = None
) -> Assignment:
    """The variant of `experiment` that `user_id` gets; `country` (ISO 3166-1 alpha-2) and `tier`
    are wanted where its audience asks for them. Whoever is active in it is noted, and told with
    the next `expose`. Never raises."""
    known = await definitions.get()
    if known is None:
        return Assignment(experiment, CONTROL, "definitions cannot be read")
    if (found := known.get(experiment)) is None:
        return Assignment(experiment, CONTROL, "unknown")
    given = bucketing.assign(found, user_id, country, tier)
    if given.is_active and not found.is_flag:
        exposures.log.note(exposures.assignment(given, user_id, datetime.now(UTC)))
    return given


async def flags_of(
    user_id: str, *, country: str | None = None, tier: str | None = None
) -> dict[str, str]:
    """The variant that `user_id` gets of everything that runs or is concluded, by name. Empty
    where definitions cannot be read. Nobody counts as exposed by asking. Never raises."""
    known = await definitions.get() or {}
    return {
        name: bucketing.assign(one, user_id, country, tier).variant
        for name, one in sorted(known.items())
        if one.status in ("running", "concluded") or user_id in one.overrides
    }


async def expose(told: Iterable[Exposure]) -> None:
    """Tells what somebody was shown. Call it beside the answer: it waits for Pub/Sub 50 ms at
    most, and what is not stored by then goes with the next. Never raises."""
    await exposures.log.tell(told)


def exposure(given: Assignment, user_id: str, surface: str) -> list[Exposure]:
    """What to `expose` once somebody was shown what the experiment changes; nothing for those who
    are not in it."""
    if not given.is_active:
        return []
    return [exposures.exposure(given, user_id, surface, datetime.now(UTC))]


def impressions(
    user_id: str,
    choices: Sequence[Choice],
    items: Mapping[str, Sequence[str]],
    surface: str,
    given: Assignment | None = None,
) -> list[Exposure]:
    """What to `expose` once somebody had shelves on their screen: `choices` as `bandit.ordered`
    made them, with what stood on each, a string for each item."""
    active = given if given is not None and given.is_active else None
    return exposures.impressions(user_id, choices, dict(items), surface, datetime.now(UTC), active)


def list_shown(user_id: str, list_id: str, items: Sequence[str], surface: str) -> list[Exposure]:
    """What to `expose` once somebody had a list on their screen that is no shelf."""
    return [exposures.list_shown(user_id, list_id, items, surface, datetime.now(UTC))]


# --- for operators ------------------------------------------------------------------------------


async def everything() -> dict[str, Experiment]:
    """Every definition by name, as stored now."""
    return await store.read_all()


async def define(wanted: Experiment) -> Experiment:
    """Stores a definition, a draft where it is new. Raises Conflict."""
    now = datetime.now(UTC)

    def decide(present: dict[str, Experiment]) -> Experiment:
        made = lifecycle.defined(present.get(wanted.name), wanted, now)
        if made.status == "running":
            lifecycle.check_slots(made, present.values())
        return made

    return await _changed(wanted.name, decide)


async def start(name: str) -> Experiment:
    """Has a draft run. Raises NotFound, Conflict."""
    now = datetime.now(UTC)
    return await _changed(
        name, lambda present: lifecycle.started(_one(present, name), present.values(), now)
    )


async def stop(name: str, reason: str, note: str = "") -> Experiment:
    """Ends an experiment: control for everybody within a minute. Raises NotFound, Conflict."""
    now = datetime.now(UTC)
    return await _changed(
        name, lambda present: lifecycle.stopped(_one(present, name), reason, now, note)
    )


async def conclude(name: str, winner: str, note: str = "") -> Experiment:
    """Gives the whole audience `winner`. Raises NotFound, Conflict, InvalidInput."""
    now = datetime.now(UTC)
    return await _changed(
        name, lambda present: lifecycle.concluded(_one(present, name), winner, now, note)
    )


async def _changed(name: str, decide: Callable[[dict[str, Experiment]], Experiment]) -> Experiment:
    changed = await store.change(name, decide)
    definitions.forget()
    return changed


def _one(present: Mapping[str, Experiment], name: str) -> Experiment:
    if (found := present.get(name)) is None:
        raise NotFound(f"There is no experiment {name!r}; --list names them.")
    return found
