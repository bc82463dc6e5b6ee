"""Who may do what with a playlist, and with which token. Pure.

A private playlist is not there for others (404), so nobody learns that it exists; one that can be
seen but not changed is refused (403). A collaborative playlist is never public, and open to
everybody who has its address.
"""

from __future__ import annotations

from shared.platform.auth import Principal
from shared.platform.errors import Forbidden, InsufficientScope, NotFound
from shared.playlists.models import Playlist

MODIFY_PUBLIC = "playlist-modify-public"
MODIFY_PRIVATE = "playlist-modify-private"
READ_PRIVATE = "playlist-read-private"
READ_COLLABORATIVE = "playlist-read-collaborative"


def modify_scope(public: bool) -> str:
    """The scope to change a playlist that is public or is not."""
    return MODIFY_PUBLIC if public else MODIFY_PRIVATE


def not_found(playlist_id: str) -> NotFound:
    """What somebody is told who may not see a playlist, or where there is none."""
    return NotFound(f"Non existing id: 'spotify:playlist:{playlist_id}'")


def check_visible(playlist: Playlist, caller: Principal) -> None:
    """Raises NotFound unless the caller may see it."""
    if not playlist.may_be_seen_by(caller.user_id):
        raise not_found(playlist.id)


def check_readable(playlist: Playlist, caller: Principal) -> None:
    """Raises NotFound, or InsufficientScope where the token does not show what its user may
    see."""
    check_visible(playlist, caller)
    if not is_shown(playlist, caller):
        needed = READ_COLLABORATIVE if playlist.collaborative else READ_PRIVATE
        raise InsufficientScope(f"Insufficient client scope; it needs: {needed}")


def is_shown(playlist: Playlist, caller: Principal) -> bool:
    """Whether the caller may see it and the token shows it."""
    if not playlist.may_be_seen_by(caller.user_id):
        return False
    if playlist.collaborative:
        return READ_COLLABORATIVE in caller.scopes or READ_PRIVATE in caller.scopes
    return playlist.public or READ_PRIVATE in caller.scopes


def check_editable(playlist: Playlist, caller: Principal) -> None:
    """Raises NotFound, Forbidden or InsufficientScope unless the caller may change the items."""
    check_visible(playlist, caller)
    if not playlist.may_be_edited_by(caller.require_user()):
        raise Forbidden("You cannot add or remove items of a playlist you don't own")
    caller.require_scope(modify_scope(playlist.public))


def check_owned(playlist: Playlist, caller: Principal) -> None:
    """Raises NotFound, Forbidden or InsufficientScope unless the caller may change the playlist
    itself."""
    check_visible(playlist, caller)
    if playlist.owner_id != caller.require_user():
        raise Forbidden("You cannot change a playlist you don't own")
    caller.require_scope(modify_scope(playlist.public))
