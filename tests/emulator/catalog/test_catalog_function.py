"""`functions/catalog` over HTTP."""

from __future__ import annotations

import httpx
import pytest

from shared.catalog import absent, service
from shared.catalog.models import Publication
from tests import contract
from tests.emulator.catalog.functions import function
from tests.unit.catalog.samples import a_track, an_album, an_artist

UNKNOWN = "0" * 22

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
        ("/v1/tracks/abc", 400, "id: "),
        ("/v1/albums/abc", 400, "id: "),
        ("/v1/artists/abc", 400, "id: "),
        ("/v1/tracks", 400, "ids: "),
        ("/v1/tracks?ids=abc", 400, "ids: "),
        (f"/v1/albums?ids={','.join(['0' * 22] * 21)}", 400, "ids: too many ids requested; 20"),
        (f"/v1/tracks/{UNKNOWN}", 404, f"Non existing id: 'spotify:track:{UNKNOWN}'"),
        (f"/v1/albums/{UNKNOWN}/tracks", 404, f"Non existing id: 'spotify:album:{UNKNOWN}'"),
        (f"/v1/artists/{UNKNOWN}", 404, f"Non existing id: 'spotify:artist:{UNKNOWN}'"),
        (f"/v1/artists/{UNKNOWN}/albums", 404, "Non existing id"),
        (f"/v1/artists/{UNKNOWN}/albums?include_groups=best", 400, "include_groups: "),
        (f"/v1/artists/{UNKNOWN}/top-tracks", 404, "Non existing id"),
        (f"/v1/artists/{UNKNOWN}/related-artists", 404, "Non existing id"),
        (f"/v1/audio-features/{UNKNOWN}", 404, "analysis not found"),
        (f"/v1/tracks/{UNKNOWN}?market=XX", 400, "market: "),
        (f"/v1/tracks/{UNKNOWN}?market=DEU", 400, "market: "),
        (f"/v1/albums/{UNKNOWN}/tracks?limit=51", 400, "limit: "),
        (f"/v1/albums/{UNKNOWN}/tracks?limit=x", 400, "limit: "),
        (f"/v1/albums/{UNKNOWN}/tracks?offset=-1", 400, "offset: "),
        ("/v1/nothing", 404, "Service not found"),
    ],
)
async def test_bad_requests_get_the_web_apis_errors(
    address: str, status: int, message: str
) -> None:
    async with function("catalog") as client:
        found = fault(await client.get(address))
    assert found[0] == status
    assert found[1].startswith(message)


@pytest.mark.parametrize(("method", "path"), absent.OPERATIONS)
async def test_what_is_not_offered_is_not_found_with_a_token_and_refused_without(
    method: str, path: str
) -> None:
    address = path.replace("{id}", UNKNOWN)
    async with function("catalog") as client:
        answer = await client.request(method, address)
        assert fault(answer)[0] == 404
        contract.published().check(method, path, answer)
        refused = await client.request(method, address, headers={"authorization": ""})
        assert fault(refused)[0] == 401


async def test_a_token_is_needed() -> None:
    async with function("catalog") as client:
        address = f"/v1/tracks/{UNKNOWN}"
        refused = await client.get(address, headers={"authorization": "Bearer x.y.z"})
        assert fault(refused) == (401, "Invalid access token")
        assert (await client.get(address, headers={"authorization": ""})).status_code == 401
