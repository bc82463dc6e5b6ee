"""Both stages together, as a request has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from shared.recommendations import ordering
from shared.recommendations.items import CANDIDATES, Taste
from shared.recommendations.products.choosing import NEAR, ordered_near
from shared.recommendations.taste import Listener
from tests.unit.recommendations.bundles import a_world, scored


async def test_what_is_not_ranked_stands_close_behind_what_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def nothing(_: Sequence[str]) -> dict[str, Mapping[str, float]]:
        return {}

    monkeypatch.setattr(ordering, "_read", nothing)
    world = a_world(artists=100)
    candidates = [scored(world, row, 1 - row / CANDIDATES) for row in range(CANDIDATES)]
    order = ordering.Ordering()(world, Listener(Taste("somebody")))
    found = await ordered_near(order, candidates)
    assert {one.row for one in found[:NEAR]} == set(range(NEAR))
    scores = [one.score for one in found]
    assert len(scores) == CANDIDATES
    assert scores == sorted(scores, reverse=True)
    ranked, rest = scores[:NEAR], scores[NEAR:]
    assert rest[0] < ranked[-1]
    assert rest[0] - rest[-1] <= ranked[0] - ranked[-1]
