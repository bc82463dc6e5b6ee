"""What follows tell the rest of the platform."""

from __future__ import annotations

import asyncio

import pytest

from shared.platform.errors import Unavailable
from shared.platform.ids import random_id
from shared.social import service
from tests.emulator.social.conftest import Pull, Topic

pytestmark = pytest.mark.usefixtures("firestore", "pubsub")


async def test_each_change_is_told_with_the_latest_time_last(pull: Pull) -> None:
    me, one = random_id(), random_id()
    await service.follow(me, "artist", [one])
    await service.unfollow(me, "artist", [one])
    await service.follow(me, "artist", [one])
    told = sorted(await asyncio.to_thread(pull, 3), key=lambda event: event.changed_at)
    assert [event.following for event in told] == [True, False, True]
    assert {(event.follower_id, event.kind, event.target_id) for event in told} == {
        (me, "artist", one)
    }
    assert len({event.event_id for event in told}) == 3


async def test_a_retry_tells_the_same_event_again(pull: Pull) -> None:
    me, ids = random_id(), [random_id(), random_id()]
    for _ in range(2):
        await service.follow(me, "playlist", ids)
    told = await asyncio.to_thread(pull, 4)
    assert len(told) == 4
    assert len({event.event_id for event in told}) == 2
    assert {event.target_id for event in told} == set(ids)


async def test_a_follow_whose_event_was_not_stored_is_not_acknowledged(
    topic: Topic, request: pytest.FixtureRequest
) -> None:
    me, one = random_id(), random_id()
    topic.delete()
    with pytest.raises(Unavailable, match="send this again"):
        await service.follow(me, "user", [one])
    assert await service.is_following(me, "user", [one]) == [True]  # committed, and not yet told
    topic.create()
    pull: Pull = request.getfixturevalue("pull")
    await service.follow(me, "user", [one])  # the client does as it was told
    (told,) = await asyncio.to_thread(pull, 1)
    assert (told.target_id, told.following) == (one, True)
    assert await service.follower_count("user", one) == 1
