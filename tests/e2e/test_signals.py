"""What a person does changes the features that recommendations are made of, while they go on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from emulators import demo, seed
from shared.platform.ids import random_id
from shared.signals import service
from shared.signals.features import pair_features, user_features
from tests import local_settings
from tests.whole_cloud import WholeCloud, eventually


@pytest.fixture
def features_of(whole_cloud: WholeCloud) -> Iterator[None]:
    """This process reads the cloud's Bigtable, as a function would."""
    with local_settings.environment(**whole_cloud.cloud.environment()):
        yield


def features(user_id: str, track_id: str, *artist_ids: str) -> dict[str, float]:
    """The online features of the person, and of them with the track."""
    signals = asyncio.run(service.signals_of(user_id))
    now_ms = service.now_ms()
    return user_features(signals, now_ms) | pair_features(signals, track_id, artist_ids, now_ms)


@pytest.mark.filterwarnings("ignore:Connecting to Bigtable emulator")
def test_a_skip_a_save_a_follow_and_a_search_are_known_at_once(
    whole_cloud: WholeCloud, features_of: None
) -> None:
    track = whole_cloud.find_track(demo.BUSIEST_TRACK)
    track_id, artist_id = track["id"], track["artists"][0]["id"]
    with whole_cloud.client(seed.FREE_USER) as api:
        user_id = api.get("/v1/me").raise_for_status().json()["id"]
        api.delete(f"/v1/me/tracks/{track_id}").raise_for_status()
        api.delete(f"/v1/me/following?type=artist&ids={artist_id}").raise_for_status()
        before = features(user_id, track_id, artist_id)
        event = {
            "event_id": random_id(),
            "type": "skipped",
            "track_id": track_id,
            "session_id": random_id(),
            "position_ms": 5_000,
            "ts": service.now_ms(),
        }
        for _ in range(2):  # a repeated report is the same skip
            api.post("/v1/events", json={"events": [event]}).raise_for_status()
        api.put(f"/v1/me/tracks/{track_id}").raise_for_status()
        api.put(f"/v1/me/following?type=artist&ids={artist_id}").raise_for_status()
        api.get("/v1/search", params={"q": "night", "type": "track"}).raise_for_status()

    def changed() -> bool:
        after = features(user_id, track_id, artist_id)
        return (
            after["pair_skips_28d"] == before["pair_skips_28d"] + 1
            and after["pair_is_saved"] == 1
            and after["pair_follows_artist"] == 1
            and after["user_searches_28d"] > before["user_searches_28d"]
        )

    eventually(changed)
