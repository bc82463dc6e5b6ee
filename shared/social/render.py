"""What social shows, in the Web API's shapes; pure but for the addresses in the settings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlencode

from shared.accounts.models import User
from shared.accounts.render import user_ref
from shared.catalog.models import Track
from shared.catalog.render import track_object
from shared.catalog.shapes import ArtistObject
from shared.platform.settings import settings
from shared.social.models import LastPlay, Share
from shared.social.shapes import (
    FollowedArtistsObject,
    FriendPlayObject,
    ShareObject,
)


def followed_artists(
    artists: Sequence[ArtistObject],
    total: int,
    limit: int,
    after: str | None,
    following: str | None,
) -> FollowedArtistsObject:
    """A cursor page of artists; `following` is the cursor of the next page, None on the last."""
    return {
        "artists": {
            "href": _address(limit, after),
            "items": list(artists),
            "limit": limit,
            "next": _address(limit, following) if following else None,
            "cursors": {"after": following or ""},  # never null in the published document
            "total": total,
        }
    }


def _address(limit: int, after: str | None) -> str:
    parameters = {"type": "artist", "limit": str(limit), **({"after": after} if after else {})}
    return f"{settings().public_url}/v1/me/following?{urlencode(parameters)}"


def friend_play(user: User, track: Track, play: LastPlay, market: str | None) -> FriendPlayObject:
    """What `user` played last."""
    uri = play.context_uri
    return {
        "user": user_ref(user, settings().public_url),
        "track": track_object(track, market),
        "played_at": rfc3339(play.played_at),
        "context": {"type": uri.split(":")[1], "uri": uri} if uri and ":" in uri else None,
    }


def share_object(share: Share) -> ShareObject:
    """A share link."""
    return {
        "id": share.id,
        "url": f"{settings().public_url}/#/share/{share.id}",
        "uri": share.uri,
        "created_at": rfc3339(share.created_at),
        "expires_at": rfc3339(share.expires_at),
    }


def rfc3339(moment: datetime) -> str:
    """`moment`, which has a time zone of UTC, to the second."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
