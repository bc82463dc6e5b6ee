"""Eventarc: storage events to the functions that a bucket triggers, as binary CloudEvents.

An event is in the journal before it is accepted, and leaves it once its function took it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from emulators.eventing.delivery import Dispatcher, FunctionHost, Message
from emulators.eventing.pubsub import PubSub, dead_letter_attributes
from emulators.eventing.stats import Stats
from emulators.journal import Journal
from shared.topology import EventFunction, ObjectTrigger

FINALIZED = "google.cloud.storage.object.v1.finalized"

logger = logging.getLogger(__name__)


class Eventarc:
    """The triggers of all functions that an object triggers."""

    def __init__(
        self,
        functions: Iterable[EventFunction],
        state: Path,
        project: str,
        host: FunctionHost,
        pubsub: PubSub,
        stats: Stats,
    ) -> None:
        self._project = project
        self._pubsub = pubsub
        self._by_source: dict[str, list[str]] = {}
        self._dispatchers: dict[str, Dispatcher] = {}
        for function in functions:
            if isinstance(function.trigger, ObjectTrigger):
                bucket = f"{project}-{function.trigger.bucket.name}"
                source = f"//storage.googleapis.com/projects/_/buckets/{bucket}"
                self._by_source.setdefault(source, []).append(function.name)
                self._dispatchers[function.name] = Dispatcher(
                    host, function, stats.of(f"eventarc.{function.name}")
                )
        self._journal = Journal(state / "eventarc")
        self._pending: dict[str, dict[str, Any]] = {}

    def start(self) -> None:
        """Go on with what an earlier process accepted."""
        snapshot, changes = self._journal.load()
        self._pending = snapshot.get("pending", {})
        for change in changes:
            if change["kind"] == "event":
                self._pending[change["key"]] = change
            else:
                self._pending.pop(change["key"], None)
        self._journal.compact({"pending": self._pending})
        for event in list(self._pending.values()):
            if event["function"] in self._dispatchers:
                self._submit(event)

    def close(self) -> None:
        """Let go of the journal."""
        self._journal.compact({"pending": self._pending})
        self._journal.close()

    def accept(self, headers: Mapping[str, str], body: bytes) -> int:
        """Take an event (`headers` in lower case) for every function that it triggers; how many.

        Raises ValueError when it is not a storage event in binary mode.
        """
        kept = {name: value for name, value in headers.items() if name.startswith("ce-")}
        missing = {"ce-id", "ce-source", "ce-type", "ce-specversion"} - kept.keys()
        if missing:
            raise ValueError(f"not a binary CloudEvent: no {', '.join(sorted(missing))}")
        if kept["ce-type"] != FINALIZED:
            raise ValueError(f"no trigger for {kept['ce-type']}")
        kept["content-type"] = headers.get("content-type", "application/json")
        functions = self._by_source.get(kept["ce-source"], [])
        for name in functions:
            key = f"{kept['ce-id']}:{name}"
            if key not in self._pending:
                event = {
                    "kind": "event",
                    "key": key,
                    "function": name,
                    "headers": kept,
                    "body": body.decode(),
                }
                self._record(event)
                self._pending[key] = event
                self._submit(event)
        return len(functions)

    def _record(self, change: dict[str, Any]) -> None:
        if self._journal.append(change):
            self._journal.compact({"pending": self._pending})

    def _submit(self, event: dict[str, Any]) -> None:
        name, headers, body = event["function"], event["headers"], event["body"].encode()

        async def settle() -> None:
            self._pending.pop(event["key"], None)
            self._record({"kind": "done", "key": event["key"]})

        async def bury(reason: str, attempts: int) -> None:
            attributes = dead_letter_attributes(
                headers, f"eventarc.{name}", self._project, attempts, reason
            )
            await self._pubsub.bury(f"{name}-dead", body, attributes)
            await settle()

        self._dispatchers[name].submit(Message(event["key"], lambda _: body, headers, settle, bury))
