"""What end-to-end tests ask of a running local cloud: tokens, calls, waiting for quiet."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from emulators import music, seed
from emulators import token as tokens
from emulators.cloud import LocalCloud

ALL_SCOPES = " ".join(seed.SCOPES)


@dataclass(slots=True)
class WholeCloud:
    """A filled local cloud. `cloud` is its machinery, the rest is what a client would do."""

    cloud: LocalCloud
    _tokens: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Base URL of the Web API and the player."""
        return self.cloud.url

    def token(self, user: str = seed.DEMO_USER, scope: str = ALL_SCOPES) -> str:
        """An access token of a demo user, minted once per user and scope by the real flow."""
        if (user, scope) not in self._tokens:
            answer = tokens.mint(
                accounts_url=self.cloud.accounts_url,
                username=user,
                password=seed.DEMO_PASSWORD,
                client_id=seed.WEB_PLAYER_CLIENT,
                redirect_uri=f"{self.url}/callback",
                scope=scope,
            )
            self._tokens[user, scope] = str(answer["access_token"])
        return self._tokens[user, scope]

    def client(
        self, user: str | None = seed.DEMO_USER, device: str = "test-device"
    ) -> httpx.Client:
        """An HTTP client of the API, signed in as `user` (None: not at all)."""
        headers = {"X-Device-ID": device, "X-Client-Build": "tests"}
        if user is not None:
            headers["Authorization"] = f"Bearer {self.token(user)}"
        return httpx.Client(base_url=self.url, headers=headers, timeout=60, trust_env=False)

    def find_track(self, name: str) -> dict[str, Any]:
        """The track object of the demo track called `name`; one that was published just now is
        found within a minute."""
        found: list[dict[str, Any]] = []

        def is_found() -> bool:
            asked = {"q": name, "type": "track"}
            answer = api.get("/v1/search", params=asked).raise_for_status()
            found[:] = [t for t in answer.json()["tracks"]["items"] if t["name"] == name]
            return bool(found)

        with self.client() as api:
            eventually(is_found, every_s=2)
        return found[0]

    async def ingest(self, *paths: Path) -> music.Summary:
        """Uploads files through the public API and waits for the outcome of each."""

        async def given() -> str:
            return self.token()

        return await music.ingest(paths, self.url, given)

    def edge_url(self, name: str) -> str:
        """Base URL of a CDN edge."""
        return f"http://127.0.0.1:{self.cloud.ports.edges[name]}"

    def emulator(self, name: str) -> str:
        """`host:port` of an emulator."""
        return self.cloud.emulators()[name]


def eventually(check: Callable[[], bool], seconds: float = 60, every_s: float = 0.2) -> None:
    """Waits until `check()`; fails when it does not come true in `seconds`."""
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, f"did not come true within {seconds:.0f} s"
        time.sleep(every_s)
