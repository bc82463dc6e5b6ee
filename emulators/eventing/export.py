"""BigQuery subscriptions: `<topic>.bigquery` into the table that a WarehouseExport names.

As configured in the cloud: the table's schema, `write_metadata`, `drop_unknown_fields`. Delivery
is at least once and, as there, without insert ids: a report that forgets to remove duplicates is
wrong here too.
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import httpx

from emulators.eventing.leases import Leased
from emulators.eventing.pubsub import PubSub, dead_letter_attributes
from emulators.eventing.stats import Stats
from shared.topology import WAREHOUSE_DATASET, WarehouseExport, WarehouseTable

BATCH = 500  # rows a request, as Google recommends for insertAll
LONGEST_RETRY_S = 5.0

logger = logging.getLogger(__name__)


class RowRefused(Exception):
    """A message that the table can never take."""


def row_of(message: Any, subscription: str, table: WarehouseTable) -> dict[str, Any]:
    """The row of a message: fields that the table has, then the metadata columns.

    Raises RowRefused when the data is not a JSON object.
    """
    try:
        fields = json.loads(message.data)
    except ValueError as error:
        raise RowRefused(f"not JSON: {error}") from None
    if not isinstance(fields, dict):
        raise RowRefused("not a JSON object")
    columns = {column.name for column in table.columns}
    attributes = dict(message.attributes)
    if message.ordering_key:
        attributes["ordering_key"] = message.ordering_key
    metadata = {
        "subscription_name": subscription,
        "message_id": message.message_id,
        "publish_time": message.publish_time.isoformat().replace("+00:00", "Z"),
        "attributes": json.dumps(attributes, sort_keys=True),
    }
    return {name: value for name, value in {**fields, **metadata}.items() if name in columns}


class Export:
    """Writes one topic into one table."""

    def __init__(
        self,
        export: WarehouseExport,
        pubsub: PubSub,
        project: str,
        bigquery_url: str,
        stats: Stats,
    ) -> None:
        self.name = f"{export.topic.name}.bigquery"
        self._table = export.table
        self._dead_letter = export.topic.dead_letter
        self._pubsub = pubsub
        self._project = project
        self._leased = Leased(pubsub, self.name, export.topic.name, 60)
        self._counts = stats.of(self.name)
        self._url = (
            f"{bigquery_url.rstrip('/')}/bigquery/v2/projects/{project}/datasets/"
            f"{WAREHOUSE_DATASET}/tables/{export.table.name}/insertAll"
        )
        self._client = httpx.AsyncClient(timeout=60, trust_env=False)

    async def run(self) -> None:
        """Until cancelled."""
        try:
            await self._leased.pull_forever(BATCH, self._take)
        finally:
            await self._client.aclose()

    async def _take(self, received: list[Any]) -> None:
        """Settle every message of a batch before the next is pulled."""
        counts = self._counts
        counts.backlog = len(received)
        counts.touch()
        rows: list[tuple[Any, dict[str, Any]]] = []
        for item in received:
            try:
                rows.append((item.message, row_of(item.message, self._subscription, self._table)))
            except RowRefused as refused:
                await self._bury(item.message, str(refused))
        for start in range(0, len(rows), BATCH):
            await self._insert(rows[start : start + BATCH])
        counts.backlog = 0
        counts.touch()

    @property
    def _subscription(self) -> str:
        return self._pubsub.subscription(self.name)

    async def _insert(self, rows: list[tuple[Any, dict[str, Any]]]) -> None:
        if not rows:
            return
        refused = await self._until_answered([row for _, row in rows])
        if refused is None and len(rows) > 1:
            # The request as a whole was refused: find out which rows are to blame.
            middle = len(rows) // 2
            await self._insert(rows[:middle])
            await self._insert(rows[middle:])
            return
        if refused is None:
            refused = {0: self._counts.last_reason}
        for index, reason in refused.items():
            await self._bury(rows[index][0], reason)
        inserted = [
            message.message_id for index, (message, _) in enumerate(rows) if index not in refused
        ]
        if inserted:
            await self._leased.acknowledge(*inserted)
            self._counts.delivered += len(inserted)

    async def _until_answered(self, rows: list[dict[str, Any]]) -> dict[int, str] | None:
        """Refused rows with their reasons; None when the whole request is invalid. A table that
        is not there yet and a warehouse that is down are waited for."""
        body = {
            "skipInvalidRows": True,
            "ignoreUnknownValues": True,
            "rows": [{"json": row} for row in rows],
        }
        delay = 0.1
        while True:
            try:
                response = await self._client.post(self._url, json=body)
            except httpx.TransportError as error:
                self._counts.unreachable += 1
                self._counts.last_reason = f"{type(error).__name__}: {error}"
            else:
                if response.is_success:
                    return {
                        error["index"]: json.dumps(error["errors"])
                        for error in response.json().get("insertErrors", [])
                    }
                self._counts.failures += 1
                self._counts.last_reason = f"HTTP {response.status_code}: {response.text[:500]}"
                if response.status_code == 400:
                    return None
            logger.debug("%s: %s", self.name, self._counts.last_reason)
            await asyncio.sleep(delay)
            delay = min(delay * 2, LONGEST_RETRY_S)

    async def _bury(self, message: Any, reason: str) -> None:
        logger.warning("%s: row refused: %s", self.name, reason)
        attributes = dead_letter_attributes(
            dict(message.attributes), self.name, self._project, 1, reason
        )
        await self._pubsub.bury(self._dead_letter, message.data, attributes)
        self._counts.dead_letters += 1
        await self._leased.acknowledge(message.message_id)
