"""Object-finalised events: from the journal to the eventing process, until it accepts them.

Shape: CloudEvents 1.0, binary HTTP mode; data is `google.events.cloud.storage.v1
.StorageObjectData` as JSON, which is the object resource of the JSON API.
"""

from __future__ import annotations

import json
import logging
import threading
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import quote, urlsplit

from emulators.storage.store import DurableStorage

FINALIZED = "google.cloud.storage.object.v1.finalized"
FIRST_RETRY_S = 0.05
LONGEST_RETRY_S = 2.0
TIMEOUT_S = 10

logger = logging.getLogger(__name__)


def headers(event_id: str, resource: dict[str, Any]) -> dict[str, str]:
    """The event's attributes as HTTP headers."""
    bucket = resource["bucket"]
    return {
        "Content-Type": "application/json",
        "ce-specversion": "1.0",
        "ce-id": event_id,
        "ce-type": FINALIZED,
        "ce-source": f"//storage.googleapis.com/projects/_/buckets/{bucket}",
        # attribute values are percent-encoded in headers (CloudEvents HTTP binding 3.1.3.2)
        "ce-subject": quote(f"objects/{resource['name']}", safe="/ !#$&'()*+,-.:;<=>?@[]^_`{|}~"),
        "ce-time": str(resource.get("updated") or datetime.now(UTC).isoformat()),
        "ce-bucket": bucket,
    }


def data(resource: dict[str, Any]) -> bytes:
    """StorageObjectData: the resource without what the event does not carry."""
    return json.dumps({key: value for key, value in resource.items() if key != "acl"}).encode()


class EventSender(threading.Thread):
    """Posts the oldest event until it is accepted, then the next."""

    def __init__(self, storage: DurableStorage, url: str) -> None:
        super().__init__(name="events", daemon=True)
        self._storage = storage
        self._url = urlsplit(url)
        self._stop_requested = threading.Event()
        self._connection: HTTPConnection | None = None

    def stop(self) -> None:
        """Send no more; what is pending stays in the journal."""
        self._stop_requested.set()

    def run(self) -> None:
        """Until `stop`."""
        delay = FIRST_RETRY_S
        while not self._stop_requested.is_set():
            pending = self._storage.next_event(timeout_s=0.5)
            if pending is None:
                continue
            event_id, resource = pending
            try:
                self._post(event_id, resource)
            except (OSError, HTTPException) as error:
                logger.debug("event %s not accepted yet: %s", event_id, error)
                self._connection = None
                self._stop_requested.wait(delay)
                delay = min(delay * 2, LONGEST_RETRY_S)
            else:
                delay = FIRST_RETRY_S
                self._storage.event_delivered(event_id)

    def _post(self, event_id: str, resource: dict[str, Any]) -> None:
        """Raises OSError unless the receiver took the event."""
        if self._connection is None:
            self._connection = HTTPConnection(str(self._url.netloc), timeout=TIMEOUT_S)
        path = self._url.path or "/"
        self._connection.request("POST", path, data(resource), headers(event_id, resource))
        response = self._connection.getresponse()
        response.read()
        if response.status // 100 != 2:
            raise OSError(f"{self._url.geturl()} answered {response.status}")
