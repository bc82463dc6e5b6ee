"""Signals as the warehouse keeps them: what players reported and everything else, as one log.

What is read here are the same signals that `shared.signals.service.record` is given, down to the
fields, but without the words of searches, which do not leave the warehouse.
"""

from __future__ import annotations

from array import array
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.platform import warehouse
from shared.signals.counting import (
    COUNTED,
    DAY_MS,
    DAYS_KEPT,
    HOUR_MS,
    Counts,
    Timeline,
    TrackCounts,
)
from shared.signals.log import KIND_OF_EVENT, STANDING
from shared.signals.models import Signal, SignalKind
from shared.topology import LISTENER_SIGNALS_VIEW, PLAYBACK_EVENTS_VIEW

DAYS = 90  # signals live so long online (`shared.signals.log.LIFE_MS`)
MOST_OF_A_PERSON = 50_000  # signals of each sort, 50 MB: a machine's are no reason to stop
# BigQuery puts an answer in order on one worker, which is good for some 50 million signals.
RANGE_SIGNALS = 10_000_000

_VIEWS = (PLAYBACK_EVENTS_VIEW, LISTENER_SIGNALS_VIEW)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIELDS = (
    "event_id, user_id, ts, track_id, session_id, device_id, position_ms, country, context_uri, "
    "suspected"
)
_STANDING = ", ".join(f"'{kind}'" for kind in sorted(STANDING))
_KINDS = " ".join(f"WHEN '{event}' THEN '{kind}'" for event, kind in KIND_OF_EVENT.items())

# Rows without an id, a person or a time are none that any function wrote.
_LOG = f"""
WITH log AS (
  SELECT CASE type {_KINDS} END AS kind, NULL AS subject_uri, 'player' AS sort, {_FIELDS}
  FROM `{{{PLAYBACK_EVENTS_VIEW.name}}}`
  WHERE type IN ({", ".join(f"'{event}'" for event in KIND_OF_EVENT)})
    AND ts >= @since AND ts < @until
  UNION ALL
  SELECT kind, subject_uri,
    CASE WHEN kind = 'search' THEN kind WHEN kind IN ({_STANDING}) THEN 'standing' ELSE 'said' END
      AS sort, {_FIELDS}
  FROM `{{{LISTENER_SIGNALS_VIEW.name}}}`
  WHERE ts >= @since AND ts < @until
)
"""

_OF_PEOPLE = f"""{_LOG}
SELECT kind, subject_uri, {_FIELDS}
FROM log
WHERE event_id IS NOT NULL AND user_id > @after AND (user_id <= @last OR @last = '')
QUALIFY ROW_NUMBER() OVER (
  PARTITION BY user_id, sort ORDER BY ts DESC, event_id
) <= {MOST_OF_A_PERSON}
ORDER BY user_id, ts, event_id
"""

# All people in some 30,000 parts, by the beginnings of their ids.
_PARTS = f"""{_LOG}
SELECT MAX(user_id) AS last, COUNT(*) AS number
FROM log
WHERE event_id IS NOT NULL AND user_id > @after AND (user_id <= @last OR @last = '')
GROUP BY SUBSTR(user_id, 1, 3)
ORDER BY last
"""

_COUNTED = f"""
FROM log
WHERE event_id IS NOT NULL AND user_id IS NOT NULL AND track_id IS NOT NULL
  AND suspected IS NOT TRUE AND kind IN ({", ".join(f"'{kind}'" for kind in COUNTED)})
"""

_OF_TRACKS = f"""{_LOG}
SELECT track_id, kind, DIV(UNIX_MILLIS(ts), {HOUR_MS}) AS hour, COUNT(*) AS number
{_COUNTED}
GROUP BY track_id, kind, hour
ORDER BY track_id
"""

_MOMENTS = f"""{_LOG}
SELECT track_id, kind, UNIX_MILLIS(ts) AS ts_ms
{_COUNTED}
"""


async def logged(
    days: int = DAYS, until: datetime | None = None, *, after: str = "", last: str = ""
) -> AsyncIterator[Signal]:
    """The signals of the `days` before `until` (None: now), ordered by person and by time: all of
    a person one after the other, the oldest first.

    They come as a stream, so that memory holds a page of them and, where the caller groups by
    person, `MOST_OF_A_PERSON` of each sort; and range by range of people, so that no query has
    many more than `RANGE_SIGNALS` to put in order. Only people whose ids follow `after` (empty:
    from the first) up to `last` (empty: to the last).

    Those who are suspected to be machines (F286) are among them, and say so: what is learned for
    everybody passes over signals with `suspected`. Raises Unavailable.
    """
    asked = {**_window(until, timedelta(days=days)), "after": after, "last": last}
    for first, end in _ranges(await warehouse.rows(_PARTS, _VIEWS, asked, _part), after):
        parameters = {**asked, "after": first, "last": end}
        async for page in warehouse.pages(_OF_PEOPLE, _VIEWS, parameters, _signal):
            for signal in page:
                yield signal


def _ranges(parts: Iterable[tuple[str, int]], after: str) -> Iterator[tuple[str, str]]:
    """Ranges of people behind `after`, each behind the one before (exclusive, inclusive). `parts`
    are in order: the last person of each, and how many signals it has."""
    number, last = 0, after
    for last, more in parts:
        number += more
        if number >= RANGE_SIGNALS:
            yield after, last
            number, after = 0, last
    if number:
        yield after, last


async def people(
    days: int, until: datetime, *, after: str = ""
) -> AsyncIterator[tuple[str, list[Signal]]]:
    """`logged`, by person: each with all of their signals, oldest first.
    Only those whose ids follow `after`."""
    own: list[Signal] = []
    async for signal in logged(days, until, after=after):
        if own and own[-1].user_id != signal.user_id:
            yield own[-1].user_id, own
            own = []
        own.append(signal)
    if own:
        yield own[-1].user_id, own


async def track_counts(until: datetime) -> AsyncIterator[tuple[str, TrackCounts]]:
    """What was done by `until` with each track that anything was done with lately, by id; what
    `shared.signals.service.track_counts` would have said then. Raises Unavailable."""
    rows = warehouse.pages(_OF_TRACKS, _VIEWS, _window(until, _reach(until)), _hourly)
    present = ""
    hours: list[tuple[int, Counts]] = []
    async for page in rows:
        for track_id, hour, counts in page:
            if track_id != present:
                if present:
                    yield present, TrackCounts.by_hour(hours)
                present, hours = track_id, []
            hours.append((hour, counts))
    if present:
        yield present, TrackCounts.by_hour(hours)


async def timelines(days: int, until: datetime) -> dict[str, Timeline]:
    """What was done with each track, at any moment of the `days` before `until`, by its id.

    Memory holds 8 bytes for each play, skip, completion, save and addition of these days and the
    `DAYS_KEPT` before: with 28 days and 6 GB, 750 million of them, 13 million a day. With more, ask
    for fewer days. They cannot be counts by the hour: those would say in a play's features how it
    ended. Raises Unavailable."""
    reach = _reach(until - timedelta(days=days)) + timedelta(days=days)
    times: dict[str, dict[SignalKind, array[int]]] = {}
    async for page in warehouse.pages(_MOMENTS, _VIEWS, _window(until, reach), _moment):
        for track_id, kind, ts_ms in page:
            of_track = times.setdefault(track_id, {})
            if kind not in of_track:
                of_track[kind] = array("q")
            of_track[kind].append(ts_ms)
    return {track_id: Timeline(of_track) for track_id, of_track in times.items()}


def _window(until: datetime | None, length: timedelta) -> dict[str, warehouse.Parameter]:
    until = until or datetime.now(UTC)
    return {"since": until - length, "until": until}


def _reach(until: datetime) -> timedelta:
    """Back to the beginning of the first day that a window before `until` touches."""
    now_ms = (until - _EPOCH) // timedelta(milliseconds=1)
    return timedelta(milliseconds=now_ms - (now_ms // DAY_MS - DAYS_KEPT + 1) * DAY_MS)


def _signal(row: Mapping[str, Any]) -> Signal:
    kind: SignalKind = row["kind"]
    return Signal(
        event_id=row["event_id"],
        user_id=row["user_id"],
        kind=kind,
        ts=_whole_ms(row["ts"]),
        track_id=row["track_id"],
        subject_uri=row["subject_uri"],
        session_id=row["session_id"],
        device_id=row["device_id"],
        # A play's is where it began; how far it came is what its ending says.
        position_ms=None if kind == "play" else row["position_ms"],
        country=row["country"] or None,
        context_uri=row["context_uri"],
        suspected=True if row["suspected"] else None,
    )


def _part(row: Mapping[str, Any]) -> tuple[str, int]:
    return row["last"], int(row["number"])


def _whole_ms(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _hourly(row: Mapping[str, Any]) -> tuple[str, int, Counts]:
    number = int(row["number"])
    counts = Counts(*(number if kind == row["kind"] else 0 for kind in COUNTED))
    return row["track_id"], int(row["hour"]), counts


def _moment(row: Mapping[str, Any]) -> tuple[str, SignalKind, int]:
    return row["track_id"], row["kind"], int(row["ts_ms"])
