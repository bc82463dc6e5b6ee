"""Libraries of everything: URIs of several kinds in one request (`/v1/me/library`).

Tracks, albums, shows and episodes are saved; artists, people and playlists are followed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

from shared.library import existence, requests, service
from shared.library.existence import Kind
from shared.library.models import KINDS
from shared.platform.auth import Principal
from shared.platform.errors import NotFound
from shared.social import service as social

Named = Sequence[tuple[Kind, str]]

# Any of these lets a request in; what it names decides which it needs.
ANY_MODIFY = ["user-library-modify", "user-follow-modify", "playlist-modify-public"]
ANY_READ = ["user-library-read", "user-follow-read", "playlist-read-private"]

# What each kind needs of a token, to change it and to ask for it.
MODIFY_SCOPES: dict[str, str] = {
    **dict.fromkeys((*KINDS, "audiobook"), "user-library-modify"),
    **dict.fromkeys(("artist", "user"), "user-follow-modify"),
    "playlist": "playlist-modify-public",
}
READ_SCOPES: dict[str, str] = {
    **dict.fromkeys((*KINDS, "audiobook"), "user-library-read"),
    **dict.fromkeys(("artist", "user"), "user-follow-read"),
    "playlist": "playlist-read-private",
}


async def save(caller: Principal, named: Named) -> None:
    """Saves or follows all of `named`, or, where one of them is unknown, none. Kinds are changed
    one after the other: after a failure the same call again completes it. Raises NotFound,
    InsufficientScope."""
    user_id = _allowed(caller, named, MODIFY_SCOPES)
    requests.no_audiobooks(named)
    by_kind = _by_kind(named)
    for kind, ids in by_kind.items():
        await existence.require(user_id, kind, ids)
    for kind, ids in by_kind.items():
        if kind in KINDS:
            await service.save(user_id, kind, ids, suspected=caller.suspected)
        elif kind in ("artist", "user"):
            await social.follow(user_id, kind, ids, suspected=caller.suspected)
        elif kind == "playlist":
            from shared.playlists import service as playlists  # what it needs, few requests do

            for playlist_id in ids:
                await playlists.follow(caller, playlist_id, public=True)


async def remove(caller: Principal, named: Named) -> None:
    """Removes or unfollows all of `named`; those that are not there make no difference. A playlist
    of the caller's own is thereby deleted. Raises InsufficientScope."""
    user_id = _allowed(caller, named, MODIFY_SCOPES)
    for kind, ids in _by_kind(named).items():
        if kind in KINDS:
            await service.remove(user_id, kind, ids, suspected=caller.suspected)
        elif kind in ("artist", "user"):
            await social.unfollow(user_id, kind, ids, suspected=caller.suspected)
        elif kind == "playlist":
            from shared.playlists import service as playlists

            for playlist_id in ids:
                with suppress(NotFound):
                    await playlists.unfollow(caller, playlist_id)


async def contains(caller: Principal, named: Named) -> list[bool]:
    """For each of `named`, whether it is saved or followed. Raises InsufficientScope."""
    user_id = _allowed(caller, named, READ_SCOPES)
    held: dict[tuple[str, str], bool] = {}
    for kind, ids in _by_kind(named).items():
        if kind in KINDS:
            answers = await service.contains(user_id, kind, ids)
        elif kind in ("artist", "user", "playlist"):
            answers = await social.is_following(user_id, kind, ids)
        else:
            answers = [False] * len(ids)
        held.update(((kind, one), answer) for one, answer in zip(ids, answers, strict=True))
    return [held[one] for one in named]


def _allowed(caller: Principal, named: Named, scopes: Mapping[str, str]) -> str:
    for kind, _ in named:
        caller.require_scope(scopes[kind])
    return caller.require_user()


def _by_kind(named: Named) -> dict[Kind, list[str]]:
    grouped: dict[Kind, list[str]] = {}
    for kind, item_id in dict.fromkeys(named):
        grouped.setdefault(kind, []).append(item_id)
    return grouped
