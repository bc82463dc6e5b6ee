"""Autoplay against the real stores: a context that ends goes on with what was made ahead."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from emulators.processes import free_port
from shared.accounts import service as accounts
from shared.catalog import service as catalog
from shared.platform.ids import random_id
from shared.recommendations import similar as recommendations
from shared.recommendations.lists import Similar, SimilarTrack
from shared.signals import service as signals
from shared.signals.models import Signal
from tests import local_settings
from tests.emulator.connect.conftest import Person, signed_in
from tests.unit.catalog.samples import a_track, an_album, an_artist


@pytest.fixture(scope="module")
async def music(firestore: str, bigtable: str) -> tuple[str, list[str], list[str]]:
    """An album of two tracks, its tracks, and three that go with them: the last is Sweden's."""
    artist = an_artist()
    album, others = an_album(artist, total_tracks=2), an_album(artist, total_tracks=3)
    own = [a_track(album, f"Own {n}", track_number=n, isrc=None) for n in (1, 2)]
    alike = [a_track(others, f"Alike {n}", track_number=n, isrc=None) for n in (1, 2)]
    away = a_track(others, "Away", track_number=3, territories=("SE",), isrc=None)
    await catalog.load([*own, *alike, away], [album, others], [artist])
    similar = tuple(SimilarTrack(one.id, one.duration_ms) for one in (away, *alike))
    # The first of them is on the album itself, so it does not come again.
    first = Similar(own[0].id, (SimilarTrack(own[1].id, 1), *similar))
    assert await recommendations.write_similar([first, Similar(own[1].id, similar)]) == 2
    return album.id, [one.id for one in own], [one.id for one in alike]


async def start(person: Person, **body: Any) -> None:
    await person.do("PUT", "/play", params={"device_id": "speaker"}, json=body)


async def playing(person: Person) -> str:
    now = await person.now()
    return str(now["item"]["id"])


async def test_after_the_album_what_goes_with_it(
    listener: Person, music: tuple[str, list[str], list[str]]
) -> None:
    album, own, alike = music
    await start(listener, context_uri=f"spotify:album:{album}")
    heard = [await playing(listener)]
    for _ in range(3):
        await listener.do("POST", "/next")
        heard.append(await playing(listener))
    assert heard == own + alike
    # The published document knows no such context: a client of today's sees the track's album.
    assert (await listener.now())["context"]["type"] == "album"


@pytest.fixture(scope="module")
async def crowd(firestore: str, bigtable: str) -> tuple[str, dict[str, str]]:
    """An album of one track, and what goes with it: four tracks of one artist, the same recording
    twice, an explicit track, and one that is like nothing else. Ids by name."""
    first, busy, other = (an_artist() for _ in range(3))
    album, on = an_album(first, total_tracks=1), an_album(busy, total_tracks=4)
    ended = a_track(album, "Ended", isrc=None)
    tracks = [a_track(on, f"Busy {n}", isrc=None) for n in range(4)]
    twice = [a_track(an_album(an_artist()), f"Twice {n}", isrc="QZES72000001") for n in range(2)]
    tracks += [*twice, a_track(an_album(other), "Explicit", explicit=True, isrc=None)]
    tracks += [a_track(an_album(an_artist()), "Last", isrc=None)]
    await catalog.load([ended, *tracks], [album, on], [first, busy, other])
    similar = tuple(SimilarTrack(one.id, one.duration_ms) for one in tracks)
    await recommendations.write_similar([Similar(ended.id, similar)])
    named = {one.name: one.id for one in (ended, *tracks)}
    return ended.id, {**named, "the artist": busy.id, "the album": album.id}


async def goes_on(person: Person, crowd: tuple[str, dict[str, str]]) -> list[str]:
    """What is played after the album, by name."""
    ended, ids = crowd
    names = {one: name for name, one in ids.items()}
    await start(person, context_uri=f"spotify:album:{ids['the album']}")
    assert await playing(person) == ended
    heard: list[str] = []
    while True:
        await person.do("POST", "/next")
        now = await person.now()
        if not now["is_playing"]:
            return heard
        heard.append(names[now["item"]["id"]])


async def test_it_keeps_the_rules_of_every_list(
    listener: Person, crowd: tuple[str, dict[str, str]]
) -> None:
    assert await goes_on(listener, crowd) == ["Busy 0", "Busy 1", "Twice 0", "Explicit", "Last"]


async def test_it_spares_people_what_they_do_not_want(crowd: tuple[str, dict[str, str]]) -> None:
    async with signed_in() as person:
        await accounts.create_user(
            f"u{person.id}", "a long password", "o@x.org", "DE", "premium", "O",
            user_id=person.id, explicit_filter=True,
        )  # fmt: skip
        hide = {"event_id": "h", "user_id": person.id, "kind": "hide", "ts": datetime.now(UTC)}
        await signals.record(
            Signal.model_validate(
                {**hide, "subject_uri": f"spotify:artist:{crowd[1]['the artist']}"}
            )
        )
        await person.join()
        assert await goes_on(person, crowd) == ["Twice 0", "Last"]


async def test_nothing_is_there_and_nothing_breaks(listener: Person, album: list[str]) -> None:
    await start(listener, context_uri=album[0], offset={"position": 4})
    await listener.do("POST", "/next")
    now = await listener.now()
    assert now["is_playing"] is False
    assert now["item"]["uri"] == album[1]


async def test_without_bigtable_a_play_is_a_play(
    settings_env: pytest.MonkeyPatch, album: list[str], firestore: str
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("BIGTABLE_EMULATOR_HOST", "SEGUE_BIGTABLE_ENDPOINT"):
            patch.setenv(name, f"127.0.0.1:{free_port()}")
        local_settings.forget_settings()
        async with signed_in() as person:
            await person.join()
            await start(person, context_uri=album[0])
            assert await playing(person) == album[1].rpartition(":")[2]
    local_settings.forget_settings()


async def test_what_is_written_again_replaces(firestore: str, bigtable: str) -> None:
    track, one, other = random_id(), random_id(), random_id()
    for like in (one, other):
        await recommendations.write_similar([Similar(track, (SimilarTrack(like, 1_000),))])
    assert await recommendations.similar_to([track]) == [SimilarTrack(other, 1_000)]
    assert await recommendations.similar_to([random_id()]) == []
