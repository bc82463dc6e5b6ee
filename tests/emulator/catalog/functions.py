"""Functions as the functions framework serves them, asked in process, with tokens of ours."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

import functions_framework.aio
import httpx
from joserfc import jwt

from tests.local_settings import PUBLIC_URL, signing_key

ROOT = Path(__file__).parents[3]


@cache
def _served(name: str) -> Any:
    source = ROOT / "functions" / name / "main.py"
    return functions_framework.aio.create_asgi_app(name, str(source), "http")


@asynccontextmanager
async def function(name: str, **token: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the function `name` that sends a token with the given claims."""
    headers = {"authorization": f"Bearer {access_token(**token)}"}
    transport = httpx.ASGITransport(_served(name))
    async with httpx.AsyncClient(
        transport=transport, base_url=PUBLIC_URL, headers=headers
    ) as client:
        yield client


def access_token(
    user: str = "ada", scope: str = "streaming", tier: str = "premium", country: str = "DE"
) -> str:
    """An access token as `accounts` signs them."""
    now = int(time.time())
    claims = {
        "iss": f"{PUBLIC_URL}/accounts",
        "aud": "segue-api",
        "sub": user,
        "client_id": "app",
        "scope": scope,
        "tier": tier,
        "country": country,
        "iat": now,
        "exp": now + 3600,
        "jti": str(time.monotonic_ns()),
    }
    key = signing_key()
    return jwt.encode({"alg": "ES256", "kid": "test-1", "typ": "at+jwt"}, claims, key)
