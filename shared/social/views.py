"""What people see of those whom they follow: social's ids joined with the things they name."""

from __future__ import annotations

from shared.accounts import service as accounts
from shared.catalog import service as catalog
from shared.catalog.render import artist_object
from shared.social import activity, render, service
from shared.social.shapes import FollowedArtistsObject, FriendActivityObject


async def followed_artists(user_id: str, limit: int, after: str | None) -> FollowedArtistsObject:
    """A cursor page of the artists that `user_id` follows, newest first. Raises InvalidInput for
    a malformed `after`."""
    page = await service.following_after(user_id, "artist", limit, after)
    artists = await catalog.get_artists(page.ids)
    followers = await service.follower_counts("artist", page.ids)
    shown = [artist_object(artist, followers[artist.id]) for artist in artists if artist]
    return render.followed_artists(shown, page.total, limit, after, page.after)


async def friend_activity(user_id: str, limit: int, market: str | None) -> FriendActivityObject:
    """What those whom `user_id` follows played last, newest first; plays of people or tracks that
    are no longer here are left out."""
    plays = await activity.friends_activity(user_id, limit)
    users = await accounts.get_users([friend_id for friend_id, _ in plays])
    tracks = await catalog.get_tracks([play.track_id for _, play in plays])
    return {
        "enabled": await activity.is_sharing(user_id),
        "items": [
            render.friend_play(user, track, play, market)
            for user, track, (_, play) in zip(users, tracks, plays, strict=True)
            if user and track
        ],
    }
