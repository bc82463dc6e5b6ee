"""Writing to the audit ledger."""

from __future__ import annotations

import logging

from shared.audit import store
from shared.audit.models import Decision
from shared.platform.errors import Unavailable

_log = logging.getLogger(__name__)


async def record(entry: Decision) -> str:
    """Stores `entry` and returns its id; only then may the decision take effect.

    Raises Unavailable when the ledger does not take it: what cannot be recorded is not granted.
    """
    from google.api_core.exceptions import GoogleAPICallError

    try:
        return await store.append(entry)
    except (GoogleAPICallError, Unavailable) as error:
        _log.error("audit record not written: %s", error)
        raise Unavailable("The decision could not be recorded; please try again.") from error
