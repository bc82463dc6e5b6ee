"""People and apps: found, created, changed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from shared import topology
from shared.accounts import passwords, redirects, store
from shared.accounts.errors import UsernameTaken
from shared.accounts.models import Client, Tier, User, Username
from shared.accounts.models import user_id as default_id
from shared.accounts.scopes import is_scope
from shared.accounts.work import Work
from shared.platform.cache import ReadThroughCache
from shared.platform.errors import InvalidInput, NotFound
from shared.platform.ids import random_id

USERS_CACHED = 10_000
USER_TTL_S = 60.0
_USER_ID = re.compile(r"[0-9A-Za-z_.-]{1,64}")
_CLIENT_ID = re.compile(r"[0-9A-Za-z-]{1,100}")


async def _load(ids: Sequence[str]) -> Mapping[str, User]:
    return await store.users(ids)


_users: ReadThroughCache[str, User] = ReadThroughCache(
    _load, maximum=USERS_CACHED, ttl_s=USER_TTL_S, negative_ttl_s=5.0
)


async def get_user(user_id: str) -> User:
    """The person `user_id`, as they are now. Raises NotFound."""
    user = await store.user(user_id)
    if user is None:
        raise NotFound("This account no longer exists.")
    return user


async def get_users(ids: Sequence[str]) -> list[User | None]:
    """The people `ids`, None for those who do not exist; at most a minute old, for showing who
    somebody is and not for deciding what they may."""
    found = await _users.get_many(ids)
    return [found.get(each) for each in ids]


async def find_by_username(name: str) -> User | None:
    """The person who signs in as `name`, in any case."""
    name = name.strip().lower()[:100]
    if not name:
        return None
    taken = await store.username(name)
    found = await store.user(taken.user_id if taken else default_id(name))
    return found if found and found.username == name else None


async def create_user(
    username: str,
    password: str,
    email: str,
    country: str,
    tier: Tier,
    display_name: str,
    *,
    user_id: str | None = None,
    explicit_filter: bool = False,
    image_url: str | None = None,
) -> User:
    """Creates the person `username`, or updates everything but the ids. `user_id` fixes the id
    (1 to 64 of `0-9A-Za-z_.-`); `country` is ISO 3166-1 alpha-2. Raises InvalidInput, and
    UsernameTaken when the name is another's."""
    name = username.strip().lower()
    if not 1 <= len(name) <= 100 or not name.isprintable() or not store.lawful(name):
        raise InvalidInput("A username has 1 to 100 printable characters and no slash.")
    if user_id is not None and not _USER_ID.fullmatch(user_id):
        raise InvalidInput("A user_id has 1 to 64 letters, digits, dots, hyphens or underscores.")
    if tier not in ("free", "premium"):
        raise InvalidInput("A tier is free or premium.")
    check_password(password)
    check_country(country)
    hashed = await passwords.hash_in_turn(password)

    def change(present: User | None, own_id: str) -> User:
        return User(
            id=own_id,
            account_id=present.account_id if present else random_id(),
            username=name,
            display_name=display_name,
            email=email,
            country=country,
            tier=tier,
            password_hash=hashed,
            explicit_filter=present.explicit_filter if present else explicit_filter,
            image_url=image_url or (present.image_url if present else None),
        )

    return await _store_user(name, user_id, change, replace=True)


async def sign_up(
    username: str, password: str, email: str, country: str, display_name: str
) -> User:
    """A new person, on the free tier; every value has been checked. Raises UsernameTaken, also
    for the slower of two who want the same name at once."""
    hashed = await passwords.hash_in_turn(password)

    def change(_: User | None, own_id: str) -> User:
        return User(
            id=own_id,
            account_id=random_id(),
            username=username,
            display_name=display_name,
            email=email,
            country=country,
            tier="free",
            password_hash=hashed,
        )

    return await _store_user(username, None, change, replace=False)


def check_password(password: str) -> None:
    """Raises InvalidInput for one that is too short or too long."""
    if not 8 <= len(password.encode("utf-8", "replace")) <= passwords.MAX_PASSWORD_BYTES:
        raise InvalidInput(f"A password has 8 to {passwords.MAX_PASSWORD_BYTES} bytes.")


def check_country(country: str) -> None:
    """Raises InvalidInput for what is no ISO 3166-1 alpha-2 code."""
    if len(country) != 2 or not (country.isascii() and country.isalpha() and country.isupper()):
        raise InvalidInput("A country is two capital letters (ISO 3166-1 alpha-2).")


async def _store_user(
    name: str, own_id: str | None, change: Callable[[User | None, str], User], *, replace: bool
) -> User:
    """Stores what `change` makes of the present person, together with the name that is theirs."""

    async def read(work: Work) -> None:
        await store.load(
            work, [(topology.USERNAMES, name, Username), (topology.USERS, default_id(name), User)]
        )
        taken = work.get(topology.USERNAMES, name, Username)
        wanted = own_id or (taken.user_id if taken else default_id(name))
        await store.load(work, [(topology.USERS, wanted, User)])
        present = work.get(topology.USERS, wanted, User)
        if present and present.username != name:
            await store.load(work, [(topology.USERNAMES, present.username, Username)])

    def decide(work: Work) -> User:
        taken = work.get(topology.USERNAMES, name, Username)
        named = work.get(topology.USERS, default_id(name), User)
        holder = taken.user_id if taken else named.id if named and named.username == name else None
        wanted = own_id or holder or default_id(name)
        present = work.get(topology.USERS, wanted, User)
        user = change(present, wanted)
        if holder not in (None, wanted):
            raise UsernameTaken(f"The username {name} is taken.")
        # An earlier attempt of ours whose answer was lost has left our own salted hash.
        if present and not replace and present.password_hash != user.password_hash:
            raise UsernameTaken(f"The username {name} is taken.")
        work.put(topology.USERS, wanted, user)
        work.put(topology.USERNAMES, name, Username(user_id=wanted))
        if present and present.username != name:
            work.delete(topology.USERNAMES, present.username)
        return user

    user = await store.in_one_commit(read, decide)
    _users.forget(user.id)
    return user


async def create_client(
    client_id: str,
    name: str,
    redirect_uris: Sequence[str],
    secret: str | None,
    scopes: Sequence[str],
    *,
    first_party: bool = False,
) -> Client:
    """Registers the app `client_id` or replaces its registration; without `secret` it is public.
    A secret is random and at least 32 characters long: it is stored as a plain hash. Raises
    InvalidInput."""
    if not _CLIENT_ID.fullmatch(client_id):
        raise InvalidInput("A client_id has 1 to 100 letters, digits and hyphens.")
    check_redirect_uris(redirect_uris)
    if secret is not None and len(secret) < passwords.MIN_SECRET_LENGTH:
        raise InvalidInput(f"A client secret has {passwords.MIN_SECRET_LENGTH} characters or more.")
    if unknown := [scope for scope in scopes if not is_scope(scope)]:
        raise InvalidInput(f"Unknown scopes: {' '.join(unknown)}.")
    client = Client(
        id=client_id,
        name=name,
        redirect_uris=tuple(redirect_uris),
        scopes=tuple(scopes),
        secret_hash=passwords.digest(secret) if secret is not None else None,
        first_party=first_party,
    )
    await store.put_client(client)
    return client


def check_redirect_uris(uris: Sequence[str]) -> None:
    """Raises InvalidInput that names the first of `uris` that must not be registered."""
    for uri in uris:
        if fault := redirects.fault_of(uri):
            raise InvalidInput(f"redirect_uri {uri!r}: {fault}.")
