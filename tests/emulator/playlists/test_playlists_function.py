"""`functions/playlists` over HTTP."""

from __future__ import annotations

import asyncio
import io
import re
from base64 import b64encode
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from tekore.model import FullPlaylist, PlaylistTrackPaging, SimplePlaylistPaging

from shared import topology
from shared.catalog.models import Track
from shared.platform.ids import random_id
from shared.platform.settings import settings
from shared.playlists import service
from shared.playlists.snapshots import version_of
from shared.podcasts.models import Episode
from shared.search import service as search
from shared.search.models import SearchRequest
from tests import contract
from tests.emulator.playlists.conftest import Person

UNKNOWN = "0" * 22
NAMES = ("tracks", "items")


def check(method: str, path: str, answer: httpx.Response) -> None:
    """The answer is what the published document says."""
    contract.published().check(method, re.sub("/[0-9A-Za-z]{22}", "/{id}", path), answer)


async def get(person: Person, path: str, **parameters: Any) -> Any:
    answer = await person.http.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    check("GET", path, answer)
    return answer.json()


def fault(answer: httpx.Response) -> tuple[int, str]:
    error = answer.json()["error"]
    assert error["status"] == answer.status_code
    return error["status"], error["message"]


async def test_a_playlist_is_created_in_each_form(ada: Person) -> None:
    classic = {"name": "Evenings", "description": "Slow ones", "public": False}
    for path in ("/v1/me/playlists", f"/v1/users/{ada.id}/playlists"):
        made = await ada.http.post(path, json=classic)
        check("POST", path, made)
        body = made.json()
        assert (body["name"], body["description"], body["public"]) == tuple(classic.values())
        assert (body["owner"]["id"], body["owner"]["display_name"]) == (ada.id, "Ada")
        assert (body["items"]["total"], body["followers"]["total"]) == (0, 1)
        assert await get(ada, f"/v1/playlists/{body['id']}") == body
    titled = await ada.http.post("/v1/playlists", json={"title": "Nights", "collaborative": False})
    assert (titled.status_code, titled.json()["name"], titled.json()["public"]) == (
        *(201, "Nights"),
        True,
    )


async def test_a_repeated_creation_makes_one_playlist(ada: Person, uris: list[str]) -> None:
    key = {"idempotency-key": random_id()}
    body = {"name": "Once", "public": False}
    made = [await ada.http.post("/v1/me/playlists", json=body, headers=key) for _ in range(2)]
    assert made[0].json() == made[1].json()
    playlist_id = made[0].json()["id"]
    path = f"/v1/playlists/{playlist_id}/items"
    added = [
        await ada.http.post(path, json={"uris": uris[:2]}, headers={"idempotency-key": "add-it"})
        for _ in range(2)
    ]
    assert {one.status_code for one in added} == {201}
    assert await ada.uris(playlist_id) == uris[:2]


async def test_an_addition_that_was_made_before_a_crash_is_not_made_again(
    ada: Person, uris: list[str]
) -> None:
    playlist_id = await ada.playlist(uris[0])
    caller = auth_of(ada)
    first = await service.add_items(caller, playlist_id, uris[1:3], 0, "a seed")
    await service.remove_items(caller, playlist_id, service.Removal(frozenset(uris[1:2])))
    for _ in range(2):
        assert await service.add_items(caller, playlist_id, uris[1:3], 0, "a seed") == first
        service.replica = service.Replica()  # an instance that has just started
    assert await ada.uris(playlist_id) == [uris[2], uris[0]]


def auth_of(person: Person) -> Any:
    from shared.platform.auth import verify_access_token

    return verify_access_token(person.http.headers["authorization"].removeprefix("Bearer "))


@pytest.mark.parametrize("path", NAMES)
async def test_items_are_added_moved_and_removed_under_both_names(
    ada: Person, uris: list[str], path: str
) -> None:
    playlist_id = await ada.playlist(public=False)
    address = f"/v1/playlists/{playlist_id}/{path}"
    snapshots = []

    async def edit(method: str, status: int = 200, **request: Any) -> None:
        answer = await ada.http.request(method, address, **request)
        assert answer.status_code == status, answer.text
        check(method, address, answer)
        snapshots.append(answer.json()["snapshot_id"])

    await edit("POST", 201, json={"uris": uris[:3]})
    await edit("POST", 201, json=[uris[3]], params={"position": 0})  # as spotipy does
    await edit("POST", 201, params={"uris": f"{uris[4]}, {uris[5]}"})
    await edit("POST", 201, json={"track_ids": [uris[0].split(":")[2]], "position": 1})
    expected = [uris[3], uris[0], *uris[:3], *uris[4:]]
    assert await ada.uris(playlist_id) == expected
    await edit("PUT", json={"range_start": 0, "insert_before": 3, "range_length": 2})
    assert await ada.uris(playlist_id) == [uris[0], uris[3], uris[0], uris[1], uris[2], *uris[4:]]
    stale = snapshots[0]
    await edit("DELETE", json={path: [{"uri": uris[0], "positions": [0]}], "snapshot_id": stale})
    assert await ada.uris(playlist_id) == [uris[3], uris[0], uris[1], uris[2], *uris[4:]]
    await edit("DELETE", json={path: [{"uri": uris[1]}, {"uri": uris[4]}]})
    await edit("DELETE", json={"positions": [0]})
    assert await ada.uris(playlist_id) == [uris[0], uris[2], uris[5]]
    await edit("PUT", params={"uris": uris[1]}, headers={"content-type": "application/json"})
    assert await ada.uris(playlist_id) == [uris[1]]
    await edit("PUT", json={"uris": []})
    assert await ada.uris(playlist_id) == []
    assert len(set(snapshots)) == len(snapshots)
    versions = [version_of(playlist_id, one) for one in snapshots]
    assert versions == list(range(2, len(versions) + 2))


async def test_both_shapes_are_answered_at_once(
    ada: Person, uris: list[str], episode: Episode
) -> None:
    spoken = f"spotify:episode:{episode.id}"
    playlist_id = await ada.playlist(uris[0], spoken)
    path = f"/v1/playlists/{playlist_id}"
    whole = await get(ada, path, market="SE", additional_types="track,episode")
    assert whole["items"]["items"] == whole["tracks"]["items"]
    first, second = whole["items"]["items"]
    assert first["item"] == first["track"]
    assert first["item"]["is_playable"] is True
    assert (first["item"]["track"], first["item"]["episode"]) == (True, False)
    assert first["added_by"]["id"] == ada.id
    assert second["item"]["show"]["name"] == "A Show"
    parsed = FullPlaylist.model_validate(whole)
    assert parsed.tracks.items[1].track is not None
    for name in NAMES:
        page = await get(ada, f"{path}/{name}", limit=1, offset=1)
        assert (page["total"], page["offset"], page["next"]) == (2, 1, None)
        known = {"limit": 1, "offset": 1, "additional_types": "episode"}
        PlaylistTrackPaging.model_validate(await get(ada, f"{path}/{name}", **known))
        # A client that knows tracks only finds of an episode what it reads of a track.
        like_a_track = page["items"][0]["track"]
        assert like_a_track["album"]["name"] == "A Show"
        assert like_a_track["artists"][0]["name"] == "We"
        assert (await ada.http.get(page["previous"])).json()["items"] == (
            await get(ada, f"{path}/{name}", limit=1)
        )["items"]


async def test_fields_choose_what_is_answered(ada: Person, uris: list[str]) -> None:
    playlist_id = await ada.playlist(*uris[:2])
    path = f"/v1/playlists/{playlist_id}"
    answer = await ada.http.get(
        path, params={"fields": "name,tracks.items(added_by.id,track(name,album(!images,name)))"}
    )
    (first, _) = answer.json()["tracks"]["items"]
    assert set(answer.json()) == {"name", "tracks"}
    assert first["added_by"] == {"id": ada.id}
    assert set(first["track"]) == {"name", "album"}
    assert "href" in first["track"]["album"]
    assert "images" not in first["track"]["album"]
    answer = await ada.http.get(f"{path}/items", params={"fields": "total,items(item.uri)"})
    assert answer.json() == {"total": 2, "items": [{"item": {"uri": uri}} for uri in uris[:2]]}


async def test_details_change_and_give_a_new_snapshot(ada: Person) -> None:
    playlist_id = await ada.playlist()
    path = f"/v1/playlists/{playlist_id}"
    before = await get(ada, path)
    answer = await ada.http.put(path, json={"name": "Dusk", "public": False, "collaborative": True})
    assert (answer.status_code, answer.content) == (200, b"")
    after = await get(ada, path)
    assert (after["name"], after["public"], after["collaborative"]) == ("Dusk", False, True)
    assert after["snapshot_id"] != before["snapshot_id"]
    assert (await ada.http.put(path, json={"public": True})).status_code == 400
    nothing = await ada.http.put(path, headers={"content-type": "application/json"})
    assert nothing.status_code == 200
    assert (await get(ada, path))["snapshot_id"] == after["snapshot_id"]


async def test_others_edit_a_collaborative_playlist_and_are_named(
    ada: Person, bob: Person, uris: list[str]
) -> None:
    playlist_id = await ada.playlist(uris[0], public=False, collaborative=True)
    await bob.add(playlist_id, uris[1])
    items = (await get(ada, f"/v1/playlists/{playlist_id}/items"))["items"]
    assert [item["added_by"]["id"] for item in items] == [ada.id, bob.id]
    assert items[1]["added_by"]["display_name"] == "Bob"
    refused = await bob.http.put(f"/v1/playlists/{playlist_id}", json={"name": "Mine"})
    assert refused.status_code == 403


WRITES: list[tuple[str, str, dict[str, Any]]] = [
    ("PUT", "", {"json": {"name": "Mine"}}),
    ("PUT", "/images", {"content": "AAAA", "headers": {"content-type": "image/jpeg"}}),
    *(
        (method, f"/{name}", {"json": body})
        for name in NAMES
        for method, body in (
            ("POST", {"uris": [f"spotify:track:{UNKNOWN}"]}),
            ("PUT", {"range_start": 0, "insert_before": 0}),
            ("DELETE", {"items": [{"uri": f"spotify:track:{UNKNOWN}"}]}),
        )
    ),
]
READS = ("", "/tracks", "/items", "/images", "/followers/contains")


async def test_a_private_playlist_is_not_there_for_others(ada: Person, bob: Person) -> None:
    playlist_id = await ada.playlist(public=False)
    for path in READS:
        answer = await bob.http.get(f"/v1/playlists/{playlist_id}{path}")
        assert fault(answer) == (404, f"Non existing id: 'spotify:playlist:{playlist_id}'"), path
    for method, path, request in (*WRITES, ("PUT", "/followers", {}), ("DELETE", "/followers", {})):
        answer = await bob.http.request(method, f"/v1/playlists/{playlist_id}{path}", **request)
        assert answer.status_code == 404, (method, path, answer.text)


async def test_a_public_playlist_is_changed_by_its_owner_alone(ada: Person, bob: Person) -> None:
    playlist_id = await ada.playlist()
    for method, path, request in WRITES:
        answer = await bob.http.request(method, f"/v1/playlists/{playlist_id}{path}", **request)
        assert answer.status_code == 403, (method, path, answer.text)
    for path in READS:
        assert (await bob.http.get(f"/v1/playlists/{playlist_id}{path}")).status_code == 200
    assert (
        await bob.http.post(f"/v1/users/{ada.id}/playlists", json={"name": "Hers"})
    ).status_code == 403


@pytest.mark.parametrize("public", [True, False])
async def test_the_scope_depends_on_the_playlist(
    ada: Person, uris: list[str], public: bool
) -> None:
    playlist_id = await ada.playlist(public=public)
    right, wrong = "playlist-modify-public", "playlist-modify-private"
    if not public:
        right, wrong = wrong, right
    path = f"/v1/playlists/{playlist_id}/items"
    for scopes, status in (((right,), 201), ((wrong,), 403), ((), 403)):
        answer = await ada.http.post(
            path, json={"uris": uris[:1]}, headers=ada.with_scopes(*scopes)
        )
        assert answer.status_code == status
        created = await ada.http.post(
            "/v1/me/playlists",
            json={"name": "By scope", "public": public},
            headers=ada.with_scopes(*scopes),
        )
        assert created.status_code == status
    changed = await ada.http.put(
        f"/v1/playlists/{playlist_id}", json={"public": not public},
        headers=ada.with_scopes(right),
    )  # fmt: skip
    assert changed.status_code == 403  # what it becomes needs the other scope
    read = await ada.http.get(path, headers=ada.with_scopes())
    assert read.status_code == (200 if public else 403)


async def test_lists_show_what_the_token_shows(ada: Person, bob: Person) -> None:
    public = await ada.playlist()
    private = await ada.playlist(public=False)
    shared = await ada.playlist(public=False, collaborative=True)
    everything = await get(ada, "/v1/me/playlists", limit=3)
    SimplePlaylistPaging.model_validate(everything)
    assert [one["id"] for one in everything["items"]] == [shared, private, public]
    assert (await get(ada, "/v1/me/playlists", limit=1, offset=1))["items"][0]["id"] == private

    async def listed(path: str, person: Person, *scopes: str) -> set[str]:
        answer = await person.http.get(
            path, params={"limit": 50}, headers=person.with_scopes(*scopes)
        )
        assert answer.json()["total"] == len(answer.json()["items"])
        return {one["id"] for one in answer.json()["items"]} & {public, private, shared}

    assert await listed("/v1/me/playlists", ada) == {public}
    assert await listed("/v1/me/playlists", ada, "playlist-read-collaborative") == {public, shared}
    own = f"/v1/users/{ada.id}/playlists"
    assert private in await listed(own, ada, "playlist-read-private")
    assert await listed(own, bob, "playlist-read-private") == {public}
    assert (await bob.http.get(f"/v1/users/{random_id()}/playlists")).status_code == 404


async def test_following_and_deleting(ada: Person, bob: Person) -> None:
    playlist_id = await ada.playlist()
    path = f"/v1/playlists/{playlist_id}/followers"

    async def follows(person: Person) -> Any:
        return await get(person, f"{path}/contains", ids=person.id)

    assert (await follows(ada), await follows(bob)) == ([True], [False])
    assert (await bob.http.put(path, json={"public": False})).status_code == 200
    assert (await bob.http.put(path)).status_code == 200
    assert await follows(bob) == [True]
    assert (await get(bob, f"/v1/playlists/{playlist_id}"))["followers"]["total"] == 2
    assert (await get(bob, "/v1/me/playlists"))["items"][0]["id"] == playlist_id
    assert (await ada.http.get(f"{path}/contains", params={"ids": bob.id})).status_code == 403
    # The owner deletes it: gone from their list, still there for those who follow it.
    assert (await ada.http.delete(path)).status_code == 200
    assert playlist_id not in {one["id"] for one in (await get(ada, "/v1/me/playlists"))["items"]}
    assert (await get(bob, "/v1/me/playlists"))["items"][0]["id"] == playlist_id
    assert (await bob.http.delete(path)).status_code == 200
    assert await follows(bob) == [False]


async def test_a_follower_leaves_a_playlist_that_became_private(ada: Person, bob: Person) -> None:
    playlist_id = await ada.playlist()
    path = f"/v1/playlists/{playlist_id}/followers"
    await bob.http.put(path)
    await ada.http.put(f"/v1/playlists/{playlist_id}", json={"public": False})
    assert playlist_id not in {one["id"] for one in (await get(bob, "/v1/me/playlists"))["items"]}
    assert (await bob.http.delete(path)).status_code == 200
    assert (await bob.http.delete(path)).status_code == 404


async def test_public_playlists_are_found_until_they_are_not_public(ada: Person) -> None:
    word = f"zyx{random_id()[:10].lower()}"

    async def is_found() -> bool:
        found = await search.search(SearchRequest(word, ("playlist",), limit=5))
        return found.pages["playlist"].total == 1

    playlist_id = await ada.playlist(name=f"The {word} list")
    path = f"/v1/playlists/{playlist_id}"
    assert await is_found()
    await ada.http.put(path, json={"public": False})
    assert not await is_found()
    await ada.http.put(path, json={"public": True})
    assert await is_found()
    await ada.http.delete(f"{path}/followers")
    assert not await is_found()
    await ada.http.put(f"{path}/followers")
    assert await is_found()


def jpeg(width: int = 400, height: int = 300, kind: str = "JPEG") -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (width, height), (120, 40, 200)).save(out, kind)
    return b64encode(out.getvalue())


async def test_a_cover_is_uploaded_and_served_in_sizes(
    ada: Person, uris: list[str], tracks: list[Track], storage: str
) -> None:
    playlist_id = await ada.playlist(uris[0])
    path = f"/v1/playlists/{playlist_id}/images"
    own = await get(ada, path)
    assert tracks[0].album.images[0] in own[0]["url"]
    headers = {"content-type": "image/jpeg"}
    answer = await ada.http.put(path, content=jpeg(), headers=headers)
    assert (answer.status_code, answer.content) == (202, b"")
    images = await get(ada, path)
    assert [image["width"] for image in images] == [640, 300, 64]
    assert (await get(ada, f"/v1/playlists/{playlist_id}"))["images"] == images
    prefix = f"{settings().images_url}/covers/"
    name = images[1]["url"].removeprefix(prefix)
    async with httpx.AsyncClient(trust_env=False) as client:
        bucket = settings().bucket(topology.COVERS.name)
        address = f"{storage}/storage/v1/b/{bucket}/o/{quote(name, safe='')}"
        stored = await client.get(address, params={"alt": "media"})
    assert stored.headers["content-type"] == "image/jpeg"
    assert stored.content[:2] == b"\xff\xd8"
    again = await ada.http.put(path, content=jpeg(), headers=headers)
    assert again.status_code == 202
    for body, status in (
        (b"", 400),
        (b"not base64!", 400),
        (jpeg(kind="PNG"), 400),
        (jpeg()[:200], 400),
        (jpeg(8, 8), 400),
        (b"A" * 300_000, 413),
    ):
        refused = await ada.http.put(path, content=body, headers=headers)
        assert refused.status_code == status, body[:20]
    assert await get(ada, path) == images


async def test_what_vanished_from_the_catalogue_is_shown_as_nothing(ada: Person) -> None:
    from shared.playlists.edits import Add
    from tests.unit.playlists.samples import new_items

    playlist_id = await ada.playlist()
    gone = Add(new_items(f"spotify:track:{UNKNOWN}", added_by=ada.id))
    await service.replica.edit(playlist_id, gone, lambda _: None)
    answer = await ada.http.get(f"/v1/playlists/{playlist_id}")
    (item,) = answer.json()["items"]["items"]
    assert (item["track"], item["item"]) == (None, None)
    FullPlaylist.model_validate(answer.json())


@pytest.mark.parametrize(
    ("method", "path", "request_", "message"),
    [
        ("POST", "items", {"json": {"uris": [f"spotify:track:{UNKNOWN}"]}}, "non-existing ID"),
        ("POST", "items", {"json": {"uris": ["spotify:album:" + UNKNOWN]}}, "uris"),
        ("POST", "items", {"json": {"uris": []}}, "uris: name the items to add"),
        ("POST", "items", {}, "uris: name the items to add"),
        ("POST", "items", {"json": {"uris": ["x"] * 101}}, "uris"),
        ("POST", "items", {"params": {"position": -1}}, "position"),
        ("PUT", "items", {"json": {}}, "range_start"),
        ("PUT", "items", {"json": {"uris": [], "range_start": 1, "insert_before": 0}}, "not both"),
        ("PUT", "items", {"json": {"range_start": 9, "insert_before": 0}}, "out of bounds"),
        ("DELETE", "items", {"json": {}}, "items: name the items to remove"),
        (
            "DELETE",
            "items",
            {"json": {"positions": [0], "snapshot_id": "AAAA"}},
            "Invalid snapshot id",
        ),
        ("GET", "items", {"params": {"limit": 101}}, "limit"),
        ("GET", "items", {"params": {"market": "XX"}}, "Invalid market code"),
        ("GET", "items", {"params": {"fields": "a[0]"}}, "fields"),
        ("PUT", "", {"json": {"name": ""}}, "name"),
        ("PUT", "", {"json": {"public": "yes"}}, "public"),
        ("POST", "", {"json": {"name": "x" * 201}}, "name"),
        ("POST", "", {"json": {"description": "no name"}}, "name"),
        ("POST", "", {"json": {"name": "x", "public": True, "collaborative": True}}, "public"),
        ("POST", "", {"content": b"{"}, "Malformed JSON"),
    ],
)
async def test_bad_requests_say_what_is_wrong(
    ada: Person, uris: list[str], method: str, path: str, request_: dict[str, Any], message: str
) -> None:
    address = "/v1/me/playlists"
    if path or method != "POST":
        address = f"/v1/playlists/{await ada.playlist(uris[0])}/{path}".rstrip("/")
    if "content" in request_:
        request_ = {**request_, "headers": {"content-type": "application/json"}}
    status, said = fault(await ada.http.request(method, address, **request_))
    assert status == 400
    assert message in said


async def test_what_another_instance_wrote_is_read_at_once(ada: Person, uris: list[str]) -> None:
    playlist_id = await ada.playlist(uris[0])
    assert await ada.uris(playlist_id) == uris[:1]
    here, elsewhere = service.replica, service.Replica()
    for number in range(1, 5):
        service.replica = elsewhere if number % 2 else here
        await ada.add(playlist_id, uris[number], position=0)
        service.replica = here if number % 2 else elsewhere
        assert await ada.uris(playlist_id) == list(reversed(uris[: number + 1]))
    service.replica = here


async def test_a_known_playlist_is_not_sent_again(ada: Person, uris: list[str]) -> None:
    playlist_id = await ada.playlist(uris[0])
    path = f"/v1/playlists/{playlist_id}"
    first = await ada.http.get(path)
    known = {"if-none-match": first.headers["etag"]}
    assert (await ada.http.get(path, headers=known)).status_code == 304
    await ada.add(playlist_id, uris[1])
    assert (await ada.http.get(path, headers=known)).status_code == 200


async def test_readers_at_once_share_one_read_of_the_version(
    ada: Person, uris: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    playlist_id = await ada.playlist(*uris)
    reads, read = [], service.store.read

    async def counted(one: str) -> Any:
        reads.append(one)
        return await read(one)

    monkeypatch.setattr(service.store, "read", counted)
    answers = await asyncio.gather(*(ada.uris(playlist_id) for _ in range(30)))
    assert all(one == uris for one in answers)
    assert len(reads) <= 3
