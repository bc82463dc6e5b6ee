"""The apps that people register: on the developers' page, or by a program in their name."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from shared.accounts import passwords, service, store
from shared.accounts.models import Client
from shared.accounts.scopes import SCOPES
from shared.platform.errors import Conflict, InvalidInput, NotFound
from shared.platform.ids import random_id

MAX_APPS = 25  # that one person registers
MAX_REDIRECT_URIS = 20


async def apps_of(owner_id: str) -> list[Client]:
    """The apps that a person registered, newest first."""
    return await store.clients_of(owner_id)


async def register_app(
    owner_id: str,
    name: str,
    redirect_uris: Sequence[str],
    *,
    confidential: bool = True,
    scopes: Sequence[str] = tuple(SCOPES),
) -> tuple[Client, str | None]:
    """A new app of `owner_id`, and its secret, which is told this once; None for a public app.
    Raises InvalidInput, and Conflict for a person who has `MAX_APPS` already."""
    name = name.strip()
    if not 1 <= len(name) <= 80 or not name.isprintable():
        raise InvalidInput("A name has 1 to 80 printable characters.")
    if not redirect_uris:
        raise InvalidInput("Give at least one redirect URI.")
    if len(redirect_uris) > MAX_REDIRECT_URIS or any(len(uri) > 500 for uri in redirect_uris):
        raise InvalidInput(f"At most {MAX_REDIRECT_URIS} redirect URIs of 500 characters.")
    service.check_redirect_uris(redirect_uris)
    if unknown := [scope for scope in scopes if scope not in SCOPES]:
        raise InvalidInput(f"Unknown scopes: {' '.join(unknown)}.")
    if len(await store.clients_of(owner_id)) >= MAX_APPS:
        raise Conflict(f"You have {MAX_APPS} apps already; delete one that you do not need.")
    secret = passwords.new_secret() if confidential else None
    client = Client(
        id=random_id(),
        name=name,
        redirect_uris=tuple(dict.fromkeys(redirect_uris)),
        scopes=tuple(scopes),
        secret_hash=passwords.digest(secret) if secret else None,
        owner_id=owner_id,
        created_at=datetime.now(UTC),
    )
    await store.put_client(client)
    return client, secret


async def rotate_secret(owner_id: str, client_id: str) -> tuple[Client, str]:
    """The app with a new secret, which is told this once; the old one is worth nothing from now
    on. Raises NotFound for an app of another, InvalidInput for a public one."""
    client = await _own_app(owner_id, client_id)
    if not client.confidential:
        raise InvalidInput("A public app has no secret.")
    secret = passwords.new_secret()
    changed = client.model_copy(update={"secret_hash": passwords.digest(secret)})
    await store.put_client(changed)
    return changed, secret


async def delete_app(owner_id: str, client_id: str) -> Client:
    """Deletes an app; what people granted it is worth nothing from now on. Raises NotFound."""
    client = await _own_app(owner_id, client_id)
    await store.delete_client(client.id)
    return client


async def _own_app(owner_id: str, client_id: str) -> Client:
    client = await store.client(client_id)
    if client is None or client.owner_id != owner_id:
        raise NotFound("You have no such app.")
    return client
