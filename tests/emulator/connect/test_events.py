"""The event stream, over two function hosts that share nothing but Firestore."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from shared import topology
from shared.connect import events, watching
from shared.connect.models import Device
from shared.connect.render import Reader
from shared.connect.watching import Watch
from shared.platform import clients
from shared.platform.ids import random_id
from tests.emulator.catalog.functions import access_token
from tests.emulator.connect.conftest import Person, headers

WITHIN_S = 1.0  # how soon another device hears of a command


@dataclass
class Stream:
    """An open event stream, and what came through it."""

    response: httpx.Response
    heard: list[tuple[str, str | None, Any]] = field(default_factory=list)

    async def follow(self) -> None:
        event, event_id = "", None
        async for line in self.response.aiter_lines():
            name, _, value = line.partition(": ")
            if name == "event":
                event, event_id = value, None
            elif name == "id":
                event_id = value
            elif name == "data":
                self.heard.append((event, event_id, json.loads(value)))

    async def until(self, event: str, check: Any = lambda _: True, within_s: float = 5.0) -> Any:
        """The first `event` whose body passes `check`."""
        deadline = time.monotonic() + within_s
        while True:
            for number, (name, _, body) in enumerate(self.heard):
                if name == event and check(body):
                    del self.heard[: number + 1]
                    return body
            assert time.monotonic() < deadline, f"no such {event} in {within_s} s: {self.heard}"
            await asyncio.sleep(0.005)


@asynccontextmanager
async def stream(url: str, signed: dict[str, str], **parameters: Any) -> AsyncIterator[Stream]:
    async with (
        httpx.AsyncClient(base_url=url, headers=signed, timeout=30, trust_env=False) as client,
        client.stream("GET", "/v1/me/player/events", params=parameters) as response,
    ):
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        opened = Stream(response)
        following = asyncio.create_task(opened.follow())
        try:
            yield opened
        finally:
            following.cancel()


async def test_each_device_hears_within_a_second_what_another_instance_was_told(
    hosts: list[str], album: list[str]
) -> None:
    user_id = random_id()
    one, two = hosts
    async with (
        httpx.AsyncClient(
            base_url=two, headers=headers(user_id), trust_env=False, timeout=30
        ) as api,
        stream(one, headers(user_id), device_id="radio", name="Radio", type="speaker") as radio,
        stream(two, headers(user_id)) as phone,
    ):
        person = Person(user_id, api)
        first = await radio.until("state")
        assert (first["version"], first["playback"], first["queue"]) == (0, None, [])
        (listed,) = (await radio.until("devices"))["devices"]
        assert (listed["id"], listed["name"], listed["type"]) == ("radio", "Radio", "Speaker")
        await phone.until("devices", lambda body: body["devices"])

        started = time.monotonic()
        await person.do("PUT", "/play", params={"device_id": "radio"}, json={"uris": album[1:]})
        playing = await radio.until("state", lambda body: body["playback"], WITHIN_S)
        assert time.monotonic() - started < WITHIN_S
        assert playing["playback"]["item"]["uri"] == album[1]
        assert playing["playback"]["device"]["id"] == "radio"
        assert playing["queue"] == album[2:]
        await phone.until("state", lambda body: body["version"] == 1, WITHIN_S)
        await radio.until("devices", lambda body: body["devices"][0]["is_active"], WITHIN_S)

        await person.do("PUT", "/volume", params={"volume_percent": 11})
        await radio.until("devices", lambda body: body["devices"][0]["volume_percent"] == 11, 1)

        await person.do("POST", "/next")
        skipped = await radio.until("state", within_s=WITHIN_S)
        assert skipped["playback"]["item"]["uri"] == album[2]

        # the device reports through the other instance, and the first one hears of it
        told = {"version": 2, "position_ms": 0, "is_playing": False}
        await person.do("PUT", "/state", 200, params={"device_id": "radio"}, json=told)
        paused = await phone.until("state", lambda body: body["version"] == 3, WITHIN_S)
        assert paused["playback"]["is_playing"] is False


async def test_who_reconnects_is_spared_what_is_known(hosts: list[str], album: list[str]) -> None:
    user_id = random_id()
    signed = headers(user_id)
    async with httpx.AsyncClient(
        base_url=hosts[0], headers=signed, trust_env=False, timeout=30
    ) as api:
        person = Person(user_id, api)
        await person.join()
        play = {"uris": album[1:]}
        await person.do("PUT", "/play", params={"device_id": "speaker"}, json=play)
        async with stream(hosts[0], {**signed, "last-event-id": "1"}) as known:
            await known.until("devices")
            assert not [event for event in known.heard if event[0] == "state"]
            await person.do("PUT", "/pause")
            await known.until("state", lambda body: body["version"] == 2, WITHIN_S)
        async with stream(hosts[0], {**signed, "last-event-id": "1"}) as behind:
            assert (await behind.until("state"))["version"] == 2


async def test_a_track_that_ends_is_told_under_the_same_version(
    hosts: list[str], album: list[str]
) -> None:
    user_id = random_id()
    signed = headers(user_id)
    async with httpx.AsyncClient(
        base_url=hosts[0], headers=signed, trust_env=False, timeout=30
    ) as api:
        person = Person(user_id, api)
        await person.join()
        play = {"uris": album[1:], "position_ms": 199_000}
        await person.do("PUT", "/play", params={"device_id": "speaker"}, json=play)
        async with stream(hosts[1], signed) as following:
            await following.until("state", lambda body: body["playback"]["item"]["uri"] == album[1])
            ended = await following.until("state", within_s=3)
            assert ended["playback"]["item"]["uri"] == album[2]
            assert ended["version"] == 1


async def test_the_stream_takes_a_token_that_may_read(hosts: list[str]) -> None:
    async with httpx.AsyncClient(base_url=hosts[0], trust_env=False, timeout=30) as client:
        answer = await client.get("/v1/me/player/events")
        assert answer.status_code == 401
        other = {"authorization": f"Bearer {access_token('x', 'streaming')}"}
        assert (await client.get("/v1/me/player/events", headers=other)).status_code == 403


# --- one instance, from within --------------------------------------------------------------


def subscription(user_id: str, life_s: float = 60) -> events.Subscription:
    return events.Subscription(Reader(user_id), None, None, life_s)


async def test_streams_of_one_person_share_a_listener_that_ends_with_the_last(
    person: Person,
) -> None:
    first, second = (events.events(subscription(person.id)) for _ in range(2))
    await anext(first)
    watch = watching._watches[person.id]
    await anext(second)
    assert watching._watches[person.id] is watch
    await first.aclose()
    assert watching._watches[person.id] is watch
    await second.aclose()
    assert person.id not in watching._watches
    assert all(task.done() for task in watch._tasks)


async def _tells(following: AsyncIterator[bytes], text: bytes) -> None:
    async with asyncio.timeout(5):
        async for event in following:
            if text in event:
                return


async def test_a_listener_that_breaks_begins_again(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    listen, attempts = watching.listen, 0

    def broken_at_first(user_id: str) -> Any:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            raise ConnectionError("the stream broke")
        return listen(user_id)

    monkeypatch.setattr(watching, "listen", broken_at_first)
    following = events.events(subscription(person.id))
    await _tells(following, b"event: devices")
    await person.join()
    await _tells(following, b"Kitchen")
    assert attempts > 1
    await following.aclose()


async def test_a_listener_that_died_silently_is_made_up_for(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(_: Watch) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(Watch, "_listen_always", silent)
    monkeypatch.setattr(watching, "REFRESH_S", 0.05)
    following = events.events(subscription(person.id))
    await _tells(following, b"event: devices")
    await person.join()
    await _tells(following, b"Kitchen")
    await following.aclose()


async def test_silence_is_filled_and_a_stream_ends_in_time(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "HEARTBEAT_S", 0.05)
    heard = [event async for event in events.events(subscription(person.id, life_s=0.3))]
    assert heard[0].startswith(b"retry: ")
    assert 2 <= heard.count(b": still here\n\n") <= 7


async def test_the_device_of_a_stream_stays_while_the_stream_does(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "RENEW_S", 0.05)
    await person.join()
    document = clients.collection(topology.DEVICES).document(person.id)
    held = ((await document.get()).to_dict() or {})["devices"][0]
    await document.update({"devices": [{**held, "expires_at_ms": 1}]})
    assert await person.do("GET", "/devices", 200) == {"devices": []}
    device = Device("speaker", "Kitchen", "Speaker")
    following = events.events(events.Subscription(Reader(person.id), device, None, 60))
    await _tells(following, b"Kitchen")
    await following.aclose()
    assert len((await person.do("GET", "/devices", 200))["devices"]) == 1
