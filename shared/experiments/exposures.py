"""What was shown is told to the warehouse, each thing once.

An id says what happened (who, what, when: to the day, or to the half hour for a shelf), so the
warehouse counts once what several instances tell, and an instance tells once what it has told.
Publishing is `shared.platform.telling`'s: beside the answer, and with patience.
"""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cachetools import LRUCache

from shared.experiments.models import Assignment, Exposure
from shared.platform.ids import content_id
from shared.platform.telling import Teller

if TYPE_CHECKING:
    from shared.experiments.bandit import Choice

SEEN = timedelta(minutes=30)  # a shelf that is shown again within it was shown once
MAX_WAITING = 5_000  # exposures of some 500 bytes
MAX_NOTED = 5_000
MAX_TOLD = 50_000  # ids that are remembered
_log = logging.getLogger(__name__)


def assignment(given: Assignment, user_id: str, now: datetime) -> Exposure:
    """That somebody was given a variant; one a day."""
    return _of(given, user_id, now, "assignment", None)


def exposure(given: Assignment, user_id: str, surface: str, now: datetime) -> Exposure:
    """That somebody was shown what the experiment changes, on `surface`; one a day."""
    return _of(given, user_id, now, "exposure", surface)


def _of(given: Assignment, user_id: str, now: datetime, kind: str, surface: str | None) -> Exposure:
    # With the variant: whoever is in two, by whatever accident, must be seen to be.
    event_id = content_id(kind, given.experiment, given.variant, user_id, f"{now:%Y-%m-%d}")
    return Exposure.model_validate(
        {
            "event_id": event_id,
            "user_id": user_id,
            "ts": now,
            "kind": kind,
            "experiment": given.experiment,
            "variant": given.variant,
            "surface": surface,
        }
    )


def impressions(
    user_id: str,
    choices: Sequence[Choice],
    items: dict[str, Sequence[str]],
    surface: str,
    now: datetime,
    given: Assignment | None = None,
) -> list[Exposure]:
    """That somebody had these shelves on their screen, with the `items` (by shelf) on each;
    `given` is the experiment on their order, where there is one."""
    slot = str(int(now.timestamp() // SEEN.total_seconds()))
    return [
        Exposure(
            event_id=content_id("impression", user_id, surface, one.arm, str(one.position), slot),
            user_id=user_id,
            ts=now,
            kind="impression",
            experiment=given and given.experiment,
            variant=given and given.variant,
            surface=surface,
            shelf=one.arm,
            position=one.position,
            items=json.dumps(list(items.get(one.arm, ()))),
            propensity=one.propensity,
        )
        for one in choices
    ]


def list_shown(
    user_id: str, list_id: str, items: Sequence[str], surface: str, now: datetime
) -> Exposure:
    """That somebody had a list on their screen that is no shelf, with these `items`."""
    slot = str(int(now.timestamp() // SEEN.total_seconds()))
    return Exposure(
        event_id=content_id("list", user_id, surface, list_id, slot),
        user_id=user_id,
        ts=now,
        kind="impression",
        surface=surface,
        items=json.dumps(list(items)),
    )


class Log:
    """What has been told by this process, and what goes with the next that is."""

    def __init__(self) -> None:
        self._told: LRUCache[str, None] = LRUCache(MAX_TOLD)
        self._noted: deque[Exposure] = deque()
        self._dropped = 0  # since the last that was told
        self._teller: Teller[Exposure] = Teller("exposures", MAX_WAITING)

    def note(self, one: Exposure) -> None:
        """Keeps `one` until something is told. Where too much waits the oldest is dropped, and may
        be noted again."""
        self._noted.extend(self._new([one]))
        while len(self._noted) > MAX_NOTED:
            self._told.pop(self._noted.popleft().event_id, None)
            if not self._dropped:
                _log.error("assignments are dropped: %d wait, and nobody tells them", MAX_NOTED)
            self._dropped += 1

    async def tell(self, some: Iterable[Exposure]) -> bool:
        """Tells `some` with what was noted, and waits a little; whether all of it is stored."""
        self._teller.tell([*self._noted, *self._new(some)])
        self._noted.clear()
        if self._dropped:
            _log.error("%d assignments were dropped", self._dropped)
            self._dropped = 0
        return await self._teller.told()

    def _new(self, some: Iterable[Exposure]) -> list[Exposure]:
        new = {one.event_id: one for one in some if one.event_id not in self._told}
        self._told.update(dict.fromkeys(new))
        return list(new.values())


log = Log()
