"""Following against Firestore and Pub/Sub."""

from __future__ import annotations

import asyncio
import random

import pytest

from shared.platform import counters
from shared.platform.errors import InvalidInput
from shared.platform.ids import random_id
from shared.social import service
from shared.social.models import FollowKind

pytestmark = pytest.mark.usefixtures("firestore", "pubsub")


async def test_what_is_followed_comes_newest_first() -> None:
    me, ids = random_id(), [random_id() for _ in range(3)]
    for one in ids:
        await service.follow(me, "artist", [one])
    page = await service.following(me, "artist", 10)
    assert (page.ids, page.total) == (tuple(reversed(ids)), 3)
    assert (await service.following(me, "artist", 1, 1)).ids == (ids[1],)
    assert (await service.following(me, "user", 10)).total == 0


async def test_following_again_changes_nothing() -> None:
    me, first, second = random_id(), random_id(), random_id()
    await service.follow(me, "artist", [first])
    await service.follow(me, "artist", [second])
    await service.follow(me, "artist", [first, first])
    assert (await service.following(me, "artist", 10)).ids == (second, first)
    assert await service.follower_count("artist", first) == 1


async def test_unfollowing_what_is_not_followed_changes_nothing() -> None:
    me, one = random_id(), random_id()
    await service.unfollow(me, "playlist", [one])
    assert await service.follower_count("playlist", one) == 0
    await service.follow(me, "playlist", [one], public=False)
    await service.unfollow(me, "playlist", [one, one])
    await service.unfollow(me, "playlist", [one])
    assert await service.follower_count("playlist", one) == 0
    assert await service.is_following(me, "playlist", [one, one]) == [False, False]


async def test_contains_answers_in_the_order_asked() -> None:
    me, followed, not_followed = random_id(), random_id(), random_id()
    await service.follow(me, "user", [followed])
    asked = [not_followed, followed, not_followed, followed]
    assert await service.is_following(me, "user", asked) == [False, True, False, True]


async def test_own_changes_show_in_the_count_at_once() -> None:
    me, other, one = random_id(), random_id(), random_id()
    assert await service.follower_counts("artist", [one]) == {one: 0}
    await service.follow(me, "artist", [one])
    assert await service.follower_counts("artist", [one]) == {one: 1}
    await service.follow(other, "artist", [one])
    await service.unfollow(me, "artist", [one])
    assert await service.follower_counts("artist", [one]) == {one: 1}


async def test_fifty_who_follow_and_unfollow_at_once_are_counted_exactly() -> None:
    people, star = [random_id() for _ in range(10)], random_id()
    calls = []
    for person in people:  # each is on five devices
        calls += [service.follow(person, "artist", [star]) for _ in range(3)]
        calls += [service.unfollow(person, "artist", [star]) for _ in range(2)]
    random.shuffle(calls)
    await asyncio.gather(*calls)
    held = [(await service.is_following(one, "artist", [star]))[0] for one in people]
    counters._totals.clear()
    assert await service.follower_count("artist", star) == sum(held)
    await asyncio.gather(*(service.follow(one, "artist", [star]) for one in people * 5))
    assert await service.follower_count("artist", star) == 10
    await asyncio.gather(*(service.unfollow(one, "artist", [star]) for one in people * 5))
    assert await service.follower_count("artist", star) == 0


async def test_a_reader_goes_through_all_pages() -> None:
    me, ids = random_id(), [random_id() for _ in range(5)]
    await service.follow(me, "artist", ids)  # at the same moment: the id decides
    seen: list[str] = []
    after = None
    while True:
        page = await service.following_after(me, "artist", 2, after)
        seen += page.ids
        assert page.total == 5
        after = page.after
        if after is None:
            break
    assert seen == sorted(ids, reverse=True)


async def test_a_reader_who_unfollows_page_by_page_misses_none() -> None:
    me, ids = random_id(), [random_id() for _ in range(5)]
    await service.follow(me, "artist", ids)
    seen: set[str] = set()
    after = None
    while True:
        page = await service.following_after(me, "artist", 2, after)
        seen.update(page.ids)
        await service.unfollow(me, "artist", page.ids)
        after = page.after
        if after is None:
            break
    assert seen == set(ids)


async def test_more_than_a_commit_holds_are_followed() -> None:
    me, ids = random_id(), [random_id() for _ in range(service.IDS_A_COMMIT + 1)]
    await service.load(me, "artist", ids)
    assert (await service.following(me, "artist", 1)).total == len(ids)


@pytest.mark.parametrize(
    ("kind", "bad"),
    [
        ("artist", "short"),
        ("playlist", "../" + "a" * 19),
        ("user", "a:b"),
        ("user", "a/b"),
        ("user", ""),
    ],
)
async def test_a_malformed_id_is_refused(kind: FollowKind, bad: str) -> None:
    with pytest.raises(InvalidInput, match=f"Invalid {kind} id"):
        await service.follow(random_id(), kind, [bad])
    with pytest.raises(InvalidInput, match=f"Invalid {kind} id"):
        await service.is_following(random_id(), kind, [bad])
