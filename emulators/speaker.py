"""A loudspeaker for the local cloud: a Connect device for each demo user, with no sound.

It is a client like any other: it signs in, keeps the event stream of its user open, which keeps it
registered, takes the lead where no other device has it, follows the commands that the stream tells,
and says when it has gone on to the next item. So operations of the player have something true to
act on. While nobody plays it makes no request at all, and takes none of its user's rate limit.

    python -m emulators.speaker < speakers.json

    {"url": "http://127.0.0.1:8080", "accounts_url": "http://127.0.0.1:8080/accounts",
     "client_id": "segue-web-player", "redirect_uri": "http://127.0.0.1:8080/callback",
     "users": [{"username": "demo", "password": "...", "name": "Kitchen"}]}
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from emulators import token as tokens

NAME, TYPE = "Segue speaker", "Speaker"
SCOPE = "user-read-playback-state user-modify-playback-state streaming"
PLAYER = "/v1/me/player"
TOKEN_LIFE_S = 3000.0  # renewed before its hour is over
SILENCE_S = 45.0  # the stream says something every 15 s
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 5.0


@dataclass(frozen=True, slots=True)
class Account:
    """How to sign in; the fields of the JSON on standard input."""

    url: str
    accounts_url: str
    client_id: str
    redirect_uri: str
    username: str
    password: str
    client_secret: str | None = None
    name: str = NAME  # of the device

    @property
    def device_id(self) -> str:
        """The same each time, for each user and each name another."""
        named = "" if self.name == NAME else f" {self.name}"
        return hashlib.sha1(f"segue-speaker {self.username}{named}".encode()).hexdigest()

    def sign_in(self) -> str:
        """A new access token. Raises SignInError or httpx.HTTPError."""
        answer = tokens.mint(
            accounts_url=self.accounts_url,
            username=self.username,
            password=self.password,
            client_id=self.client_id,
            redirect_uri=self.redirect_uri,
            scope=SCOPE,
            client_secret=self.client_secret,
        )
        return str(answer["access_token"])


@dataclass(slots=True)
class State:
    """What the stream has told. `ends_at` is by the monotonic clock, None while nothing plays."""

    version: int | None = None
    is_ours: bool = False
    ends_at: float | None = None
    following: list[str] = field(default_factory=list)

    def take(self, told: Mapping[str, Any], device_id: str) -> None:
        """Takes up a `state` event."""
        playback = told["playback"]
        self.version, self.following = told["version"], list(told["queue"])
        self.is_ours = playback is not None and playback["device"]["id"] == device_id
        self.ends_at = None
        if self.is_ours and playback["is_playing"] and playback["item"]:
            left_ms = playback["item"]["duration_ms"] - playback["progress_ms"]
            self.ends_at = time.monotonic() + max(left_ms, 0) / 1000
            if playback["repeat_state"] == "track":
                self.following = [playback["item"]["uri"]]


class Speaker:
    """The device of one user."""

    def __init__(self, account: Account, token: str = "") -> None:
        self._account = account
        self._token, self._token_until = token, time.monotonic() + TOKEN_LIFE_S if token else 0.0
        self._state = State()
        self._someone_leads = True  # until the stream says otherwise
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Plays until it is cancelled, and leaves."""
        pause_s = FIRST_PAUSE_S
        async with httpx.AsyncClient(
            base_url=self._account.url, timeout=SILENCE_S, trust_env=False
        ) as client:
            playing = asyncio.create_task(self._play(client))
            try:
                while True:
                    try:
                        async for event, body in self._events(client):
                            pause_s = FIRST_PAUSE_S
                            self._heard(event, body)
                    except (httpx.HTTPError, tokens.SignInError) as error:
                        _say(self._account, f"{type(error).__name__}: {error}")
                        self._forget_token(error)
                    await asyncio.sleep(pause_s)
                    pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
            finally:
                playing.cancel()
                await self._leave(client)

    async def _events(self, client: httpx.AsyncClient) -> AsyncIterator[tuple[str, Any]]:
        headers = await self._headers()
        if self._state.version is not None:
            headers["last-event-id"] = str(self._state.version)
        query = {"device_id": self._account.device_id, "name": self._account.name, "type": TYPE}
        async with client.stream(
            "GET", f"{PLAYER}/events", params=query, headers=headers
        ) as response:
            response.raise_for_status()
            event = ""
            async for line in response.aiter_lines():
                name, _, value = line.partition(": ")
                if name == "event":
                    event = value
                elif name == "data":
                    yield event, json.loads(value)

    def _heard(self, event: str, body: Any) -> None:
        if event == "state":
            self._state.take(body, self._account.device_id)
        elif event == "devices":
            self._someone_leads = any(one["is_active"] for one in body["devices"])
        self._changed.set()

    async def _play(self, client: httpx.AsyncClient) -> None:
        """Takes the lead where nobody has it, and goes on where an item ends."""
        while True:
            self._changed.clear()
            ends_in_s = None
            if self._state.ends_at is not None:
                ends_in_s = self._state.ends_at - time.monotonic()
            try:
                if not self._someone_leads and self._state.version is not None:
                    await self._report(client, {"position_ms": 0, "is_playing": False})
                    self._someone_leads = True
                elif ends_in_s is not None and ends_in_s <= 0:
                    await self._go_on(client)
                    continue
            except (httpx.HTTPError, tokens.SignInError) as error:
                _say(self._account, f"{type(error).__name__}: {error}")
                ends_in_s = LONGEST_PAUSE_S
            try:
                async with asyncio.timeout(ends_in_s):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def _go_on(self, client: httpx.AsyncClient) -> None:
        self._state.ends_at = None
        if self._state.following:  # else the server holds at the beginning, and tells so
            uri = self._state.following[0]
            await self._report(client, {"item_uri": uri, "position_ms": 0, "is_playing": True})

    async def _report(self, client: httpx.AsyncClient, said: dict[str, Any]) -> None:
        answer = await client.put(
            f"{PLAYER}/state",
            params={"device_id": self._account.device_id},
            json={"version": self._state.version, **said},
            headers=await self._headers(),
        )
        if answer.status_code == 409:  # somebody was faster: theirs holds
            self._state.take(answer.json()["state"], self._account.device_id)
            return
        answer.raise_for_status()
        self._state.take(answer.json(), self._account.device_id)

    async def _leave(self, client: httpx.AsyncClient) -> None:
        if not self._token:
            return
        headers = {"authorization": f"Bearer {self._token}"}
        try:
            address = f"{PLAYER}/devices/{self._account.device_id}"
            await client.delete(address, headers=headers, timeout=1)
        except httpx.HTTPError:
            return  # the cloud has gone first

    async def _headers(self) -> dict[str, str]:
        if time.monotonic() >= self._token_until:
            self._token = await asyncio.to_thread(self._account.sign_in)
            self._token_until = time.monotonic() + TOKEN_LIFE_S
        return {"authorization": f"Bearer {self._token}"}

    def _forget_token(self, error: Exception) -> None:
        if isinstance(error, httpx.HTTPStatusError) and error.response.status_code == 401:
            self._token_until = 0.0


def _say(account: Account, message: str) -> None:
    print(f"speaker of {account.username}: {message}", file=sys.stderr, flush=True)


async def play(accounts: list[Account]) -> None:
    """Runs the speakers of `accounts` until SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    speakers = [asyncio.create_task(Speaker(account).run()) for account in accounts]
    await stopped.wait()
    for speaker in speakers:
        speaker.cancel()
    await asyncio.gather(*speakers, return_exceptions=True)


def main() -> None:
    """Reads who to play for from standard input."""
    from emulators import processes

    processes.die_with_parent(signal.SIGTERM)
    said = json.load(sys.stdin)
    users = said.pop("users")
    asyncio.run(play([Account(**said, **user) for user in users]))


if __name__ == "__main__":
    main()
