"""A person's signals, made by what differs between them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from shared.signals.models import Signal

NOW = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)
NOW_MS = int(NOW.timestamp()) * 1000
Make = Callable[..., Signal]


def signal(kind: str, ago_s: float = 0, track: str | None = "t", **fields: Any) -> Signal:
    """Something that `u` did `ago_s` seconds before `NOW`."""
    given: dict[str, Any] = {
        "event_id": f"e{next(_numbers)}",
        "user_id": "u",
        "kind": kind,
        "ts": NOW - timedelta(seconds=ago_s),
        "track_id": track,
        **fields,
    }
    return Signal.model_validate(given)


_numbers = count()


@pytest.fixture
def make() -> Make:
    return signal
