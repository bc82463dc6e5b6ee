"""The engine in this process, from documents to what a query finds."""

from __future__ import annotations

import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.platform.errors import InvalidInput
from shared.search import pipeline, text
from shared.search.local import shard
from shared.search.local.building import build
from shared.search.local.engine import BrokenIndex, LocalEngine
from shared.search.models import SearchDocument, SearchRequest
from tests.unit.search.conftest import BUILT_AT, Open, found

YESTERDAY = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()


def track(item_id: str, name: str, artist: str = "Somebody", **fields: object) -> SearchDocument:
    stated = {"type": "track", "id": item_id, "name": name, "artists": (artist,)}
    return SearchDocument.model_validate(stated | fields)


CATALOGUE = [
    track("hello", "Hello", "Adele", popularity=90, album="25", genres=("Soul",)),
    track("yellow", "Yellow", "Coldplay", popularity=85, album="Parachutes"),
    track("rhapsody", "Bohemian Rhapsody - Remastered 2011", "Queen", popularity=88),
    track("back", "Back in Black", "AC/DC", popularity=80, release_date="1980-07-25"),
    track("tik", "TiK ToK", "Ke$ha", popularity=70, explicit=True, isrc="USRC10900433"),
    track("so-what", "So What", "P!nk", popularity=77, release_date="2008"),
    track("losing", "Losing My Religion", "R.E.M.", popularity=79),
    track("halo", "Halo", "Beyoncé", popularity=83),
    track("blood", "Группа крови", "Кино", popularity=60),
    track("racing", "夜に駆ける", "YOASOBI", popularity=81),
    track("german", "Nur hier", "Jemand", popularity=10, territories=("DE", "AT")),
    track("blocked", "Verboten", "Jemand", popularity=50, blocked_in=("DE",)),
    track("gone", "Withdrawn Song", "Jemand", popularity=50, blocked_in=("*",)),
    track("fresh", "Fresh Paint", "Jemand", popularity=5, release_date=YESTERDAY),
    track("single", "Same Song", "Duo", popularity=20, recording="X1"),
    track("album", "Same Song", "Duo", popularity=40, recording="X1"),
    track("running", "Running Up That Hill", "Kate Bush", popularity=84),
]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("hello", "hello"),
        ("HELLO  adele", "hello"),
        ("adele hello", "hello"),
        ("hel", "hello"),
        ("bohemian rhapsody", "rhapsody"),
        ("bohemian rapsody", "rhapsody"),
        ("bohemain rapsody", "rhapsody"),
        ("acdc back in black", "back"),
        ("ac/dc", "back"),
        ("kesha", "tik"),
        ("ke$ha tik tok", "tik"),
        ("pink so what", "so-what"),
        ("rem losing my religion", "losing"),
        ("r.e.m.", "losing"),
        ("beyonce halo", "halo"),
        ("gruppa krovi", "blood"),
        ("駆ける", "racing"),
        ("backinblack", "back"),
        ("hel lo adele", "hello"),
        ("cold play yelow", "yellow"),
        ('"in black"', "back"),
        ("artist:queen", "rhapsody"),
        ("album:parachutes", "yellow"),
        ("track:halo artist:beyonce", "halo"),
        ("isrc:usrc10900433", "tik"),
        ("year:1979-1981", "back"),
        ("genre:soul", "hello"),
        ("tag:new", "fresh"),
        ("run up that hill", "running"),
    ],
)
async def test_what_is_meant_comes_first(opened: Open, query: str, first: str) -> None:
    assert (await found(opened(CATALOGUE), query))[:1] == [first]


@pytest.mark.parametrize(
    ("query", "kind", "first"),
    [
        ("artist:queen", "artist", "queen"),
        ("artist:pink", "artist", "pink"),
        ('album:"night at the opera"', "album", "opera"),
        ("artist:queen", "album", "opera"),
        ('album:"night at the opera"', "track", "you"),
        ("artist:pink", "track", "so-what"),
    ],
)
async def test_fields_are_of_every_type_that_has_them(
    opened: Open, query: str, kind: str, first: str
) -> None:
    opera = {"type": "album", "id": "opera", "name": "A Night at the Opera", "artists": ("Queen",)}
    engine = opened(
        [
            *CATALOGUE,
            SearchDocument(type="artist", id="queen", name="Queen"),
            SearchDocument(type="artist", id="pink", name="P!nk"),
            SearchDocument.model_validate(opera),
            track("you", "You", "Queen", album="A Night at the Opera"),
        ]
    )
    assert (await found(engine, query, types=(kind,)))[:1] == [first]


@pytest.mark.parametrize("query", ["artist:queen", '"bohemian rhapsody"', "track:bohemian queen"])
async def test_fields_and_phrases_may_be_completed(opened: Open, query: str) -> None:
    answer = await pipeline.suggest(opened(CATALOGUE), SearchRequest(query, ("track",)), "view")
    assert [one.id for one in answer.items] == ["rhapsody"]


async def test_a_name_that_nobody_sees_is_not_all_of_what_is_asked(opened: Open) -> None:
    unseen = {"type": "playlist", "name": "\u200b", "artists": ("Taylor Swift",)}
    best = {"type": "playlist", "name": "This Is Taylor Swift", "artists": ("Segue",)}
    engine = opened(
        [
            SearchDocument.model_validate(unseen | {"id": "unseen", "popularity": 99}),
            SearchDocument.model_validate(best | {"id": "best", "popularity": 90}),
        ]
    )
    assert await found(engine, "taylor swift", types=("playlist",)) == ["best", "unseen"]


@pytest.mark.parametrize("query", ["year:0000", "hello year:0000-9999", "year:9999-0000"])
async def test_there_is_no_year_0(opened: Open, query: str) -> None:
    assert isinstance(await found(opened(CATALOGUE), query), list)


async def test_words_may_be_left_out_or_chosen_from(opened: Open) -> None:
    engine = opened(CATALOGUE)
    assert "hello" not in await found(engine, "hel NOT adele")
    assert set(await found(engine, "halo OR yellow")) == {"halo", "yellow"}


async def test_nobody_sees_what_is_not_released_or_blocked_there(opened: Open) -> None:
    engine = opened(CATALOGUE)
    for market, seen in (("DE", ["german"]), ("FR", []), (None, ["german"])):
        assert await found(engine, "nur hier", market=market) == seen
    for market, seen in (("DE", []), ("FR", ["blocked"]), (None, ["blocked"])):
        assert await found(engine, "verboten", market=market) == seen
    for market in ("DE", "FR", None):
        assert "gone" not in await found(engine, "withdrawn song", market=market)


async def test_explicit_may_be_filtered(opened: Open) -> None:
    engine = opened(CATALOGUE)
    assert await found(engine, "tik tok", allow_explicit=False) == []
    assert await found(engine, "tik tok") == ["tik"]


async def test_the_same_recording_is_once(opened: Open) -> None:
    assert await found(opened(CATALOGUE), "same song") == ["album"]


async def test_a_document_that_came_twice_is_once_and_as_it_was_last(opened: Open) -> None:
    engine = opened([track("a", "Old Name"), *CATALOGUE, track("a", "New Name", popularity=3)])
    assert await found(engine, "new name") == ["a"]
    assert "a" not in await found(engine, '"old name"')
    assert engine.documents["track"] == len(CATALOGUE) + 1


async def test_a_doubtful_query_says_what_may_be_meant(opened: Open) -> None:
    engine = opened(CATALOGUE)
    asked = SearchRequest("bohemian rapsody", ("track",))
    results = await pipeline.search(engine, asked, "view")
    assert results.suggested_query == "bohemian rhapsody"
    results = await pipeline.search(engine, SearchRequest("hello adele", ("track",)), "view")
    assert results.suggested_query is None


async def test_completions_are_of_all_kinds_the_best_known_first(opened: Open) -> None:
    engine = opened(
        [
            *CATALOGUE,
            SearchDocument(type="artist", id="h1", name="Hellogoodbye", popularity=70),
            SearchDocument(type="playlist", id="h2", name="Hello Summer", popularity=95),
        ]
    )
    kinds = ("track", "artist", "playlist")
    asked = SearchRequest("hel", kinds, limit=10, market="DE")
    answer = await pipeline.suggest(engine, asked, "view")
    assert [one.id for one in answer.items] == ["h2", "hello", "h1"]
    asked = SearchRequest("helo ad", ("track",), limit=10)
    answer = await pipeline.suggest(engine, asked, "view")
    assert [one.id for one in answer.items][:1] == ["hello"]


async def test_facets_and_reasons(opened: Open) -> None:
    engine = opened(CATALOGUE)
    asked = SearchRequest("a", ("track", "artist"), with_facets=True)
    results = await pipeline.search(engine, asked, "view")
    assert results.facets
    assert results.facets.types == {"track": results.pages["track"].total}
    assert "1980s" in results.facets.decades


# --- many documents --------------------------------------------------------------------------


@pytest.fixture
def small_tiers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiers of 8, 16, 32 … documents."""
    monkeypatch.setattr(shard, "FIRST_TIER", 8)
    monkeypatch.setattr(shard, "NEXT_TIER", 2)


@pytest.mark.usefixtures("small_tiers")
async def test_pages_repeat_nothing_and_lose_nothing(opened: Open) -> None:
    """Over several tiers, beyond the window that is ranked, and with recordings on many albums."""
    many = [
        track(
            f"t{n:04}",
            f"Song {'Alpha' if n % 3 else 'Beta'} {n}",
            popularity=n % 101,
            recording=f"R{n % 400}" if n % 5 == 0 else "",
            territories=("DE",) if n % 7 == 0 else (),
        )
        for n in range(900)
    ]
    engine = opened(many)
    whole = await found(engine, "song alpha", limit=1_050, market="FR")
    assert len(whole) == len(set(whole)) > 300
    paged: list[str] = []
    for offset in range(0, len(whole) + 50, 50):
        paged += await found(engine, "song alpha", limit=50, offset=offset, market="FR")
    assert paged == whole
    by_id = {one.id: one for one in many}
    assert all("DE" not in by_id[one].territories for one in whole)


@pytest.mark.usefixtures("small_tiers")
async def test_what_hardly_anybody_plays_is_found_by_its_name(opened: Open) -> None:
    crowd = [track(f"c{n}", "Harbour Lights", popularity=90) for n in range(200)]
    engine = opened([*crowd, track("rare", "Harbour", popularity=0)])
    assert (await found(engine, "harbour"))[0] == "rare"


async def test_long_and_short_licences_mean_the_same(opened: Open) -> None:
    from shared.platform.markets import MARKETS

    most = tuple(one for one in MARKETS if one != "DE")
    engine = opened([track("most", "Nearly Everywhere", territories=most)])
    assert await found(engine, "nearly everywhere", market="DE") == []
    assert await found(engine, "nearly everywhere", market="FR") == ["most"]


# --- strange questions -----------------------------------------------------------------------

STRANGE = st.one_of(
    st.text(max_size=300),
    st.text(alphabet='"():*~^-+\\/[]{}?!&|:“”«»\u202e\u200d\x00 abאب夜🎵', max_size=120),
    st.lists(
        st.sampled_from(
            ["artist:", "year:", '"', "NOT", "OR", "AND", "hello", "ye", "-", "tag:new", "genre:"]
        ),
        max_size=40,
    ).map(" ".join),
    st.sampled_from(["a" * 10_000, "é " * 5_000, "夜" * 3_000, '"' * 9_999, "a OR " * 2_000]),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(query=STRANGE)
async def test_no_question_is_too_strange(
    tmp_path_factory: pytest.TempPathFactory, query: str
) -> None:
    engine = _engine_of(tmp_path_factory)
    for ask in (pipeline.search, pipeline.suggest):
        started = time.perf_counter()
        try:
            await ask(engine, SearchRequest(query, ("track",), market="DE"), "view")
        except InvalidInput:
            assert not text.squash(query)
        assert time.perf_counter() - started < 1


_ENGINES: list[LocalEngine] = []


def _engine_of(folders: pytest.TempPathFactory) -> LocalEngine:
    if not _ENGINES:
        folder = folders.mktemp("strange") / "index"
        build(CATALOGUE, folder, "v1", BUILT_AT)
        _ENGINES.append(LocalEngine.open(folder))
    return _ENGINES[0]


# --- broken files ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "harm",
    [
        lambda folder: (folder / "index.json").unlink(),
        lambda folder: (folder / "index.json").write_text('{"format": 99}'),
        lambda folder: (folder / "track/cards.bin").write_bytes(b""),
        lambda folder: shutil.rmtree(folder / "track/tier-0"),
        lambda folder: shutil.rmtree(folder / "words"),
        lambda folder: shutil.rmtree(folder / "suggest"),
    ],
)
def test_a_broken_index_is_not_opened(tmp_path: Path, harm: object) -> None:
    build(CATALOGUE, tmp_path / "index", "v1", BUILT_AT)
    harm(tmp_path / "index")  # type: ignore[operator]
    with pytest.raises(BrokenIndex):
        LocalEngine.open(tmp_path / "index")


async def test_an_index_of_nothing_finds_nothing(opened: Open) -> None:
    engine = opened([])
    assert await found(engine, "hello") == []
    assert (await pipeline.suggest(engine, SearchRequest("h", ("track",)), "v")).items == ()
