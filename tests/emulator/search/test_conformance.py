"""Both engines give the same answers: the same documents, the same queries, the whole pipeline.

Ranking is the same code behind both, so where an engine returns every match (here always: a few
hundred documents are fewer than are ranked) the first pages are equal, item by item. Behind the
window that is ranked an order may differ: the local engine scores the words of names by BM25,
Spanner by a formula of its own, and each hands on its fifty best besides the most popular.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.search import pipeline
from shared.search.local.building import build
from shared.search.local.engine import LocalEngine
from shared.search.models import ITEM_TYPES, ItemType, SearchDocument, SearchRequest
from shared.search.spanner import loading, store
from shared.search.spanner.engine import SpannerEngine
from tests import local_settings
from tests.emulator.conftest import create_search_database
from tests.relevance import catalogue

VERSION = "20240501T000000Z-00000000"
TOP = 5
SEED = 7
_TODAY = datetime.now(UTC).date()


def made(kind: ItemType, item_id: str, name: str, **fields: object) -> SearchDocument:
    return SearchDocument.model_validate({"type": kind, "id": item_id, "name": name, **fields})


# One or two for each thing that a plan can ask for.
HANDMADE = (
    made("track", "h-open", "Open Window", artists=("Lena Fromm",), popularity=40),
    made("track", "h-window", "Window Open", artists=("Lena Fromm",), popularity=60),
    made("track", "h-live", "Open Window (Live at the Barn)", artists=("Lena Fromm",)),
    made("track", "h-run", "Running Up Stairs", artists=("The Runners",), popularity=33),
    made("track", "h-runs", "She Runs Home", artists=("Ann",), popularity=31),
    made("track", "h-explicit", "Sordid Tale", artists=("Kid Vice",), explicit=True, popularity=70),
    made("track", "h-clean", "Sordid Tale", artists=("Kid Vice",), isrc="QZHAN0000002"),
    made("track", "h-de", "Grenzgang", artists=("Ost",), territories=("DE", "AT"), popularity=50),
    made("track", "h-not-de", "Grenzgang", artists=("West",), blocked_in=("DE",), popularity=55),
    made("track", "h-gone", "Grenzgang", artists=("Niemand",), blocked_in=("*",), popularity=99),
    made("track", "h-1994", "Interval", artists=("Metronom",), release_date="1994",
         genres=("Dub",)),
    made("track", "h-1999", "Interval", artists=("Metronom",), release_date="1999-12-31"),
    made("track", "h-2000", "Interval", artists=("Metronom",), release_date="2000-01-01"),
    made("track", "h-1962", "Interval", artists=("Metronom",), release_date="1962-05"),
    made("track", "h-isrc", "Coded", artists=("Metronom",), isrc="QZHAN0000001"),
    made("track", "h-digits", "1999 2000", artists=("Zzyzx 99",), popularity=20),
    made("track", "h-zoo", "Zoo Zebra", artists=("Zaz",), popularity=21),
    made("track", "h-or", "Or And Not", artists=("Around",), popularity=22),
    made("track", "h-kino", "Группа крови", artists=("Кино",), popularity=45),
    made("track", "h-ja", "夜に駆ける", artists=("よあそび",), popularity=46),
    made("track", "h-ko", "봄날", artists=("방탄소년단",), popularity=47),
    made("track", "h-ar", "حبيبي يا نور العين", artists=("عمرو دياب",), popularity=48),
    made("track", "h-symbols", "!!!", artists=("÷",), popularity=12),
    made("track", "h-emoji", "Rocket 🚀 Man", artists=("Astro",), popularity=13),
    made("track", "h-acdc", "Thunder Run", artists=("AC/DC",), aliases=("ACDC",), popularity=66),
    made("track", "h-pink", "So Then", artists=("P!nk",), album="Funhouse Doors", popularity=64),
    made("album", "h-new", "Fresh Paint", artists=("Lena Fromm",), popularity=30,
         release_date=str(_TODAY - timedelta(days=3))),
    made("album", "h-old", "Dry Paint", artists=("Lena Fromm",), popularity=80,
         release_date=str(_TODAY - timedelta(days=30)), upc="00602537518357"),
    made("album", "h-rare", "Cellar Tapes", artists=("Nobody Much",), popularity=3),
    made("artist", "h-lena", "Lena Fromm", aliases=("Magdalena Fromm",), popularity=58),
    made("artist", "h-beyonce", "Beyoncé", popularity=90),
    made("playlist", "h-list", "Quiet Mornings", artists=("Segue",), popularity=25,
         description="Piano and rain for slow starts"),
    made("show", "h-show", "Tape Heads", artists=("Northern Audio",), popularity=35),
    made("episode", "h-episode", "The First Cassette", artists=("Northern Audio",),
         album="Tape Heads", popularity=15),
)  # fmt: skip

ASKED = (
    *(
        "open window",
        "window open",
        '"open window"',
        "“open window”",
        "open -live",
        "open NOT live",
    ),
    *("window OR paint", "artist:lena", 'artist:"lena fromm" window', "track:open artist:lena"),
    *("album:funhouse", "album:tape first", "track:tape", "runner", "running", "run home"),
    *("sordid tale", "grenzgang", "interval", "interval year:1990-1999", "year:2000-1990 interval"),
    *("year:1962", "interval year:1999", 'genre:"dub"', "genre:dub interval", "isrc:QZHAN0000001"),
    *("isrc:qzhan0000002", "upc:00602537518357", "tag:new", "tag:new paint", "tag:hipster"),
    *("tag:hipster cellar", "paint", "magdalena", "1999", "1999 2000", "199", "zoo", "zaz", "z"),
    *("or and not", "OR", "around", "кино", "кин", "группа крови", "gruppa krovi", "kino", "夜に"),
    *("夜に駆ける", "駆", "よあそび", "봄날", "봄", "bomnal", "حبيبي", "habibi", "!!!", "÷", "🚀"),
    *(
        "rocket man",
        "acdc",
        "ac/dc thunder",
        "ac dc",
        "pink",
        "p!nk so",
        "pnk",
        "beyonce",
        "Beyoncé",
    ),
    *("beyonsay", "byonce", "lena from", "lenna fromm", "opne window", "fromm", "f", "fr", "quiet"),
    *("piano rain", "slow mornings", "tape heads", "cassette", "first casette", "northern audio"),
    *("metronom coded interval", "metronom -interval", "a\x00b", "'; DROP TABLE x; --"),
    *('"unbalanced', "AROUND(3) window", "open|window", "-", "--", "artist:", "x" * 500),
)


@dataclass(frozen=True)
class Engines:
    local: LocalEngine
    spanner: SpannerEngine
    asked_of_real: tuple[str, ...]


def sample() -> list[SearchDocument]:
    """40 real tracks, their artists and their albums."""
    if not catalogue.DATA.exists():
        pytest.skip(f"{catalogue.DATA} is not beside the project")
    real = catalogue.documents()
    tracks = random.Random(SEED).sample(real["track"], 40)
    artists = {one for track in tracks for one in track.artist_ids}
    albums = {track.album for track in tracks}
    return [
        *tracks,
        *(one for one in real["artist"] if one.id in artists),
        *(one for one in real["album"] if one.name in albums),
    ]


def questions(documents: Iterable[SearchDocument]) -> tuple[str, ...]:
    """What people may type for 12 of `documents`: whole, in part and misspelt."""
    chance = random.Random(SEED)
    found: list[str] = []
    for one in chance.sample(list(documents), 12):
        name, maker = one.name[:60], " ".join(one.artists[:1])
        found += [name, f"{name} {maker}", name[: chance.randint(2, 6)], misspelt(name, chance)]
    return tuple(dict.fromkeys(question for question in found if question.strip()))


def misspelt(name: str, chance: random.Random) -> str:
    """`name` with two letters in the wrong order."""
    at = chance.randrange(len(name))
    return name[:at] + name[at + 1 : at + 2] + name[at : at + 1] + name[at + 2 :]


@pytest.fixture(scope="module")
async def engines(
    spanner: str, settings_env: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Engines]:
    """Both engines over the same documents."""
    real = sample()
    documents = [*real, *HANDMADE]
    folder: Path = tmp_path_factory.mktemp("index") / "it"
    build(documents, folder, VERSION, datetime.now(UTC))
    local = LocalEngine.open(folder)
    with pytest.MonkeyPatch.context() as patch:
        # The emulator reads every row for each query, and shares two cores with the other tests.
        patch.setattr(store, "QUERY_TIMEOUT_S", 120.0)
        patch.setenv("SEGUE_SPANNER_DATABASE", create_search_database(spanner, "conformance"))
        local_settings.forget_settings()
        assert await loading.load(documents, VERSION) == len({one.key for one in documents})
        yield Engines(local, await SpannerEngine.open(), questions(real))
    local_settings.forget_settings()


async def answers(
    engine: LocalEngine | SpannerEngine, request: SearchRequest
) -> dict[str, tuple[list[str], int]]:
    results = await pipeline.search(engine, request, "a view")
    return {
        kind: ([found.card.key for found in page.items], page.total)
        for kind, page in results.pages.items()
    } | {"suggested": ([results.suggested_query or ""], 0)}


def request(query: str, **changes: object) -> SearchRequest:
    fields: dict[str, object] = {"query": query, "types": ITEM_TYPES, "limit": TOP, **changes}
    return SearchRequest(**fields)  # type: ignore[arg-type]


async def differences(
    engines: Engines, asked: Iterable[str], **changes: object
) -> tuple[int, list[object]]:
    """How many of the queries find something, and the answers of those that differ."""
    found, different = 0, []
    for query in asked:
        local = await answers(engines.local, request(query, **changes))
        spanner = await answers(engines.spanner, request(query, **changes))
        found += any(keys for keys, _ in local.values())
        if local != spanner:
            different.append((query, local, spanner))
    return found, different


async def test_every_kind_of_query_has_the_same_results_in_the_same_order(
    engines: Engines,
) -> None:
    found, different = await differences(engines, ASKED)
    assert different == []
    assert found > len(ASKED) * 0.9


async def test_real_names_whole_begun_and_misspelt_have_the_same_results(engines: Engines) -> None:
    found, different = await differences(
        engines, engines.asked_of_real, types=("track", "artist", "album")
    )
    assert different == []
    assert found > len(engines.asked_of_real) * 0.9


@pytest.mark.parametrize(
    "changes",
    [
        {"market": "DE"},
        {"market": "US", "allow_explicit": False, "locale": "de"},
        {"limit": 50, "offset": 3, "locale": "ru"},
    ],
    ids=["in Germany", "clean", "a long second page"],
)
async def test_who_asks_makes_the_same_difference(
    engines: Engines, changes: dict[str, object]
) -> None:
    asked = ("grenzgang", "sordid tale", "interval", "window", "paint", "f", "кино", "running")
    found, different = await differences(engines, asked, **changes)
    assert different == []
    assert found == len(asked)


async def test_completions_are_the_same(engines: Engines) -> None:
    for typed in ("w", "op", "lena f", "inter", "кр", "夜", "the r", "beyoncee", "199", "p!n"):
        asked = request(typed, types=("track", "artist", "album"))
        local = await pipeline.suggest(engines.local, asked, "a view")
        spanner = await pipeline.suggest(engines.spanner, asked, "a view")
        assert local.items, typed
        assert local == spanner


async def test_words_are_like_the_same_words(engines: Engines) -> None:
    for word, edits in (("widnow", 1), ("fromm", 0), ("intervall", 2), ("кина", 1), ("runers", 1)):
        local = await engines.local.similar_words(word, edits)
        assert local, word
        assert local == await engines.spanner.similar_words(word, edits)
