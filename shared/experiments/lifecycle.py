"""What may become of an experiment, and why not otherwise.

    draft ──start──> running ──stop──> stopped ──start──> (never: define another)
                        └──conclude──> concluded  <──conclude── stopped

Pure: each returns the experiment as it is afterwards. All raise Conflict or InvalidInput with the
remedy.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from shared.experiments.models import MAX_CHANGES, Change, Experiment
from shared.platform.errors import Conflict, InvalidInput

# What makes out who has which variant, and what is measured: changing it would mix two experiments.
_FIXED = (
    "variants",
    "salt",
    "layer",
    "audience",
    "primary_metric",
    "window_days",
    "planned_people",  # the shape of the tests must not follow the data
)


def defined(present: Experiment | None, wanted: Experiment, now: datetime) -> Experiment:
    """`wanted`, in place of `present`. Of one that has started, people may be added (its slots
    grow), and overrides, guardrails and the description change; the same again changes nothing."""
    if present is None:
        return _with(_fresh(wanted), now, "defined")
    kept = _fresh(wanted).model_copy(update=_state(present))
    if kept == present:
        return present
    if present.status == "draft":
        return _with(kept, now, "defined anew")
    if present.status != "running":
        raise Conflict(f"{present.name} is {present.status}; define another under a new name.")
    changed = [name for name in _FIXED if getattr(present, name) != getattr(kept, name)]
    if changed:
        raise Conflict(
            f"{present.name} runs: {', '.join(changed)} cannot change any more. Stop it and define"
            " another under a new name."
        )
    if kept.slots[0] > present.slots[0] or kept.slots[1] < present.slots[1]:
        raise Conflict(
            f"{present.name} runs on the slots {present.slots}: they may grow, not shrink, or"
            " people would lose their variant. Stop it instead."
        )
    return _with(kept, now, f"changed: slots {kept.slots[0]} to {kept.slots[1]}")


def started(present: Experiment, others: Iterable[Experiment], now: datetime) -> Experiment:
    """`present`, running. Its slots must be free: see `check_slots`."""
    if present.status == "running":
        return present
    if present.status != "draft":
        raise Conflict(
            f"{present.name} is {present.status}: people know its variants. Define another under a"
            " new name, with a salt of its own."
        )
    check_slots(present, others)
    running = present.model_copy(update={"status": "running", "started_at": now})
    return _with(running, now, "started")


def stopped(present: Experiment, reason: str, now: datetime, note: str = "") -> Experiment:
    """`present`, stopped: everybody gets control, within a minute."""
    if present.status == "stopped":
        return present
    if present.status != "running":
        raise Conflict(f"{present.name} is {present.status}; only what runs can be stopped.")
    changes = {"status": "stopped", "ended_at": now, "stop_reason": reason}
    return _with(present.model_copy(update=changes), now, f"stopped: {reason}", note)


def concluded(present: Experiment, winner: str, now: datetime, note: str = "") -> Experiment:
    """`present`, with `winner` for its whole audience."""
    names = [variant.name for variant in present.variants]
    if winner not in names:
        raise InvalidInput(f"{winner!r} is no variant of {present.name}; they are {names}.")
    if present.status == "concluded" and present.winner == winner:
        return present
    if present.status == "draft":
        raise Conflict(f"{present.name} is a draft; start it first.")
    changes = {
        "status": "concluded",
        "winner": winner,
        "ended_at": present.ended_at or now,
    }
    return _with(present.model_copy(update=changes), now, f"concluded: {winner}", note)


def check_slots(wanted: Experiment, others: Iterable[Experiment]) -> None:
    """Raises Conflict where another running experiment of the layer has some of its slots."""
    for other in others:
        if other.name == wanted.name or other.status != "running":
            continue
        if other.effective_layer == wanted.effective_layer and (
            other.slots[0] < wanted.slots[1] and wanted.slots[0] < other.slots[1]
        ):
            raise Conflict(
                f"{other.name} has the slots {other.slots} of the layer"
                f" {wanted.effective_layer!r}; {wanted.name} wants {wanted.slots}. Take others, or"
                " another layer."
            )


def _fresh(wanted: Experiment) -> Experiment:
    untouched = Experiment.model_fields
    state = {name: untouched[name].default for name in _state(wanted)}
    return wanted.model_copy(update=state)


def _state(present: Experiment) -> dict[str, object]:
    names = ("status", "winner", "started_at", "ended_at", "stop_reason", "changes")
    return {name: getattr(present, name) for name in names}


def _with(experiment: Experiment, now: datetime, what: str, note: str = "") -> Experiment:
    changes = (*experiment.changes, Change(at=now, what=what, note=note))[-MAX_CHANGES:]
    return experiment.model_copy(update={"changes": changes})
