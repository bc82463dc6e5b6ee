"""The listening history in Bigtable: one row per play, its cells of the play's own time, so
that to write it again changes nothing."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator

from shared import topology
from shared.history import keys
from shared.history.keys import Cursor
from shared.history.models import Listener, Play
from shared.platform import clients

FAMILY = "play"
TRACK = b"track_id"
CONTEXT = b"context_uri"
DEVICE = b"device_id"


async def record(user_id: str, play: Play) -> None:
    """Writes one play; again, or later than its successors, makes no difference."""
    from google.cloud.bigtable.data import SetCell

    timestamp_micros = play.played_at_ms * 1000
    cells = [(TRACK, play.track_id)]
    if play.context_uri is not None:
        cells.append((CONTEXT, play.context_uri))
    if play.device_id is not None:
        cells.append((DEVICE, play.device_id))
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
                device_id=cells.get(DEVICE),
            )
        )
    return list(nearest)


async def listeners(start: str, end: str | None) -> AsyncIterator[Listener]:
    """Everybody with plays from the user `start` to before `end` (None: to the last), by id.

    One read of one row for each: a person's first row is their newest play, and behind their last
    one the next person begins, so nothing in between is read.
    """
    from google.cloud.bigtable.data import ReadRowsQuery, RowRange
    from google.cloud.bigtable.data.row_filters import StripValueTransformerFilter

    table = clients.table(topology.LISTENING_HISTORY)
    following = start.encode()
    last = end.encode() if end is not None else None
    while last is None or following < last:
        query = ReadRowsQuery(
            row_ranges=RowRange(following or None, last),
            limit=1,
            row_filter=StripValueTransformerFilter(True),
        )
        rows = await table.read_rows(query)
        if not rows:
            return
        user_id = keys.owner(rows[0].row_key)
        yield Listener(user_id=user_id, last_played_ms=keys.parse(rows[0].row_key)[0])
        following = keys.after_all_of(user_id)
