"""Records of the audit ledger."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

AuditKind = Literal["licence"]
Outcome = Literal["granted", "refused"]


class AuditRecord(BaseModel):
    """One decision: what was asked, by whom, and why the answer was what it was.

    `reason` is a fixed upper-case word for programs; `kids` are content key ids in hex.
    """

    model_config = ConfigDict(frozen=True)

    kind: AuditKind
    outcome: Outcome
    reason: str
    decided_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    user_id: str | None = None
    client_id: str
    session_id: str | None = None
    device_id: str | None = None
    client_build: str | None = None
    track_id: str | None = None
    asset_version: str | None = None
    kids: tuple[str, ...] = ()
    tier: str
    country: str

    def to_document(self) -> dict[str, Any]:
        """The fields as Firestore stores them."""
        return self.model_dump()
