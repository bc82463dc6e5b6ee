"""Accounts in Firestore. Codes and tokens are found by their hash; what two calls could do at the
same time is committed on the condition that nothing has changed since it was read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel

from shared import topology
from shared.accounts.models import Client, Consent, SignInSession, User, Username
from shared.accounts.work import Fresh, Read, Work
from shared.platform import clients
from shared.platform.contention import retried

if TYPE_CHECKING:
    from google.cloud.firestore import AsyncDocumentReference

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)
Wanted = tuple[topology.Collection, str | None, type[BaseModel]]


def lawful(document_id: str) -> bool:
    """Whether Firestore takes this as a document's id; callers may send any text."""
    return (
        0 < len(document_id.encode("utf-8", "replace")) <= 500
        and "/" not in document_id
        and document_id not in (".", "..")
        and not (document_id.startswith("__") and document_id.endswith("__"))
        and document_id.isprintable()
    )


def _reference(collection: topology.Collection, document_id: str) -> AsyncDocumentReference:
    return clients.collection(collection).document(document_id)


async def _read(
    collection: topology.Collection, document_id: str | None, kind: type[M]
) -> M | None:
    if document_id is None or not lawful(document_id):
        return None
    found = (await _reference(collection, document_id).get()).to_dict()
    return kind.model_validate(found) if found is not None else None


async def load(work: Work, wanted: Iterable[Wanted]) -> None:
    """Reads the documents `wanted` into `work`, together; those read before are not read again."""
    missing: dict[str, tuple[tuple[str, str], type[BaseModel]]] = {}
    references = []
    for collection, document_id, kind in wanted:
        if document_id is None or (collection.name, document_id) in work.reads:
            continue
        work.reads[collection.name, document_id] = Read(None)
        if lawful(document_id):
            reference = _reference(collection, document_id)
            references.append(reference)
            missing[reference.path] = ((collection.name, document_id), kind)
    if not references:
        return
    async for snapshot in clients.firestore().get_all(references):
        key, kind = missing[snapshot.reference.path]
        found = snapshot.to_dict()
        if found is not None:
            work.reads[key] = Read(kind.model_validate(found), snapshot.update_time)


async def _commit(work: Work) -> None:
    """Writes the changes of `work`, all or none. Raises FailedPrecondition, AlreadyExists or
    NotFound when a document is no longer as it was read."""
    client = clients.firestore()
    batch = client.batch()
    for key, change in work.changes.items():
        reference = _reference(change.collection, change.id)
        version = work.reads.get(key, Read(None)).version
        unchanged = client.write_option(last_update_time=version) if version else None
        if change.value is None:
            if unchanged:
                batch.delete(reference, option=unchanged)
        elif unchanged:
            batch.update(reference, change.value.model_dump(), option=unchanged)
        else:
            batch.create(reference, change.value.model_dump())
    if len(batch):
        await batch.commit()


async def in_one_commit(read: Callable[[Work], Awaitable[None]], decide: Callable[[Work], T]) -> T:
    """What `decide` returns or raises, after its changes are stored; from the start again, with
    the same fresh secrets, when another request was faster. An error's changes are stored too: a
    refused token may have to end its family."""
    from google.api_core.exceptions import AlreadyExists, FailedPrecondition, NotFound

    from shared.platform.errors import DomainError

    fresh = Fresh()

    async def attempt() -> T | DomainError:
        work = Work(fresh)
        await read(work)
        try:
            outcome: T | DomainError = decide(work)
        except DomainError as error:
            outcome = error
        await _commit(work)
        return outcome

    done = await retried(attempt, FailedPrecondition, AlreadyExists, NotFound)
    if isinstance(done, DomainError):
        raise done
    return done


# --- people ---------------------------------------------------------------------------------


async def user(user_id: str) -> User | None:
    """The person `user_id`."""
    return await _read(topology.USERS, user_id, User)


async def users(user_ids: Sequence[str]) -> dict[str, User]:
    """Those of the people `user_ids` who exist."""
    references = [_reference(topology.USERS, each) for each in user_ids if lawful(each)]
    found: dict[str, User] = {}
    if references:
        async for snapshot in clients.firestore().get_all(references):
            if snapshot.exists:
                found[snapshot.id] = User.model_validate(snapshot.to_dict())
    return found


async def username(name: str) -> Username | None:
    """Whose the username `name` is; None for one that is free or was given before names had a
    document of their own."""
    return await _read(topology.USERNAMES, name, Username)


# --- apps -----------------------------------------------------------------------------------


async def client(client_id: str) -> Client | None:
    """The app `client_id`."""
    return await _read(topology.OAUTH_CLIENTS, client_id, Client)


async def clients_of(owner_id: str) -> list[Client]:
    """The apps that a person registered, newest first."""
    from google.cloud.firestore_v1.base_query import FieldFilter

    query = clients.collection(topology.OAUTH_CLIENTS).where(
        filter=FieldFilter("owner_id", "==", owner_id)
    )
    found = [Client.model_validate(each.to_dict()) async for each in query.stream()]
    return sorted(found, key=lambda app: app.created_at.timestamp() if app.created_at else 0)[::-1]


async def put_client(client: Client) -> None:
    """Creates or replaces an app."""
    document = _reference(topology.OAUTH_CLIENTS, client.id)
    await retried(lambda: document.set(client.model_dump()))


async def delete_client(client_id: str) -> None:
    """Deletes an app; its grants are worth nothing without it."""
    await retried(_reference(topology.OAUTH_CLIENTS, client_id).delete)


# --- browsers -------------------------------------------------------------------------------


async def session(cookie_hash: str) -> SignInSession | None:
    """The session under this hash, expired or not."""
    return await _read(topology.SIGN_IN_SESSIONS, cookie_hash, SignInSession)


async def put_session(cookie_hash: str, session: SignInSession) -> None:
    """Stores a fresh session."""
    document = _reference(topology.SIGN_IN_SESSIONS, cookie_hash)
    await retried(lambda: document.set(session.model_dump()))


async def delete_session(cookie_hash: str) -> None:
    """Ends a session."""
    await retried(_reference(topology.SIGN_IN_SESSIONS, cookie_hash).delete)


def consent_id(user_id: str, client_id: str) -> str:
    """The document of what `user_id` allowed `client_id`."""
    return f"{user_id}.{client_id}"  # a client_id holds no dot


async def consent(user_id: str, client_id: str) -> Consent | None:
    """What `user_id` has allowed `client_id` so far."""
    return await _read(topology.CONSENTS, consent_id(user_id, client_id), Consent)
