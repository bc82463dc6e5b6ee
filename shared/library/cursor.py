"""Where a reader of saved things is (F155's `cursor`): behind one saved item.

The cursor is opaque to clients. It names the item by its place in the order, so a page goes on
right behind it though the item itself, or others before it, were removed meanwhile.
"""

from __future__ import annotations

import base64
import binascii
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shared.library.models import SavedItem
from shared.platform.errors import InvalidInput
from shared.platform.ids import is_id

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LAYOUT = struct.Struct(">qI22s")  # microseconds since the epoch, offset, id


@dataclass(frozen=True, slots=True)
class Cursor:
    """Behind `item`, with `offset` items before the page when the cursor was made."""

    item: SavedItem
    offset: int

    def encode(self) -> str:
        """The cursor as a client holds it: URL-safe characters."""
        micros = (self.item.added_at - _EPOCH) // _MICROSECOND
        packed = _LAYOUT.pack(micros, self.offset, self.item.item_id.encode())
        return base64.urlsafe_b64encode(packed).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> Cursor:
        """The cursor that `encode` gave. Raises InvalidInput for anything else."""
        try:
            packed = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
            micros, offset, item_id = _LAYOUT.unpack(packed)
            added_at = _EPOCH + timedelta(microseconds=micros)
            name = item_id.decode("ascii")
        except (ValueError, binascii.Error, struct.error, OverflowError):
            raise InvalidInput("Invalid cursor") from None
        if not is_id(name):
            raise InvalidInput("Invalid cursor")
        return cls(SavedItem(name, added_at), offset)
