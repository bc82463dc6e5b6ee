"""What becomes of a verdict: it starts, is renewed, lapses, or is overruled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from shared.abuse.behaviour import SUSPECT_AT
from shared.abuse.models import Assessment, Change, Override, Verdict

LIFE = timedelta(days=3)  # of a verdict that nothing renews
RENEWED_AFTER = timedelta(hours=12)  # of LIFE: a farm costs two writes a day, not a hundred
KEPT = timedelta(days=30)  # after it has ended, for the operator who is asked about it

Cause = Literal["BEHAVIOUR", "LAPSED", "OPERATOR"]


@dataclass(frozen=True, slots=True)
class Settled:
    """The verdict from now on, None where there is none to keep; `change` and its `cause` where
    a suspicion starts or ends with it."""

    verdict: Verdict | None
    change: Change | None = None
    cause: Cause | None = None


def settle(
    held: Verdict | None, user_id: str, assessment: Assessment | None, now: datetime
) -> Settled:
    """The verdict on `user_id` after `held` and a fresh `assessment` (None: there is none).

    A score below `SUSPECT_AT` ends nothing: a machine that rests is no person. What ends a
    suspicion is `LIFE` without another such score, or an operator.
    """
    if held is not None and held.override is not None:
        return _overruled(held, held.override, now)
    if assessment is not None and assessment.score >= SUSPECT_AT:
        return _suspected(held or Verdict(user_id=user_id), assessment, now)
    if held is not None and held.suspected_since is not None and not held.suspects(now):
        return Settled(_ended(held, now), "ended", "LAPSED")
    if held is not None and held.suspected_since is None and held.expires_at is None:
        return Settled(held.model_copy(update={"expires_at": now + KEPT}))  # was overruled
    return Settled(held)


def overrule(
    held: Verdict | None, user_id: str, override: Override | None, note: str, now: datetime
) -> Settled:
    """The verdict after an operator's word; None takes the last one back."""
    change = {"override": override, "note": note}
    spoken = (held or Verdict(user_id=user_id)).model_copy(update=change)
    if override is not None:
        return _overruled(spoken, override, now)
    if spoken.suspected_since is None:
        return Settled(spoken.model_copy(update={"expires_at": now + KEPT}))
    return Settled(_ended(spoken, now), "ended", "OPERATOR")


def _overruled(held: Verdict, override: Override, now: datetime) -> Settled:
    """An operator's word lasts until it is taken back: it has no end."""
    was_suspected = held.suspected_since is not None
    kept: dict[str, object] = {"expires_at": None, "suspected_until": None}
    if override == "cleared":
        cleared = held.model_copy(update={**kept, "suspected_since": None})
        return Settled(cleared, "ended", "OPERATOR") if was_suspected else Settled(cleared)
    if was_suspected:
        return Settled(held.model_copy(update=kept))
    return Settled(held.model_copy(update={**kept, "suspected_since": now}), "started", "OPERATOR")


def _suspected(held: Verdict, assessment: Assessment, now: datetime) -> Settled:
    until = now + LIFE
    goes_on = held.suspects(now)
    if goes_on and held.suspected_until and until - held.suspected_until < RENEWED_AFTER:
        return Settled(held)
    renewed = held.model_copy(
        update={
            "score": assessment.score,
            "findings": assessment.findings,
            "judged_at": now,
            "suspected_since": held.suspected_since if goes_on else now,
            "suspected_until": until,
            "expires_at": until + KEPT,
        }
    )
    return Settled(renewed) if goes_on else Settled(renewed, "started", "BEHAVIOUR")


def _ended(held: Verdict, now: datetime) -> Verdict:
    over = {"suspected_since": None, "suspected_until": None, "expires_at": now + KEPT}
    return held.model_copy(update=over)
