"""Saving, and reading what is saved: read-your-writes on every instance (F155-F157, F163).

Pages are kept in process by the library's version, and each request checks that version in the
store, by a read that the requests of an instance share. A warm page costs no more than that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from shared.library import store
from shared.library.cursor import Cursor
from shared.library.models import Library, LibraryKind, SavedPage, moment
from shared.library.revalidation import SharedReads
from shared.platform.cache import ReadThroughCache
from shared.platform.errors import InvalidInput
from shared.platform.ids import content_id, is_id
from shared.signals import service as signals
from shared.signals.models import Signal, SignalKind
from shared.signals.subjects import subject

PAGES_KEPT = 5_000  # about 10 kB each
PAGE_TTL_S = 3600  # a page of a version is true for ever; this bounds what lies about unused
MAX_IDS = 50  # of one change

_libraries: SharedReads[store.Key, Library] = SharedReads(store.libraries)
_Key = tuple[str, LibraryKind, int, int, int]  # user, kind, limit, offset, version


async def _read_page(keys: Sequence[_Key]) -> dict[_Key, SavedPage]:
    """The page of the one key in `keys`, of its version or a later one."""
    (key,) = keys
    library, found = await store.page(*key[:4])
    return {key: SavedPage(found, library.count, library.version)}


_pages: ReadThroughCache[_Key, SavedPage] = ReadThroughCache(
    _read_page, maximum=PAGES_KEPT, ttl_s=PAGE_TTL_S, negative_ttl_s=0
)


async def save(
    user_id: str,
    kind: LibraryKind,
    ids: Sequence[str],
    added_at: Mapping[str, datetime] | None = None,
    *,
    suspected: bool = False,
) -> None:
    """Saves `ids`, at most `MAX_IDS`, all of them or none; those saved before keep their date.

    `added_at` is for clients that know better when a thing was saved; the rest is saved now.
    Whether the things exist is for the one who calls. What is `suspected` to be a machine's (F286)
    teaches nobody anything. Raises InvalidInput.
    """
    now, said = datetime.now(UTC), added_at or {}
    wanted = _checked(ids)
    new = await store.save(
        user_id, kind, {item_id: moment(said.get(item_id, now), now) for item_id in wanted}
    )
    await _tell("save", user_id, kind, new, now, suspected)


async def load(
    user_id: str, kind: LibraryKind, ids: Sequence[str], added_at: Mapping[str, datetime]
) -> None:
    """`save` for a catalogue that is being loaded: it is a signal of nobody's taste."""
    now = datetime.now(UTC)
    await store.save(
        user_id,
        kind,
        {item_id: moment(added_at.get(item_id, now), now) for item_id in _checked(ids)},
    )


async def remove(
    user_id: str, kind: LibraryKind, ids: Sequence[str], *, suspected: bool = False
) -> None:
    """Removes `ids`, at most `MAX_IDS`; those that are not saved make no difference. `suspected`
    as in `save`. Raises InvalidInput."""
    gone = await store.remove(user_id, kind, _checked(ids))
    await _tell("unsave", user_id, kind, gone, datetime.now(UTC), suspected)


async def contains(user_id: str, kind: LibraryKind, ids: Sequence[str]) -> list[bool]:
    """For each of `ids`, at most `MAX_IDS`, whether it is saved. Raises InvalidInput."""
    held = await store.contained(user_id, kind, _checked(ids))
    return [item_id in held for item_id in ids]


async def saved(user_id: str, kind: LibraryKind, limit: int, offset: int) -> SavedPage:
    """At most `limit` saved things from `offset` on."""
    current = await _libraries.get((user_id, kind))
    assert current is not None  # the store gives empty ones too
    page = await _pages.get((user_id, kind, limit, offset, current.version))
    assert page is not None
    return page


async def saved_after(
    user_id: str, kind: LibraryKind, limit: int, cursor: Cursor | None
) -> tuple[SavedPage, Cursor | None]:
    """At most `limit` saved things behind `cursor` (None: the newest), and the next cursor, None
    on the last page."""
    # One more than asked for tells whether there is a next page.
    library, found = await store.page(
        user_id, kind, limit + 1, after=cursor.item if cursor else None
    )
    page = SavedPage(found[:limit], library.count, library.version)
    if len(found) <= limit:
        return page, None
    return page, Cursor(page.items[-1], (cursor.offset if cursor else 0) + limit)


async def _tell(
    did: SignalKind,
    user_id: str,
    kind: LibraryKind,
    ids: Sequence[str],
    at: datetime,
    suspected: bool,
) -> None:
    await signals.publish(
        Signal(
            event_id=content_id(did, user_id, kind, item_id, at.isoformat()),
            user_id=user_id,
            kind=did,
            ts=at,
            suspected=suspected or None,
            **subject(f"spotify:{kind}:{item_id}"),
        )
        for item_id in ids
    )


def _checked(ids: Sequence[str]) -> list[str]:
    """`ids` without repetitions. Raises InvalidInput."""
    if len(ids) > MAX_IDS:
        raise InvalidInput(f"ids: too many ids requested; {MAX_IDS} at most")
    for one in ids:
        if not is_id(one):
            raise InvalidInput("ids: Invalid base62 id")
    return list(dict.fromkeys(ids))
