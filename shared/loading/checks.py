"""Checks of a catalogue that need what is stored, or a feature's own rules. Nothing is written."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from shared.accounts import service as accounts
from shared.accounts.scopes import OPERATOR_SCOPES, SCOPES, is_scope
from shared.catalog import service as catalog
from shared.loading.faults import Faults
from shared.loading.fields import Kind
from shared.loading.reading import Catalogue
from shared.platform.errors import InvalidInput
from shared.playlists import service as playlists
from shared.podcasts import service as podcasts

Lookup = Callable[[Sequence[str]], Awaitable[Sequence[object | None]]]

READ_AT_ONCE = 100
READS_UNDER_WAY = 8


async def _playlists(ids: Sequence[str]) -> Sequence[object | None]:
    return await playlists.get_playlists(None, ids)


_LOOKUPS: dict[Kind, Lookup] = {
    "artist": catalog.get_artists,
    "album": catalog.get_albums,
    "track": catalog.get_tracks,
    "show": podcasts.get_shows,
    "episode": podcasts.get_episodes,
    "playlist": _playlists,
    "user": accounts.get_users,
}


async def check(catalogue: Catalogue) -> None:
    """Raises InvalidCatalogue with every fault."""
    faults = Faults()
    _check_clients(catalogue, faults)
    await _check_usernames(catalogue, faults)
    await _check_references(catalogue, faults)
    faults.check()


def _check_clients(catalogue: Catalogue, faults: Faults) -> None:
    for client in catalogue.clients:
        where = catalogue.places["client", client.client_id]
        try:
            accounts.check_redirect_uris(client.redirect_uris)
        except InvalidInput as fault:
            faults.add(where, f"client {client.client_id}: {fault.message}")
        if unknown := [scope for scope in client.scopes or () if not is_scope(scope)]:
            known = " ".join([*SCOPES, *OPERATOR_SCOPES])
            faults.add(where, f"client {client.client_id}: no scope {unknown[0]!r} in: {known}")


async def _check_usernames(catalogue: Catalogue, faults: Faults) -> None:
    """A name that another person signs in with is not given away."""
    lines = iter(catalogue.users)

    async def work() -> None:
        for line in lines:
            name = line.username or line.id
            holder = await accounts.find_by_username(name)
            if holder is not None and holder.id != line.id:
                where = catalogue.places["user", line.id]
                faults.add(where, f"username {name!r} is taken by user {holder.id}; choose another")

    async with asyncio.TaskGroup() as group:
        for _ in range(READS_UNDER_WAY):
            group.create_task(work())


async def _check_references(catalogue: Catalogue, faults: Faults) -> None:
    """What stands in no line must be in the catalogue already."""
    for kind, lookup in _LOOKUPS.items():
        ids = [name for of, name in catalogue.open_references if of == kind]
        for start in range(0, len(ids), READ_AT_ONCE):
            part = ids[start : start + READ_AT_ONCE]
            for name, found in zip(part, await lookup(part), strict=True):
                if found is None:
                    faults.add(
                        catalogue.open_references[kind, name],
                        f"there is no {kind} {name!r}: add its line, or leave it out",
                    )
