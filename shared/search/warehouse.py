"""What the warehouse says about searches and the plays that they led to.

A play (`play_started`, not suspected to be a machine's) is credited to one item of one search: of
the person's searches in the half hour before it that showed the track, or what it was played from
(its context: an album, an artist, a playlist, a show), the last; and there to the context rather
than to the track. The texts of queries do not leave the warehouse.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

from shared.platform import warehouse
from shared.topology import PLAYBACK_EVENTS_VIEW, SEARCH_EVENTS_VIEW

CREDITED_MINUTES = 30  # after a search
MAX_PAGES = 100_000  # to learn from: some 200 MB, and far more than two dozen features need
MAX_PAGES_OF_A_PERSON = 100  # nobody's taste is everybody's
T = TypeVar("T")

_VIEWS = (SEARCH_EVENTS_VIEW, PLAYBACK_EVENTS_VIEW)

# A context is `segue:album:ID`, and a key what follows the first colon. An id is of one item only,
# so a track's may be looked for among episodes too.
_CREDITED = f"""
WITH shown AS (
  SELECT event_id, user_id, ts, key
  FROM `{{{SEARCH_EVENTS_VIEW.name}}}`
  CROSS JOIN UNNEST(JSON_VALUE_ARRAY(shown)) AS key
  WHERE user_id IS NOT NULL AND ts >= @since AND ts < @until
),
played AS (
  SELECT user_id, event_id, ts, key, key = context AS is_context
  FROM (
    SELECT user_id, event_id, ts, track_id,
      REGEXP_EXTRACT(context_uri, r'^[a-z]+:(.+)$') AS context
    FROM `{{{PLAYBACK_EVENTS_VIEW.name}}}`
    WHERE type = 'play_started' AND suspected IS NOT TRUE AND ts >= @since
      AND ts < TIMESTAMP_ADD(@until, INTERVAL {CREDITED_MINUTES} MINUTE)
  )
  CROSS JOIN UNNEST([CONCAT('track:', track_id), CONCAT('episode:', track_id), context]) AS key
  WHERE key IS NOT NULL
),
credited AS (
  SELECT shown.event_id, shown.user_id, shown.ts, shown.key
  FROM played
  JOIN shown ON shown.user_id = played.user_id AND shown.key = played.key
    AND shown.ts <= played.ts
    AND played.ts < TIMESTAMP_ADD(shown.ts, INTERVAL {CREDITED_MINUTES} MINUTE)
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY played.user_id, played.event_id
    ORDER BY shown.ts DESC, COALESCE(played.is_context, FALSE) DESC, shown.event_id
  ) = 1
)
"""

# A person counts once a day for an item: nobody makes something popular alone.
_PLAYS = f"""{_CREDITED}
SELECT key, COUNT(DISTINCT CONCAT(user_id, ' ', CAST(DATE(ts) AS STRING))) AS plays
FROM credited
GROUP BY key
"""

# First pages alone: of a later one it is not known what stood above. Which ones, where there are
# more than are wanted, is decided by the hash of their ids: evenly, and each time the same.
_PAGES = f"""{_CREDITED},
labels AS (
  SELECT event_id, ARRAY_AGG(DISTINCT key) AS played FROM credited GROUP BY event_id
)
SELECT FARM_FINGERPRINT(LOWER(TRIM(pages.query))) AS query, pages.shown, pages.features,
  labels.played
FROM `{{{SEARCH_EVENTS_VIEW.name}}}` AS pages
JOIN labels ON labels.event_id = pages.event_id
WHERE pages.`offset` = 0 AND pages.ts >= @since AND pages.ts < @until
QUALIFY ROW_NUMBER() OVER (
  PARTITION BY pages.user_id ORDER BY FARM_FINGERPRINT(pages.event_id), pages.event_id
) <= {MAX_PAGES_OF_A_PERSON}
ORDER BY FARM_FINGERPRINT(pages.event_id), pages.event_id
LIMIT {MAX_PAGES}
"""


async def plays_by_key(until: datetime, days: int) -> dict[str, int]:
    """For each document key that was played from a search in the `days` before `until`: on how
    many days by how many people, summed. Raises Unavailable."""

    def read(row: Mapping[str, Any]) -> tuple[str, int]:
        return row["key"], row["plays"]

    return dict(await warehouse.rows(_PLAYS, _VIEWS, _window(until, days), read))


async def pages_with_a_play(
    until: datetime, days: int, read: Callable[[Mapping[str, Any]], T]
) -> list[T]:
    """What `read` makes of each first page of results in the `days` before `until` that led to a
    play, in an order that is always the same. A row has the `query`'s fingerprint, `shown` and
    `features` as the event has them, and the keys that were `played`. Raises Unavailable."""
    return await warehouse.rows(_PAGES, _VIEWS, _window(until, days), read)


def _window(until: datetime, days: int) -> dict[str, warehouse.Parameter]:
    return {"since": until - timedelta(days=days), "until": until}
