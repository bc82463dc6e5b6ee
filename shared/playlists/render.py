"""Playlists in the Web API's shapes. Pure but for the addresses in the settings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import cast

from shared.accounts import render as accounts_render
from shared.accounts.shapes import UserReference
from shared.catalog.markets import available_markets
from shared.catalog.render import external_urls, href, images, page, track_object, uri
from shared.platform.settings import settings
from shared.platform.shapes import Image, Page
from shared.playlists.contents import Contents
from shared.playlists.models import Item, Playlist
from shared.playlists.shapes import (
    ListedEpisodeObject,
    ListedObject,
    PlaylistObject,
    PlaylistTrackObject,
    SimplifiedPlaylistObject,
)
from shared.playlists.snapshots import snapshot_id
from shared.podcasts.models import Episode, Show
from shared.podcasts.render import episode_object

PLAYLIST_PAGE = 100  # items inside a playlist object
BOTH_TYPES = frozenset({"track", "episode"})


def simplified_playlist(playlist: Playlist, contents: Contents) -> SimplifiedPlaylistObject:
    """SimplifiedPlaylistObject; `contents` has the owner and the first item."""
    address = href("playlist", playlist.id)
    count = playlist.item_count
    return {
        "collaborative": playlist.collaborative,
        "description": playlist.description or "",
        "external_urls": external_urls("playlist", playlist.id),
        "href": address,
        "id": playlist.id,
        "images": cover_images(playlist, contents),
        "items": {"href": f"{address}/items", "total": count},
        "name": playlist.name,
        "owner": _user(playlist.owner_id, contents),
        "primary_color": None,
        "public": playlist.public,
        "snapshot_id": snapshot_id(playlist.id, playlist.version),
        "tracks": {"href": f"{address}/tracks", "total": count},
        "type": "playlist",
        "uri": uri("playlist", playlist.id),
    }


def playlist_object(
    playlist: Playlist,
    items: Sequence[Item],
    contents: Contents,
    followers: int,
    market: str | None = None,
    additional_types: str | None = None,
) -> PlaylistObject:
    """PlaylistObject; `items` are the first `PLAYLIST_PAGE` of the playlist's."""
    listed = [_listed(item, contents, market, known_types(additional_types)) for item in items]

    def first_page(path: str) -> Page[PlaylistTrackObject]:
        return page(
            listed,
            f"{href('playlist', playlist.id)}/{path}",
            playlist.item_count,
            PLAYLIST_PAGE,
            0,
            market=market,
            additional_types=additional_types,
        )

    shown = simplified_playlist(playlist, contents)
    return {
        "collaborative": shown["collaborative"],
        "description": shown["description"],
        "external_urls": shown["external_urls"],
        "followers": {"href": None, "total": followers},
        "href": shown["href"],
        "id": shown["id"],
        "images": shown["images"],
        "items": first_page("items"),
        "name": shown["name"],
        "owner": shown["owner"],
        "primary_color": shown["primary_color"],
        "public": shown["public"],
        "snapshot_id": shown["snapshot_id"],
        "tracks": first_page("tracks"),
        "type": "playlist",
        "uri": shown["uri"],
    }


def items_page(
    playlist: Playlist,
    path: str,
    items: Sequence[Item],
    contents: Contents,
    limit: int,
    offset: int,
    market: str | None = None,
    additional_types: str | None = None,
    fields: str | None = None,
) -> Page[PlaylistTrackObject]:
    """PagingObject of PlaylistTrackObjects at `path`, `tracks` or `items`."""
    types = known_types(additional_types)
    return page(
        [_listed(item, contents, market, types) for item in items],
        f"{href('playlist', playlist.id)}/{path}",
        playlist.item_count,
        limit,
        offset,
        market=market,
        additional_types=additional_types,
        fields=fields,
    )


def known_types(additional_types: str | None) -> frozenset[str]:
    """The item types that a client knows; every client knows tracks."""
    asked = (one.strip() for one in (additional_types or "").split(","))
    return BOTH_TYPES.intersection((*asked, "track"))


def cover_images(playlist: Playlist, contents: Contents) -> list[Image]:
    """The uploaded cover in its sizes, widest first, or else the picture of the first item."""
    cover = playlist.cover
    if cover is not None:
        address = f"{settings().images_url}/covers/{cover.path}"
        return [
            {"url": f"{address}/{size}.jpg", "height": size, "width": size}
            for size in cover.sizes_px
        ]
    first = playlist.first_uri or ""
    if track := contents.tracks.get(first):
        return images(track.album.images)
    if pair := contents.episodes.get(first):
        episode, show = pair
        return images(episode.images or show.images)
    return []


def timestamp(at: datetime) -> str:
    """`at` as RFC 3339, in UTC, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _listed(
    item: Item, contents: Contents, market: str | None, types: frozenset[str]
) -> PlaylistTrackObject:
    content = _content(item.uri, contents, market, types)
    return {
        "added_at": timestamp(item.added_at),
        "added_by": _user(item.added_by, contents),
        "is_local": False,
        "item": content,
        "primary_color": None,
        "track": content,
        "video_thumbnail": {"url": None},
    }


def _content(
    item_uri: str, contents: Contents, market: str | None, types: frozenset[str]
) -> ListedObject:
    if track := contents.tracks.get(item_uri):
        return {**track_object(track, market), "episode": False, "track": True}
    if pair := contents.episodes.get(item_uri):
        return _episode(*pair, market, "episode" in types)
    return None


def _episode(
    episode: Episode, show: Show, market: str | None, is_known: bool
) -> ListedEpisodeObject:
    shown = cast(
        ListedEpisodeObject,
        {**episode_object(episode, show, market), "episode": True, "track": False},
    )
    if is_known:
        return shown
    shown["album"] = {
        "album_type": "compilation",
        "artists": [],
        "available_markets": available_markets(show.territories),
        "external_urls": external_urls("show", show.id),
        "href": href("show", show.id),
        "id": show.id,
        "images": images(show.images),
        "name": show.name,
        "release_date": episode.release_date,
        "release_date_precision": episode.release_date_precision,
        "total_tracks": show.total_episodes,
        "type": "album",
        "uri": uri("show", show.id),
    }
    shown["artists"] = [
        {
            "external_urls": external_urls("show", show.id),
            "href": href("show", show.id),
            "id": show.id,
            "name": show.publisher,
            "type": "artist",
            "uri": uri("show", show.id),
        }
    ]
    shown["available_markets"] = available_markets(show.territories)
    shown["disc_number"] = 0
    shown["external_ids"] = {}
    shown["is_local"] = False
    shown["popularity"] = 0
    shown["preview_url"] = episode.audio_preview_url
    shown["track_number"] = 0
    return shown


def _user(user_id: str, contents: Contents) -> UserReference:
    user = contents.users.get(user_id)
    if user is not None:
        return accounts_render.user_ref(user, settings().public_url)
    # Somebody whose account is no more; what they added is still theirs.
    return {
        "display_name": None,
        "external_urls": external_urls("user", user_id),
        "href": href("user", user_id),
        "id": user_id,
        "type": "user",
        "uri": uri("user", user_id),
    }
