"""`functions/catalog` over HTTP."""

from __future__ import annotations

import httpx
import pytest

from shared.catalog import service
from shared.catalog.models import Publication
from tests.emulator.catalog.functions import function
from tests.unit.catalog.samples import a_track, an_album, an_artist

pytestmark = pytest.mark.usefixtures("firestore")


async def published() -> Publication:
    artist = an_artist()
    album = an_album(artist)
    for number in (1, 2, 3):
        track = a_track(album, f"Part {number}", track_number=number, territories=("SE",))
        publication = await service.publish_track(track, album, [artist])
    return publication


def fault(answer: httpx.Response) -> tuple[int, str]:
    error = answer.json()["error"]
    assert error["status"] == answer.status_code
    return error["status"], error["message"]


async def test_a_track_an_album_and_an_artist_are_served() -> None:
    held = await published()
    async with function("catalog") as client:
        track = (await client.get(f"/v1/tracks/{held.track.id}")).json()
        assert (track["name"], track["album"]["total_tracks"]) == ("Part 3", 3)
        album = (await client.get(f"/v1/albums/{held.album.id}/")).json()
        assert [one["track_number"] for one in album["tracks"]["items"]] == [1, 2, 3]
        artist = (await client.get(f"/v1/artists/{held.artists[0].id}")).json()
        assert artist["name"] == "Nina Simone"


async def test_album_tracks_come_in_pages() -> None:
    held = await published()
    async with function("catalog") as client:
        address = f"/v1/albums/{held.album.id}/tracks"
        page = (await client.get(address, params={"limit": 2, "market": "from_token"})).json()
        assert (page["total"], len(page["items"]), page["previous"]) == (3, 2, None)
        assert page["items"][0]["is_playable"] is False
        rest = (await client.get(page["next"])).json()
        assert [one["track_number"] for one in rest["items"]] == [3]
        assert rest["next"] is None


async def test_a_known_answer_is_not_sent_again() -> None:
    held = await published()
    async with function("catalog") as client:
        address = f"/v1/tracks/{held.track.id}"
        first = await client.get(address)
        assert first.headers["cache-control"] == "private, max-age=300"
        again = await client.get(address, headers={"if-none-match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        other = await client.get(
            address, params={"market": "SE"}, headers={"if-none-match": first.headers["etag"]}
        )
        assert other.status_code == 200
        assert other.json()["is_playable"] is True


@pytest.mark.parametrize(
    ("address", "status", "message"),
    [
        ("/v1/tracks/abc", 400, "Invalid base62 id"),
        ("/v1/albums/abc", 400, "Invalid base62 id"),
        ("/v1/artists/abc", 400, "Invalid base62 id"),
        (f"/v1/tracks/{'0' * 22}", 404, f"Non existing id: 'spotify:track:{'0' * 22}'"),
        (f"/v1/albums/{'0' * 22}/tracks", 404, f"Non existing id: 'spotify:album:{'0' * 22}'"),
        (f"/v1/tracks/{'0' * 22}?market=XX", 400, "Invalid market code"),
        (f"/v1/albums/{'0' * 22}/tracks?limit=51", 400, "Invalid limit"),
        ("/v1/nothing", 404, "Service not found"),
    ],
)
async def test_bad_requests_get_the_web_apis_errors(
    address: str, status: int, message: str
) -> None:
    async with function("catalog") as client:
        assert fault(await client.get(address)) == (status, message)


async def test_a_token_is_needed() -> None:
    async with function("catalog") as client:
        address = f"/v1/tracks/{'0' * 22}"
        refused = await client.get(address, headers={"authorization": "Bearer x.y.z"})
        assert fault(refused) == (401, "Invalid access token")
        assert (await client.get(address, headers={"authorization": ""})).status_code == 401
