"""Shows, episodes and resume points in Firestore."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import TypeVar

from shared import topology
from shared.catalog.models import Document
from shared.platform import bulk, clients
from shared.platform.contention import retried
from shared.platform.scanning import scan
from shared.podcasts.models import Episode, ResumePoint, Show

D = TypeVar("D", bound=Document)


async def read_shows(show_ids: Sequence[str]) -> dict[str, Show]:
    """Those shows that exist, by id, in one round trip."""
    return await _read(topology.SHOWS, Show, show_ids)


async def read_episodes(episode_ids: Sequence[str]) -> dict[str, Episode]:
    """Those episodes that exist, by id, in one round trip."""
    return await _read(topology.EPISODES, Episode, episode_ids)


async def read_episode_ids(show_id: str, limit: int) -> tuple[str, ...]:
    """Ids of a show's newest episodes, newest first, at most `limit`."""
    from google.cloud.firestore import FieldFilter, Query

    query = (
        clients.collection(topology.EPISODES)
        .where(filter=FieldFilter("show_id", "==", show_id))
        .order_by("release_date", direction=Query.DESCENDING)
        .select(["release_date", "number"])
        .limit(limit)
    )
    found = [(one.get("release_date"), one.get("number"), one.id) async for one in query.stream()]
    return tuple(episode_id for _, _, episode_id in sorted(found, reverse=True))


def scan_shows() -> AsyncIterator[list[Show]]:
    """Every show, a page at a time, without its description in HTML."""
    return scan(topology.SHOWS, Show, without={"html_description"})


def scan_episodes() -> AsyncIterator[list[Episode]]:
    """Every episode, a page at a time, without its descriptions."""
    return scan(topology.EPISODES, Episode, without={"description", "html_description"})


async def write_all(shows: Iterable[Show], episodes: Iterable[Episode]) -> None:
    """Stores all of them over what is there."""
    await bulk.write(topology.SHOWS, ((one.id, one.to_document()) for one in shows))
    await bulk.write(topology.EPISODES, ((one.id, one.to_document()) for one in episodes))


async def read_resume_points(user_id: str, episode_ids: Sequence[str]) -> dict[str, ResumePoint]:
    """The person's resume points at those episodes that have one, in one round trip."""
    keys = [_resume_key(user_id, one) for one in episode_ids]
    found = await _read(topology.RESUME_POINTS, ResumePoint, keys)
    return {point.episode_id: point for point in found.values()}


async def write_resume_point(point: ResumePoint) -> ResumePoint:
    """Stores `point` unless a later report is there; returns what then stands."""
    from google.api_core.exceptions import AlreadyExists, FailedPrecondition, NotFound

    key = _resume_key(point.user_id, point.episode_id)
    reference = clients.collection(topology.RESUME_POINTS).document(key)

    async def once() -> ResumePoint:
        snapshot = await reference.get()
        if not snapshot.exists:
            await reference.create(point.to_document())
            return point
        held = ResumePoint.model_validate(snapshot.to_dict())
        if held.rank >= point.rank:
            return held
        unchanged = clients.firestore().write_option(last_update_time=snapshot.update_time)
        await reference.update(point.to_document(), option=unchanged)
        return point

    return await retried(once, AlreadyExists, FailedPrecondition, NotFound)


def _resume_key(user_id: str, episode_id: str) -> str:
    return f"{user_id}:{episode_id}"


async def _read(declared: topology.Collection, model: type[D], ids: Sequence[str]) -> dict[str, D]:
    documents = clients.collection(declared)
    references = [documents.document(document_id) for document_id in ids]
    return {
        snapshot.id: model.model_validate(snapshot.to_dict())
        async for snapshot in clients.firestore().get_all(references)
        if snapshot.exists
    }
