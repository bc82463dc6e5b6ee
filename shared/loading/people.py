"""People and apps of a catalogue: accounts, playlists, what they follow, saved and played."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from shared.accounts import passwords
from shared.accounts import service as accounts
from shared.accounts.scopes import SCOPES
from shared.browse import service as browse
from shared.browse.models import ANY_MARKET, Category, Featured
from shared.history import service as history
from shared.history.models import PlaybackEvent
from shared.ingestion import artwork
from shared.library import service as library
from shared.library.models import LibraryKind
from shared.loading import documents, pictures, reading
from shared.loading.fields import PlayedEntry, SavedEntry
from shared.loading.lines import ClientLine, PlaylistLine, UserLine
from shared.loading.reading import Catalogue
from shared.platform.ids import content_id
from shared.playlists import service as playlists
from shared.playlists.models import LoadedPlaylist
from shared.podcasts import service as podcasts
from shared.social import activity
from shared.social import service as social
from shared.social.models import FollowKind

T = TypeVar("T")
Progress = Callable[[str, int, int], None]

UNDER_WAY = 8
SAVED_AT_ONCE = 50


async def load(
    catalogue: Catalogue, images: pictures.Images, now: datetime, tell: Progress
) -> None:
    """Loads accounts first, since all else names them."""
    await _each(catalogue.clients, _client)
    tell("clients", len(catalogue.clients), len(catalogue.clients))
    done = 0

    async def account(line: UserLine) -> None:
        nonlocal done
        await _account(line)
        done += 1
        tell("users", done, len(catalogue.users))

    await _each(catalogue.users, account)
    await playlists.load([await _playlist(line) for line in catalogue.playlists])
    tell("playlists", len(catalogue.playlists), len(catalogue.playlists))
    await browse.load(_categories(catalogue, images), _featured(catalogue))
    tell("categories", len(catalogue.categories), len(catalogue.categories))
    await _each(catalogue.users, lambda line: _belongings(line, now))
    plays = 0
    for line in catalogue.users:
        plays += await _plays(line, now)
    tell("plays", plays, plays)


async def replay(files: Sequence[Path], now: datetime) -> int:
    """Writes the plays of the users in `files`; returns how many."""
    plays = 0
    for line in reading.users(files):
        plays += await _plays(line, now)
    return plays


async def _playlist(line: PlaylistLine) -> LoadedPlaylist:
    if line.image is None:
        return documents.playlist(line, None)
    file = Path(line.image)
    sizes = await asyncio.to_thread(lambda: artwork.scaled(file.read_bytes()))
    assert sizes is not None  # pictures were checked when the others were stored
    return documents.playlist(line, sizes[artwork.SIZES_PX[0]])


async def _client(line: ClientLine) -> None:
    await accounts.create_client(
        client_id=line.client_id,
        name=line.name or line.client_id,
        redirect_uris=line.redirect_uris,
        secret=line.secret,
        scopes=tuple(SCOPES) if line.scopes is None else line.scopes,
        first_party=line.first_party,
    )


async def _account(line: UserLine) -> None:
    """Creates or updates the person; one who is as the line says already stays untouched, since
    each hash of a password has a salt of its own."""
    username = line.username or line.id
    wanted = {
        "username": username.strip().lower(),
        "email": line.email or f"{line.id}@segue.example",
        "country": line.country,
        "display_name": line.display_name or username,
    }
    (held,) = await accounts.get_users([line.id])
    if (
        held is not None
        and held.tier == line.tier
        and all(getattr(held, name) == value for name, value in wanted.items())
        and await passwords.verify_password(held.password_hash, line.password)
    ):
        return
    await accounts.create_user(
        wanted["username"],
        line.password,
        wanted["email"],
        line.country,
        line.tier,
        wanted["display_name"],
        user_id=line.id,
    )


def _categories(catalogue: Catalogue, images: pictures.Images) -> list[Category]:
    return [
        Category(
            id=line.id,
            name=line.name,
            names=line.names,
            icons=(images.of(line),),
            playlist_ids=line.playlists,
            position=position,
        )
        for position, line in enumerate(catalogue.categories)
    ]


def _featured(catalogue: Catalogue) -> list[Featured]:
    return [
        Featured(
            market=line.market or ANY_MARKET,
            message=line.message,
            messages=line.messages,
            playlist_ids=line.playlists,
        )
        for line in catalogue.featured
    ]


async def _belongings(line: UserLine, now: datetime) -> None:
    followed: tuple[tuple[FollowKind, tuple[str, ...]], ...] = (
        ("artist", line.follows_artists),
        ("user", line.follows_users),
        ("playlist", line.follows_playlists),
    )
    for follow_kind, ids in followed:
        await social.load(line.id, follow_kind, ids)
    saved: tuple[tuple[LibraryKind, tuple[SavedEntry, ...]], ...] = (
        ("track", line.saved_tracks),
        ("album", line.saved_albums),
        ("show", line.saved_shows),
        ("episode", line.saved_episodes),
    )
    for kind, entries in saved:
        await _save(line.id, kind, entries, now)
    for point in line.resume_points:
        await podcasts.set_resume_point(
            line.id,
            point.episode,
            point.position_ms,
            point.fully_played,
            point.at or documents.CREATED_AT,
        )
    if line.shows_activity:
        times = [_moment(one, now) for one in line.played]
        await activity.set_sharing(line.id, True, since=min([now, *times]))


async def _save(
    user_id: str, kind: LibraryKind, entries: Sequence[SavedEntry], now: datetime
) -> None:
    """Saves `entries`, the first as the newest; those without a date a minute apart, before
    `now`."""
    added_at = {
        one.id: one.added_at or now - timedelta(minutes=place)
        for place, one in enumerate(entries, start=1)
    }
    ids = list(added_at)
    for start in range(0, len(ids), SAVED_AT_ONCE):
        await library.load(user_id, kind, ids[start : start + SAVED_AT_ONCE], added_at)


def _moment(play: PlayedEntry, now: datetime) -> datetime:
    return play.at or now - timedelta(hours=play.hours_ago or 0)


async def _plays(line: UserLine, now: datetime) -> int:
    def event(place: int, play: PlayedEntry) -> PlaybackEvent:
        event_id = content_id("loaded-play", line.id, str(place), play.track)
        return PlaybackEvent(
            event_id=event_id,
            type="play_started",
            track_id=play.track,
            session_id=event_id,
            position_ms=0,
            ts=_moment(play, now).astimezone(UTC),
            context_uri=play.context_uri,
            user_id=line.id,
            country=line.country,
            tier=line.tier,
        )

    await _each([event(place, play) for place, play in enumerate(line.played)], history.load)
    return len(line.played)


async def _each(items: Iterable[T], work: Callable[[T], Awaitable[None]]) -> None:
    """Calls `work` with every item, a few at a time."""
    drawn: Iterator[T] = iter(items)

    async def worker() -> None:
        for item in drawn:
            await work(item)

    async with asyncio.TaskGroup() as group:
        for _ in range(UNDER_WAY):
            group.create_task(worker())
