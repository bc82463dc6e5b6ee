"""Verdicts: asked for when a token is minted, reached by the job, overruled by operators."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime

from shared.abuse import store, verdicts
from shared.abuse.models import Assessment, Change, Override, Verdict
from shared.abuse.slices import Slice
from shared.abuse.verdicts import Settled
from shared.audit import service as audit
from shared.audit.models import VerdictRecord

ASK_TIMEOUT_S = 1.0  # of somebody who is signing in
_log = logging.getLogger(__name__)


async def is_suspected(user_id: str) -> bool:
    """Whether tokens minted now for `user_id` are to say so; False when the store does not
    answer, for nobody is kept from signing in by this."""
    from google.api_core.exceptions import GoogleAPICallError, RetryError

    try:
        # The client's own timeout is one attempt's, and it tries for five minutes.
        async with asyncio.timeout(ASK_TIMEOUT_S):
            verdict = await store.verdict(user_id)
    except (GoogleAPICallError, RetryError, TimeoutError) as error:
        _log.warning("the verdict on %s is unreadable, taken for none: %r", user_id, error)
        return False
    return verdict is not None and verdict.suspects(datetime.now(UTC))


async def verdict_on(user_id: str) -> Verdict | None:
    """What is stored about `user_id`, None where that is nothing."""
    return await store.verdict(user_id)


async def judge(user_id: str, assessment: Assessment | None, now: datetime) -> Change | None:
    """Whether a suspicion of `user_id` starts or ends with `assessment` (None: with time alone).
    The ledger knows of it before it takes effect. Raises Unavailable where the ledger cannot."""
    return await _revise(
        user_id, lambda present: verdicts.settle(present, user_id, assessment, now), now
    )


async def settle_with_time(of: Slice, now: datetime) -> list[Change]:
    """What starts and ends in a slice without any play: verdicts that lapse, and words that
    operators wrote into the documents by hand."""
    due = [
        held.user_id
        for held in await store.verdicts(of)
        if verdicts.settle(held, held.user_id, None, now).verdict != held
    ]
    changes = [await judge(user_id, None, now) for user_id in due]
    return [change for change in changes if change is not None]


async def overrule(user_id: str, override: Override | None, note: str) -> Change | None:
    """An operator's word on `user_id`: `cleared` and `suspected` last until they are taken back
    (None). Tokens minted from now on carry it; those in use end within the hour."""
    now = datetime.now(UTC)
    return await _revise(
        user_id, lambda present: verdicts.overrule(present, user_id, override, note, now), now
    )


async def _revise(
    user_id: str, settle: Callable[[Verdict | None], Settled], now: datetime
) -> Change | None:
    change: Change | None = None

    async def decide(present: Verdict | None) -> Verdict | None:
        nonlocal change
        settled = settle(present)
        change = settled.change
        if settled.change is not None:
            assert settled.verdict is not None
            await audit.record(_record(settled, settled.verdict, now))
        return settled.verdict

    await store.revise(user_id, decide)
    return change


def _record(settled: Settled, verdict: Verdict, now: datetime) -> VerdictRecord:
    assert settled.change is not None
    assert settled.cause is not None
    return VerdictRecord(
        outcome=settled.change,
        reason=settled.cause,
        decided_at=now,
        user_id=verdict.user_id,
        score=verdict.score,
        findings={finding.signal: finding.value for finding in verdict.findings},
        note=verdict.note,
    )
