"""`limit` and `offset` of a request."""

from __future__ import annotations

from shared.platform.errors import InvalidInput

DEFAULT_LIMIT = "20"
MAX_LIMIT = 50


def checked_number(name: str, text: str, low: int, high: int) -> int:
    """The number `low`..`high` in `text`; raises InvalidInput "Invalid <name>", as the Web API
    words it."""
    if not (text.isascii() and text.isdigit() and len(text) < 10 and low <= int(text) <= high):
        raise InvalidInput(f"Invalid {name}")
    return int(text)
