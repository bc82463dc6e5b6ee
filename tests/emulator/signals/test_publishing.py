"""What people do elsewhere becomes signals, and what they do never fails for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator

import grpc
import pytest
from google.pubsub_v1 import SubscriberClient
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from emulators.processes import free_port
from shared import topology
from shared.catalog import service as catalog
from shared.catalog.models import Track
from shared.library import service as library
from shared.platform.auth import Principal
from shared.platform.ids import random_id
from shared.platform.telling import Teller
from shared.playlists import service as playlists
from shared.playlists.models import Removal, Replacement
from shared.signals import service
from shared.signals.models import Signal
from shared.social import service as social
from shared.social import shares
from tests import local_settings
from tests.unit.catalog.samples import a_track, an_album, an_artist

Pull = Callable[[int], list[Signal]]


@pytest.fixture
def pull(pubsub: str, firestore: str, user_id: str) -> Iterator[Pull]:
    """The user's next so many signals since the test began, in the order of their time."""
    project = f"projects/{local_settings.PROJECT}"
    name = f"{project}/subscriptions/test-{random_id()}"
    with grpc.insecure_channel(pubsub) as channel:
        subscriber = SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
        topic = f"{project}/topics/{topology.LISTENER_SIGNALS.name}"
        subscriber.create_subscription(name=name, topic=topic)

        def receive(count: int) -> list[Signal]:
            received: list[Signal] = []
            while len(received) < count:
                request = {"subscription": name, "max_messages": 200}
                messages = subscriber.pull(request=request, timeout=20).received_messages
                signals = [Signal.model_validate_json(one.message.data) for one in messages]
                received += [one for one in signals if one.user_id == user_id]
                subscriber.acknowledge(subscription=name, ack_ids=[one.ack_id for one in messages])
            return sorted(received, key=lambda one: one.ts_ms)

        yield receive
        subscriber.delete_subscription(subscription=name)


@pytest.fixture(scope="module")
async def tracks(firestore: str) -> list[Track]:
    artist = an_artist()
    album = an_album(artist)
    found = []
    for number in (1, 2, 3):
        track = a_track(album, f"{random_id()} {number}", track_number=number)
        found.append((await catalog.publish_track(track, album, [artist])).track)
    return found


def caller(user_id: str) -> Principal:
    return Principal(
        user_id=user_id,
        client_id="an-app",
        scopes=frozenset({"playlist-modify-public", "playlist-modify-private"}),
        tier="premium",
        country="DE",
        expires_at_s=int(time.time()) + 3600,
    )


def told(signals: list[Signal]) -> list[tuple[str, str]]:
    return sorted((one.kind, one.track_id or one.subject_uri or "") for one in signals)


async def test_what_is_saved_and_removed_is_told_once(pull: Pull, user_id: str) -> None:
    track, other, album = (random_id() for _ in range(3))
    await library.save(user_id, "track", [track])
    await library.save(user_id, "track", [track, other])
    await library.save(user_id, "album", [album])
    await library.remove(user_id, "track", [track, random_id()])
    signals = pull(4)
    assert told(signals) == sorted(
        [
            ("save", track),
            ("save", other),
            ("save", f"spotify:album:{album}"),
            ("unsave", track),
        ]
    )
    assert len({one.event_id for one in signals}) == 4


async def test_what_a_suspected_machine_does_says_so(pull: Pull, user_id: str) -> None:
    await library.save(user_id, "track", [random_id()], suspected=True)
    await social.follow(user_id, "artist", [random_id()], suspected=True)
    await shares.create_share(user_id, "spotify:album:x", random_id(), suspected=True)
    assert [one.suspected for one in pull(3)] == [True] * 3


async def test_a_follow_has_the_id_of_its_change_however_often_it_is_told(
    pull: Pull, user_id: str
) -> None:
    artist = random_id()
    for _ in range(2):
        await social.follow(user_id, "artist", [artist])
    await social.unfollow(user_id, "artist", [artist])
    first, again, last = pull(3)
    assert first == again
    assert (first.kind, first.subject_uri) == ("follow", f"spotify:artist:{artist}")
    assert (last.kind, last.subject_uri) == ("unfollow", f"spotify:artist:{artist}")


async def test_a_share_that_is_made_again_is_the_same(pull: Pull, user_id: str) -> None:
    track, seed = random_id(), random_id()
    for _ in range(2):
        await shares.create_share(user_id, f"spotify:track:{track}", seed)
    first, again = pull(2)
    assert first == again
    assert (first.kind, first.track_id) == ("share", track)


async def test_an_edit_of_a_playlist_tells_what_came_and_went(
    pull: Pull, user_id: str, tracks: list[Track]
) -> None:
    me, seed = caller(user_id), random_id()
    one, two, three = (f"spotify:track:{track.id}" for track in tracks)
    made = await playlists.create(me, "Mornings", None, True, False, random_id())
    for _ in range(2):  # a repeated request adds nothing
        await playlists.add_items(me, made.id, [one, two], None, seed)
    await playlists.update_items(me, made.id, Replacement((two, three)))
    await playlists.remove_items(me, made.id, Removal(frozenset([three])))
    signals = [signal for signal in pull(6) if signal.kind != "follow"]
    assert told(signals) == sorted(
        [
            ("playlist_add", tracks[0].id),
            ("playlist_add", tracks[1].id),
            ("playlist_add", tracks[2].id),
            ("playlist_remove", tracks[0].id),
            ("playlist_remove", tracks[2].id),
        ]
    )
    assert {one.context_uri for one in signals} == {f"spotify:playlist:{made.id}"}


async def test_one_of_two_that_is_removed_from_a_playlist_is_in_it_still(
    pull: Pull, user_id: str, tracks: list[Track]
) -> None:
    me = caller(user_id)
    one, two = (f"spotify:track:{track.id}" for track in tracks[:2])
    made = await playlists.create(me, "Twice", None, True, False, random_id())
    await playlists.add_items(me, made.id, [one, two, one], None, random_id())
    await playlists.remove_items(me, made.id, Removal(positions=(0,)))
    await playlists.remove_items(me, made.id, Removal(frozenset([two])))
    signals = [signal for signal in pull(5) if signal.kind == "playlist_remove"]
    assert [signal.track_id for signal in signals] == [tracks[1].id]
    await playlists.remove_items(me, made.id, Removal(positions=(0,)))
    (gone,) = pull(1)
    assert (gone.kind, gone.track_id) == ("playlist_remove", tracks[0].id)


async def test_what_is_done_is_done_though_nobody_can_be_told(
    firestore: str, user_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    track = random_id()
    monkeypatch.setattr(service, "_teller", Teller("signals", 10))
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", f"127.0.0.1:{free_port()}")
    local_settings.forget_settings()
    began = time.monotonic()
    await library.save(user_id, "track", [track])
    assert time.monotonic() - began < 10  # a publish is tried for 30
    assert await library.contains(user_id, "track", [track]) == [True]
    publishing = service._teller._publishing
    assert publishing is not None
    publishing.cancel()
    await asyncio.wait([publishing])
    monkeypatch.undo()
    local_settings.forget_settings()
