"""Accounts in Firestore. Codes and refresh tokens are found by their hash; what two calls could
do at the same time happens in a transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from shared import topology
from shared.accounts.errors import invalid_grant
from shared.accounts.models import AuthorizationCode, Client, Grant, RefreshToken, User
from shared.platform import clients
from shared.platform.contention import retried

if TYPE_CHECKING:
    from google.cloud.firestore import AsyncDocumentReference, AsyncTransaction

T = TypeVar("T")


async def _transact(body: Callable[[AsyncTransaction], Awaitable[T]]) -> T:
    from google.cloud.firestore import async_transactional

    async def run() -> T:
        result: T = await async_transactional(body)(clients.firestore().transaction())
        return result

    return await retried(run)


def _code(code_hash: str) -> AsyncDocumentReference:
    return clients.collection(topology.AUTHORIZATION_CODES).document(code_hash)


def _refresh(token_hash: str) -> AsyncDocumentReference:
    return clients.collection(topology.REFRESH_TOKENS).document(token_hash)


def _grant(grant_id: str) -> AsyncDocumentReference:
    return clients.collection(topology.GRANTS).document(grant_id)


async def _read(collection: topology.Collection, document_id: str) -> dict[str, Any] | None:
    if not document_id or "/" in document_id or len(document_id) > 200 or document_id[0] in "._":
        return None  # never an id of ours; some are no legal document id either
    snapshot = await clients.collection(collection).document(document_id).get()
    return snapshot.to_dict() if snapshot.exists else None


async def user(user_id: str) -> User | None:
    """The person `user_id`."""
    found = await _read(topology.USERS, user_id)
    return User.model_validate(found) if found else None


async def client(client_id: str) -> Client | None:
    """The app `client_id`."""
    found = await _read(topology.OAUTH_CLIENTS, client_id)
    return Client.model_validate(found) if found else None


async def change_user(user_id: str, change: Callable[[User | None], User]) -> User:
    """Replaces the person by what `change` makes of the present one."""
    reference = clients.collection(topology.USERS).document(user_id)

    async def body(transaction: AsyncTransaction) -> User:
        found = (await reference.get(transaction=transaction)).to_dict()
        changed = change(User.model_validate(found) if found else None)
        transaction.set(reference, changed.model_dump())
        return changed

    return await _transact(body)


async def put_client(client: Client) -> None:
    """Creates or replaces an app."""
    document = clients.collection(topology.OAUTH_CLIENTS).document(client.id)
    await retried(lambda: document.set(client.model_dump()))


async def add_code(code_hash: str, code: AuthorizationCode) -> None:
    """Stores a fresh code."""
    await retried(lambda: _code(code_hash).set(code.model_dump()))


async def redeem_code(
    code_hash: str,
    check: Callable[[AuthorizationCode], None],
    grant_id: str,
    refresh_hash: str,
    expires_at: datetime,
    now: datetime,
) -> AuthorizationCode:
    """Uses a code up and opens the grant `grant_id` with its first refresh token.

    `check` raises when the code is not for this caller; the code then stays as it was. A second
    use deletes the grant of the first (RFC 6749, 4.1.2). Raises OAuthError `invalid_grant`.
    """

    async def body(transaction: AsyncTransaction) -> AuthorizationCode | None:
        found = (await _code(code_hash).get(transaction=transaction)).to_dict()
        if found is None:
            raise invalid_grant("The code is invalid.")
        code = AuthorizationCode.model_validate(found)
        check(code)
        if code.grant_id is not None:
            transaction.delete(_grant(code.grant_id))
            return None
        if code.expires_at <= now:
            raise invalid_grant("The code has expired.")
        transaction.update(_code(code_hash), {"grant_id": grant_id})
        grant = Grant(
            client_id=code.client_id,
            user_id=code.user_id,
            scopes=code.scopes,
            current=refresh_hash,
            expires_at=expires_at,
        )
        _issue(transaction, grant_id, grant)
        return code

    code = await _transact(body)
    if code is None:
        raise invalid_grant("The code was used before; what came of it is revoked.")
    return code


async def rotate(
    token_hash: str,
    check: Callable[[Grant], None],
    next_hash: str,
    expires_at: datetime,
    now: datetime,
) -> Grant:
    """Puts the refresh token `next_hash` in the place of `token_hash`.

    `check` raises when the grant is not for this caller; all then stays as it was. A token that
    has been replaced already is in two hands: its whole family is revoked. Raises OAuthError
    `invalid_grant`.
    """

    async def body(transaction: AsyncTransaction) -> Grant | None:
        found = (await _refresh(token_hash).get(transaction=transaction)).to_dict()
        if found is None:
            raise invalid_grant("The refresh token is invalid.")
        token = RefreshToken.model_validate(found)
        held = (await _grant(token.grant_id).get(transaction=transaction)).to_dict()
        if held is None:
            raise invalid_grant("The refresh token was revoked.")
        grant = Grant.model_validate(held)
        check(grant)
        if grant.current != token_hash:
            transaction.delete(_grant(token.grant_id))
            return None
        if grant.expires_at <= now:
            raise invalid_grant("The refresh token has expired.")
        renewed = grant.model_copy(update={"current": next_hash, "expires_at": expires_at})
        _issue(transaction, token.grant_id, renewed)
        return renewed

    grant = await _transact(body)
    if grant is None:
        raise invalid_grant("The refresh token was used before; its whole family is revoked.")
    return grant


def _issue(transaction: AsyncTransaction, grant_id: str, grant: Grant) -> None:
    token = RefreshToken(grant_id=grant_id, expires_at=grant.expires_at)
    transaction.set(_grant(grant_id), grant.model_dump())
    transaction.set(_refresh(grant.current), token.model_dump())


async def revoke(token_hash: str, client_id: str) -> None:
    """Revokes the family of a refresh token of `client_id`; anything else changes nothing."""
    found = await _read(topology.REFRESH_TOKENS, token_hash)
    if found is None:
        return
    grant_id = RefreshToken.model_validate(found).grant_id
    held = await _read(topology.GRANTS, grant_id)
    if held is not None and Grant.model_validate(held).client_id == client_id:
        await retried(_grant(grant_id).delete)
