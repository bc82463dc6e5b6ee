"""What players report, as signals of what people like (F207)."""

from __future__ import annotations

from shared.history.models import PlaybackEvent
from shared.signals.log import KIND_OF_EVENT
from shared.signals.models import Signal


def signal_of(event: PlaybackEvent) -> Signal | None:
    """The signal that an event is, with the event's own id; None for one that tells nothing of a
    taste (progress, a pause, a disturbance). `shared.signals.warehouse` reads the same ones."""
    kind = KIND_OF_EVENT.get(event.type)
    if kind is None:
        return None
    return Signal(
        event_id=event.event_id,
        user_id=event.user_id,
        kind=kind,
        ts=event.ts,
        track_id=event.track_id,
        session_id=event.session_id,
        device_id=event.device_id,
        position_ms=None if kind == "play" else event.position_ms,
        country=event.country or None,
        context_uri=event.context_uri,
        suspected=event.suspected,
    )
