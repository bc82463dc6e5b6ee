"""What somebody says of a recommendation, while nobody takes it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from google.api_core.exceptions import RetryError, ServiceUnavailable

from shared.platform.auth import Principal
from shared.platform.errors import Unavailable
from shared.platform.events import Event
from shared.recommendations import service

CALLER = Principal("u", "app", frozenset({"streaming"}), "free", "DE", 0)


@pytest.mark.parametrize("error", [ServiceUnavailable("no"), RetryError("silent", None)])
async def test_what_is_not_stored_is_asked_for_again(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(_: Sequence[Event]) -> None:
        raise error

    monkeypatch.setattr(service, "publish", refused)
    with pytest.raises(Unavailable, match="send it again"):
        await service.give_feedback(CALLER, f"spotify:album:{'a' * 22}", "hide")
