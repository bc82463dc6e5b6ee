"""The package's `Storage`, with its metadata journalled and its objects in generation files.

Every public method may be called from any thread. Contents are written and hashed outside the
lock; checking preconditions, taking a generation and becoming visible happen under it, in one
step.
"""

from __future__ import annotations

import copy
import logging
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gcp_storage_emulator.exceptions import BadRequest, Conflict, NotFound
from gcp_storage_emulator.storage import Storage

from emulators.journal import Journal
from emulators.storage import preconditions
from emulators.storage.blobs import BlobFiles, Body
from emulators.storage.preconditions import Preconditions

FINISHED_SESSIONS_KEPT = 1000  # so that a client which missed the last answer can ask again

LIMITS = "_limits"  # of a session: declared `length`, `min` and `max` bytes; not of its object

_STATED: ContextVar[Preconditions] = ContextVar("preconditions", default=preconditions.NONE)

logger = logging.getLogger(__name__)


@contextmanager
def stated(conditions: Preconditions) -> Iterator[None]:
    """Hold what this context writes to `conditions`."""
    token = _STATED.set(conditions)
    try:
        yield
    finally:
        _STATED.reset(token)


class DurableStorage(Storage):
    """Objects and sessions under `root`; `watched` buckets get an event for each new object."""

    def __init__(self, root: Path, watched: Iterable[str] = (), wipe: Iterable[str] = ()) -> None:
        self.buckets: dict[str, dict[str, Any]]
        self.objects: dict[str, dict[str, dict[str, Any]]]
        self.resumable: dict[str, dict[str, Any]]
        self.bucket_iam_policies: dict[str, dict[str, Any]]
        self.soft_deleted: dict[str, dict[str, Any]]
        self.lock = threading.RLock()
        self.event_added = threading.Condition(self.lock)
        self.watched = frozenset(watched)
        self.blobs = BlobFiles(root)
        self.finished: dict[str, dict[str, Any]] = {}  # session id -> object resource
        self.pending_events: dict[str, dict[str, Any]] = {}  # event id -> object resource
        self.owners: dict[str, object] = {}  # session id -> the request that may append
        self._journal = Journal(root)
        self._last_generation = 0
        self._wipe = frozenset(wipe)
        super().__init__(data_dir=str(root.absolute()))

    # --- metadata on disk -------------------------------------------------------------------

    def _state(self) -> dict[str, Any]:
        return {
            "buckets": self.buckets,
            "objects": self.objects,
            "resumable": self.resumable,
            "bucket_iam_policies": self.bucket_iam_policies,
            "soft_deleted": self.soft_deleted,
            "finished": self.finished,
            "pending_events": self.pending_events,
        }

    def _read_config_from_file(self) -> None:
        snapshot, changes = self._journal.load()
        for name in ("buckets", "objects", "resumable", "bucket_iam_policies", "soft_deleted"):
            setattr(self, name, snapshot.get(name) or {})
        self.finished = snapshot.get("finished") or {}
        self.pending_events = snapshot.get("pending_events") or {}
        for change in changes:
            self._replay(change)
        for bucket in self._wipe:
            self.objects.pop(bucket, None)
        self.resumable = {
            key: session
            for key, session in self.resumable.items()
            if session["bucket"] not in self._wipe
        }
        self.pending_events = {
            key: resource
            for key, resource in self.pending_events.items()
            if resource["bucket"] not in self._wipe
        }
        self._drop_incomplete()
        self._write_config_to_file()

    def _replay(self, change: dict[str, Any]) -> None:
        kind = change["kind"]
        if kind == "put":
            resource = change["object"]
            self.objects.setdefault(resource["bucket"], {})[resource["name"]] = resource
            if change.get("event"):
                self.pending_events[change["event"]] = resource
            if session := change.get("session"):
                self.resumable.pop(session, None)
                self.finished[session] = resource
        elif kind == "delete":
            self.objects.get(change["bucket"], {}).pop(change["name"], None)
        elif kind == "session":
            self.resumable[change["id"]] = change["object"]
        elif kind == "session_end":
            self.resumable.pop(change["id"], None)
        elif kind == "event_delivered":
            self.pending_events.pop(change["id"], None)

    def _drop_incomplete(self) -> None:
        """Leave out objects whose body is gone, and files that belong to nothing."""
        wanted = []
        for bucket, by_name in self.objects.items():
            for name, resource in list(by_name.items()):
                self._last_generation = max(self._last_generation, int(resource["generation"]))
                path = self.blobs.path(bucket, name, resource["generation"])
                if path.exists():
                    wanted.append(path)
                else:
                    logger.warning("dropped gs://%s/%s: its content is gone", bucket, name)
                    del by_name[name]
        wanted.extend(self.blobs.part(key) for key in self.resumable)
        self.blobs.sweep(wanted)

    def _write_config_to_file(self) -> None:
        """What the package calls after every change; ours journal themselves, so only rare
        changes (buckets, policies) come here."""
        with self.lock:
            self._journal.compact(self._state())

    def _record(self, change: dict[str, Any]) -> None:
        if self._journal.append(change):
            self._journal.compact(self._state())

    # --- objects ----------------------------------------------------------------------------

    def _next_generation(self) -> str:
        self._last_generation = max(self._last_generation + 1, time.time_ns() // 1000)
        return str(self._last_generation)

    def create_file(
        self,
        bucket_name: str,
        file_name: str,
        content: bytes,
        file_obj: dict[str, Any],
        file_id: str | None = None,
    ) -> None:
        """Finalise an object from memory: the package's handlers come here."""
        with self.lock:
            self._require_bucket(bucket_name)
        body = self.blobs.aside(content)
        self.finalise(body, bucket_name, file_name, file_obj, session=file_id)

    def finalise(
        self,
        body: Body,
        bucket: str,
        name: str,
        resource: dict[str, Any],
        session: str | None = None,
    ) -> None:
        """Make `body` the live generation of an object, and fill `resource` in place.

        Raises NotFound (no such bucket), Conflict (a checksum that the client stated is another)
        and PreconditionFailed; then `body` is gone and the object as it was.
        """
        try:
            for field, actual in (("md5Hash", body.md5), ("crc32c", body.crc32c)):
                if resource.get(field) and resource[field] != actual:
                    raise Conflict(
                        f'Provided {field} "{resource[field]}" doesn\'t match calculated '
                        f'"{actual}".'
                    )
            with self.lock:
                self._require_bucket(bucket)
                current = self.objects.get(bucket, {}).get(name)
                _STATED.get().check(current)
                generation = self._next_generation()
                self._fill(resource, body, bucket, name, generation)
                self.blobs.adopt(body, bucket, name, generation)
                event = f"{bucket}-{generation}" if bucket in self.watched else None
                # a copy: the handler may yet alter its own dictionary
                stored = copy.deepcopy(resource)
                change = {"kind": "put", "object": stored, "event": event, "session": session}
                self._record(change)
                self._replay(change)
                while len(self.finished) > FINISHED_SESSIONS_KEPT:
                    del self.finished[next(iter(self.finished))]
                if event:
                    self.event_added.notify_all()
                if current:
                    self.blobs.remove(bucket, name, current["generation"])
        finally:
            body.path.unlink(missing_ok=True)

    @staticmethod
    def _fill(
        resource: dict[str, Any], body: Body, bucket: str, name: str, generation: str
    ) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        # It names this run's port, and objects live longer; clients make the URL themselves.
        resource.pop("mediaLink", None)
        resource.update(
            id=f"{bucket}/{name}/{generation}",
            bucket=bucket,
            name=name,
            generation=generation,
            metageneration="1",
            size=str(body.size_bytes),
            md5Hash=body.md5,
            crc32c=body.crc32c,
            etag=body.md5,
            timeCreated=now,
            updated=now,
            timeStorageClassUpdated=now,
            timeFinalized=now,
        )

    def _require_bucket(self, bucket: str) -> None:
        if bucket not in self.buckets:
            raise NotFound(f"The specified bucket does not exist: {bucket}")

    def content(self, bucket: str, name: str) -> tuple[dict[str, Any], Path]:
        """The live object and the file with its content; raises NotFound."""
        with self.lock:
            resource = self.get_file_obj(bucket, name)
            return resource, self.blobs.path(bucket, name, resource["generation"])

    def get_file(self, bucket_name: str, file_name: str, show_error: bool = True) -> bytes:
        """The live object's content, whole; raises NotFound."""
        with self.lock:
            _, path = self.content(bucket_name, file_name)
            return path.read_bytes()

    def delete_file(self, bucket_name: str, file_name: str) -> None:
        """Delete for good: soft-deleted copies would only fill the disk here."""
        with self.lock:
            current = self.get_file_obj(bucket_name, file_name)
            _STATED.get().check(current)
            change = {"kind": "delete", "bucket": bucket_name, "name": file_name}
            self._record(change)
            self._replay(change)
            self.blobs.remove(bucket_name, file_name, current["generation"])

    def patch_object(self, bucket_name: str, file_name: str, file_obj: dict[str, Any]) -> None:
        """Store changed metadata of a live object."""
        with self.lock:
            now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            file_obj["updated"] = now
            change = {"kind": "put", "object": file_obj}
            self._record(change)
            self._replay(change)

    # --- upload sessions --------------------------------------------------------------------

    def create_resumable_upload(
        self, bucket_name: str, file_name: str, file_obj: dict[str, Any]
    ) -> str:
        """Open a session; its id. Raises NotFound and PreconditionFailed."""
        with self.lock:
            self._require_bucket(bucket_name)
            _STATED.get().check(self.objects.get(bucket_name, {}).get(file_name))
            if file_obj.get("size"):  # `X-Upload-Content-Length` of the JSON API
                file_obj[LIMITS] = {"length": int(file_obj["size"])}
            session = f"{self._next_generation()}-{time.time_ns():x}"
            self.blobs.part(session).touch()
            change = {"kind": "session", "id": session, "object": file_obj}
            self._record(change)
            self._replay(change)
            return session

    def end_session(self, session: str) -> None:
        """Give up an upload, and what arrived of it."""
        with self.lock:
            self.resumable.pop(session, None)
            self.owners.pop(session, None)
            self._record({"kind": "session_end", "id": session})
            self.blobs.part(session).unlink(missing_ok=True)

    def wipe(self, keep_buckets: bool = False) -> None:
        """Forget every object and session, and the buckets unless `keep_buckets`."""
        with self.lock:
            for name in ("objects", "resumable", "soft_deleted", "finished", "pending_events"):
                setattr(self, name, {})
            if not keep_buckets:
                self.buckets, self.bucket_iam_policies = {}, {}
            self._write_config_to_file()
            self.blobs.sweep(())

    # --- events -----------------------------------------------------------------------------

    def next_event(self, timeout_s: float) -> tuple[str, dict[str, Any]] | None:
        """The oldest event that nobody accepted yet; None when none comes in time."""
        with self.event_added:
            if not self.pending_events:
                self.event_added.wait(timeout_s)
            return next(iter(self.pending_events.items()), None)

    def event_delivered(self, event_id: str) -> None:
        """The eventing process has it on disk."""
        with self.lock:
            change = {"kind": "event_delivered", "id": event_id}
            self._record(change)
            self._replay(change)

    def close(self) -> None:
        """Write the snapshot and let go of the files."""
        with self.lock:
            self._write_config_to_file()
            self._journal.close()

    # Kept from the package's interface but never reached, since uploads.py replaces its caller.
    def add_to_resumable_upload(self, *_args: Any, **_kwargs: Any) -> bytes | None:
        """Sessions grow through `uploads.receive`."""
        raise BadRequest("resumable uploads are received elsewhere")
