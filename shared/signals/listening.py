"""Plays and how they ended. Pure.

An ending belongs to the last play of its track in its session that began before it. Of several
endings a completion tells most, then a skip: a player that moves on stops as well. A play that
nothing ended (the player was closed, or is still playing) has no ending.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from shared.signals.log import newest_first
from shared.signals.models import Signal

# Decision 15: a play counts from half a minute on. Before that the listener has judged the track by
# its opening alone (a third of all plays end so: https://musicmachinery.com/2014/05/02/the-skip/).
AT_ONCE_MS = 30_000

Ending = Literal["skip", "complete", "stop"]
_TELLS: dict[Ending, int] = {"stop": 0, "skip": 1, "complete": 2}


@dataclass(frozen=True, slots=True)
class Listen:
    """A play. `heard_ms` is how far it came, None where that is not known."""

    play: Signal
    ending: Ending | None = None
    heard_ms: int | None = None

    @property
    def is_skipped_at_once(self) -> bool:
        """Whether it was left within `AT_ONCE_MS`."""
        return self.ending == "skip" and (self.heard_ms or 0) < AT_ONCE_MS


def listens(signals: Iterable[Signal]) -> list[Listen]:
    """The plays among one person's `signals`, which may come in any order, newest first."""
    ended: dict[tuple[str | None, str | None], Listen] = {}
    found = []
    for signal in newest_first(signals):
        key = (signal.session_id, signal.track_id)
        if signal.kind == "play" and signal.track_id is not None:
            end = ended.pop(key, None)
            found.append(replace(end, play=signal) if end else Listen(signal))
        elif signal.kind == "skip" or signal.kind == "complete" or signal.kind == "stop":
            later = ended.get(key)
            if later is None or _TELLS[signal.kind] > _TELLS[later.ending or "stop"]:
                ended[key] = Listen(signal, signal.kind, signal.position_ms)
    return found
