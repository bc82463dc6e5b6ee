"""Chromaprint fingerprints: encoding, bucket keys and comparison (F017). Pure.

A raw fingerprint is a sequence of 32-bit items, about eight a second. Two encodings of one
recording differ in a few bits per item, two recordings in about half of them. To find candidates
without comparing against everything, some items (without their noisiest bits) are kept as keys:
near duplicates almost surely share one.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

ITEM_BITS = 32
ITEMS_PER_S = 44_100 / 4 / (4096 / 3)  # chromaprint: 11025 Hz, frames of 4096 overlapping by 2/3
SILENCE_ITEM = 627_964_279  # what chromaprint makes of digital silence
KEY_BITS = 28  # the low four bits flip most; AcoustID drops them as well
STORED_KEYS_FROM, STORED_KEYS_TO = 24, 176  # items, about 3 s to 22 s
MAX_QUERY_KEYS = 30  # Firestore's limit of `array-contains-any`
MAX_OFFSET_ITEMS = 40  # about 5 s of different leading silence
MIN_OVERLAP_ITEMS = 24  # about 3 s; less is chance


def decode(raw: bytes) -> tuple[int, ...]:
    """Items of ffmpeg's `-fp_format raw`: little-endian 32-bit words."""
    count = len(raw) // 4
    return struct.unpack(f"<{count}I", raw[: count * 4])


def encode(items: Sequence[int]) -> bytes:
    """The inverse of `decode`."""
    return struct.pack(f"<{len(items)}I", *items)


def bucket_keys(items: Sequence[int]) -> list[int]:
    """Distinct keys to store: every item of a window near the start."""
    return _keys(items[STORED_KEYS_FROM:STORED_KEYS_TO] or items)


def query_keys(items: Sequence[int]) -> list[int]:
    """At most 30 keys to look candidates up by, spread over the middle of the stored window, so
    that a shift of a few seconds still meets it."""
    margin = (STORED_KEYS_TO - STORED_KEYS_FROM) // 4
    window = items[STORED_KEYS_FROM + margin : STORED_KEYS_TO - margin]
    keys = _keys(window if len(window) >= MAX_QUERY_KEYS else items)
    step = max(1, -(-len(keys) // MAX_QUERY_KEYS))
    return keys[::step][:MAX_QUERY_KEYS]


def _keys(items: Sequence[int]) -> list[int]:
    sounding = (item >> (ITEM_BITS - KEY_BITS) for item in items if item != SILENCE_ITEM)
    return list(dict.fromkeys(sounding))


def bit_error_rate(one: Sequence[int], other: Sequence[int]) -> float:
    """Share of differing bits (0..1) at the best alignment within 5 s either way; 1.0 where too
    little overlaps."""
    a, b = (int.from_bytes(encode(items), "little") for items in (one, other))
    shorter = min(len(one), len(other))
    needed = max(MIN_OVERLAP_ITEMS, shorter // 2)
    best = 1.0
    for offset in range(-MAX_OFFSET_ITEMS, MAX_OFFSET_ITEMS + 1):
        start_a, start_b = max(offset, 0), max(-offset, 0)
        overlap = min(len(one) - start_a, len(other) - start_b)
        if overlap < needed:
            continue
        bits = overlap * ITEM_BITS
        mask = (1 << bits) - 1
        differing = ((a >> start_a * ITEM_BITS) ^ (b >> start_b * ITEM_BITS)) & mask
        best = min(best, differing.bit_count() / bits)
    return best
