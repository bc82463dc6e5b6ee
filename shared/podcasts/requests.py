"""Bodies that the podcast operations take."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

MAX_POSITION_MS = 2**31
_DATE_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt]")


def _date_time(value: Any) -> Any:
    """Pydantic would take numbers for times as well."""
    if value is None or (isinstance(value, str) and _DATE_TIME.match(value)):
        return value
    raise ValueError("a date and time with its zone, as in RFC 3339")


class ResumePointReport(BaseModel):
    """How far the caller has heard an episode, and when that was (none: now)."""

    model_config = ConfigDict(extra="forbid")

    position_ms: int = Field(strict=True, ge=0, le=MAX_POSITION_MS)
    fully_played: bool = Field(default=False, strict=True)
    reported_at: Annotated[AwareDatetime | None, BeforeValidator(_date_time)] = None
