"""The listening history in Bigtable: one row per play, two cells, both of the play's own time, so
that to write it again changes nothing."""

from __future__ import annotations

from collections import deque

from shared import topology
from shared.history import keys
from shared.history.keys import Cursor
from shared.history.models import Play
from shared.platform import clients

FAMILY = "play"
TRACK = b"track_id"
CONTEXT = b"context_uri"


async def record(user_id: str, play: Play) -> None:
    """Writes one play; again, or later than its successors, makes no difference."""
    from google.cloud.bigtable.data import SetCell

    timestamp_micros = play.played_at_ms * 1000
    cells = [(TRACK, play.track_id)]
    if play.context_uri is not None:
        cells.append((CONTEXT, play.context_uri))
    await clients.table(topology.LISTENING_HISTORY).mutate_row(
        keys.row_key(user_id, play.played_at_ms, play.event_id),
        [SetCell(FAMILY, name, value.encode(), timestamp_micros) for name, value in cells],
    )


async def plays(
    user_id: str,
    oldest_ms: int,
    limit: int,
    before: Cursor | None = None,
    after: Cursor | None = None,
) -> list[Play]:
    """At most `limit` plays from `oldest_ms` on, newest first.

    Garbage collection may lag a week; older rows are not in the range that is read. With `after`
    these are the plays next to that cursor, so that a reader who goes on from the newest misses
    none; Bigtable's client reads forwards only, so that passes over what is newer still.
    """
    from google.cloud.bigtable.data import ReadRowsQuery, RowRange

    start, end = keys.key_range(user_id, oldest_ms, before, after)
    if start >= end:
        return []
    query = ReadRowsQuery(
        row_ranges=RowRange(start, end), limit=limit if after is None else None
    )  # fmt: skip
    nearest: deque[Play] = deque(maxlen=limit)
    async for row in await clients.table(topology.LISTENING_HISTORY).read_rows_stream(query):
        played_at_ms, event_id = keys.parse(row.row_key)
        cells = {cell.qualifier: cell.value.decode() for cell in row}
        nearest.append(
            Play(
                event_id=event_id,
                track_id=cells[TRACK],
                played_at_ms=played_at_ms,
                context_uri=cells.get(CONTEXT),
            )
        )
    return list(nearest)
