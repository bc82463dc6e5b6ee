"""`functions/browse` over HTTP, held to the contract."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.accounts import service as accounts
from shared.browse import service
from shared.browse.models import Category, Featured
from shared.catalog import service as catalog
from shared.platform.ids import random_id
from shared.playlists import service as playlists
from shared.playlists.models import LoadedItem, LoadedPlaylist
from tests import contract
from tests.emulator.catalog.functions import function
from tests.unit.catalog.samples import a_track, an_album, an_artist

NOW = datetime.now(UTC)
RUN = random_id()
ARTIST = an_artist("Somebody")
TODAY, BEFORE, TOMORROW = (
    an_album(
        ARTIST,
        f"{RUN} {days}",
        release_date=(NOW + timedelta(days=days)).date().isoformat(),
        territories=("DE", "SE") if days else ("DE",),
    )
    for days in (0, -1, 2)
)
TRACK = a_track(TODAY, encodings=())
OWNER = f"editor-{RUN}"


def a_playlist(name: str, *, public: bool = True) -> LoadedPlaylist:
    items = (LoadedItem(uri=f"spotify:track:{TRACK.id}", added_at=NOW, added_by=OWNER),)
    return LoadedPlaylist(
        id=random_id(), owner_id=OWNER, name=name, items=items, created_at=NOW, public=public
    )


PLAYLISTS = [a_playlist("Morning"), a_playlist("Evening"), a_playlist("Secret", public=False)]
IDS = tuple(one.id for one in PLAYLISTS)
MOOD = Category(
    id=f"mood-{RUN}",
    name="Mood",
    names={"es": "Ánimo"},
    icons=("i" * 22,),
    playlist_ids=(*IDS, "0" * 22),
    position=-2,
)
FOCUS = Category(id=f"focus-{RUN}", name="Focus", position=-1)


@pytest.fixture(scope="module", autouse=True)
async def _loaded(firestore: str, pubsub: str) -> None:
    await accounts.create_user(
        OWNER, "a long password", "e@x.org", "DE", "free", "Ed", user_id=OWNER
    )
    await catalog.load([TRACK], [TODAY, BEFORE, TOMORROW], [ARTIST])
    await playlists.load(PLAYLISTS)
    await service.load(
        [MOOD, FOCUS],
        [
            Featured(message="Hello", messages={"es": "Hola"}, playlist_ids=IDS),
            Featured(market="SE", message="Hej", playlist_ids=IDS[1:]),
        ],
    )
    catalog.newest.clear()


async def get(template: str, category_id: str = "", **parameters: Any) -> Any:
    async with function("browse", country="DE") as client:
        address = template.replace("{category_id}", category_id)
        answer = await client.get(address, params=parameters)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "private, max-age=60"
    contract.published().check("GET", template, answer)
    return answer.json()


def names(page: Any) -> list[str]:
    return [one["name"] for one in page["items"]]


async def test_categories_come_in_the_editors_order_and_the_asked_language() -> None:
    page = (await get("/v1/browse/categories", limit=2, locale="es_MX"))["categories"]
    assert names(page) == ["Ánimo", "Focus"]
    assert "locale=es_MX" in page["href"]
    one = await get("/v1/browse/categories/{category_id}", MOOD.id)
    assert (one["name"], one["icons"][0]["width"]) == ("Mood", 640)
    assert one["href"].endswith(f"/v1/browse/categories/{MOOD.id}")


async def test_a_category_shows_the_playlists_that_anybody_may_see() -> None:
    template = "/v1/browse/categories/{category_id}/playlists"
    found = await get(template, MOOD.id, limit=1)
    assert (found["message"], names(found["playlists"])) == ("Mood", ["Morning"])
    assert found["playlists"]["total"] == 2
    owner = found["playlists"]["items"][0]["owner"]
    assert (owner["id"], owner["display_name"]) == (OWNER, "Ed")
    async with function("browse") as client:
        rest = (await client.get(found["playlists"]["next"])).json()
    assert names(rest["playlists"]) == ["Evening"]
    assert (await get(template, FOCUS.id))["playlists"]["items"] == []


async def test_a_market_may_have_a_front_page_of_its_own() -> None:
    everywhere = await get("/v1/browse/featured-playlists", locale="es")
    assert (everywhere["message"], names(everywhere["playlists"])) == (
        "Hola",
        ["Morning", "Evening"],
    )
    swedish = await get("/v1/browse/featured-playlists", country="SE")
    assert (swedish["message"], names(swedish["playlists"])) == ("Hej", ["Evening"])


async def test_new_releases_are_out_and_sold_in_the_market_and_newest_first() -> None:
    async def released(**parameters: Any) -> list[str]:
        page = (await get("/v1/browse/new-releases", limit=50, **parameters))["albums"]
        dates = [one["release_date"] for one in page["items"]]
        assert dates == sorted(dates, reverse=True)
        return [name for name in names(page) if name.startswith(RUN)]

    assert await released() == [TODAY.name, BEFORE.name]
    assert await released(country="SE") == [BEFORE.name]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("categories/unknown", 404),
        ("categories/unknown/playlists", 404),
        ("categories/%C3%A4", 400),
        ("categories?limit=0", 400),
        ("new-releases?country=XX", 400),
        ("featured-playlists?offset=-1", 400),
    ],
)
async def test_bad_requests_are_refused(path: str, status: int) -> None:
    async with function("browse") as client:
        answer = await client.get(f"/v1/browse/{path}")
    assert answer.status_code == answer.json()["error"]["status"] == status
