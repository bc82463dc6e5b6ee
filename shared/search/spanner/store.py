"""The Spanner client of search: queries at a moment, and transactions that write rows.

Queries share one multiplexed session, as Google's own libraries do; a transaction has a session of
its own, since it is what Spanner holds its locks for.
https://cloud.google.com/spanner/docs/sessions
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

from shared.platform import clients
from shared.platform.contention import retried
from shared.platform.settings import SettingsError, settings
from shared.search.spanner import schema
from shared.search.spanner.queries import Statement
from shared.search.spanner.schema import Row, Value

if TYPE_CHECKING:
    from google.cloud.spanner_v1 import SpannerAsyncClient

T = TypeVar("T")

QUERY_TIMEOUT_S = 10.0  # of one query with its retries
WRITE_TIMEOUT_S = 60.0  # of one step of a transaction
SWEEP_TIMEOUT_S = 3600.0  # of a deletion throughout a table
# Spanner ends a multiplexed session after 28 days; its libraries take a new one after seven.
SESSION_LIFE_S = 7 * 86_400
PATIENCE_S = 120.0  # with which a transaction that was aborted is made again


@dataclass(slots=True)
class _Session:
    """The multiplexed session of one client."""

    name: str = ""
    until: float = 0.0
    making: asyncio.Lock = field(default_factory=asyncio.Lock)


_sessions: WeakKeyDictionary[SpannerAsyncClient, _Session] = WeakKeyDictionary()


async def rows(statement: Statement, at: datetime | None = None) -> list[list[Value]]:
    """What `statement` selects, as the database was at `at` (None: as it is), INT64 as digits.

    Raises google.api_core.exceptions.FailedPrecondition for a moment before the database's oldest
    versions, and what Spanner raises.
    """
    from google.cloud.spanner_v1 import ExecuteSqlRequest, ResultSet

    client = clients.spanner()
    request = ExecuteSqlRequest(
        sql=statement.sql,
        params=_params(statement),
        param_types=_types(statement),
        transaction={"single_use": {"read_only": _moment(at)}},
    )

    async def ask(session: str) -> ResultSet:
        request.session = session
        return await client.execute_sql(request=request, timeout=QUERY_TIMEOUT_S)

    answer = await _in_session(client, ask)
    return [[_value(value) for value in row.values] for row in ResultSet.pb(answer).rows]


async def now() -> datetime:
    """A moment, to the microsecond, at which all is seen that was committed before. By Spanner's
    clock: this machine's may be behind it."""
    client = clients.spanner()
    options = {"read_only": {"strong": True, "return_read_timestamp": True}}

    async def ask(session: str) -> Any:
        return await client.begin_transaction(
            request={"session": session, "options": options}, timeout=QUERY_TIMEOUT_S
        )

    begun = await _in_session(client, ask)
    whole = datetime.fromtimestamp(begun.read_timestamp.timestamp_pb().seconds, UTC)
    # Rounded up: a moment before the one that Spanner names might not see the newest commit.
    return whole + timedelta(microseconds=-(-begun.read_timestamp.nanosecond // 1_000))


@asynccontextmanager
async def writing() -> AsyncIterator[Writer]:
    """A session for transactions, one after the other."""
    client = clients.spanner()
    session = await client.create_session(database=_database(), timeout=WRITE_TIMEOUT_S)
    try:
        yield Writer(client, session.name)
    finally:
        with suppress(Exception):  # one that is left ends by itself within the hour
            await client.delete_session(name=session.name, timeout=WRITE_TIMEOUT_S)


class Transaction:
    """Reads and writes that happen at once or not at all."""

    def __init__(self, client: SpannerAsyncClient, session: str, number: bytes) -> None:
        self._client, self._session, self._number = client, session, number
        self.mutations: list[dict[str, Any]] = []

    async def read(
        self, table: str, columns: Sequence[str], keys: Sequence[Sequence[str]]
    ) -> list[list[Value]]:
        """Those rows of `keys` that there are, locked until the transaction ends."""
        from google.cloud.spanner_v1 import ResultSet

        answer = await self._client.read(
            request={
                "session": self._session,
                "transaction": {"id": self._number},
                "table": table,
                "columns": columns,
                "key_set": {"keys": [list(key) for key in keys]},
            },
            timeout=WRITE_TIMEOUT_S,
        )
        found = ResultSet.pb(answer).rows
        return [[_value(value) for value in row.values] for row in found]

    def write(self, written: Sequence[Row]) -> None:
        """Stores rows of one table over those with their keys."""
        if written:
            columns = list(written[0].values)
            values = [[row.values[column] for column in columns] for row in written]
            one = {"table": written[0].table, "columns": columns, "values": values}
            self.mutations.append({"insert_or_update": one})

    def delete(self, table: str, keys: Sequence[Sequence[str]]) -> None:
        """Deletes rows; one that is not there is none to delete."""
        if keys:
            key_set = {"keys": [list(key) for key in keys]}
            self.mutations.append({"delete": {"table": table, "key_set": key_set}})


class Writer:
    """One session's transactions."""

    def __init__(self, client: SpannerAsyncClient, session: str) -> None:
        self._client, self._session = client, session

    async def transact(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Runs `work` in a transaction and commits what it wrote; made again where Spanner aborts
        it, so `work` must bear to be run more than once.

        Raises Unavailable where that goes on for `PATIENCE_S`.
        """

        async def once() -> T:
            begun = await self._client.begin_transaction(
                request={"session": self._session, "options": {"read_write": {}}},
                timeout=WRITE_TIMEOUT_S,
            )
            transaction = Transaction(self._client, self._session, begun.id)
            try:
                result = await work(transaction)
                await self._client.commit(
                    request={
                        "session": self._session,
                        "transaction_id": begun.id,
                        "mutations": transaction.mutations,
                    },
                    timeout=WRITE_TIMEOUT_S,
                )
            except BaseException:
                with suppress(Exception):  # it holds its locks for ten idle seconds otherwise
                    await self._client.rollback(
                        session=self._session, transaction_id=begun.id, timeout=WRITE_TIMEOUT_S
                    )
                raise
            return result

        return await retried(once, patience_s=PATIENCE_S)

    async def delete_older(self, table: str, than: datetime) -> int:
        """Deletes the rows of `table` that changed before `than`, however many they are; returns
        how many at least."""

        async def once() -> int:
            begun = await self._client.begin_transaction(
                request={"session": self._session, "options": {"partitioned_dml": {}}},
                timeout=WRITE_TIMEOUT_S,
            )
            statement = Statement(
                f"DELETE FROM {table} WHERE ChangedAt < TIMESTAMP(@p0)",
                {"p0": schema.timestamp(than)},
            )
            answer = await self._client.execute_sql(
                request={
                    "session": self._session,
                    "transaction": {"id": begun.id},
                    "sql": statement.sql,
                    "params": _params(statement),
                    "param_types": _types(statement),
                },
                timeout=SWEEP_TIMEOUT_S,
            )
            return int(answer.stats.row_count_lower_bound)

        return await retried(once, patience_s=PATIENCE_S)


def _database() -> str:
    name = settings().spanner_database
    if not name:
        raise SettingsError(
            "settings: SEGUE_SPANNER_DATABASE: missing, which SEGUE_SEARCH_ENGINE=spanner wants "
            "(projects/P/instances/I/databases/D)"
        )
    return name


async def _in_session(client: SpannerAsyncClient, ask: Callable[[str], Awaitable[T]]) -> T:
    from google.api_core.exceptions import NotFound

    try:
        return await ask(await _session(client))
    except NotFound:  # the session ended, if it is not the database that is missing
        _sessions.pop(client, None)
        return await ask(await _session(client))


async def _session(client: SpannerAsyncClient) -> str:
    held = _sessions.setdefault(client, _Session())
    async with held.making:
        if monotonic() >= held.until:
            made = await client.create_session(
                request={"database": _database(), "session": {"multiplexed": True}},
                timeout=QUERY_TIMEOUT_S,
            )
            held.name, held.until = made.name, monotonic() + SESSION_LIFE_S
        return held.name


def _moment(at: datetime | None) -> dict[str, Any]:
    return {"strong": True} if at is None else {"read_timestamp": at}


def _params(statement: Statement) -> Mapping[str, Any]:
    # A Struct has no whole numbers: an INT64 travels as its digits.
    return {
        name: str(value) if isinstance(value, int) else value
        for name, value in statement.params.items()
    }


def _types(statement: Statement) -> Mapping[str, Any]:
    from google.cloud.spanner_v1 import Type, TypeCode

    string = Type(code=TypeCode.STRING)
    known = {
        str: string,
        int: Type(code=TypeCode.INT64),
        list: Type(code=TypeCode.ARRAY, array_element_type=string),
    }
    return {name: known[type(value)] for name, value in statement.params.items()}


def _value(value: Any) -> Value:
    """A protobuf `Value` of a column that is no array."""
    kind = value.WhichOneof("kind")
    return None if kind == "null_value" else getattr(value, kind)
