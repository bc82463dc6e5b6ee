"""Reads of the warehouse: standard SQL over the topology's views and tables, by jobs alone.

A query names one as `{its_name}`; values go in as parameters, never into the text.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

from shared import topology
from shared.platform import clients
from shared.platform.errors import Unavailable
from shared.platform.settings import settings

QUERY_TIMEOUT_S = 900
PAGE_ROWS = 20_000  # of an answer that is read as a stream; some 10 MB, as BigQuery would part it
RETRY_S = 60.0  # how long a service that does not answer is tried again
Parameter = datetime | int | str
Source = topology.WarehouseView | topology.WarehouseTable
T = TypeVar("T")

_TYPE_OF: dict[type[Any], str] = {datetime: "TIMESTAMP", int: "INT64", str: "STRING"}


async def rows(
    sql: str,
    sources: Iterable[Source],
    parameters: Mapping[str, Parameter],
    read: Callable[[Mapping[str, Any]], T],
) -> list[T]:
    """What `read` makes of each row that `sql` selects from `sources`; it runs in another thread,
    row by row as they come, so that a large answer is never held whole.

    Raises Unavailable where BigQuery does not answer, or not within 15 minutes.
    """
    return await asyncio.to_thread(_rows, _filled(sql, sources), parameters, read)


async def pages(
    sql: str,
    sources: Iterable[Source],
    parameters: Mapping[str, Parameter],
    read: Callable[[Mapping[str, Any]], T],
) -> AsyncIterator[list[T]]:
    """`rows` for an answer that memory does not hold: a page of at most `PAGE_ROWS` at a time, the
    next one fetched when it is asked for. Raises Unavailable at any page."""
    answer = await asyncio.to_thread(_paged, _filled(sql, sources), parameters)
    while page := await asyncio.to_thread(_next, answer, read):
        yield page


def _filled(sql: str, sources: Iterable[Source]) -> str:
    dataset = f"{settings().project}.{topology.WAREHOUSE_DATASET}"
    return sql.format(**{one.name: f"{dataset}.{one.name}" for one in sources})


def _rows(
    sql: str, parameters: Mapping[str, Parameter], read: Callable[[Mapping[str, Any]], T]
) -> list[T]:
    with _answering():
        return [read(row) for row in _query(sql, parameters)]


def _paged(sql: str, parameters: Mapping[str, Parameter]) -> Iterator[Iterable[Any]]:
    with _answering():
        answer: Iterator[Iterable[Any]] = iter(_query(sql, parameters, PAGE_ROWS).pages)
        return answer


def _next(answer: Iterator[Iterable[Any]], read: Callable[[Mapping[str, Any]], T]) -> list[T]:
    """The next page with anything on it; nothing after the last."""
    with _answering():
        for page in answer:
            if found := [read(row) for row in page]:
                return found
        return []


def _query(sql: str, parameters: Mapping[str, Parameter], page_size: int | None = None) -> Any:
    from google.cloud.bigquery import QueryJobConfig, ScalarQueryParameter
    from google.cloud.bigquery.retry import DEFAULT_JOB_RETRY, DEFAULT_RETRY

    config = QueryJobConfig(
        query_parameters=[
            ScalarQueryParameter(name, _TYPE_OF[type(value)], value)
            for name, value in parameters.items()
        ]
    )
    return clients.bigquery().query_and_wait(
        sql,
        job_config=config,
        # Left to themselves the two try for 10 and for 40 minutes.
        retry=DEFAULT_RETRY.with_timeout(RETRY_S),
        job_retry=DEFAULT_JOB_RETRY.with_timeout(RETRY_S),
        wait_timeout=QUERY_TIMEOUT_S,
        page_size=page_size,
    )


@contextmanager
def _answering() -> Iterator[None]:
    from google.api_core.exceptions import RetryError, ServerError, TooManyRequests
    from requests.exceptions import ConnectionError as NotReached

    try:
        yield
    except (RetryError, ServerError, TooManyRequests, TimeoutError, NotReached) as error:
        raise Unavailable(f"The warehouse does not answer: {type(error).__name__}") from error
