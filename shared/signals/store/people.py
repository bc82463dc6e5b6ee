"""What each person did lately: rows `user#<id>#<sort>`, a cell for each signal, newest first.

A cell's column is `<reversed ms><event id>`, so that to write a signal again changes nothing, and
the newest are the first. One row read as cells costs a reader a tenth of as many rows (3 ms
against 40 for a thousand, of this client's own time, whatever the server does).

A row for each sort of `shared.signals.log`: `p` of players, `q` of searches, `s` of what people say
outright, `h` of what stands, in a family whose cells do not age. It holds some thousands of
signals: about every `TRIM_ONE_IN`-th write takes away what is beyond `KEPT`, so that no flood of
events makes a row that Bigtable refuses (256 MB).

A thousand signals of players are two weeks of music. What somebody has heard is known for all of
`LIFE_MS`: in a row `heard#<id>`, which no scan of everybody's signals passes, each track is a
column, whose cell is as old as its newest play.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from shared import topology
from shared.platform import clients
from shared.signals.log import LIFE_MS, NEWEST, Sort, sort_of
from shared.signals.models import Signal

if TYPE_CHECKING:
    from google.cloud.bigtable.data import Row, SetCell

FAMILY, STANDING, HEARD = "signal", "standing", "heard"
DIGITS = 13  # milliseconds until the year 2286
LAST_MS: int = 10**DIGITS - 1
KEPT = 2 * NEWEST  # of each sort
HEARD_KEPT = 10_000  # tracks: a hundred others on each day
TRIM_ONE_IN = 256
MOST_TRIMMED = 10_000  # cells in one mutation; Bigtable allows 100,000
_SUFFIX: dict[Sort, str] = {"player": "p", "search": "q", "said": "s", "standing": "h"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# What the row and the column say.
_NOT_IN_CELL = {"event_id", "user_id", "ts"}


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a person: signals, and when they last heard which track (ms since the
    epoch)."""

    signals: list[Signal]
    heard: Mapping[str, int]


async def add(signal: Signal) -> None:
    """Writes one signal; again, or later than its successors, makes no difference."""
    table = clients.table(topology.ONLINE_FEATURES)
    written = entries(signal)
    await asyncio.gather(*(table.mutate_row(row_key, cell) for row_key, cell in written))
    if random.randrange(TRIM_ONE_IN) == 0:  # not by the id, which players make
        for row_key, cell in written:
            await trim(row_key, HEARD_KEPT if cell.family == HEARD else KEPT)


def entries(signal: Signal) -> list[tuple[bytes, SetCell]]:
    """The rows that a signal is in, each with its cell."""
    from google.cloud.bigtable.data import SetCell

    sort = sort_of(signal.kind)
    family = STANDING if sort == "standing" else FAMILY
    column = f"{LAST_MS - _clamped(signal.ts_ms):0{DIGITS}d}{signal.event_id}".encode()
    value = signal.model_dump_json(exclude=_NOT_IN_CELL, exclude_none=True).encode()
    written_micros = _clamped(signal.ts_ms) * 1000  # so garbage collection goes by the signal's age
    found = [(_row_key(signal.user_id, sort), SetCell(family, column, value, written_micros))]
    if signal.kind == "play" and signal.track_id is not None:
        heard = SetCell(HEARD, signal.track_id.encode(), b"", written_micros)
        found.append((_heard_key(signal.user_id), heard))
    return found


async def trim(row_key: bytes, kept: int) -> None:
    """Takes away the last cells of a row beyond the first `kept`: the oldest signals."""
    from google.cloud.bigtable.data import DeleteRangeFromColumn, row_filters

    table = clients.table(topology.ONLINE_FEATURES)
    beyond = row_filters.RowFilterChain(
        filters=[
            row_filters.CellsRowOffsetFilter(kept),
            row_filters.CellsRowLimitFilter(MOST_TRIMMED),
            row_filters.StripValueTransformerFilter(True),
        ]
    )
    row = await table.read_row(row_key, row_filter=beyond)
    if row is not None:
        await table.mutate_row(
            row_key, [DeleteRangeFromColumn(cell.family, cell.qualifier) for cell in row]
        )


async def read(user_id: str, now_ms: int, limit: int) -> Known:
    """The newest `limit` signals of each row that stand or are not older than `LIFE_MS` (garbage
    collection may lag a week), in no order between the rows, and what was heard; in one request."""
    from google.cloud.bigtable.data import ReadRowsQuery, row_filters

    newest = row_filters.RowFilterUnion(
        filters=[
            row_filters.RowFilterChain(
                filters=[
                    row_filters.RowFilterUnion(
                        filters=[
                            row_filters.ColumnRangeFilter(FAMILY, end_qualifier=_oldest(now_ms)),
                            row_filters.FamilyNameRegexFilter(STANDING),
                        ]
                    ),
                    row_filters.CellsColumnLimitFilter(1),
                    row_filters.CellsRowLimitFilter(limit),
                ]
            ),
            row_filters.RowFilterChain(
                filters=[
                    row_filters.FamilyNameRegexFilter(HEARD),
                    row_filters.CellsColumnLimitFilter(1),
                    row_filters.TimestampRangeFilter(start=_since(now_ms)),
                    row_filters.CellsRowLimitFilter(HEARD_KEPT),
                ]
            ),
        ]
    )
    keys: list[str | bytes] = [_row_key(user_id, sort) for sort in _SUFFIX]
    query = ReadRowsQuery(row_keys=[*keys, _heard_key(user_id)], row_filter=newest)
    rows = await clients.table(topology.ONLINE_FEATURES).read_rows(query)
    signals, heard = [], {}
    for cell in (cell for row in rows for cell in row):
        if cell.family == HEARD:
            heard[cell.qualifier.decode()] = cell.timestamp_micros // 1000
        else:
            signals.append(_parsed(user_id, cell.qualifier, cell.value))
    return Known(signals, heard)


async def read_standing(user_id: str) -> list[Signal]:
    """What stands of a person. By the plain client, for players: see `clients.cells`."""
    cells = clients.cells(topology.ONLINE_FEATURES, [_row_key(user_id, "standing")])
    return [_parsed(user_id, qualifier, value) async for _, qualifier, value in cells]


async def listeners(start: str, end: str | None, now_ms: int) -> AsyncIterator[tuple[str, int]]:
    """Everybody with signals not older than `LIFE_MS`, from the user `start` to before `end` (None:
    to the last), by id, with the moment (ms) of their newest, in one scan that reads a cell of each
    row."""
    from google.cloud.bigtable.data import ReadRowsQuery, RowRange, row_filters

    first_cells = row_filters.RowFilterChain(
        filters=[
            row_filters.FamilyNameRegexFilter(f"{FAMILY}|{STANDING}"),
            row_filters.TimestampRangeFilter(start=_since(now_ms)),
            row_filters.CellsRowLimitFilter(1),
            row_filters.StripValueTransformerFilter(True),
        ]
    )
    rows = RowRange(f"user#{start}", f"user#{end}" if end is not None else "user$")  # '$' is next
    query = ReadRowsQuery(row_ranges=rows, row_filter=first_cells)
    present: tuple[str, int] | None = None
    async for row in await clients.table(topology.ONLINE_FEATURES).read_rows_stream(query):
        user_id, newest_ms = _owner(row), _moment_ms(row[0].qualifier)
        if present is not None and present[0] != user_id:
            yield present
            present = None
        present = (user_id, max(newest_ms, present[1] if present else 0))
    if present is not None:
        yield present


def _since(now_ms: int) -> datetime:
    """What is older is too old."""
    return datetime.fromtimestamp(max(now_ms - LIFE_MS, 0) / 1000, UTC)


def _oldest(now_ms: int) -> bytes:
    """Behind the columns of all that is not too old."""
    return f"{LAST_MS - _clamped(now_ms - LIFE_MS):0{DIGITS}d}~".encode()


def _row_key(user_id: str, sort: Sort) -> bytes:
    return f"user#{user_id}#{_SUFFIX[sort]}".encode()


def _heard_key(user_id: str) -> bytes:
    return f"heard#{user_id}".encode()


def _owner(row: Row) -> str:
    user_id: str = row.row_key.decode().split("#", 1)[1].rpartition("#")[0]
    return user_id


def _clamped(moment_ms: int) -> int:
    return min(max(moment_ms, 0), LAST_MS)


def _moment_ms(column: bytes) -> int:
    return LAST_MS - int(column[:DIGITS])


def _parsed(user_id: str, column: bytes, value: bytes) -> Signal:
    fields = json.loads(value)
    fields["user_id"] = user_id
    fields["event_id"] = column[DIGITS:].decode()
    fields["ts"] = _EPOCH + timedelta(milliseconds=_moment_ms(column))
    return Signal.model_validate(fields)
