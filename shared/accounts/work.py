"""A unit of work: what one request has read, and what it decided to write.

Authlib decides in plain calls and Firestore answers to awaits, so they take turns: the documents
are read first, the decision reads and changes them here, and then all changes are committed at
once, each on the condition that its document is still as it was read. Whoever loses that race
reads and decides anew, with the same `Fresh` secrets, so that a commit whose answer was lost is
recognised as one's own and not taken for a thief's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from pydantic import BaseModel

from shared.accounts.passwords import digest, new_secret
from shared.platform.ids import random_id
from shared.topology import Collection

M = TypeVar("M", bound=BaseModel)
Key = tuple[str, str]  # collection, document


@dataclass(frozen=True, slots=True)
class Fresh:
    """The secrets that a request may hand out, drawn once for all of its attempts."""

    grant_id: str = field(default_factory=random_id)
    code: str = field(default_factory=new_secret)
    refresh_token: str = field(default_factory=new_secret)

    @property
    def refresh_hash(self) -> str:
        """Under which the refresh token is stored."""
        return digest(self.refresh_token)


@dataclass(frozen=True, slots=True)
class Read:
    """A document as it was read; `version` is its update time, None where there was none."""

    value: BaseModel | None
    version: object | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A document to write, or to delete (`value` None)."""

    collection: Collection
    id: str
    value: BaseModel | None


@dataclass(slots=True)
class Work:
    """The documents of one attempt."""

    fresh: Fresh
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    reads: dict[Key, Read] = field(default_factory=dict)
    changes: dict[Key, Change] = field(default_factory=dict)
    suspects: frozenset[str] = frozenset()  # who of the people read may be a machine (F286)

    def get(self, collection: Collection, document_id: str | None, kind: type[M]) -> M | None:
        """The document as it is after the changes so far; None where none was found."""
        if document_id is None:
            return None
        key = (collection.name, document_id)
        held = self.changes.get(key) or self.reads.get(key)
        found = held.value if held else None
        assert found is None or isinstance(found, kind)
        return found

    def put(self, collection: Collection, document_id: str, value: BaseModel) -> None:
        """Writes the document at the commit."""
        self.changes[collection.name, document_id] = Change(collection, document_id, value)

    def delete(self, collection: Collection, document_id: str) -> None:
        """Deletes the document at the commit, if there is one."""
        self.changes[collection.name, document_id] = Change(collection, document_id, None)
