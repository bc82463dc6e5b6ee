"""The demo catalogue is a catalogue file without faults, the same every time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emulators import demo, demo_catalogue, seed
from emulators.demo_features import measure
from emulators.demo_synth import RATE_HZ, Style
from shared.accounts.scopes import SCOPES
from shared.loading.reading import Catalogue, read
from shared.platform.ids import is_id


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A state folder whose masters are empty files with features, as synthesis takes seconds."""
    state = tmp_path_factory.mktemp("state")
    silence = np.zeros((2, RATE_HZ), np.float32)
    for album in demo.ALBUMS:
        for number, track in enumerate(album.tracks, start=1):
            path = demo.path_of(state / demo.FOLDER, album, number)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
            facts = {"duration_ms": 1000, "audio_features": measure(track.style, silence)}
            demo.features_of(path).write_text(json.dumps(facts))
    return state


@pytest.fixture(scope="module")
def catalogue(state: Path) -> Catalogue:
    return read([demo_catalogue.write(state)])


def test_it_has_no_faults_and_something_of_everything(catalogue: Catalogue) -> None:
    assert catalogue.open_references == {}
    assert len(catalogue.artists) >= 10
    assert len(catalogue.albums) >= 10
    assert len(catalogue.shows) >= 2
    assert len(catalogue.categories) >= 3
    assert catalogue.episode_count >= 5
    sounding = [track for track in catalogue.tracks() if track.audio]
    assert len(sounding) == 10
    assert all(track.audio_features for track in sounding)
    assert any(track.lyrics for track in sounding)
    kinds = {(one.public, one.collaborative) for one in catalogue.playlists}
    assert kinds == {(True, False), (False, False), (False, True)}


def test_the_demo_user_has_everything_that_the_api_asks_for(catalogue: Catalogue) -> None:
    people = {one.id: one for one in catalogue.users}
    demo_user = people[demo_catalogue.DEMO_USER]
    for name in (
        *("saved_tracks", "saved_albums", "saved_shows", "saved_episodes", "follows_artists"),
        *("follows_users", "follows_playlists", "resume_points", "played"),
    ):
        assert getattr(demo_user, name), name
    friends = [people[one] for one in demo_user.follows_users]
    assert len(friends) >= 3
    assert all(one.shows_activity and one.played for one in friends)
    assert {one.tier for one in catalogue.users} == {"free", "premium"}
    fresh = [play for play in demo_user.played if (play.hours_ago or 0) < 4 * 7 * 24]
    assert len(fresh) > 50


def test_ids_are_fixed_and_legal(catalogue: Catalogue) -> None:
    assert demo_catalogue.item_id("track", 1) == "demoTrack0000000000001"
    ids = [name for kind, name in catalogue.places if kind in demo_catalogue._PREFIXES]
    assert all(is_id(one) for one in ids)
    assert demo_catalogue.IDS.tracks["Neon Esplanade"] == demo_catalogue.item_id("track", 1)


def test_the_same_file_comes_out_every_time(state: Path) -> None:
    path = demo_catalogue.write(state)
    before = path.read_bytes()
    assert demo_catalogue.write(state).read_bytes() == before


def test_seeded_apps_get_every_scope_that_there_is() -> None:
    assert set(seed.SCOPES) == set(SCOPES)


def _features(style: Style, samples: Any) -> dict[str, float | int]:
    return measure(style, samples.astype(np.float32))


def test_features_follow_the_score_and_the_signal() -> None:
    style = Style(120, 57, "minor", (0,))
    time = np.arange(RATE_HZ * 8) / RATE_HZ
    tone = np.stack([np.sin(2 * np.pi * 220 * time)] * 2) * 0.5
    pulsed = tone * (time % 0.5 < 0.1)  # one burst a beat
    steady, beating = _features(style, tone), _features(style, pulsed)
    assert (steady["tempo"], steady["key"], steady["mode"]) == (120.0, 9, 0)
    assert steady["loudness"] == pytest.approx(20 * np.log10(0.5 / np.sqrt(2)), abs=0.05)
    assert steady["acousticness"] > 0.9
    assert beating["danceability"] > 0.8 > steady["danceability"]
    assert beating["energy"] < steady["energy"]
    silent = _features(style, tone * 0)
    assert (silent["energy"], silent["danceability"]) == (0, 0)
