"""What was done with each track: distributed counters in Bigtable, as those of plays are
(`shared.history.store.counts`), but by the hour and by the day, and for five kinds of signals.

A track's counts are spread over `SHARDS` rows `track#<id>#<shard>`. A signal is counted exactly
once however often it is delivered, with no transaction but those of single rows:

- A signal belongs to one shard, by its hash. "Is it in `signal`? Else put it there and, with its
  kind and hour, into `count`" is one CheckAndMutateRow.
- Now and then what is pending in a row is folded into its `total`, a JSON of all hours and days
  that windows still reach: read, then "is the generation still the one that was read? Then this
  is the total, and exactly these pending cells are gone". Of two that fold at once one does
  nothing.
- A track's counts are the totals and the pending cells of all shards.

A mark needs to outlive redelivery (7 days) alone, its family keeps cells for 90: so marks are
dated back. With that a row of a track with a million plays a day holds some 3 million marks,
100 MB; beyond two million raise `SHARDS`.

As in `shared.history.store.counts`, conditions hold in one cluster alone, that of `eventsRegion`.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from shared import topology
from shared.platform import clients
from shared.signals.counting import (
    COUNTED,
    DAY_MS,
    DAYS_KEPT,
    HOUR_MS,
    HOURS_KEPT,
    ONE_OF,
    Counts,
    TrackCounts,
)
from shared.signals.models import Signal

if TYPE_CHECKING:
    from google.cloud.bigtable.data import Cell, Row, TableAsync
    from google.cloud.bigtable.data.row_filters import RowFilter

SHARDS = 8
FOLD_ONE_IN = 8  # so that about as many cells are pending in a row
MOST_FOLDED = 1_000  # cells in one mutation; Bigtable allows 100,000
SEEN, COUNT = "signal", "count"
PENDING, TOTAL, GENERATION = b"+", b"total", b"generation"
SEEN_FOR_MS = 8 * DAY_MS
_FAMILY_LIFE_MS = 90 * DAY_MS
_READ_AT_ONCE = 500  # tracks in one request


async def add(signal: Signal, now_ms: int) -> None:
    """Counts a signal of a kind that is `COUNTED`, of a track; the same again is not counted.
    Players make the event ids, so one is only told apart from the same person's others."""
    from google.cloud.bigtable.data import SetCell

    assert signal.track_id is not None
    if signal.ts_ms // DAY_MS <= now_ms // DAY_MS - DAYS_KEPT:
        return  # in no window
    digest = hashlib.sha256(f"{signal.user_id}#{signal.event_id}".encode()).digest()
    row_key, mark = _row_key(signal.track_id, digest[0] % SHARDS), digest[1:9]
    pending = f"{COUNTED.index(signal.kind)}:{signal.ts_ms // HOUR_MS}"
    dated_back_ms = max(0, now_ms - _FAMILY_LIFE_MS + SEEN_FOR_MS)
    counted_before = await _counters().check_and_mutate_row(
        row_key,
        _column(SEEN, mark),
        false_case_mutations=[
            SetCell(SEEN, mark, b"", dated_back_ms * 1000),
            SetCell(COUNT, PENDING + mark, pending.encode(), now_ms * 1000),
        ],
    )
    if not counted_before and digest[9] % FOLD_ONE_IN == 0:
        await fold(row_key, now_ms)


async def fold(row_key: bytes, now_ms: int) -> None:
    """Puts what is pending in a row into its total, without the hours and days that no window
    reaches any longer; loses to another that does."""
    from google.cloud.bigtable.data import DeleteRangeFromColumn, SetCell
    from google.cloud.bigtable.data.row_filters import RowFilterChain, ValueRangeFilter

    table = _counters()
    row = await table.read_row(row_key, row_filter=_counting())
    if row is None:
        return
    pending = [cell for cell in row if cell.qualifier.startswith(PENDING)][:MOST_FOLDED]
    if not pending:
        return
    before = next((cell for cell in row if cell.qualifier == GENERATION), None)
    generation = int(before.value) if before else 0
    counts = _of_total(row).plus(_of_pending(pending))
    # The newest of two cells is the later, whatever clocks say.
    written_ms = max(now_ms, before.timestamp_micros // 1000 + 1 if before else 0)
    folded = [
        SetCell(COUNT, TOTAL, _dumped(counts, now_ms), written_ms * 1000),
        SetCell(COUNT, GENERATION, str(generation + 1).encode(), written_ms * 1000),
        *(DeleteRangeFromColumn(COUNT, cell.qualifier) for cell in pending),
    ]
    generation_cell = _column(COUNT, GENERATION)
    if before is None:
        await table.check_and_mutate_row(row_key, generation_cell, false_case_mutations=folded)
        return
    is_same = ValueRangeFilter(start_value=before.value, end_value=before.value)
    same = RowFilterChain(filters=[generation_cell, is_same])
    await table.check_and_mutate_row(row_key, same, true_case_mutations=folded)


async def read(track_ids: Sequence[str]) -> dict[str, TrackCounts]:
    """What was done with each track, by its id; empty counts where nothing was."""
    found = {track_id: TrackCounts() for track_id in track_ids}
    parts = [track_ids[at : at + _READ_AT_ONCE] for at in range(0, len(track_ids), _READ_AT_ONCE)]
    for rows in await asyncio.gather(*map(_read, parts)):
        for row in rows:
            track_id = row.row_key.decode().split("#")[1]
            found[track_id] = found[track_id].plus(_of(row))
    return found


async def _read(track_ids: Sequence[str]) -> list[Row]:
    from google.cloud.bigtable.data import ReadRowsQuery

    keys: list[str | bytes] = [
        _row_key(track_id, shard) for track_id in track_ids for shard in range(SHARDS)
    ]
    query = ReadRowsQuery(row_keys=keys, row_filter=_counting())
    rows: list[Row] = await clients.table(topology.ONLINE_FEATURES).read_rows(query)
    return rows


def _counters() -> TableAsync:
    return clients.table(topology.ONLINE_FEATURES, transactions=True)


def _row_key(track_id: str, shard: int) -> bytes:
    return f"track#{track_id}#{shard}".encode()


def _of(row: Row) -> TrackCounts:
    pending = (cell for cell in row if cell.qualifier.startswith(PENDING))
    return _of_total(row).plus(_of_pending(pending))


def _of_total(row: Row) -> TrackCounts:
    for cell in row:
        if cell.qualifier == TOTAL:
            hours, days = json.loads(cell.value)
            return TrackCounts(
                {int(hour): Counts(*counts) for hour, counts in hours.items()},
                {int(day): Counts(*counts) for day, counts in days.items()},
            )
    return TrackCounts()


def _of_pending(cells: Iterable[Cell]) -> TrackCounts:
    pairs = (cell.value.split(b":") for cell in cells)
    return TrackCounts.by_hour((int(hour), ONE_OF[COUNTED[int(place)]]) for place, hour in pairs)


def _dumped(counts: TrackCounts, now_ms: int) -> bytes:
    hours = {one: of for one, of in counts.hours.items() if one > now_ms // HOUR_MS - HOURS_KEPT}
    days = {one: of for one, of in counts.days.items() if one > now_ms // DAY_MS - DAYS_KEPT}
    return json.dumps([hours, days], separators=(",", ":")).encode()


def _counting() -> RowFilter:
    """The newest cell of each column that counts."""
    from google.cloud.bigtable.data import row_filters

    return row_filters.RowFilterChain(
        filters=[
            row_filters.FamilyNameRegexFilter(COUNT),
            row_filters.CellsColumnLimitFilter(1),
        ]
    )


def _column(family: str, qualifier: bytes) -> RowFilter:
    """The newest cell of one column; a qualifier is raw bytes, so no regular expression."""
    from google.cloud.bigtable.data import row_filters

    return row_filters.RowFilterChain(
        filters=[
            row_filters.ColumnRangeFilter(family, qualifier, qualifier),
            row_filters.CellsColumnLimitFilter(1),
        ]
    )
