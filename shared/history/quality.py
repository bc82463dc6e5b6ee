"""What listeners experience (F302), told to the logs, where log-based metrics count it
(`infra/monitoring/log_metrics.py`): how long the first sound took, at which bitrate, over which
CDN, and what was disturbed. A line names no person, track or session.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from shared.history.models import PlaybackEvent
from shared.platform.settings import settings

MESSAGE = "playback quality"
TOLD = frozenset({"play_started", "qoe"})  # a start; a disturbance: a fault or a change of CDN
# A player that was offline reports late. Metrics date a line by its writing, so what is older says
# nothing about the time that they show.
FRESH = timedelta(hours=1)
OTHER_CDN = "other"

_log = logging.getLogger(__name__)


def tell(events: Iterable[PlaybackEvent]) -> None:
    """Writes a line for each event that says how a play went; others, old ones and what is
    suspected to be a machine's (F286) are passed over."""
    now = datetime.now(UTC)
    for event in events:
        if event.type in TOLD and not event.suspected and now - event.ts < FRESH:
            _log.info(MESSAGE, extra=_fields(event))


def _fields(event: PlaybackEvent) -> dict[str, Any]:
    fields: dict[str, Any] = {"event": event.type}
    if event.time_to_first_audio_ms is not None:
        fields["time_to_first_audio_ms"] = event.time_to_first_audio_ms
    if event.bitrate_kbps is not None:
        fields["bitrate_kbps"] = event.bitrate_kbps
    if event.cdn is not None:
        # A player may say anything, and each value of a label is a time series of its own.
        fields["cdn"] = event.cdn if event.cdn in _cdns() else OTHER_CDN
    return fields


@cache
def _cdns() -> frozenset[str]:
    return frozenset(cdn.name for cdn in settings().cdns)
