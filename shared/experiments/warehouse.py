"""What the warehouse says: what people did after they were exposed, which shelves were played from,
and how much of all that is played was recommended.

A play here is what a player's session on a track reported from one `play_started` until the next,
for a track that is played again within the hour has the session that it had. Whatever of it has
arrived is a play: what comes before the first start that is known is that of one that was lost. How
far it got is the greatest position that was reported but for seeking. It counts from 30 s on
(decision 15).

Queries read the tables between bounds, so that they scan their own days alone: a view that tells
deliveries apart over all time reads every partition. A row that was delivered twice changes no
MIN, MAX, OR or DISTINCT; where rows are counted, they are told apart within the bounds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from shared.experiments.exposures import SEEN
from shared.experiments.metrics import COUNTED_MS, FIELDS, GUARDRAIL_DAYS
from shared.experiments.models import Experiment
from shared.experiments.people import People, Person, stacked
from shared.platform import warehouse
from shared.topology import EXPOSURES_TABLE, LISTENER_SIGNALS_TABLE, PLAYBACK_EVENTS_TABLE

# Events are late by a player's batch and the export; offline devices' are later, and missing in all
# variants alike.
LATENESS = timedelta(hours=1)
# Of an experiment so many who came first are judged: its tests hold at any number of them, and 200
# bytes each at the most are 1 GB of the 2 that the job has (tests/unit/experiments/test_people.py).
MOST_PEOPLE = 5_000_000
LAST_POSITION = 19  # shelves below count as there
SEEN_S = int(SEEN.total_seconds())
CLOCK_MINUTES = 5  # by which a device's clock may be behind the one that told what was shown
# Whoever takes a hide back so soon has slipped. No longer than LATENESS: it must be settled before
# anybody who hid something counts.
SLIP = LATENESS
SLIP_S = int(SLIP.total_seconds())

# Plays of a session are told apart by when they started rather than by a number, which a start that
# was delivered twice would raise. Events of the start's own moment are its own. `ts` is another for
# each play of a session on a track.
_PLAYS = f"""
SELECT user_id, session_id, track_id, MIN(ts) AS ts, MAX(ts) AS last_ts,
  MAX(position_ms) AS heard_ms,
  LOGICAL_OR(type = 'completed') AS completed, LOGICAL_OR(type = 'skipped') AS skipped,
  MAX(context_uri) AS context_uri
FROM (
  SELECT user_id, session_id, track_id, ts, type, position_ms, context_uri,
    MAX(IF(type = 'play_started', ts, NULL))
      OVER (PARTITION BY user_id, session_id, track_id ORDER BY ts) AS started
  FROM `{{{PLAYBACK_EVENTS_TABLE.name}}}`
  WHERE type IN ('play_started', 'progress', 'paused', 'completed', 'skipped', 'stopped')
    AND suspected IS NOT TRUE AND ts >= @start AND ts < @until
)
GROUP BY user_id, session_id, track_id, started
"""

_SUSPECTED = f"""
SELECT DISTINCT user_id FROM `{{{PLAYBACK_EVENTS_TABLE.name}}}`
WHERE suspected AND ts >= @start AND ts < @until
"""

# Spans of a person, by where a play lies from the first exposure on. One that was under way then is
# not of the past, where it would carry the variant into CUPED's covariate, nor of what came after.
# To the guardrails it counts: how it ended may be the variant's doing.
_SPANS = {
    "after": "first_s >= 0 AND first_s < @window_s",
    "before": "last_s < 0 AND first_s >= -@window_s",
    "soon": f"last_s >= 0 AND first_s < {GUARDRAIL_DAYS * 86_400}",
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

# A hide is judged by itself, by the next time that the same was taken back. One of before the
# exposure is not taken back after it: that would carry the variant into CUPED's covariate.
_COMPLAINTS = f"""
SELECT told.user_id, told.ts
FROM (
  SELECT user_id, ts, kind, MIN(IF(kind = 'unhide', ts, NULL))
    OVER (PARTITION BY user_id, track_id, subject_uri ORDER BY ts DESC) AS taken_back
  FROM `{{{LISTENER_SIGNALS_TABLE.name}}}`
  WHERE kind IN ('hide', 'unhide', 'report') AND suspected IS NOT TRUE
    AND ts >= @start AND ts < @until
) AS told
JOIN exposed ON exposed.user_id = told.user_id
WHERE told.kind = 'report' OR told.kind = 'hide' AND (
  told.taken_back IS NULL
  OR told.taken_back > TIMESTAMP_ADD(told.ts, INTERVAL {SLIP_S} SECOND)
  OR told.ts < exposed.first_ts AND told.taken_back >= exposed.first_ts
)
"""

_PEOPLE = f"""
WITH exposed AS (
  SELECT user_id, MIN(ts) AS first_ts, MIN(variant) AS variant,
    COUNT(DISTINCT variant) AS variants
  FROM `{{{EXPOSURES_TABLE.name}}}`
  WHERE kind = 'exposure' AND experiment = @experiment
    AND ts >= @since AND ts < @exposed_until
  GROUP BY user_id
),
suspected AS ({_SUSPECTED}),
did AS (
  SELECT user_id, ts, last_ts, 'play' AS what, heard_ms, completed, skipped FROM ({_PLAYS})
  UNION ALL
  SELECT user_id, ts, ts, 'complaint', 0, FALSE, FALSE FROM ({_COMPLAINTS})
),
placed AS (
  SELECT exposed.user_id, exposed.first_ts, exposed.variant, exposed.variants,
    suspected.user_id IS NOT NULL AS is_suspected,
    did.what, did.heard_ms, did.completed, did.skipped,
    TIMESTAMP_DIFF(did.ts, exposed.first_ts, MICROSECOND) / 1e6 AS first_s,
    TIMESTAMP_DIFF(did.last_ts, exposed.first_ts, MICROSECOND) / 1e6 AS last_s,
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
LIMIT {MOST_PEOPLE}
"""

_ASSIGNED = f"""
SELECT variant, COUNT(DISTINCT user_id) AS people
FROM `{{{EXPOSURES_TABLE.name}}}`
WHERE kind = 'assignment' AND experiment = @experiment
    AND ts >= @since AND ts < @exposed_until
GROUP BY variant
"""

# A play comes from a shelf where its context is the shelf's own or stood on the shelf, and where
# nothing of that context was playing already: an album that goes on is no choice. It is credited
# to the last time that the shelf was shown before it. An impression stands for all of a slot of
# `SEEN`, and counts for as long after the slot. What somebody plays comes to stand on shelves, so
# there a play must come after; a context that only the shelf can give may be ahead by a slow clock.
_SHELVES = f"""
WITH suspected AS ({_SUSPECTED}),
shown AS (
  SELECT event_id, user_id, shelf, LEAST(position, {LAST_POSITION}) AS position, items, ts,
    TIMESTAMP_SECONDS((DIV(UNIX_SECONDS(ts), {SEEN_S}) + 2) * {SEEN_S}) AS credited_until
  FROM `{{{EXPOSURES_TABLE.name}}}`
  WHERE kind = 'impression' AND shelf IS NOT NULL AND position IS NOT NULL
    AND ts >= @start AND ts < @shown_until
    AND user_id NOT IN (SELECT user_id FROM suspected)
  QUALIFY ROW_NUMBER() OVER (PARTITION BY event_id ORDER BY ts) = 1
),
chosen AS (
  SELECT user_id, session_id, track_id, ts, context_uri,
    REGEXP_EXTRACT(
      context_uri,
      r'^(?:segue:made|spotify:(?:album|artist|playlist)):([^:]+)$') AS item_id
  FROM ({_PLAYS})
  WHERE heard_ms >= {COUNTED_MS}
  QUALIFY context_uri IS DISTINCT FROM LAG(context_uri) OVER (PARTITION BY user_id ORDER BY ts)
    OR ts >= TIMESTAMP_ADD(
      LAG(last_ts) OVER (PARTITION BY user_id ORDER BY ts), INTERVAL {SEEN_S} SECOND)
),
credited AS (
  SELECT shown.event_id
  FROM chosen
  JOIN shown ON shown.user_id = chosen.user_id
    AND chosen.ts >= TIMESTAMP_SUB(shown.ts, INTERVAL {CLOCK_MINUTES} MINUTE)
    AND chosen.ts < shown.credited_until
  WHERE chosen.context_uri = CONCAT('segue:shelf:', shown.shelf)
    OR (STRPOS(shown.items, CONCAT('"', chosen.item_id, '"')) > 0
      AND (chosen.ts >= shown.ts OR STARTS_WITH(chosen.context_uri, 'segue:made:')))
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY chosen.user_id, chosen.session_id, chosen.track_id, chosen.ts
    ORDER BY shown.ts > chosen.ts, ABS(TIMESTAMP_DIFF(chosen.ts, shown.ts, MICROSECOND)),
      shown.event_id
  ) = 1
)
SELECT shown.shelf, shown.position, DATE(shown.ts) AS day, COUNT(*) AS shown,
  COUNTIF(shown.event_id IN (SELECT event_id FROM credited)) AS played
FROM shown
GROUP BY shelf, position, day
ORDER BY shelf, position, day
"""

# All contexts of what is recommended, but for the shelf of what somebody played last themselves.
_STREAMS = f"""
SELECT DATE(ts) AS day, COUNT(*) AS plays,
  COUNTIF(REGEXP_CONTAINS(context_uri, r'^segue:(?:shelf|made|radio|autoplay)(?::|$)')
    AND context_uri != 'segue:shelf:recently-played') AS recommended
FROM ({_PLAYS})
WHERE heard_ms >= {COUNTED_MS}
GROUP BY day
ORDER BY day
"""

_TABLES = (EXPOSURES_TABLE, PLAYBACK_EVENTS_TABLE, LISTENER_SIGNALS_TABLE)


@dataclass(frozen=True, slots=True)
class Shown:
    """How often a shelf was shown at a place on a day (UTC), and how often a play came of it."""

    shelf: str
    position: int
    day: date
    shown: int
    played: int


@dataclass(frozen=True, slots=True)
class Streams:
    """Plays of at least 30 s that began on a day (UTC), and how many of them had a recommendation
    for their context."""

    day: date
    plays: int
    recommended: int

    @property
    def share(self) -> float:
        """0..1"""
        return self.recommended / self.plays if self.plays else 0.0


async def people(experiment: Experiment, now: datetime) -> People:
    """The first `MOST_PEOPLE` whom `experiment` was exposed to between its start and its end, with
    what `now` is known of them; nobody who is a tester by now. Raises Unavailable."""
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

    def read(row: Mapping[str, Any]) -> Person | None:
        return None if row["user_id"] in experiment.overrides else _person(row)

    pages = warehouse.pages(_PEOPLE, _TABLES, parameters, read)
    return People.together(
        [stacked(experiment, [one for one in page if one is not None]) async for page in pages]
    )


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

    return dict(await warehouse.rows(_ASSIGNED, _TABLES, parameters, read))


async def shelves(now: datetime, days: int) -> list[Shown]:
    """Shelves by place and day in the last `days`, up to those whose plays have all had the time
    to arrive. Raises Unavailable."""
    shown_until = now - LATENESS - 2 * SEEN  # the rest of its slot, and as long again
    parameters: dict[str, warehouse.Parameter] = {
        "start": now - timedelta(days=days),
        "until": now,
        "shown_until": shown_until,
    }

    def read(row: Mapping[str, Any]) -> Shown:
        return Shown(row["shelf"], row["position"], row["day"], row["shown"], row["played"])

    return await warehouse.rows(_SHELVES, _TABLES, parameters, read)


async def streams(now: datetime, days: int) -> list[Streams]:
    """What is played by day: today's part of it and the `days` before. Raises Unavailable."""
    today = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
    parameters: dict[str, warehouse.Parameter] = {
        "start": today - timedelta(days=days),
        "until": now,
    }

    def read(row: Mapping[str, Any]) -> Streams:
        return Streams(row["day"], row["plays"], row["recommended"])

    return await warehouse.rows(_STREAMS, _TABLES, parameters, read)


def _person(row: Mapping[str, Any]) -> Person:
    def span(name: str) -> tuple[float, ...]:
        return tuple(float(row[f"{name}_{field}"]) for field in FIELDS)

    return Person(
        row["first_ts"],
        row["variant"] if row["variants"] == 1 else None,
        row["is_suspected"],
        span("after"),
        span("before"),
        span("soon"),
    )
