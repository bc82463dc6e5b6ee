"""The order of candidates: by a model, and without one, and with one that is broken."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from shared.artifacts.choice import Unusable
from shared.recommendations.items import Item, Scored, Taste, Why
from shared.recommendations.lists import listed
from shared.recommendations.ranking.chances import Chances
from shared.recommendations.ranking.features import (
    RANKING_FEATURES,
    Affinity,
    unplayed,
)
from shared.recommendations.ranking.impressions import (
    CREDITED_MS,
    Impression,
    Screens,
    entry,
    is_recommended,
    read_entry,
)
from shared.recommendations.ranking.ranker import Context, Ranker, features_of
from shared.recommendations.ranking.scores import guessed, relevance
from shared.recommendations.ranking.training import train
from shared.signals.features import PAIR_FEATURES, pair_features
from shared.signals.models import Signal
from tests.unit.recommendations.ranking import simulated

NOW_MS = 1_790_000_000_000


def item(number: int, **changes: object) -> Item:
    made = Item(f"t{number}", f"Track {number}", (f"a{number}",), ("A",), "l", ("g",), "", 200_000)
    return replace(made, **changes)  # type: ignore[arg-type]


def candidates(count: int) -> list[Scored]:
    return [
        Scored(n, item(n), score, "collaborative", Why("listeners_like_you"), retrieved=score)
        for n, score in enumerate(1 - n / count for n in range(count))
    ]


CONTEXT = Context(NOW_MS, {f"t{n}": item(n) for n in range(1_000)}.get)
TASTE = Taste("u")


def ids(items: list[Scored]) -> list[str]:
    return [one.item.track_id for one in items]


@pytest.fixture(scope="module")
def chances() -> Chances:
    trained = train(simulated.world(1, 200, simulated.restless), 1, ablates=False)
    models = {name: (one.model, one.calibration) for name, one in trained.models.items()}
    return Chances.parse("v1", RANKING_FEATURES, models)


def test_without_anything_known_the_order_is_that_of_retrieval() -> None:
    offered = candidates(50)
    assert ids(Ranker().order(TASTE, offered[::-1], CONTEXT, {})) == ids(offered)
    assert Ranker().order(TASTE, [], CONTEXT, {}) == []
    assert Ranker().version is None


def test_the_score_of_retrieval_is_kept() -> None:
    for one in Ranker().order(TASTE, candidates(20), CONTEXT, {}):
        assert one.retrieved == 1 - one.row / 20
        assert one.score != one.retrieved


def test_what_retrieval_did_not_score_has_no_such_score() -> None:
    tilted = replace(candidates(1)[0], score=7.0)
    unscored = replace(tilted, retrieved=None)
    features = features_of(TASTE, [tilted, unscored], CONTEXT, {})
    scores = features[:, RANKING_FEATURES.index("retrieval_score")]
    assert scores[0] == 1
    assert np.isnan(scores[1])


def test_a_guess_prefers_what_is_seldom_skipped_and_near_to_the_taste() -> None:
    many = candidates(100)
    rates = {"track_skip_rate_28d": 0.9, "track_completion_rate_28d": 0.1}
    skipped = {"t0": {**unplayed(), **rates}}
    assert ids(Ranker().order(TASTE, many, CONTEXT, skipped)).index("t0") > 50
    likes_40 = Taste("u", confidences={"t40": 2.0, "t41": 0.1})
    assert ids(Ranker().order(likes_40, many, CONTEXT, {})).index("t40") < 5


def test_relevance_is_the_place_whatever_the_scale() -> None:
    assert relevance(np.array([5.0, -2.0, 1e9])).tolist() == [0.5, 0, 1]
    assert relevance(np.array([1.0, 1.0, 0.0])).tolist() == [0.75, 0.75, 0]
    assert relevance(np.array([3.0])).tolist() == [1]
    assert relevance(np.array([np.nan, 1.0])).tolist() == [0, 1]


def test_a_model_moves_what_it_expects_to_be_heard_out(chances: Chances) -> None:
    """In that world short tracks are heard out."""
    context = replace(CONTEXT, item_of=lambda _: None)
    offered = [
        replace(one, item=replace(one.item, duration_ms=340_000 if one.row < 20 else 130_000))
        for one in candidates(40)
    ]
    ranker = Ranker(chances)
    assert ranker.version == "v1"
    found = ranker.order(TASTE, offered, context, {})
    assert sum(one.row >= 20 for one in found[:20]) >= 15
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    features = features_of(TASTE, offered, context, {})
    expected = relevance(np.array([one.score for one in offered])) + chances.values(features)
    by_row = {one.row: one.score for one in found}
    assert [by_row[one.row] for one in offered] == pytest.approx(expected.tolist())


def test_the_order_of_a_models_features_is_its_own(chances: Chances) -> None:
    trained = train(simulated.world(1, 200, simulated.restless), 1, ablates=False)
    models = {name: (one.model, one.calibration) for name, one in trained.models.items()}
    values = np.random.default_rng(1).random((50, len(RANKING_FEATURES)))
    backwards = Chances.parse("v1", RANKING_FEATURES[::-1], models)
    np.testing.assert_allclose(backwards.values(values[:, ::-1]), chances.values(values))


class Broken(Chances):
    def __init__(self, values: float | None) -> None:
        super().__init__("broken", RANKING_FEATURES, {})
        self._result = values

    def values(self, features: simulated.Floats) -> simulated.Floats:
        if self._result is None:
            raise RuntimeError("segmentation of the mind")
        return np.full(len(features), self._result)


@pytest.mark.parametrize("result", [None, float("nan"), float("inf")])
def test_a_broken_model_never_fails_a_list(
    result: float | None, caplog: pytest.LogCaptureFixture
) -> None:
    offered = candidates(30)
    with caplog.at_level(logging.ERROR):
        found = Ranker(Broken(result)).order(TASTE, offered, CONTEXT, {})
    assert found == Ranker().order(TASTE, offered, CONTEXT, {})
    assert "the ranker broken" in caplog.text


def test_a_model_of_other_features_is_unusable() -> None:
    with pytest.raises(Unusable, match="loudness"):
        Chances.parse("v", (*RANKING_FEATURES, "loudness"), {})
    with pytest.raises(Unusable, match="duration_s"):
        Chances.parse("v", tuple(one for one in RANKING_FEATURES if one != "duration_s"), {})


def test_text_that_is_no_model_is_unusable() -> None:
    from shared.recommendations.ranking.chances import Calibration

    with pytest.raises(Unusable, match="cannot be read"):
        Chances.parse("v", RANKING_FEATURES, {"skipped": ("no model", Calibration())})


def test_affinities_are_shares_of_all_that_is_liked() -> None:
    items = {
        "t1": item(1, artist_ids=("a", "b"), genres=("x",)),
        "t2": item(2, artist_ids=("a",), genres=("x", "y")),
        "t3": item(3, artist_ids=("c",), genres=()),
    }
    affinity = Affinity.of({"t1": 1.0, "t2": 2.0, "t3": 1.0, "gone": 4.0}, items.get)
    assert affinity.features(item(9, artist_ids=("b", "a"), genres=("y",))) == (3 / 8, 2 / 8)
    assert affinity.features(item(9, artist_ids=("z",), genres=())) == (0, 0)
    assert affinity.features(None) == (0, 0)
    assert Affinity.of({}, items.get).features(items["t1"]) == (0, 0)


def test_a_guess_is_made_of_what_it_says() -> None:
    features = np.zeros((1, len(RANKING_FEATURES)))
    values = {
        "track_completion_rate_28d": 0.6,
        "track_skip_rate_28d": 0.3,
        "pair_skip_rate_28d": 0.686,
        "artist_affinity": 0.04,
        "genre_affinity": 0.25,
        "pair_follows_artist": 1,
    }
    for name, number in values.items():
        features[0, RANKING_FEATURES.index(name)] = number
    assert guessed(features) == pytest.approx([0.6 - 0.3 - 0.2 + 0.08 + 0.1 + 0.1])


# --- impressions --------------------------------------------------------------------------------


def test_an_entry_is_read_as_it_was_written() -> None:
    (one,) = listed([replace(candidates(4)[1], score=1.9)])
    track_id, shown = read_entry(entry(one), 3)
    assert (track_id, shown.score, shown.source, shown.place) == ("t1", 0.75, "collaborative", 3)
    unscored = read_entry(entry(replace(one, retrieved=None)), 0)[1]
    assert np.isnan(unscored.score)
    assert unscored.source == "collaborative"


@pytest.mark.parametrize("text", ["t1", "t1 high", "t1 nan popular", "t1 inf", "t1 0.5 oracle", ""])
def test_what_is_not_understood_of_an_entry_is_not_known(text: str) -> None:
    track_id, shown = read_entry(text, 0)
    assert track_id == text[:2]
    assert np.isnan(shown.score) or shown.source is None


@pytest.mark.parametrize("items", [None, "", "{", "{}", "[1, null]", '"t1"', "7"])
def test_damaged_impressions_show_nothing(items: str | None) -> None:
    assert Impression.parse(1, items).entries == ()


def test_the_last_impression_before_a_play_counts_for_a_day() -> None:
    screens = Screens(
        [
            Impression(2_000, ("t1 0.2 popular",)),
            Impression(1_000, ("t2 0.9 content", "t1 0.1 popular")),
        ]
    )

    def score(now_ms: int) -> float | None:
        shown = screens.last_before("t1", now_ms)
        return shown.score if shown else None

    assert score(999) is None
    assert score(1_000) == 0.1
    assert score(1_999) == 0.1
    assert score(2_000) == 0.2
    assert score(2_000 + CREDITED_MS) == 0.2
    assert score(2_001 + CREDITED_MS) is None
    assert screens.last_before("t3", 5_000) is None


def test_a_shelf_is_recommended_and_an_album_is_not() -> None:
    assert is_recommended("segue:shelf:popular")
    assert is_recommended("segue:made:daily-mix-1")
    assert not is_recommended("segue:album:shelf")
    assert not is_recommended(None)
    assert not is_recommended("")


# --- what is asked with ------------------------------------------------------------------------


def test_what_a_person_has_to_do_with_each_track_is_told_for_each() -> None:
    """Met or not, followed or hidden: as if each track were asked for alone."""
    at = datetime.fromtimestamp(NOW_MS / 1000, UTC) - timedelta(hours=1)

    def signal(number: int, kind: str, **changes: object) -> Signal:
        return Signal.model_validate(
            {"event_id": f"e{number}", "user_id": "u", "kind": kind, "ts": at, **changes}
        )

    signals = [
        signal(1, "follow", subject_uri="spotify:artist:a1"),
        signal(2, "hide", subject_uri="spotify:artist:a2"),
        signal(3, "hide", track_id="t3"),
        signal(4, "play", track_id="t4"),
        signal(5, "save", track_id="t5"),
    ]
    offered = candidates(8)
    offered[6] = replace(offered[6], item=item(6, artist_ids=("a1", "a2")))
    features = features_of(TASTE, offered, replace(CONTEXT, signals=signals), {})
    first = RANKING_FEATURES.index(PAIR_FEATURES[0])
    for row, one in zip(features, offered, strict=True):
        alone = pair_features(signals, one.item.track_id, one.item.artist_ids, NOW_MS)
        found = dict(zip(PAIR_FEATURES, row[first : first + len(PAIR_FEATURES)], strict=True))
        assert found == alone
