"""Creates or updates people and apps from JSON:

{"users":   [{"username", "password", "email", "country", "tier", "display_name",
              "user_id" | null, "explicit_filter", "image_url" | null}],
 "clients": [{"client_id", "name", "redirect_uris", "secret" | null, "scopes", "first_party"}]}
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from shared.accounts import service
from shared.platform.errors import DomainError


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SeedUser(_Entry):
    """Arguments of `service.create_user`."""

    username: str
    password: str
    email: str
    country: str
    tier: Literal["free", "premium"] = "free"
    display_name: str
    user_id: str | None = None
    explicit_filter: bool = False
    image_url: str | None = None


class SeedClient(_Entry):
    """Arguments of `service.create_client`."""

    client_id: str
    name: str
    redirect_uris: list[str] = []
    secret: str | None = None
    scopes: list[str] = []
    first_party: bool = False


class Seed(_Entry):
    """Everything to create."""

    users: list[SeedUser] = []
    clients: list[SeedClient] = []


async def seed(wanted: Seed) -> None:
    """Creates or updates what `wanted` holds; the same seed twice changes nothing."""
    for user in wanted.users:
        await service.create_user(**user.model_dump())
    for client in wanted.clients:
        await service.create_client(**client.model_dump())


def main() -> None:
    """Reads the JSON and stores it; exits with 2 and the fault when it is not acceptable."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--file", type=Path, help="JSON to read; standard input when left out")
    source.add_argument("--json", help="the JSON itself, where a job has neither")
    options = parser.parse_args()
    path: Path | None = options.file
    try:
        text = options.json or (path.read_text() if path else sys.stdin.read())
        asyncio.run(seed(Seed.model_validate_json(text)))
    except (OSError, ValidationError, DomainError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
