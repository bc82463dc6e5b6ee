"""`functions/recommendations` over HTTP, on a catalogue with two sounds in it."""

from __future__ import annotations

from typing import Any

import pytest

from shared.analysis import service as analysis
from shared.analysis.models import AudioFeatures
from shared.catalog import service as catalog
from shared.catalog.models import Album, Artist, Track
from shared.platform.ids import random_id
from shared.recommendations import service
from shared.recommendations.models import Seed, Tuning
from tests import contract
from tests.emulator.catalog.functions import function
from tests.unit.catalog.samples import a_track, an_album, an_artist

LOUD, QUIET = f"loud-{random_id()}", f"quiet-{random_id()}"
ARTISTS: list[Artist] = []
ALBUMS: list[Album] = []
TRACKS: list[Track] = []
FEATURES: list[AudioFeatures] = []
for number in range(12):
    genre, energy = (LOUD, 0.9) if number % 2 else (QUIET, 0.1)
    artist = an_artist(f"Artist {number}", genres=(genre,), popularity=90)
    album = an_album(artist)
    ARTISTS.append(artist)
    ALBUMS.append(album)
    for place in range(3):
        territories = ("SE",) if place == 2 else ()
        track = a_track(
            album,
            f"{genre} {place}",
            popularity=30 * place,
            territories=territories,
            encodings=(),
            isrc=None,
        )
        TRACKS.append(track)
        FEATURES.append(
            AudioFeatures(id=track.id, duration_ms=track.duration_ms, energy=energy, tempo=100.0)
        )
QUIET_ARTIST, LOUD_ARTIST = ARTISTS[0], ARTISTS[1]
QUIET_TRACK = TRACKS[0]


@pytest.fixture(scope="module", autouse=True)
async def _loaded(firestore: str) -> None:
    await catalog.load(TRACKS, ALBUMS, ARTISTS)
    await analysis.load(FEATURES)
    catalog.genre_names.clear()


async def ask(**parameters: Any) -> Any:
    async with function("recommendations") as client:
        answer = await client.get("/v1/recommendations", params=parameters)
    assert answer.status_code == 200, answer.text
    contract.published().check("GET", "/v1/recommendations", answer)
    return answer.json()


def genres(found: Any) -> set[str]:
    return {one["name"].partition(" ")[0] for one in found["tracks"]}


async def test_a_genre_recommends_its_own_and_at_most_two_of_one_artist() -> None:
    found = await ask(seed_genres=QUIET, limit=100)
    assert genres(found) == {QUIET}
    artists = [one["artists"][0]["id"] for one in found["tracks"]]
    assert max(artists.count(one) for one in artists) == 2
    (seed,) = found["seeds"]
    assert (seed["id"], seed["type"]) == (QUIET, "genre")
    # The third track of each artist is released elsewhere.
    assert seed["initialPoolSize"] == seed["afterFilteringSize"] == 18
    assert seed["afterRelinkingSize"] == 12


async def test_an_artist_recommends_themselves_and_those_of_their_genre() -> None:
    found = await ask(seed_artists=LOUD_ARTIST.id, limit=100)
    assert genres(found) == {LOUD}
    assert LOUD_ARTIST.id in {one["artists"][0]["id"] for one in found["tracks"]}
    assert len({one["artists"][0]["id"] for one in found["tracks"]}) > 1


async def test_a_track_recommends_what_sounds_like_it_but_not_itself() -> None:
    found = await ask(seed_tracks=QUIET_TRACK.id, limit=100, market="DE")
    assert genres(found) == {QUIET}
    assert QUIET_TRACK.id not in {one["id"] for one in found["tracks"]}
    assert all(one["is_playable"] for one in found["tracks"])


async def test_a_target_decides_between_seeds() -> None:
    found = await ask(seed_genres=f"{QUIET},{LOUD}", target_energy=1, limit=10)
    assert genres(found) == {LOUD}
    assert [one["id"] for one in found["seeds"]] == [QUIET, LOUD]


async def test_floors_and_ceilings_filter() -> None:
    found = await ask(seed_genres=f"{QUIET},{LOUD}", max_energy=0.5, min_popularity=30)
    assert genres(found) == {QUIET}
    assert {one["popularity"] for one in found["tracks"]} == {30}
    assert [one["afterFilteringSize"] for one in found["seeds"]] == [12, 0]
    nothing = await ask(seed_genres=QUIET, min_tempo=200)
    assert nothing["tracks"] == []


async def test_who_asks_why_is_told_by_which_seed_and_how_near_each_track_is() -> None:
    asked = {"seed_artists": LOUD_ARTIST.id, "seed_genres": QUIET, "target_energy": 1, "limit": 100}
    found = await ask(**asked, explain=1)
    seeds = {(one["type"], one["id"]) for one in found["seeds"]}
    why = {one["id"]: one.pop("explanation") for one in found["tracks"]}
    scores = [why[one["id"]]["score"] for one in found["tracks"]]
    assert scores == sorted(scores, reverse=True)
    assert all({(of["type"], of["id"]) for of in one["origins"]} <= seeds for one in why.values())
    for one in found["tracks"]:
        (through,) = why[one["id"]]["origins"]
        if LOUD in one["name"]:
            is_own = one["artists"][0]["id"] == LOUD_ARTIST.id
            assert through["origin"] == ("by seed artist" if is_own else "of like artists")
        else:
            assert (through["type"], through["origin"]) == ("genre", "of genre")
    far = {LOUD: 0.1, QUIET: 0.9}
    for one in found["tracks"]:
        assert why[one["id"]]["distances"]["energy"] == far[one["name"].partition(" ")[0]]
    assert found == await ask(**asked)  # and nothing else has changed, nor is told unasked


async def test_the_same_question_has_the_same_answer() -> None:
    asked = {"seed_genres": f"{QUIET},{LOUD}", "seed_artists": QUIET_ARTIST.id, "limit": 50}
    first = await ask(**asked)
    for cache in (catalog.pools, catalog.artist_tracks, catalog.genre_artists, analysis.cells):
        cache.clear()
    assert await ask(**asked) == first


async def test_a_recommendation_says_why() -> None:
    found = await service.recommend([Seed("artist", LOUD_ARTIST.id)], 20, Tuning({}, {}, {}))
    by_origin = {one.reasons[0].origin for one in found.tracks}
    assert by_origin >= {"by seed artist", "of like artists"}
    assert all(0 <= one.score <= 1 and "energy" in one.distances for one in found.tracks)


async def test_a_seed_that_nobody_knows_offers_nothing() -> None:
    found = await ask(
        seed_tracks=random_id(), seed_artists=random_id(), seed_genres="no such genre"
    )
    assert found["tracks"] == []
    assert [one["initialPoolSize"] for one in found["seeds"]] == [0, 0, 0]


async def test_the_genres_that_can_be_seeds_are_the_catalogues() -> None:
    async with function("recommendations") as client:
        answer = await client.get("/v1/recommendations/available-genre-seeds")
    contract.published().check("GET", "/v1/recommendations/available-genre-seeds", answer)
    assert {LOUD, QUIET} <= set(answer.json()["genres"])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, "name at least one seed"),
        ({"seed_genres": "a,b,c,d,e,f"}, "at most 5 seeds"),
        ({"seed_genres": "a", "limit": 101}, "limit: "),
        ({"seed_genres": "a", "target_energy": 2}, "target_energy: "),
        ({"seed_genres": "a", "min_key": 0.5}, "min_key: "),
        ({"seed_tracks": "abc"}, "seed_tracks: "),
        ({"seed_genres": "a", "market": "ZZ"}, "Invalid market code"),
    ],
)
async def test_bad_questions_are_refused_by_name(parameters: Any, message: str) -> None:
    async with function("recommendations") as client:
        answer = await client.get("/v1/recommendations", params=parameters)
    contract.published().check("GET", "/v1/recommendations", answer)
    assert answer.status_code == 400
    assert message in answer.json()["error"]["message"]
