"""Passwords and secrets: stored so that a thief of the database has no use for them."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argon2 import PasswordHasher

# OWASP's first choice of Argon2id: 19 MiB, two passes, one lane. Two at a time, so that a burst
# of sign-ins takes 38 MiB of an instance and not all of it.
_TIME_COST, _MEMORY_KIB, _LANES = 2, 19 * 1024, 1
_workers = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")

MAX_PASSWORD_BYTES = 1024  # longer ones are refused before they cost anything
MIN_SECRET_LENGTH = 32  # 128 bits even in hex: long enough for a plain hash


@cache
def _hasher() -> PasswordHasher:
    # Here, not above: only those who sign in pay for its import.
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=_TIME_COST, memory_cost=_MEMORY_KIB, parallelism=_LANES)


@cache
def _nobody() -> str:
    """A hash that no password has, verified for unknown users so that they take as long."""
    return _hasher().hash(secrets.token_bytes(32))


def hash_password(password: str) -> str:
    """An Argon2id hash with its salt and parameters. Blocks for tens of milliseconds."""
    return _hasher().hash(password)


async def hash_in_turn(password: str) -> str:
    """As `hash_password`, without blocking: two at a time."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_workers, hash_password, password)


async def verify_password(stored: str | None, password: str) -> bool:
    """Whether `password` has the hash `stored`; as slow when there is none (unknown user)."""
    if len(password.encode("utf-8", "replace")) > MAX_PASSWORD_BYTES:
        return False
    loop = asyncio.get_running_loop()
    matched = await loop.run_in_executor(_workers, matches_password, stored, password)
    return matched and stored is not None


def matches_password(stored: str | None, password: str) -> bool:
    """As `verify_password`, in this thread and without its guards."""
    from argon2.exceptions import InvalidHashError, VerificationError

    nobody = _nobody()  # made for known users too, so that an instance's first answer tells nothing
    try:
        return _hasher().verify(stored or nobody, password.encode("utf-8", "replace"))
    except (VerificationError, InvalidHashError):
        return False


def new_secret() -> str:
    """256 random bits as base64url: an authorization code, a refresh token, a client secret."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """SHA-256 in hex: enough to store a secret that is random and long."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def matches_digest(stored: str, secret: str) -> bool:
    """Whether `secret` has the digest `stored`, in constant time."""
    return hmac.compare_digest(stored, digest(secret))
