"""From a file to a track that plays, through the public API and the whole local cloud."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from tests.audio import song
from tests.whole_cloud import WholeCloud, eventually

PUBLISH_TARGET_S = 60  # F025


def _search(cloud: WholeCloud, name: str) -> list[str]:
    with cloud.client() as api:
        answer = api.get("/v1/search", params={"q": name, "type": "track"}).raise_for_status()
    return [item["id"] for item in answer.json()["tracks"]["items"] if item["name"] == name]


def _plays(cloud: WholeCloud, track_id: str) -> bool:
    """Whether the manifest is granted and its first playlist arrives."""
    with cloud.client() as api:
        answer = api.get("/v1/playback/manifest", params={"track_id": track_id, "codec": "aac"})
        if answer.status_code != 200:
            return False
        return api.get(answer.json()["manifest_url"]).status_code == 200


async def test_a_four_minute_flac_is_searchable_and_playable_within_a_minute(
    whole_cloud: WholeCloud, tmp_path: Path
) -> None:
    master = song(tmp_path / "long.flac", seed=240, seconds=240, title="Meridian", artist="Odd Ox")
    started = time.monotonic()  # before the upload: its end cannot be later than what follows
    summary = await whole_cloud.ingest(master)
    assert [outcome.state for outcome in summary.outcomes] == ["published"]
    found = await asyncio.to_thread(_search, whole_cloud, "Meridian")
    assert found == [summary.outcomes[0].track_id]
    assert await asyncio.to_thread(_plays, whole_cloud, found[0])
    assert time.monotonic() - started < PUBLISH_TARGET_S


async def test_the_same_file_twice_is_one_track(whole_cloud: WholeCloud, tmp_path: Path) -> None:
    tags = {"title": "Twice Told", "artist": "Echo Pair"}
    master = song(tmp_path / "first.flac", seed=7, seconds=12, **tags)
    again = tmp_path / "again.flac"
    again.write_bytes(master.read_bytes())
    first = (await whole_cloud.ingest(master)).outcomes[0]
    second = (await whole_cloud.ingest(again)).outcomes[0]
    assert (first.state, second.state) == ("published", "duplicate")
    assert second.track_id == first.track_id
    eventually(lambda: _search(whole_cloud, "Twice Told") == [first.track_id], seconds=30)


async def test_the_same_recording_in_another_format_is_a_duplicate(
    whole_cloud: WholeCloud, tmp_path: Path
) -> None:
    tags = {"title": "One Recording", "artist": "Echo Pair"}
    flac = song(tmp_path / "a.flac", seed=8, seconds=20, **tags)
    mp3 = song(tmp_path / "b.mp3", seed=8, seconds=20, **tags)
    first = (await whole_cloud.ingest(flac)).outcomes[0]
    second = (await whole_cloud.ingest(mp3)).outcomes[0]
    assert first.state == "published"
    assert (second.state, second.track_id) == ("duplicate", first.track_id)


@pytest.mark.parametrize("extension", ["wav", "m4a", "ogg"])
async def test_each_format_is_published(
    whole_cloud: WholeCloud, tmp_path: Path, extension: str
) -> None:
    seed = {"wav": 21, "m4a": 22, "ogg": 23}[extension]
    name = f"Format {extension}"
    path = song(tmp_path / f"x.{extension}", seed=seed, seconds=10, title=name, artist="Formats")
    outcome = (await whole_cloud.ingest(path)).outcomes[0]
    assert (outcome.state, outcome.reason) == ("published", None)


async def test_bad_masters_are_rejected_with_their_reason_and_lose_nothing(
    whole_cloud: WholeCloud, tmp_path: Path
) -> None:
    not_audio = tmp_path / "not-audio.flac"
    not_audio.write_bytes(b"<html>This is not music.</html>" * 100)
    whole = song(tmp_path / "whole.flac", seed=31, seconds=20, title="Cut", artist="Short")
    truncated = tmp_path / "truncated.flac"
    truncated.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    empty = tmp_path / "empty.flac"
    empty.touch()
    clip = song(tmp_path / "clip.flac", seed=32, seconds=3, title="Clip", artist="Short")
    good = song(tmp_path / "good.flac", seed=33, seconds=10, title="Good One", artist="Whole")
    summary = await whole_cloud.ingest(not_audio, truncated, empty, clip, good)
    by_name = {outcome.path.name: outcome for outcome in summary.outcomes}
    for name in ("not-audio.flac", "truncated.flac", "empty.flac", "clip.flac"):
        assert by_name[name].state == "rejected", name
        assert by_name[name].reason, name
    assert "audio" in (by_name["not-audio.flac"].reason or "")
    assert "too short" in (by_name["clip.flac"].reason or "")
    assert by_name["good.flac"].state == "published"


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"filename": "a.flac", "size_bytes": 2 * 2**30}, 413, "GiB"),
        ({"filename": "a.flac", "size_bytes": 0}, 400, "empty"),
        (
            {"filename": "a.flac", "size_bytes": 1000, "metadata": {"isrc": "12-NOPE"}},
            400,
            "isrc",
        ),
        ({"filename": "a.exe", "size_bytes": 1000}, 400, "exe"),
        ({"size_bytes": 1000}, 400, "filename"),
    ],
)
def test_an_announcement_that_cannot_work_is_refused_before_any_byte(
    whole_cloud: WholeCloud, body: dict[str, object], status: int, words: str
) -> None:
    with whole_cloud.client() as api:
        answer = api.post("/v1/uploads", json=body)
    error = answer.json()["error"]
    assert (answer.status_code, error["status"]) == (status, status)
    assert words.lower() in error["message"].lower()


async def test_killing_the_function_host_in_the_middle_loses_nothing(
    whole_cloud: WholeCloud, tmp_path: Path
) -> None:
    path = song(tmp_path / "k.flac", seed=41, seconds=60, title="Survivor", artist="Phoenix")
    outcome = asyncio.ensure_future(whole_cloud.ingest(path))
    with whole_cloud.client() as api:
        await asyncio.sleep(1.0)  # uploaded, being validated or transcoded
        await asyncio.to_thread(whole_cloud.cloud.kill_functions)
        await asyncio.sleep(1.0)
        await asyncio.to_thread(whole_cloud.cloud.start_functions)
        summary = await outcome
        assert [o.state for o in summary.outcomes] == ["published"], summary.outcomes
        assert api.get(f"/v1/tracks/{summary.outcomes[0].track_id}").status_code == 200
    eventually(lambda: len(_search(whole_cloud, "Survivor")) == 1, seconds=10)
