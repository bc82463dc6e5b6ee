"""Every read of the Web API has something true to answer for the demo user; a catalogue of one's
own is served under its ids, and its audio plays under the id that its line says."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console

from emulators import demo, loader, seed
from emulators.demo_catalogue import IDS, item_id
from tests.emulator.ingestion.conftest import song
from tests.whole_cloud import WholeCloud, eventually

TRACK, ALBUM, ARTIST = item_id("track", 1), item_id("album", 1), item_id("artist", 1)
SHOW, EPISODE, PLAYLIST = item_id("show", 1), item_id("episode", 1), item_id("playlist", 1)

# Path, and where in the answer the things stand that must not be nothing ("" for the answer).
READS = (
    (f"/tracks/{TRACK}", "name"),
    (f"/tracks?ids={TRACK}", "tracks"),
    (f"/albums/{ALBUM}", "tracks.items"),
    (f"/albums?ids={ALBUM}", "albums"),
    (f"/albums/{ALBUM}/tracks", "items"),
    (f"/artists/{ARTIST}", "genres"),
    (f"/artists?ids={ARTIST}", "artists"),
    (f"/artists/{ARTIST}/albums", "items"),
    (f"/artists/{ARTIST}/top-tracks?market=DE", "tracks"),
    (f"/artists/{ARTIST}/related-artists", "artists"),
    (f"/shows/{SHOW}", "episodes.items"),
    (f"/shows?ids={SHOW}", "shows"),
    (f"/shows/{SHOW}/episodes", "items"),
    (f"/episodes/{EPISODE}", "show"),
    (f"/episodes?ids={EPISODE}", "episodes"),
    ("/search?q=neon&type=track", "tracks.items"),
    ("/search?q=neon&type=artist", "artists.items"),
    ("/search?q=coastline&type=album", "albums.items"),
    ("/search?q=synth&type=playlist", "playlists.items"),
    ("/search?q=liner&type=show", "shows.items"),
    ("/search?q=side&type=episode", "episodes.items"),
    ("/search/suggest?q=ne", "suggestions"),
    ("/me", "display_name"),
    (f"/playlists/{PLAYLIST}", "items.items"),
    (f"/playlists/{PLAYLIST}/tracks", "items"),
    (f"/playlists/{PLAYLIST}/items", "items"),
    (f"/playlists/{PLAYLIST}/images", ""),
    ("/me/playlists", "items"),
    ("/me/tracks", "items"),
    ("/me/albums", "items"),
    ("/me/shows", "items"),
    ("/me/episodes", "items"),
    (f"/me/tracks/contains?ids={TRACK}", ""),
    ("/me/following?type=artist", "artists.items"),
    ("/me/following/contains?type=user&ids=mira", ""),
    ("/users/mira", "display_name"),
    ("/users/mira/playlists", "items"),
    ("/browse/featured-playlists", "playlists.items"),
    ("/browse/categories", "categories.items"),
    ("/browse/categories/chill", "icons"),
    ("/browse/categories/chill/playlists", "playlists.items"),
    ("/browse/new-releases", "albums.items"),
    (f"/audio-features/{TRACK}", "tempo"),
    (f"/audio-features?ids={TRACK}", "audio_features"),
    (f"/recommendations?seed_tracks={TRACK}", "tracks"),
    ("/recommendations/available-genre-seeds", "genres"),
    ("/me/player/recently-played", "items"),
    ("/me/top/artists", "items"),
    ("/me/top/tracks?time_range=short_term", "items"),
    ("/markets", "markets"),
    (f"/tracks/{TRACK}/lyrics", "lines"),
    (f"/tracks/{TRACK}/plays", "plays"),
    ("/me/friends/activity", "items"),
)


def _get(api: httpx.Client, path: str) -> Any:
    """The answer's JSON; waits where the limit of requests is reached, as a client should."""
    while (answer := api.get(f"/v1{path}")).status_code == 429:
        time.sleep(int(answer.headers["retry-after"]))
    assert answer.status_code == 200, (path, answer.text)
    return answer.json()


@pytest.mark.timeout(300)
def test_every_read_has_something_true_to_answer(whole_cloud: WholeCloud) -> None:
    with whole_cloud.client() as api:
        for path, place in READS:
            found = _get(api, path)
            for part in place.split(".") if place else ():
                found = found[part]
            assert found, path
            if isinstance(found, list):
                assert None not in found, path


def test_the_demo_facts_are_the_synthesisers_own(whole_cloud: WholeCloud) -> None:
    with whole_cloud.client() as api:
        features = _get(api, f"/audio-features/{IDS.tracks['Tail Lights']}")  # stated or measured
        assert (round(features["tempo"]), features["key"], features["mode"]) == (96, 4, 0)
        features = _get(api, f"/audio-features/{IDS.tracks['Neon Esplanade']}")
        track = _get(api, f"/tracks/{IDS.tracks['Neon Esplanade']}")
        assert (track["name"], track["album"]["id"]) == ("Neon Esplanade", ALBUM)
        assert abs(track["duration_ms"] - features["duration_ms"]) < 100
        saved = [item["track"]["id"] for item in _get(api, "/me/tracks")["items"]]
        assert saved  # which, other tests change
        friends = {one["user"]["id"] for one in _get(api, "/me/friends/activity")["items"]}
        assert friends == {"mira", "jonas", "sofia"}


@pytest.mark.timeout(400)
def test_what_sounds_is_measured_and_what_is_silent_is_not(whole_cloud: WholeCloud) -> None:
    ran = whole_cloud.cloud.run_job("analyze_audio")
    assert json.loads(ran["stdout"].splitlines()[-1])["failed"] == 0, ran
    again = whole_cloud.cloud.run_job("analyze_audio")
    assert json.loads(again["stdout"].splitlines()[-1])["measured"] == 0, again
    # Tracks whose features no other test reads: those that were read are cached for minutes.
    titles = ("Last Ferry", "Carry the One", "Remainder", "Overload")
    styles = {track.title: track.style for album in demo.ALBUMS for track in album.tracks}
    ids = {IDS.tracks[title]: styles[title].tempo_bpm for title in titles}

    def measured() -> bool:
        with whole_cloud.client() as api:
            found = _get(api, f"/audio-features?ids={','.join(ids)}")["audio_features"]
        assert all(
            min(abs(one["tempo"] / (ids[one["id"]] * octave) - 1) for octave in (0.5, 1, 2)) < 0.04
            for one in found
        )
        return all(one["speechiness"] != 0.03 for one in found)  # what the catalogue states

    eventually(measured, seconds=330, every_s=5)
    with whole_cloud.client() as api:
        silent = api.get(f"/v1/audio-features/{IDS.tracks['Kettle Song']}")
    assert silent.status_code == 404


def _own(number: int) -> str:
    return f"own{number:019d}"


@pytest.mark.timeout(300)
def test_a_catalogue_of_ones_own_is_served_under_its_ids_and_plays(
    whole_cloud: WholeCloud, tmp_path: Path
) -> None:
    cloud = whole_cloud.cloud
    song(tmp_path / "tone.flac", pitch=409, seconds=8)
    file = tmp_path / "own.jsonl"
    file.write_text(
        "\n".join(
            json.dumps(line)
            for line in (
                {"type": "artist", "id": _own(1), "name": "Own Artist"},
                {"type": "album", "id": _own(2), "name": "Own Album", "artists": [_own(1)]},
                {"type": "track", "id": _own(3), "name": "Own Track", "album": _own(2),
                 "audio": "tone.flac"},
                {"type": "user", "id": "own-user", "password": "correct horse", "country": "US",
                 "saved_tracks": [_own(3), TRACK]},
            )
        )
    )  # fmt: skip
    uploads = loader.load(cloud, Console(file=io.StringIO()), [file], seed.DEMO_USER)
    assert list(uploads.values()) == [_own(3)]
    with whole_cloud.client() as api:
        (upload_id,) = uploads

        def published() -> bool:
            state = _get(api, f"/uploads/{upload_id}")
            assert state["state"] not in ("rejected", "failed", "duplicate"), state
            return bool(state["state"] == "published")

        eventually(published, seconds=240, every_s=2)
        track = _get(api, f"/tracks/{_own(3)}")
        assert (track["name"], track["artists"][0]["id"]) == ("Own Track", _own(1))
        query = {"track_id": _own(3), "codec": "aac", "br": 160, "protocol": "hls"}
        manifest = api.get("/v1/playback/manifest", params=query)
        assert manifest.status_code == 200, manifest.text
    playlist = httpx.get(manifest.json()["manifest_url"], trust_env=False)
    assert "aac_160.m3u8" in playlist.text


def test_faults_are_told_and_nothing_is_loaded(whole_cloud: WholeCloud, tmp_path: Path) -> None:
    file = tmp_path / "bad.jsonl"
    good = {"type": "artist", "id": _own(9), "name": "Never Seen"}
    bad = {"type": "album", "id": _own(8), "name": "X", "artists": [_own(7)]}
    file.write_text(f"{json.dumps(good)}\n{json.dumps(bad)}\n")
    with pytest.raises(loader.LoadingFailed, match=r"bad\.jsonl:2: there is no artist") as raised:
        loader.load(whole_cloud.cloud, Console(file=io.StringIO()), [file], seed.DEMO_USER)
    assert "Traceback" not in str(raised.value)
    with whole_cloud.client() as api:
        assert api.get(f"/v1/artists/{_own(9)}").status_code == 404
