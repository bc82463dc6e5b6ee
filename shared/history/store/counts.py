"""How often each track was played: distributed counters in Bigtable (decision 3, F151).

A track's count is spread over `SHARDS` rows `track_id#shard`, so the plays of a hit meet in no one
row. A play is counted exactly once however often its event is delivered, with no transaction but
those of single rows:

- An event belongs to one shard, by its hash. "Is it in `seen`? Else put it into `seen` and
  `pending`" is one CheckAndMutateRow.
- Now and then the `pending` cells of a row are folded into its `total`: read, then "is the total
  still the one that was read? Then it is now so much more, and exactly these pending cells are
  gone". Of two that fold at once one finds another total and does nothing.
- A count is the totals and the number of pending cells of all shards.

`seen` outlives the topic's redeliveries (8 days against 7), and nothing else does.

A condition holds in one cluster alone. Whoever counts (record_history, load_catalogue) runs in one
region, `eventsRegion` of the stack, so its cluster is the only one that takes conditional writes
for these rows. When that region is moved, what was not yet replicated may be counted twice.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from shared import topology
from shared.platform import clients

if TYPE_CHECKING:
    from google.cloud.bigtable.data import Row, TableAsync
    from google.cloud.bigtable.data.row_filters import RowFilter

SHARDS = 8
FOLD_ONE_IN = 32  # so that about as many cells are pending in a row
MOST_FOLDED = 1_000  # cells in one mutation; Bigtable allows 100,000
SEEN, PENDING, TOTAL = "seen", "pending", "total"
_COUNT = b"count"  # "<generation>:<plays>", so that no two folds leave the same value


async def add(track_id: str, user_id: str, event_id: str) -> None:
    """Counts one play; the same event again is not counted. Players make the event ids, so one is
    only told apart from the same person's others."""
    from google.cloud.bigtable.data import SetCell

    digest = hashlib.sha256(f"{user_id}#{event_id}".encode()).digest()
    row_key, event = _row_key(track_id, digest[0] % SHARDS), digest[1:17]
    counted_before = await _counters().check_and_mutate_row(
        row_key,
        _column(SEEN, event),
        false_case_mutations=[SetCell(SEEN, event, b""), SetCell(PENDING, event, b"")],
    )
    if not counted_before and digest[17] % FOLD_ONE_IN == 0:
        await fold(row_key)


async def fold(row_key: bytes) -> None:
    """Puts what is pending in a row into its total; loses to another that does."""
    from google.cloud.bigtable.data import DeleteRangeFromColumn, SetCell
    from google.cloud.bigtable.data.row_filters import RowFilterChain, ValueRegexFilter

    table = _counters()
    row = await table.read_row(row_key, row_filter=_counting())
    if row is None:
        return
    pending = [cell.qualifier for cell in row if cell.family == PENDING][:MOST_FOLDED]
    if not pending:
        return
    generation, plays = _total(row)
    # The generation is the cell's time too: the newest of two is the later, whatever clocks say.
    total = f"{generation + 1}:{plays + len(pending)}"
    folded = [
        SetCell(TOTAL, _COUNT, total, timestamp_micros=(generation + 1) * 1000),
        *(DeleteRangeFromColumn(PENDING, event) for event in pending),
    ]
    if generation == 0:
        await table.check_and_mutate_row(
            row_key, _column(TOTAL, _COUNT), false_case_mutations=folded
        )
        return
    same = RowFilterChain(
        filters=[_column(TOTAL, _COUNT), ValueRegexFilter(f"^{generation}:{plays}$".encode())]
    )
    await table.check_and_mutate_row(row_key, same, true_case_mutations=folded)


def _counters() -> TableAsync:
    return clients.table(topology.PLAY_COUNTS, transactions=True)


async def read(track_ids: Sequence[str]) -> dict[str, int]:
    """The plays of each track, 0 where there were none."""
    found = await asyncio.gather(*(_read(track_id) for track_id in track_ids))
    return dict(zip(track_ids, found, strict=True))


async def _read(track_id: str) -> int:
    from google.cloud.bigtable.data import ReadRowsQuery

    query = ReadRowsQuery(
        row_keys=[_row_key(track_id, shard) for shard in range(SHARDS)], row_filter=_counting()
    )
    rows = await clients.table(topology.PLAY_COUNTS).read_rows(query)
    return sum(_total(row)[1] + sum(cell.family == PENDING for cell in row) for row in rows)


def _row_key(track_id: str, shard: int) -> bytes:
    return f"{track_id}#{shard}".encode()


def _total(row: Row) -> tuple[int, int]:
    """Generation and plays of a row's total."""
    for cell in row:
        if cell.family == TOTAL:
            generation, plays = cell.value.split(b":")
            return int(generation), int(plays)
    return 0, 0


def _counting() -> RowFilter:
    """The newest cell of each column that counts."""
    from google.cloud.bigtable.data import row_filters

    return row_filters.RowFilterChain(
        filters=[
            row_filters.FamilyNameRegexFilter(f"^({PENDING}|{TOTAL})$"),
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
