"""Lists made ahead, in Bigtable (F200, F219).

    user#<id>#<product>   list:made    a `Made`; the cell's time is the first day of its period
                          made:state   what decides when the next is due, of the same time
    user#<id>#home        list:home    the last good home, as it was answered, compressed
    home#<country>        list:home    the same for somebody of whom nothing is known
    track#<id>            list:similar what autoplay goes on with
    similar               list:similar of which training that was written for every track

A row keeps two versions of its list: this week's and the one before it or, from Sunday evening on,
next week's. A list is written by one mutation of one row, and only where its period has none yet:
so of two tasks that make the same list one has its way, and a list that stands is never replaced by
another (an operator's `--force` does that).

Conditions hold in one cluster alone. The job runs in one region, `eventsRegion` of the stack, so
its cluster is the only one that takes conditional writes for these rows.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from shared import topology
from shared.platform import clients
from shared.recommendations import lists
from shared.recommendations.due import State
from shared.recommendations.lists import Made, Similar, SimilarTrack
from shared.recommendations.periods import PRODUCTS, Product

if TYPE_CHECKING:
    from google.cloud.bigtable.data import Mutation, Row
    from google.cloud.bigtable.data.row_filters import RowFilter

LIST, MADE = "list", "made"
MADE_LIST, STATE, HOME, SIMILAR = b"made", b"state", b"home", b"similar"
VERSIONS = 2
ROWS_IN_A_WRITE = 500
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Shelved:
    """All that is kept for a person: the list of each product that is valid at a moment, and their
    last good home with when it was answered (ms since the epoch)."""

    made: Mapping[Product, Made] = field(default_factory=dict)
    home: bytes | None = None
    home_at_ms: int = 0


async def write_made(user_id: str, made: Made, *, force: bool = False) -> bool:
    """Stores a list, whole or not at all. False where its period has one already, which then
    stands, unless `force`. Of an empty one it keeps no more than that it was tried; the one before
    is gone then, but for last week's Discover Weekly, which is better than none."""
    from google.cloud.bigtable.data import DeleteRangeFromColumn

    table = clients.table(topology.RECOMMENDATIONS, transactions=True)
    row_key, cells = _key(user_id, made.product), _cells(made)
    if made.state.is_empty:
        is_kept = made.product == "discover-weekly"
        cells[:1] = [] if is_kept else [DeleteRangeFromColumn(LIST, MADE_LIST)]
    if force or made.product == "daily-mix":  # a day's mixes are made again as the day goes on
        await table.mutate_row(row_key, cells)
        return True
    stood: bool = await table.check_and_mutate_row(
        row_key, _of_time(_stamp(made.period)), false_case_mutations=cells
    )
    return not stood


async def states(
    user_ids: Sequence[str], products: Collection[Product] = PRODUCTS
) -> dict[str, dict[Product, State]]:
    """What is known of the newest list of each person and product, in one read."""
    from google.cloud.bigtable.data import ReadRowsQuery
    from google.cloud.bigtable.data.row_filters import (
        CellsColumnLimitFilter,
        FamilyNameRegexFilter,
        RowFilterChain,
    )

    if not user_ids or not products:
        return {}
    keys: list[str | bytes] = [_key(one, product) for one in user_ids for product in products]
    only = RowFilterChain(filters=[FamilyNameRegexFilter(MADE), CellsColumnLimitFilter(1)])
    query = ReadRowsQuery(row_keys=keys, row_filter=only)
    table = clients.table(topology.RECOMMENDATIONS, transactions=True)
    found: dict[str, dict[Product, State]] = {one: {} for one in user_ids}
    for row in await table.read_rows(query):
        _, user_id, product = row.row_key.decode().split("#")
        found[user_id][product] = lists.state_from_bytes(row.cells[0].value)
    return found


async def read_made(user_id: str, product: Product, at_ms: int) -> Made | None:
    """The list of `product` that is valid for a person at `at_ms`."""
    row = await clients.table(topology.RECOMMENDATIONS).read_row(
        _key(user_id, product), row_filter=_newest_lists()
    )
    return None if row is None else _valid(row, at_ms)


async def read_newest(user_id: str, product: Product) -> Made | None:
    """The list of `product` that was made last for a person, even if its time has not come."""
    row = await clients.table(topology.RECOMMENDATIONS, transactions=True).read_row(
        _key(user_id, product), row_filter=_newest_lists()
    )
    return None if row is None else next(iter(_lists(row)), None)


async def read_shelved(user_id: str, at_ms: int) -> Shelved:
    """All that is kept for a person, in one read."""
    from google.cloud.bigtable.data import ReadRowsQuery, RowRange

    prefix = f"user#{user_id}#".encode()
    query = ReadRowsQuery(
        row_ranges=RowRange(prefix, prefix[:-1] + b"$"),  # "$" follows "#"
        row_filter=_newest_lists(),
    )
    made: dict[Product, Made] = {}
    home, home_at_ms = None, 0
    for row in await clients.table(topology.RECOMMENDATIONS).read_rows(query):
        kind = row.row_key.decode().rpartition("#")[2]
        if kind == "home":
            home, home_at_ms = _home(row)
        elif (valid := _valid(row, at_ms)) is not None:
            made[valid.product] = valid
    return Shelved(made, home, home_at_ms)


async def write_home(user_id: str | None, country: str | None, body: bytes, at_ms: int) -> None:
    """Keeps the last good home of a person, or of everybody in a country (`user_id` None)."""
    from google.cloud.bigtable.data import SetCell

    cell = SetCell(LIST, HOME, zlib.compress(body), at_ms * 1000)
    await clients.table(topology.RECOMMENDATIONS).mutate_row(_home_key(user_id, country), cell)


async def read_home(country: str | None) -> tuple[bytes | None, int]:
    """The last good home of everybody in a country, and when it was answered."""
    row = await clients.table(topology.RECOMMENDATIONS).read_row(
        _home_key(None, country), row_filter=_newest_lists()
    )
    return (None, 0) if row is None else _home(row)


async def write_similar(rows: Iterable[Similar]) -> int:
    """Stores what goes with each track; how many were stored. Again makes no difference."""
    from google.cloud.bigtable.data import RowMutationEntry, SetCell

    table, written = clients.table(topology.RECOMMENDATIONS), 0
    batch: list[RowMutationEntry] = []
    for one in rows:
        cell = SetCell(LIST, SIMILAR, lists.similar_to_bytes(one.tracks))
        batch.append(RowMutationEntry(_track_key(one.track_id), [cell]))
        if len(batch) == ROWS_IN_A_WRITE:
            await table.bulk_mutate_rows(batch)
            written, batch = written + len(batch), []
    if batch:
        await table.bulk_mutate_rows(batch)
    return written + len(batch)


async def write_similar_of(training: str) -> None:
    """Remembers that what goes with every track was written, of which training."""
    from google.cloud.bigtable.data import SetCell

    cell = SetCell(LIST, SIMILAR, training.encode())
    await clients.table(topology.RECOMMENDATIONS).mutate_row(SIMILAR, cell)


async def read_similar_of() -> tuple[str, int] | None:
    """What `write_similar_of` was given last, and when (ms since the epoch)."""
    row = await clients.table(topology.RECOMMENDATIONS).read_row(
        SIMILAR, row_filter=_newest_lists()
    )
    if row is None:
        return None
    return row.cells[0].value.decode(), row.cells[0].timestamp_micros // 1000


async def read_similar(track_ids: Sequence[str]) -> dict[str, tuple[SimilarTrack, ...]]:
    """What goes with each of these tracks; those of which nothing is stored are missing. For
    players: see `clients.cells`."""
    if not track_ids:
        return {}
    keys = [_track_key(one) for one in track_ids]
    return {
        key.decode().partition("#")[2]: lists.similar_from_bytes(value)
        async for key, _, value in clients.cells(topology.RECOMMENDATIONS, keys)
    }


# --- rows ---------------------------------------------------------------------------------------


def _key(user_id: str, product: Product) -> bytes:
    return f"user#{user_id}#{product}".encode()


def _home_key(user_id: str | None, country: str | None) -> bytes:
    return (f"user#{user_id}#home" if user_id else f"home#{country or ''}").encode()


def _track_key(track_id: str) -> bytes:
    return f"track#{track_id}".encode()


def _stamp(period: str) -> int:
    """A period as a cell's time: microseconds since the epoch."""
    day = date.fromisoformat(period)
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1_000_000


def _cells(made: Made) -> list[Mutation]:
    from google.cloud.bigtable.data import SetCell

    stamp = _stamp(made.period)
    return [
        SetCell(LIST, MADE_LIST, lists.to_bytes(made), stamp),
        SetCell(MADE, STATE, lists.state_to_bytes(made.state), stamp),
    ]


def _of_time(stamp: int) -> RowFilter:
    """The list of one period."""
    from google.cloud.bigtable.data.row_filters import (
        ColumnRangeFilter,
        RowFilterChain,
        TimestampRangeFilter,
    )

    start = datetime.fromtimestamp(stamp / 1_000_000, UTC)
    end = datetime.fromtimestamp(stamp / 1_000_000 + 1, UTC)
    return RowFilterChain(
        filters=[
            ColumnRangeFilter(LIST, MADE_LIST, MADE_LIST),
            TimestampRangeFilter(start, end),
        ]
    )


def _newest_lists() -> RowFilter:
    """Garbage collection may lag: older versions are left out by the read."""
    from google.cloud.bigtable.data.row_filters import (
        CellsColumnLimitFilter,
        FamilyNameRegexFilter,
        RowFilterChain,
    )

    return RowFilterChain(filters=[FamilyNameRegexFilter(LIST), CellsColumnLimitFilter(VERSIONS)])


def _lists(row: Row) -> list[Made]:
    """The lists of a row, the newest first; one that cannot be read is left out."""
    found = []
    for cell in row:
        try:
            found.append(lists.from_bytes(cell.value))
        except ValueError as error:
            _log.error("%s is left out: %s", row.row_key, error)
    return found


def _valid(row: Row, at_ms: int) -> Made | None:
    return next((one for one in _lists(row) if one.from_ms <= at_ms), None)


def _home(row: Row) -> tuple[bytes | None, int]:
    newest = row.cells[0]
    try:
        return zlib.decompress(newest.value), newest.timestamp_micros // 1000
    except zlib.error:
        _log.error("%s is damaged", row.row_key)
        return None, 0
