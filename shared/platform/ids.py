"""Identifiers of 22 base62 characters (F126): 128 bits, so no two collide in practice."""

from __future__ import annotations

import hashlib
import re
import secrets

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ID_LENGTH = 22  # 62**22 > 2**128
_PAIRS = tuple(a + b for a in ALPHABET for b in ALPHABET)  # two digits for one division
_VALID = re.compile(r"[0-9A-Za-z]{22}")


def encode(number: int) -> str:
    """`number` (0 .. 2**128 - 1) as 22 base62 characters."""
    pairs = []
    for _ in range(ID_LENGTH // 2):
        number, pair = divmod(number, 3844)
        pairs.append(_PAIRS[pair])
    pairs.reverse()
    return "".join(pairs)


def content_id(*parts: str) -> str:
    """The same id for the same parts, on every machine: what makes an upsert idempotent.

    Parts are length-prefixed, so ("ab", "c") and ("a", "bc") differ.
    """
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode()
        digest.update(len(data).to_bytes(4, "big") + data)
    return encode(int.from_bytes(digest.digest()[:16], "big"))


def random_id() -> str:
    """A fresh id; never sequential, which Firestore would punish with hot ranges."""
    return encode(secrets.randbits(128))


def is_id(text: str) -> bool:
    """Whether `text` has the form of an id."""
    return _VALID.fullmatch(text) is not None
