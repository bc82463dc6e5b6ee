"""Tracks that sound alike lie in one cell."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.analysis.models import CELLS_PER_AXIS, AudioFeatures

share = st.floats(0, 1)


def features(energy: float, danceability: float, valence: float, acousticness: float) -> str:
    made = AudioFeatures(
        id="t",
        duration_ms=1,
        energy=energy,
        danceability=danceability,
        valence=valence,
        acousticness=acousticness,
    )
    assert AudioFeatures.model_validate(made.to_document()) == made
    cell: str = made.to_document()["cell"]
    return cell


def test_the_axes_are_cut_into_equal_parts() -> None:
    assert features(0, 0.25, 0.5, 1) == "0123"


@given(st.tuples(share, share, share, share))
def test_everything_has_a_cell(values: tuple[float, float, float, float]) -> None:
    cell = features(*values)
    assert len(cell) == 4
    assert all(0 <= int(digit) < CELLS_PER_AXIS for digit in cell)
