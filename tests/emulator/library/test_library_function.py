"""`functions/library` over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from shared.catalog.models import Album, Artist, Track
from shared.platform.ids import random_id
from shared.podcasts import service as podcasts
from shared.podcasts.models import Episode
from shared.social import service as social
from tests import contract
from tests.emulator.library.conftest import token

UNKNOWN = "0" * 22


def fault(answer: httpx.Response) -> tuple[int, str]:
    error = answer.json()["error"]
    assert error["status"] == answer.status_code
    return error["status"], error["message"]


async def get(client: httpx.AsyncClient, path: str, **parameters: Any) -> Any:
    answer = await client.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    contract.published().check("GET", path, answer)
    return answer.json()


async def test_saved_tracks_come_in_pages(client: httpx.AsyncClient, tracks: list[Track]) -> None:
    for track in tracks:
        assert (await client.put("/v1/me/tracks", params={"ids": track.id})).status_code == 200
    page = await get(client, "/v1/me/tracks", limit=4, market="DE")
    assert (page["total"], page["limit"], page["offset"]) == (6, 4, 0)
    newest = [track.id for track in reversed(tracks)]
    assert [item["track"]["id"] for item in page["items"]] == newest[:4]
    assert page["items"][0]["added_at"].endswith("Z")
    assert page["items"][0]["track"]["is_playable"] is True
    rest = (await client.get(page["next"])).json()
    assert [item["track"]["id"] for item in rest["items"]] == newest[4:]
    assert rest["next"] is None
    assert (await client.get(rest["previous"])).json() == page


async def test_saved_tracks_come_by_cursor(client: httpx.AsyncClient, tracks: list[Track]) -> None:
    await client.put("/v1/me/tracks", json=[track.id for track in tracks])
    whole = await get(client, "/v1/me/tracks", limit=100, cursor="")
    assert (len(whole["items"]), whole["next"], whole["cursors"]) == (6, None, {"after": None})
    first = await get(client, "/v1/me/tracks", limit=4, cursor="", market="DE")
    rest = (await client.get(first["next"])).json()
    assert rest["offset"] == 4
    both = [item["track"]["id"] for item in first["items"] + rest["items"]]
    assert both == [item["track"]["id"] for item in whole["items"]]
    again = await get(client, "/v1/me/tracks", limit=4, cursor=first["cursors"]["after"])
    assert [item["track"]["id"] for item in again["items"]] == both[4:]


@pytest.mark.parametrize("form", ["query", "object", "array", "timestamped"])
async def test_tracks_are_saved_in_every_form(
    client: httpx.AsyncClient, tracks: list[Track], form: str
) -> None:
    ids = [track.id for track in tracks[:2]]
    forms: dict[str, dict[str, Any]] = {
        "query": {
            "params": {"ids": ",".join(ids)},
            "headers": {"content-type": "application/json"},
        },
        "object": {"json": {"ids": ids}},
        "array": {"json": ids},
        "timestamped": {
            "json": {
                "timestamped_ids": [
                    {"id": ids[0], "added_at": "2020-01-01T00:00:00Z"},
                    {"id": ids[1], "added_at": "2021-01-01T00:00:00Z"},
                ]
            }
        },
    }
    sent = forms[form]
    saved = await client.request("PUT", "/v1/me/tracks", **sent)
    assert (saved.status_code, saved.content) == (200, b"")
    page = await get(client, "/v1/me/tracks")
    assert {item["track"]["id"] for item in page["items"]} == set(ids)
    if form == "timestamped":
        assert page["items"][0]["added_at"] == "2021-01-01T00:00:00Z"
        sent = {"json": {"ids": ids}}
    assert (await client.request("DELETE", "/v1/me/tracks", **sent)).status_code == 200
    assert (await get(client, "/v1/me/tracks"))["total"] == 0


async def test_one_track_is_saved_and_removed_by_its_address(
    client: httpx.AsyncClient, tracks: list[Track]
) -> None:
    address, track_id = f"/v1/me/tracks/{tracks[0].id}", tracks[0].id
    for _ in range(2):
        assert (await client.put(address)).status_code == 200
    assert await get(client, "/v1/me/tracks/contains", ids=f"{track_id},{UNKNOWN}") == [True, False]
    for _ in range(2):
        assert (await client.delete(address)).status_code == 200
    assert await get(client, "/v1/me/tracks/contains", ids=track_id) == [False]


async def test_albums_shows_and_episodes_are_saved(
    client: httpx.AsyncClient, album: Album, episode: Episode, user_id: str
) -> None:
    for kind, item_id in (
        ("album", album.id),
        ("show", episode.show_id),
        ("episode", episode.id),
    ):
        saved = await client.put(f"/v1/me/{kind}s", params={"ids": item_id})
        assert saved.status_code == 200
        page = await get(client, f"/v1/me/{kind}s")
        assert (page["total"], page["items"][0][kind]["id"]) == (1, item_id)
        assert await get(client, f"/v1/me/{kind}s/contains", ids=item_id) == [True]
    await podcasts.set_resume_point(user_id, episode.id, 5_000)
    (item,) = (await get(client, "/v1/me/episodes"))["items"]
    assert item["episode"]["resume_point"]["resume_position_ms"] == 5_000
    narrow = token(user_id, "user-library-read")
    (item,) = (await client.get("/v1/me/episodes", headers=narrow)).json()["items"]
    assert "resume_point" not in item["episode"]
    for kind in ("album", "show", "episode"):
        (one,) = (await get(client, f"/v1/me/{kind}s"))["items"]
        removed = await client.delete(f"/v1/me/{kind}s", params={"ids": one[kind]["id"]})
        assert removed.status_code == 200
        assert (await get(client, f"/v1/me/{kind}s"))["total"] == 0


async def test_a_known_page_is_not_sent_again_until_it_changes(
    client: httpx.AsyncClient, tracks: list[Track]
) -> None:
    await client.put("/v1/me/tracks", params={"ids": tracks[0].id})
    first = await client.get("/v1/me/tracks")
    assert first.headers["cache-control"] == "private, max-age=0, must-revalidate"
    known = {"if-none-match": first.headers["etag"]}
    assert (await client.get("/v1/me/tracks", headers=known)).status_code == 304
    await client.put("/v1/me/tracks", params={"ids": tracks[1].id})
    assert (await client.get("/v1/me/tracks", headers=known)).status_code == 200


async def test_a_mixed_library_takes_things_of_every_kind(
    client: httpx.AsyncClient,
    tracks: list[Track],
    album: Album,
    artist: Artist,
    episode: Episode,
    user_id: str,
) -> None:
    uris = [
        f"spotify:track:{tracks[0].id}",
        f"spotify:album:{album.id}",
        f"spotify:artist:{artist.id}",
        f"spotify:show:{episode.show_id}",
        f"spotify:episode:{episode.id}",
    ]
    asked = ",".join([*uris, f"spotify:audiobook:{UNKNOWN}", uris[0]])
    assert await get(client, "/v1/me/library/contains", uris=asked) == [False] * 7
    saved = await client.put("/v1/me/library", params={"uris": ",".join(uris)})
    assert (saved.status_code, saved.content) == (200, b"")
    contract.published().check("PUT", "/v1/me/library", saved)
    held = await get(client, "/v1/me/library/contains", uris=asked)
    assert held == [True] * 5 + [False, True]
    assert await social.is_following(user_id, "artist", [artist.id]) == [True]
    assert (await get(client, "/v1/me/tracks"))["total"] == 1
    removed = await client.delete("/v1/me/library", params={"uris": asked})
    assert removed.status_code == 200
    assert await get(client, "/v1/me/library/contains", uris=asked) == [False] * 7


async def test_where_one_thing_is_unknown_nothing_is_saved(
    client: httpx.AsyncClient, tracks: list[Track]
) -> None:
    known = f"spotify:track:{tracks[0].id}"
    for unknown in ("track", "album", "artist", "show", "episode", "user", "audiobook"):
        uri = f"spotify:{unknown}:{UNKNOWN}"
        answer = await client.put("/v1/me/library", params={"uris": f"{known},{uri}"})
        assert fault(answer) == (404, f"Non existing id: '{uri}'")
    answer = await client.put("/v1/me/tracks", params={"ids": f"{tracks[0].id},{UNKNOWN}"})
    assert fault(answer) == (404, f"Non existing id: 'spotify:track:{UNKNOWN}'")
    assert fault(await client.put(f"/v1/me/tracks/{UNKNOWN}"))[0] == 404
    assert (await get(client, "/v1/me/tracks"))["total"] == 0


@pytest.mark.parametrize(
    ("method", "address", "message"),
    [
        ("GET", "/v1/me/tracks?limit=0", "limit: "),
        ("GET", "/v1/me/tracks?limit=51", "limit: 1 to 50"),
        ("GET", "/v1/me/tracks?limit=101&cursor=", "limit: "),
        ("GET", "/v1/me/tracks?cursor=abc", "Invalid cursor"),
        ("GET", "/v1/me/albums?limit=51", "limit: "),
        ("GET", "/v1/me/albums?offset=-1", "offset: "),
        ("GET", "/v1/me/tracks/contains", "ids: name at least one id"),
        ("GET", "/v1/me/tracks/contains?ids=abc", "ids: Invalid track id 'abc'"),
        ("PUT", "/v1/me/tracks", "ids: "),
        ("PUT", "/v1/me/shows?ids=abc", "ids: Invalid show id"),
        ("DELETE", "/v1/me/episodes", "ids: "),
        ("PUT", "/v1/me/tracks/abc", "track_id: "),
        ("PUT", "/v1/me/library", "uris: "),
        ("PUT", "/v1/me/library?uris=spotify:chapter:" + UNKNOWN, "uris: Invalid or unsupported"),
        ("DELETE", "/v1/me/library?uris=x", "uris: Invalid or unsupported URI 'x'"),
    ],
)
async def test_bad_requests_name_the_parameter(
    client: httpx.AsyncClient, method: str, address: str, message: str
) -> None:
    status, said = fault(await client.request(method, address))
    assert status == 400
    assert said.startswith(message)


@pytest.mark.parametrize(
    ("method", "address", "scopes"),
    [
        ("GET", "/v1/me/tracks", "user-library-modify"),
        ("PUT", f"/v1/me/tracks?ids={UNKNOWN}", "user-library-read"),
        ("DELETE", f"/v1/me/albums?ids={UNKNOWN}", "user-library-read"),
        ("PUT", f"/v1/me/tracks/{UNKNOWN}", "user-library-read"),
        ("GET", f"/v1/me/shows/contains?ids={UNKNOWN}", "user-follow-read"),
        ("PUT", f"/v1/me/library?uris=spotify:track:{UNKNOWN}", "user-follow-modify"),
        ("PUT", f"/v1/me/library?uris=spotify:artist:{UNKNOWN}", "user-library-modify"),
        ("DELETE", f"/v1/me/library?uris=spotify:playlist:{UNKNOWN}", "user-library-modify"),
        ("GET", f"/v1/me/library/contains?uris=spotify:user:{UNKNOWN}", "playlist-read-private"),
        ("GET", f"/v1/me/library/contains?uris=spotify:user:{UNKNOWN}", "streaming"),
    ],
)
async def test_each_operation_needs_its_scope(
    client: httpx.AsyncClient, method: str, address: str, scopes: str
) -> None:
    refused = await client.request(method, address, headers=token(random_id(), scopes))
    assert fault(refused)[0] == 403


async def test_nobody_sees_or_changes_anothers_library(
    client: httpx.AsyncClient, tracks: list[Track]
) -> None:
    await client.put("/v1/me/tracks", params={"ids": tracks[0].id})
    other = token(random_id())
    assert (await client.get("/v1/me/tracks", headers=other)).json()["total"] == 0
    await client.delete(f"/v1/me/tracks/{tracks[0].id}", headers=other)
    assert (await get(client, "/v1/me/tracks"))["total"] == 1
