"""Reads of the warehouse: standard SQL over the topology's views, by jobs alone.

A query names a view as `{view_name}`; values go in as parameters, never into the text.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from shared import topology
from shared.platform import clients
from shared.platform.errors import Unavailable
from shared.platform.settings import settings

QUERY_TIMEOUT_S = 900
RETRY_S = 60.0  # how long a service that does not answer is tried again
Parameter = datetime | int | str
T = TypeVar("T")

_TYPE_OF: dict[type[Any], str] = {datetime: "TIMESTAMP", int: "INT64", str: "STRING"}


async def rows(
    sql: str,
    views: Iterable[topology.WarehouseView],
    parameters: Mapping[str, Parameter],
    read: Callable[[Mapping[str, Any]], T],
) -> list[T]:
    """What `read` makes of each row that `sql` selects from `views`; it runs in another thread,
    row by row as they come, so that a large answer is never held whole.

    Raises Unavailable where BigQuery does not answer, or not within 15 minutes.
    """
    dataset = f"{settings().project}.{topology.WAREHOUSE_DATASET}"
    filled = sql.format(**{view.name: f"{dataset}.{view.name}" for view in views})
    return await asyncio.to_thread(_rows, filled, parameters, read)


def _rows(
    sql: str, parameters: Mapping[str, Parameter], read: Callable[[Mapping[str, Any]], T]
) -> list[T]:
    from google.api_core.exceptions import RetryError, ServerError, TooManyRequests
    from google.cloud.bigquery import QueryJobConfig, ScalarQueryParameter
    from google.cloud.bigquery.retry import DEFAULT_JOB_RETRY, DEFAULT_RETRY
    from requests.exceptions import ConnectionError as NotReached

    config = QueryJobConfig(
        query_parameters=[
            ScalarQueryParameter(name, _TYPE_OF[type(value)], value)
            for name, value in parameters.items()
        ]
    )
    try:
        answer = clients.bigquery().query_and_wait(
            sql,
            job_config=config,
            # Left to themselves the two try for 10 and for 40 minutes.
            retry=DEFAULT_RETRY.with_timeout(RETRY_S),
            job_retry=DEFAULT_JOB_RETRY.with_timeout(RETRY_S),
            wait_timeout=QUERY_TIMEOUT_S,
        )
        return [read(row) for row in answer]
    except (RetryError, ServerError, TooManyRequests, TimeoutError, NotReached) as error:
        raise Unavailable(f"The warehouse does not answer: {type(error).__name__}") from error
