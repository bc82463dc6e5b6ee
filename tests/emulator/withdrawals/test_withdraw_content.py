"""What is withdrawn stays withdrawn, is recorded, and search is told, on the real stores."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from google.cloud.firestore import FieldFilter

from shared import topology
from shared.catalog import service as catalog
from shared.catalog.models import Album, Artist, Track
from shared.platform import clients
from shared.platform.errors import InvalidInput, NotFound
from shared.platform.ids import random_id
from shared.search.models import SearchDocument
from shared.withdrawals import service
from tests.emulator.catalog.functions import function
from tests.unit.catalog.samples import a_track, an_album, an_artist

ROOT = Path(__file__).parents[3]
NOTE = "court order 4711"

pytestmark = pytest.mark.usefixtures("firestore")


async def an_album_of_three() -> tuple[Artist, Album, list[Track]]:
    artist = an_artist(aliases=("The High Priestess",))
    album = an_album(artist)
    tracks = [a_track(album, f"Part {n}", track_number=n, isrc=None) for n in (1, 2, 3)]
    for track in tracks:
        await catalog.publish_track(track, album, [artist])
    return artist, album, tracks


async def ledger(item: str) -> list[dict[str, Any]]:
    records = clients.collection(topology.AUDIT_LEDGER)
    query = records.where(filter=FieldFilter("item", "==", item))
    found = [one.to_dict() or {} async for one in query.stream()]
    return sorted(found, key=lambda one: one["decided_at"])


async def told(key: str) -> SearchDocument:
    """What search was told last of a document."""
    change = await clients.collection(topology.SEARCH_CHANGES).document(key).get()
    return SearchDocument.model_validate_json(change.get("document"))


async def test_a_withdrawn_track_is_played_nowhere_and_recorded_once() -> None:
    _, _, (track, *_) = await an_album_of_three()
    for _ in range(2):
        now = await service.withdraw("track", track.id, [], NOTE)
    assert now.blocked_in == ("*",)
    async with function("catalog") as client:
        shown = (await client.get(f"/v1/tracks/{track.id}", params={"market": "SE"})).json()
    assert (shown["is_playable"], shown["available_markets"]) == (False, [])
    async with function("playback") as client:
        refused = await client.get("/v1/playback/manifest", params={"track_id": track.id})
    assert refused.status_code == 403, refused.text
    (record,) = await ledger(f"track:{track.id}")
    assert (record["outcome"], record["before"], record["markets"]) == ("withdrawn", [], ["*"])
    assert record["note"] == NOTE
    assert not (await told(f"track:{track.id}")).is_in(None)


async def test_an_album_goes_with_its_tracks_and_comes_back_without_those_that_went_alone() -> None:
    _, album, (first, second, _) = await an_album_of_three()
    await service.withdraw("track", first.id, ["DE"], NOTE)
    await service.withdraw("album", album.id, ["DE", "at"], NOTE)
    tracks = await catalog.all_album_tracks(album.id)
    assert [one.is_released_in("DE") for one in tracks] == [False, False, False]
    assert [one.is_released_in("SE") for one in tracks] == [True, True, True]
    for key in (f"album:{album.id}", *(f"track:{one.id}" for one in tracks)):
        assert (await told(key)).blocked_in == ("AT", "DE") or key == f"track:{first.id}"
        assert not (await told(key)).is_in("AT")
    assert "The High Priestess" in (await told(f"track:{second.id}")).aliases

    await service.restore("album", album.id, [], NOTE)
    tracks = await catalog.all_album_tracks(album.id)
    assert [one.is_released_in("DE") for one in tracks] == [False, True, True]
    assert (await told(f"track:{second.id}")).is_in("DE")
    assert not (await told(f"track:{first.id}")).is_in("DE")


async def test_neither_a_publish_nor_a_load_lifts_a_block() -> None:
    artist, album, (first, second, third) = await an_album_of_three()
    await service.withdraw("track", first.id, ["DE"], NOTE)
    await service.withdraw("album", album.id, ["AT"], NOTE)
    await service.withdraw("artist", artist.id, ["SE"], NOTE)
    await catalog.publish_track(first, album, [artist])
    late = a_track(album, "Part 4", track_number=4)
    await catalog.publish_track(late, album, [artist])
    loaded, stated = a_track(album, "Part 5"), a_track(album, "Part 6", asset_version="")
    await catalog.load([second, loaded], [album], [artist])
    await catalog.load([third], [], [])
    await catalog.put_track(stated)
    ids = [one.id for one in (first, second, third, late, loaded, stated)]
    tracks = {one.id: one for one in await catalog.all_album_tracks(album.id)}
    assert [tracks[one].album.blocked_in for one in ids] == [("AT",)] * 6
    assert [tracks[one].blocked_in for one in ids] == [("DE",), (), (), (), (), ()]
    assert (await catalog.get_album(album.id)).blocked_in == ("AT",)
    assert (await catalog.get_artist(artist.id)).blocked_in == ("SE",)
    assert tracks[second.id].name == "Part 2"


async def test_publishes_beside_a_withdrawal_leave_no_track_of_the_album_released() -> None:
    artist, album, _ = await an_album_of_three()
    more = [a_track(album, f"More {n}", track_number=n) for n in range(4, 10)]
    await asyncio.gather(
        *(catalog.publish_track(one, album, [artist]) for one in more[:3]),
        service.withdraw("album", album.id, [], NOTE),
        *(catalog.publish_track(one, album, [artist]) for one in more[3:]),
    )
    tracks = await catalog.all_album_tracks(album.id)
    assert len(tracks) == 9
    assert [one.album.blocked_in for one in tracks] == [("*",)] * 9


async def test_an_artist_goes_alone_or_with_every_track() -> None:
    artist, _, tracks = await an_album_of_three()
    await service.withdraw("artist", artist.id, [], NOTE)
    assert (await catalog.get_track(tracks[0].id)).is_released_in("DE")
    assert not (await told(f"artist:{artist.id}")).is_in("DE")
    await service.withdraw("artist", artist.id, ["DE"], NOTE, with_tracks=True)
    for track in tracks:
        assert not (await catalog.get_track(track.id)).is_released_in("DE")
        assert not (await told(f"track:{track.id}")).is_in("DE")
    await service.restore("artist", artist.id, [], NOTE, with_tracks=True)
    assert (await catalog.get_track(tracks[0].id)).is_released_in("DE")
    assert (await told(f"artist:{artist.id}")).is_in("DE")


async def test_an_unknown_item_is_not_withdrawn_nor_a_bad_market_taken() -> None:
    unknown = random_id()
    for kind in ("track", "album", "artist"):
        with pytest.raises(NotFound):
            await service.withdraw(kind, unknown, [], NOTE)  # type: ignore[arg-type]
    _, _, (track, *_) = await an_album_of_three()
    with pytest.raises(InvalidInput, match="Invalid market code"):
        await service.withdraw("track", track.id, ["ZZ"], NOTE)
    assert await ledger(f"track:{track.id}") == []


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, ROOT / "jobs/withdraw_content/main.py", *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=60,
        check=False,
    )


async def test_the_job_withdraws_shows_and_restores() -> None:
    _, album, (track, *_) = await an_album_of_three()
    done = run("track", track.id, "--market", "DE", "--note", NOTE)
    assert done.returncode == 0, done.stderr
    run("album", album.id, "--market", "AT", "--note", NOTE)
    shown = run("track", track.id, "--show").stdout
    assert "is blocked in: DE, AT (AT with its album)" in shown
    assert "blocked in: AT" in run("track", track.id, "--restore", "--note", NOTE).stdout


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("track", "0" * 22), 2, "--note is required"),
        (("track", "0" * 22, "--note", NOTE), 1, "Non existing id"),
        (("track", "x", "--note", NOTE), 1, "Invalid base62 id"),
        (("album", "0" * 22, "--with-tracks", "--note", NOTE), 2, "--with-tracks is for an artist"),
        (("show", "0" * 22, "--note", NOTE), 2, "invalid choice"),
    ],
)
def test_a_mistaken_command_says_what_to_do(
    arguments: tuple[str, ...], status: int, message: str
) -> None:
    done = run(*arguments)
    assert done.returncode == status
    assert message in done.stderr
