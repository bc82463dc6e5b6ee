from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress

import grpc
import httpx
import pytest
from google.api_core.exceptions import AlreadyExists
from google.pubsub_v1 import PublisherClient, SubscriberClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from functions.users.main import app
from shared import topology
from shared.accounts import service as accounts
from shared.accounts.models import User
from shared.catalog import service as catalog
from shared.catalog.models import Track
from shared.platform.ids import random_id
from shared.social.models import FollowChanged
from tests import local_settings
from tests.emulator.library.conftest import token
from tests.unit.catalog.samples import a_track, an_album, an_artist

SCOPES = "user-follow-read user-follow-modify"


async def a_user(name: str = "Ada") -> User:
    username = f"{name.lower()}-{random_id()}"
    email = f"{username}@segue.example"
    return await accounts.create_user(username, "correct horse", email, "DE", "premium", name)


@pytest.fixture(scope="session")
async def me(firestore: str) -> User:
    return await a_user("Ada")


@pytest.fixture(scope="session")
async def friend(firestore: str) -> User:
    return await a_user("Bea")


@pytest.fixture(scope="session")
async def track(firestore: str) -> Track:
    artist = an_artist()
    album = an_album(artist)
    return (await catalog.publish_track(a_track(album), album, [artist])).track


@pytest.fixture
async def client(firestore: str, pubsub: str, me: User) -> AsyncIterator[httpx.AsyncClient]:
    """A client of `functions/users`, signed in as `me`."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(
        transport=transport, base_url=local_settings.PUBLIC_URL, headers=token(me.id, SCOPES)
    ) as made:
        yield made


class Topic:
    """The topic of follow events, to take away and give back."""

    def __init__(self, publisher: PublisherClient) -> None:
        self._publisher = publisher
        self._name = f"projects/{local_settings.PROJECT}/topics/{topology.FOLLOW_CHANGED.name}"

    def delete(self) -> None:
        self._publisher.delete_topic(topic=self._name)

    def create(self) -> None:
        with suppress(AlreadyExists):
            self._publisher.create_topic(name=self._name)


@pytest.fixture
def topic(pubsub: str) -> Iterator[Topic]:
    with grpc.insecure_channel(pubsub) as channel:
        found = Topic(PublisherClient(transport=PublisherGrpcTransport(channel=channel)))
        yield found
        found.create()


Pull = Callable[[int], list[FollowChanged]]


@pytest.fixture
def pull(pubsub: str) -> Iterator[Pull]:
    """The next so many follow events since the test began, or a few more."""
    project = f"projects/{local_settings.PROJECT}"
    name = f"{project}/subscriptions/test-{random_id()}"
    with grpc.insecure_channel(pubsub) as channel:
        subscriber = SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
        topic = f"{project}/topics/{topology.FOLLOW_CHANGED.name}"
        subscriber.create_subscription(name=name, topic=topic)

        def receive(count: int) -> list[FollowChanged]:
            received: list[bytes] = []
            while len(received) < count:
                request = {"subscription": name, "max_messages": 200}
                messages = subscriber.pull(request=request, timeout=20).received_messages
                received += [message.message.data for message in messages]
                ack_ids = [message.ack_id for message in messages]
                subscriber.acknowledge(subscription=name, ack_ids=ack_ids)
            return [FollowChanged.model_validate_json(data) for data in received]

        yield receive
        subscriber.delete_subscription(subscription=name)
