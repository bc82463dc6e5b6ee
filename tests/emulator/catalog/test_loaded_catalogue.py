"""A loaded catalogue over HTTP: what several operations say of it, held to the contract."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from google.cloud.firestore import FieldFilter

from shared.analysis import service as analysis
from shared.analysis.models import AudioFeatures
from shared.catalog import service
from shared.catalog.markets import MARKETS
from shared.catalog.models import Album, Artist, Track
from shared.history import service as history
from shared.history.models import PlaybackEvent
from shared.platform import bulk, clients
from shared.platform.ids import random_id
from shared.social import service as social
from shared.topology import AUDIO_FEATURES
from tests import contract
from tests.emulator.catalog.functions import function
from tests.unit.catalog.samples import a_track, an_album, an_artist

UNKNOWN = "0" * 22
GENRE = f"genre {random_id()}"
LEADER = an_artist("Leader", genres=(GENRE, "a"), popularity=60)
PARTNER = an_artist("Partner", genres=("b",))
FELLOW = an_artist("Fellow", genres=(GENRE,), popularity=90)
FIRST = an_album(LEADER, "First", release_date="2001-01-01")
LATEST = an_album(LEADER, "Latest", release_date="2020-05-05", territories=("SE",))
SINGLE = an_album(LEADER, "Single", album_type="single", release_date="2010")
THEIRS = an_album(PARTNER, "Theirs", release_date="2015-01-01")


def tracks_of(album: Album, count: int, **changes: Any) -> list[Track]:
    return [
        a_track(
            album,
            f"{album.name} {number}",
            **{"track_number": number, "popularity": 10 * number, "encodings": (), **changes},
        )
        for number in range(1, count + 1)
    ]


TRACKS = [
    *tracks_of(FIRST, 6),
    *tracks_of(LATEST, 6, territories=("SE",)),
    *tracks_of(SINGLE, 1),
    *tracks_of(THEIRS, 2, artists=(PARTNER.ref(), LEADER.ref())),
]
FEATURES = AudioFeatures(id=TRACKS[0].id, duration_ms=TRACKS[0].duration_ms, energy=0.5, key=11)


@pytest.fixture(scope="module", autouse=True)
async def _loaded(firestore: str, pubsub: str) -> None:
    artists: list[Artist] = [LEADER, PARTNER, FELLOW]
    await service.load(TRACKS, [FIRST, LATEST, SINGLE, THEIRS], artists)
    await analysis.load([FEATURES])
    for follower in ("ada", "bob"):
        await social.follow(follower, "artist", [LEADER.id])


async def get(template: str, item_id: str = "", **parameters: Any) -> Any:
    async with function("catalog") as client:
        answer = await client.get(template.replace("{id}", item_id), params=parameters)
    assert answer.status_code == 200, answer.text
    contract.published().check("GET", template, answer)
    return answer.json()


def names(items: list[dict[str, Any]]) -> list[str]:
    return [one["name"] for one in items]


async def test_several_come_in_the_order_of_their_ids() -> None:
    ids = f"{TRACKS[3].id},{TRACKS[0].id},{TRACKS[3].id}"
    found = await get("/v1/tracks", ids=ids, market="SE")
    assert [one["id"] for one in found["tracks"]] == ids.split(",")
    assert found["tracks"][0]["album"]["total_tracks"] == 6
    albums = (await get("/v1/albums", ids=f"{LATEST.id},{FIRST.id}"))["albums"]
    assert names(albums) == ["Latest", "First"]
    assert names(albums[1]["tracks"]["items"]) == [f"First {n}" for n in range(1, 7)]
    artists = (await get("/v1/artists", ids=f"{PARTNER.id},{LEADER.id}"))["artists"]
    assert [one["followers"]["total"] for one in artists] == [0, 2]


@pytest.mark.parametrize("kind", ["tracks", "albums", "artists", "audio-features"])
async def test_an_unknown_id_among_several_is_null(kind: str) -> None:
    async with function("catalog") as client:
        answer = await client.get(f"/v1/{kind}", params={"ids": f"{UNKNOWN},{UNKNOWN}"})
    assert answer.json() == {kind.replace("-", "_"): [None, None]}


async def test_a_track_is_relinked_to_the_same_recording_that_the_market_has() -> None:
    isrc = f"XX{random_id()[:10]}"
    home, abroad, other = (
        a_track(FIRST, name, isrc=isrc, territories=territories, encodings=())
        for name, territories in (("home", ("SE",)), ("abroad", ("US", "DE")), ("x", ("JP",)))
    )
    await service.load([home, abroad, other], [], [])
    linked = await get("/v1/tracks/{id}", home.id, market="DE")
    assert (linked["id"], linked["linked_from"]["id"]) == (abroad.id, home.id)
    assert linked["is_playable"] is True
    several = await get("/v1/tracks", ids=f"{home.id},{abroad.id}", market="SE")
    assert [one["id"] for one in several["tracks"]] == [home.id, home.id]
    assert "linked_from" not in several["tracks"][0]
    nowhere = await get("/v1/tracks/{id}", home.id, market="FR")
    assert (nowhere["id"], nowhere["is_playable"]) == (home.id, False)
    assert "linked_from" not in await get("/v1/tracks/{id}", home.id)


async def test_an_artist_shows_how_many_follow() -> None:
    found = await get("/v1/artists/{id}", LEADER.id)
    assert found["followers"] == {"href": None, "total": 2}


async def test_an_artists_albums_come_by_group_with_what_they_are_to_them() -> None:
    page = await get("/v1/artists/{id}/albums", LEADER.id)
    assert (page["limit"], page["total"]) == (5, 4)
    assert names(page["items"]) == ["Latest", "First", "Single", "Theirs"]
    assert [one["album_group"] for one in page["items"]] == [
        *("album", "album", "single", "appears_on")
    ]
    some = await get(
        "/v1/artists/{id}/albums",
        LEADER.id,
        include_groups="single,album",
        market="from_token",
        limit=1,
    )
    assert (names(some["items"]), some["total"]) == (["First"], 2)
    async with function("catalog") as client:
        rest = (await client.get(some["next"])).json()
    assert names(rest["items"]) == ["Single"]


async def test_top_tracks_are_the_most_popular_ones_in_the_market() -> None:
    abroad = (await get("/v1/artists/{id}/top-tracks", LEADER.id))["tracks"]
    assert "Latest 6" not in names(abroad)
    at_home = (await get("/v1/artists/{id}/top-tracks", LEADER.id, market="SE"))["tracks"]
    assert len(at_home) == 10
    popularity = [one["popularity"] for one in at_home]
    assert popularity == sorted(popularity, reverse=True)
    assert {"Latest 6", "First 6"} == set(names(at_home[:2]))


async def test_related_artists_play_together_or_play_the_same() -> None:
    found = await get("/v1/artists/{id}/related-artists", LEADER.id)
    assert names(found["artists"]) == ["Partner", "Fellow"]
    back = await get("/v1/artists/{id}/related-artists", FELLOW.id)
    assert names(back["artists"]) == ["Leader"]


async def test_audio_features_are_those_that_were_loaded() -> None:
    found = await get("/v1/audio-features/{id}", TRACKS[0].id)
    assert (found["energy"], found["key"], found["type"]) == (0.5, 11, "audio_features")
    several = await get("/v1/audio-features", ids=TRACKS[0].id)
    assert several["audio_features"] == [found]


async def test_plays_of_a_track_are_counted(bigtable: str) -> None:
    heard, unheard = TRACKS[0].id, TRACKS[1].id
    for number in range(3):
        event = PlaybackEvent(
            event_id=random_id(),
            type="play_started",
            user_id=f"listener-{number}",
            track_id=heard,
            session_id=random_id(),
            device_id="d",
            position_ms=0,
            ts=datetime.now(UTC),
            country="DE",
            tier="free",
        )
        await history.record(event)
    async with function("catalog") as client:
        for track_id, plays in ((heard, 3), (unheard, 0)):
            answer = await client.get(f"/v1/tracks/{track_id}/plays")
            assert answer.json() == {"track_id": track_id, "plays": plays}
        assert (await client.get(f"/v1/tracks/{UNKNOWN}/plays")).status_code == 404


async def test_every_market_is_listed() -> None:
    assert (await get("/v1/markets"))["markets"] == list(MARKETS)


async def test_an_answer_that_is_known_is_not_sent_again() -> None:
    async with function("catalog") as client:
        address = f"/v1/artists/{LEADER.id}/albums"
        first = await client.get(address)
        again = await client.get(address, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_loading_again_changes_nothing() -> None:
    before = await service.get_album(THEIRS.id)
    await service.load(TRACKS, [FIRST, LATEST, SINGLE, THEIRS], [LEADER])
    assert await service.get_album(THEIRS.id) == before
    assert before.guest_ids == (LEADER.id,)


async def test_a_bulk_write_takes_more_than_fits_into_one_commit() -> None:
    run = random_id()
    many = [
        (f"{run}-{number}", {"run": run, "number": number, "long": ["x"] * 100, "none": None})
        for number in range(bulk.COMMIT_WRITES + 100)
    ]
    assert await bulk.write(AUDIO_FEATURES, iter(many)) == len(many)
    collection = clients.collection(AUDIO_FEATURES)
    assert (await collection.document(f"{run}-599").get()).to_dict() == many[599][1]

    query = collection.where(filter=FieldFilter("run", "==", run)).count()
    ((counted,),) = await query.get()
    assert counted.value == len(many)


async def test_a_merge_leaves_what_it_does_not_name_and_a_plain_write_does_not() -> None:
    one = random_id()
    whole = {"a": 1, "odd name": 2, "map": {"kept": 3, "changed": 4}, "list": [5]}
    await bulk.write(AUDIO_FEATURES, [(one, whole)])
    changes = {"map": {"changed": 6, "new": {}}, "odd name": 7, "list": []}
    await bulk.write(AUDIO_FEATURES, [(one, changes)], merge=True)
    document = clients.collection(AUDIO_FEATURES).document(one)
    assert (await document.get()).to_dict() == {
        "a": 1,
        "odd name": 7,
        "map": {"kept": 3, "changed": 6, "new": {}},
        "list": [],
    }
    await bulk.write(AUDIO_FEATURES, [(one, changes)])
    assert (await document.get()).to_dict() == changes
