"""What simulated people do, as the signals that the product would record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from shared.signals.models import Signal, SignalKind
from shared.simulation.behaviour import Effect
from shared.simulation.listening import AA, ACTIONS, Plays, days_of
from shared.simulation.policies import Policy

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from shared.simulation.world import World

ONCE = "once-"  # begins the ids of what one does but once to a thing
SHELF = "segue:shelf:simulated"  # the context of what was chosen from a policy's shelf
_ENDS: tuple[SignalKind, ...] = ("complete", "skip", "stop")  # by outcome
_BEFORE_MS = 4_000  # a search, before what it found is played
_AFTER_MS = 200  # an action, after the end of what it follows


def listen(
    world: World,
    policy: Policy,
    days: Sequence[date],
    *,
    treated: NDArray[np.bool_] | None = None,
    effect: Effect = AA,
) -> Iterator[Signal]:
    """Everything that everybody does on `days`, block by block within a day, by time within a
    block. The same world, policy and days give the same signals, ids and all."""
    # A thing is saved once, whenever that was: a day knows nothing of the others.
    done: set[tuple[str, str]] = set()
    for plays in days_of(world, policy, days, treated=treated, effect=effect):
        for signal in signals_of(world, plays):
            if signal.event_id.startswith(ONCE):
                if (signal.user_id, signal.event_id) in done:
                    continue
                done.add((signal.user_id, signal.event_id))
            yield signal


def signals_of(world: World, plays: Plays, shelf: str = SHELF) -> list[Signal]:
    """The signals of a block's day, by time. Ids are made of the day, the session and the place in
    it, those of what one does but once (saving, following, hiding) of their subject; all of the
    catalogue as well. `shelf` is the context of what was shown."""
    found: list[Signal] = []
    rows = _rows(world, plays)
    for one in rows:
        context = shelf if one.shown_at >= 0 else None
        if one.searched:
            artist = f"spotify:artist:{world.catalogue.artist_ids[one.artist]}"
            found.append(one.signal("search", one.ts_ms - _BEFORE_MS, subject_uri=artist))
        found.append(one.signal("play", one.ts_ms, track_id=one.track_id, context_uri=context))
        found.append(
            one.signal(
                _ENDS[one.outcome],
                one.ts_ms + one.position_ms,
                track_id=one.track_id,
                position_ms=one.position_ms,
                context_uri=context,
            )
        )
    for code, actor in zip(plays.action.tolist(), plays.actor.tolist(), strict=True):
        found.append(_act(world, rows[actor], ACTIONS[code]))
    found.sort(key=lambda signal: (signal.ts, signal.user_id))
    return found


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of `Plays`, with the names of what it is about."""

    user_id: str
    session_id: str
    number: int  # in the session
    track_id: str
    artist: int
    ts_ms: int
    position_ms: int
    outcome: int
    shown_at: int
    searched: bool

    def signal(
        self, kind: SignalKind, at_ms: int, event_id: str | None = None, **more: object
    ) -> Signal:
        """What was done in this row's session at a moment."""
        return Signal.model_validate(
            {
                "event_id": event_id or f"{self.session_id}-{self.number}-{kind}",
                "user_id": self.user_id,
                "kind": kind,
                "ts": datetime.fromtimestamp(at_ms / 1000, UTC),
                "session_id": self.session_id,
                "device_id": f"{self.user_id}-phone",
                **more,
            }
        )


def _rows(world: World, plays: Plays) -> list[_Row]:
    catalogue = world.catalogue
    session = f"{catalogue.digest}-{plays.day:%Y%m%d}"
    columns = (
        plays.person, plays.session, plays.track, catalogue.artist[plays.track], plays.ts_ms,
        plays.position_ms, plays.outcome, plays.shown_at, plays.searched,
    )  # fmt: skip
    rows: list[_Row] = []
    before, number = (-1, -1), 0
    for person, nth, track, *more in zip(*(column.tolist() for column in columns), strict=True):
        number = number + 1 if (person, nth) == before else 0
        before = person, nth
        user_id, track_id = world.user_id(person), catalogue.track_ids[track]
        rows.append(_Row(user_id, f"{session}-{nth}", number, track_id, *more))
    return rows


def _act(world: World, row: _Row, action: SignalKind) -> Signal:
    """What was done after a row: to the track, or to its artist."""
    at_ms = row.ts_ms + row.position_ms + _AFTER_MS
    artist_id = world.catalogue.artist_ids[row.artist]
    about = (
        {"subject_uri": f"spotify:artist:{artist_id}"}
        if action == "follow"
        else {"track_id": row.track_id, "subject_uri": f"spotify:track:{row.track_id}"}
    )
    if action in ("share", "report"):
        return row.signal(action, at_ms, **about)
    subject = artist_id if action == "follow" else row.track_id
    return row.signal(action, at_ms, f"{ONCE}{action}-{subject}", **about)
