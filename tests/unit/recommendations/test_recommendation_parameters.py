"""The 14 attributes are taken in the types and ranges of the published document."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from shared.recommendations.models import ATTRIBUTES, Seed
from shared.recommendations.parameters import FARTHEST, RecommendationsQuery
from tests import contract


def documented() -> dict[str, dict[str, object]]:
    operation = contract.published().operations["GET", "/v1/recommendations"]
    return {one["name"]: one["schema"] for one in operation["parameters"] if "name" in one}


def test_every_attribute_is_as_documented() -> None:
    schema = RecommendationsQuery.model_json_schema()["properties"]
    for name, wanted in documented().items():
        if name.partition("_")[0] not in ("min", "max", "target"):
            continue
        ours = schema[name]["anyOf"][0]
        assert ours["type"] == wanted["type"], name
        for bound in ("minimum", "maximum"):
            assert ours.get(bound) == wanted.get(bound), name
    assert len(ATTRIBUTES) == 14


def test_seeds_are_split_and_targets_gathered() -> None:
    query = RecommendationsQuery.model_validate(
        {
            "seed_artists": "a" * 22,
            "seed_genres": "jazz, deep house,",
            "seed_tracks": f"{'b' * 22},{'c' * 22}",
            "min_energy": "0.25",
            "max_tempo": "1e300",
            "target_key": "7",
        }
    )
    assert query.limit == 20
    assert query.seeds() == [
        Seed("artist", "a" * 22),
        Seed("genre", "jazz"),
        Seed("genre", "deep house"),
        Seed("track", "b" * 22),
        Seed("track", "c" * 22),
    ]
    tuning = query.tuning()
    assert (tuning.minimum, tuning.target) == ({"energy": 0.25}, {"key": 7})
    assert tuning.maximum == {"tempo": FARTHEST}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("target_energy", "1.01"),
        ("min_key", "12"),
        ("target_mode", "0.5"),
        ("max_popularity", "101"),
        ("target_tempo", "nan"),
        ("target_valence", "happy"),
        ("limit", "0"),
        ("limit", "101"),
        ("seed_tracks", "abc"),
        ("market", "DEU"),
    ],
)
def test_a_value_out_of_range_is_named(name: str, value: str) -> None:
    with pytest.raises(ValidationError, match=name):
        RecommendationsQuery.model_validate({name: value})
