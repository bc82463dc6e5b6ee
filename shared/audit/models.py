"""Records of the audit ledger."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

AuditKind = Literal["licence"]
Outcome = Literal["granted", "refused"]


class Decision(BaseModel):
    """What every record says: `kind` of decision, how it came out and why, `reason` being a fixed
    upper-case word for programs."""

    model_config = ConfigDict(frozen=True)

    kind: str
    outcome: str
    reason: str
    decided_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    user_id: str | None = None

    def to_document(self) -> dict[str, Any]:
        """The fields as Firestore stores them."""
        return self.model_dump()


class AuditRecord(Decision):
    """A licence: what was asked, by whom, and why the answer was what it was; `kids` are content
    key ids in hex."""

    kind: AuditKind
    outcome: Outcome
    client_id: str
    session_id: str | None = None
    device_id: str | None = None
    client_build: str | None = None
    track_id: str | None = None
    asset_version: str | None = None
    kids: tuple[str, ...] = ()
    tier: str
    country: str


class VerdictRecord(Decision):
    """The start or end of the suspicion that `user_id` is no person: the `score` (0..1) and the
    measured values that it came from, and an operator's `note`."""

    kind: Literal["bot_verdict"] = "bot_verdict"
    outcome: Literal["started", "ended"]
    score: float
    findings: dict[str, float]
    note: str = ""


class WithdrawalRecord(Decision):
    """An operator withdrew an item (`track:…`, `album:…`, `artist:…`) or restored it: the markets
    in which it is blocked by itself since then, those `before`, and a `note` of who and why."""

    kind: Literal["withdrawal"] = "withdrawal"
    outcome: Literal["withdrawn", "restored"]
    item: str
    markets: tuple[str, ...]
    before: tuple[str, ...]
    note: str
