"""What benchmarks ask of the local cloud that they run in."""

from __future__ import annotations

import httpx

from emulators import seed
from emulators import token as tokens
from emulators.cloud import LocalCloud


def access_token(cloud: LocalCloud, scope: str) -> str:
    """An access token of the demo user."""
    answer = tokens.mint(
        accounts_url=cloud.accounts_url,
        username=seed.DEMO_USER,
        password=seed.DEMO_PASSWORD,
        client_id=seed.WEB_PLAYER_CLIENT,
        redirect_uri=f"{cloud.url}/callback",
        scope=scope,
    )
    return str(answer["access_token"])


def any_track(cloud: LocalCloud) -> str:
    """Id of a track of the demo catalogue."""
    answer = httpx.get(
        f"{cloud.url}/v1/search",
        params={"q": seed.DEMO_QUERY, "type": "track"},
        headers={"Authorization": f"Bearer {access_token(cloud, 'streaming')}"},
    ).raise_for_status()
    return str(answer.json()["tracks"]["items"][0]["id"])
