"""Firestore transactions. Concurrent creates of one document abort in the emulator as a matter of
course, and under contention in the real one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from shared.platform import clients

if TYPE_CHECKING:
    from google.cloud.firestore import AsyncTransaction

TRANSACTION_ATTEMPTS = 10


async def transact(work: Callable[[AsyncTransaction], Any]) -> Any:
    """Runs `work` in a transaction; one that Firestore aborts is run again."""
    from google.cloud.firestore import async_transactional

    transaction = clients.firestore().transaction(max_attempts=TRANSACTION_ATTEMPTS)
    return await async_transactional(work)(transaction)
