"""What the warehouse says: what people did after they were exposed, and which shelves were played.

A play here is a player's session on a track, whatever events of it have arrived; how far it got is
the greatest position that was reported but for seeking. It counts from 30 s on (decision 15).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from shared.experiments.exposures import SEEN
from shared.experiments.metrics import COUNTED_MS, FIELDS, GUARDRAIL_DAYS
from shared.experiments.models import Experiment
from shared.platform import warehouse
from shared.topology import EXPOSURES_VIEW, LISTENER_SIGNALS_VIEW, PLAYBACK_EVENTS_VIEW

# Events are late by a player's batch and the export; offline devices' are later, and missing in all
# variants alike.
LATENESS = timedelta(hours=1)
CREDITED_MINUTES = int(SEEN.total_seconds()) // 60  # after a shelf was shown
LAST_POSITION = 19  # shelves below count as there

_PLAYS = f"""
SELECT user_id, session_id, track_id, MIN(ts) AS ts, MAX(position_ms) AS heard_ms,
  LOGICAL_OR(type = 'completed') AS completed, LOGICAL_OR(type = 'skipped') AS skipped,
  MAX(context_uri) AS context_uri
FROM `{{{PLAYBACK_EVENTS_VIEW.name}}}`
WHERE type IN ('play_started', 'progress', 'paused', 'completed', 'skipped', 'stopped')
  AND suspected IS NOT TRUE AND ts >= @start AND ts < @until
GROUP BY user_id, session_id, track_id
"""

_SUSPECTED = f"""
SELECT DISTINCT user_id FROM `{{{PLAYBACK_EVENTS_VIEW.name}}}`
WHERE suspected AND ts >= @start AND ts < @until
"""

# Spans of a person, by where a play lies from the first exposure on.
_SPANS = {
    "after": "offset_s >= 0 AND offset_s < @window_s",
    "before": "offset_s < 0 AND offset_s >= -@window_s",
    "soon": f"offset_s >= 0 AND offset_s < {GUARDRAIL_DAYS * 86_400}",
}
_VALUES = {
    "minutes": f"SUM(IF({{span}} AND heard_ms >= {COUNTED_MS}, heard_ms, 0)) / 60000",
    "active_days": f"COUNT(DISTINCT IF({{span}} AND heard_ms >= {COUNTED_MS}, day, NULL))",
    "plays": "COUNTIF({span} AND what = 'play')",
    "completed": "COUNTIF({span} AND completed)",
    "skipped": "COUNTIF({span} AND skipped)",
    "complained": "IF(COUNTIF({span} AND what = 'complaint') > 0, 1, 0)",
}
_COLUMNS = ",\n  ".join(
    f"{_VALUES[field].format(span=span)} AS {name}_{field}"
    for name, span in _SPANS.items()
    for field in FIELDS
)

_PEOPLE = f"""
WITH exposed AS (
  SELECT user_id, MIN(ts) AS first_ts, MIN(variant) AS variant,
    COUNT(DISTINCT variant) AS variants
  FROM `{{{EXPOSURES_VIEW.name}}}`
  WHERE kind = 'exposure' AND experiment = @experiment
    AND ts >= @since AND ts < @exposed_until
  GROUP BY user_id
),
suspected AS ({_SUSPECTED}),
did AS (
  SELECT user_id, ts, 'play' AS what, heard_ms, completed, skipped FROM ({_PLAYS})
  UNION ALL
  SELECT user_id, ts, 'complaint', 0, FALSE, FALSE
  FROM `{{{LISTENER_SIGNALS_VIEW.name}}}`
  WHERE kind IN ('hide', 'report') AND suspected IS NOT TRUE AND ts >= @start AND ts < @until
),
placed AS (
  SELECT exposed.user_id, exposed.first_ts, exposed.variant, exposed.variants,
    suspected.user_id IS NOT NULL AS is_suspected,
    did.what, did.heard_ms, did.completed, did.skipped,
    TIMESTAMP_DIFF(did.ts, exposed.first_ts, MICROSECOND) / 1e6 AS offset_s,
    FLOOR(TIMESTAMP_DIFF(did.ts, exposed.first_ts, MICROSECOND) / 86400e6) AS day
  FROM exposed
  LEFT JOIN suspected ON suspected.user_id = exposed.user_id
  LEFT JOIN did ON did.user_id = exposed.user_id
)
SELECT user_id, first_ts, variant, variants, is_suspected,
  {_COLUMNS}
FROM placed
GROUP BY user_id, first_ts, variant, variants, is_suspected
ORDER BY first_ts, user_id
"""

_ASSIGNED = f"""
SELECT variant, COUNT(DISTINCT user_id) AS people
FROM `{{{EXPOSURES_VIEW.name}}}`
WHERE kind = 'assignment' AND experiment = @experiment
    AND ts >= @since AND ts < @exposed_until
GROUP BY variant
"""

# A play is credited to the last time that its shelf was shown before it.
_SHELVES = f"""
WITH suspected AS ({_SUSPECTED}),
shown AS (
  SELECT event_id, user_id, shelf, LEAST(position, {LAST_POSITION}) AS position, ts
  FROM `{{{EXPOSURES_VIEW.name}}}`
  WHERE kind = 'impression' AND shelf IS NOT NULL AND position IS NOT NULL
    AND ts >= @start AND ts < @shown_until
    AND user_id NOT IN (SELECT user_id FROM suspected)
),
credited AS (
  SELECT shown.event_id
  FROM ({_PLAYS}) AS played
  JOIN shown ON shown.user_id = played.user_id
    AND CONCAT('segue:shelf:', shown.shelf) = played.context_uri
    AND shown.ts <= played.ts
    AND played.ts < TIMESTAMP_ADD(shown.ts, INTERVAL {CREDITED_MINUTES} MINUTE)
  WHERE played.heard_ms >= {COUNTED_MS}
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY played.user_id, played.session_id, played.track_id
    ORDER BY shown.ts DESC, shown.event_id
  ) = 1
)
SELECT shown.shelf, shown.position, DATE(shown.ts) AS day, COUNT(*) AS shown,
  COUNTIF(shown.event_id IN (SELECT event_id FROM credited)) AS played
FROM shown
GROUP BY shelf, position, day
ORDER BY shelf, position, day
"""

_VIEWS = (EXPOSURES_VIEW, PLAYBACK_EVENTS_VIEW, LISTENER_SIGNALS_VIEW)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who was exposed, by the order of `first_ts`. `variant` is None for whoever was seen
    with more than one. The spans hold a value for each of `metrics.FIELDS`: `after` and `before`
    the first exposure for the experiment's window, `soon` after it for `GUARDRAIL_DAYS`."""

    user_id: str
    first_ts: datetime
    variant: str | None
    is_suspected: bool
    after: tuple[float, ...]
    before: tuple[float, ...]
    soon: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """How often a shelf was shown at a place on a day (UTC), and how often a play came of it."""

    shelf: str
    position: int
    day: date
    shown: int
    played: int


async def people(experiment: Experiment, now: datetime) -> list[Person]:
    """Everybody whom `experiment` was exposed to between its start and its end, with what `now` is
    known of them. Raises Unavailable."""
    assert experiment.started_at is not None
    window = timedelta(days=experiment.window_days)
    parameters: dict[str, warehouse.Parameter] = {
        "experiment": experiment.name,
        "since": experiment.started_at,
        "exposed_until": experiment.ended_at or now,
        "until": now,
        "start": experiment.started_at - window,
        "window_s": int(window.total_seconds()),
    }
    return await warehouse.rows(_PEOPLE, _VIEWS, parameters, _person)


async def assigned(experiment: Experiment, now: datetime) -> dict[str, int]:
    """How many people were given each variant, whether or not they were exposed to it. Raises
    Unavailable."""
    assert experiment.started_at is not None
    parameters: dict[str, warehouse.Parameter] = {
        "experiment": experiment.name,
        "since": experiment.started_at,
        "exposed_until": experiment.ended_at or now,
    }

    def read(row: Mapping[str, Any]) -> tuple[str, int]:
        return row["variant"], row["people"]

    return dict(await warehouse.rows(_ASSIGNED, _VIEWS, parameters, read))


async def shelves(now: datetime, days: int) -> list[Shown]:
    """Shelves by place and day in the last `days`, up to those whose plays have all had the time
    to arrive. Raises Unavailable."""
    shown_until = now - LATENESS - SEEN
    parameters: dict[str, warehouse.Parameter] = {
        "start": now - timedelta(days=days),
        "until": now,
        "shown_until": shown_until,
    }

    def read(row: Mapping[str, Any]) -> Shown:
        return Shown(row["shelf"], row["position"], row["day"], row["shown"], row["played"])

    return await warehouse.rows(_SHELVES, _VIEWS, parameters, read)


def _person(row: Mapping[str, Any]) -> Person:
    def span(name: str) -> tuple[float, ...]:
        return tuple(float(row[f"{name}_{field}"]) for field in FIELDS)

    return Person(
        row["user_id"],
        row["first_ts"],
        row["variant"] if row["variants"] == 1 else None,
        row["is_suspected"],
        span("after"),
        span("before"),
        span("soon"),
    )
