"""The peer: the smallest async function that the functions framework serves."""

from __future__ import annotations

import functions_framework.aio
from starlette.requests import Request


@functions_framework.aio.http
async def hello(request: Request) -> str:
    """Says hello."""
    return "Hello, world!"
