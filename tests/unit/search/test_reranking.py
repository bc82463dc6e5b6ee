"""Which ranker is used when, and which is not used at all."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import lightgbm
import numpy as np
import pytest

from shared.artifacts.choice import MOST_USES, SETTLING, Pointer, Unusable
from shared.search.ranking import FEATURES
from shared.search.reranking import LearnedReranker, Model
from shared.search.training import train
from tests.unit.search import simulated

NOW = datetime(2026, 11, 22, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def model() -> bytes:
    return train(simulated.world(1, 1_000, simulated.fresh), FEATURES, 1).model.encode()


def about(model: bytes, **changes: object) -> Model:
    sha256 = hashlib.sha256(model).hexdigest()
    made = {"version": "v1", "features": FEATURES, "model_sha256": sha256, **changes}
    return Model.model_validate(made)


def test_scores_are_the_models_whatever_the_order_of_a_rows_features(model: bytes) -> None:
    random = np.random.default_rng(1)
    values = random.random((200, len(FEATURES)))
    rows = [dict(reversed(list(zip(FEATURES, row, strict=True)))) for row in values.tolist()]
    expected = lightgbm.Booster(model_str=model.decode()).predict(values, num_threads=1)
    assert LearnedReranker.parse(model, about(model)).scores(rows) == list(np.asarray(expected))


def test_no_rows_have_no_scores(model: bytes) -> None:
    assert LearnedReranker.parse(model, about(model)).scores([]) == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"model_sha256": "0" * 64}, "SHA-256"),
        ({"features": FEATURES[1:]}, f"other features .*{FEATURES[0]}"),
        ({"features": (*FEATURES, "loudness")}, r"other features .*loudness"),
    ],
)
def test_a_model_that_is_not_what_it_should_be_is_not_used(
    model: bytes, change: dict[str, object], reason: str
) -> None:
    with pytest.raises(Unusable, match=reason):
        LearnedReranker.parse(model, about(model, **change))


@pytest.mark.parametrize("content", [b"", b"tree\nnonsense", b"\xff\xfe"])
def test_what_is_no_model_is_not_used(content: bytes) -> None:
    with pytest.raises(Unusable, match="cannot be read"):
        LearnedReranker.parse(content, about(content))


def test_a_change_takes_effect_once_every_instance_has_seen_it() -> None:
    pointer = Pointer().followed_by("v1", NOW)
    assert pointer.version_at(NOW) is None
    assert pointer.version_at(NOW + SETTLING - MINUTE) is None
    assert pointer.version_at(NOW + SETTLING) == "v1"


def test_an_earlier_moment_has_the_ranker_of_that_moment() -> None:
    pointer = Pointer().followed_by("v1", NOW).followed_by("v2", NOW + timedelta(days=7))
    assert pointer.version_at(NOW + timedelta(days=7)) == "v1"
    assert pointer.version_at(NOW + timedelta(days=8)) == "v2"
    withdrawn = pointer.followed_by(None, NOW + timedelta(days=9))
    assert withdrawn.version_at(NOW + timedelta(days=10)) is None
    assert withdrawn.version_at(NOW + timedelta(days=8)) == "v2"


def test_what_never_came_into_effect_is_forgotten_and_few_are_kept() -> None:
    pointer = Pointer().followed_by("v1", NOW).followed_by("v2", NOW)
    assert [use.version for use in pointer.uses] == ["v2"]
    for week in range(1, 10):
        pointer = pointer.followed_by(f"w{week}", NOW + timedelta(weeks=week))
    assert [use.version for use in pointer.uses] == ["w9", "w8", "w7"]
    assert len(pointer.uses) == MOST_USES
