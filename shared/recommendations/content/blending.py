"""One vector of what people do with a track and of what it sounds like and is called. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shared.recommendations.items import Matrix

# People after whom what they do counts as much as the content. Chosen on lastfm-2k, where artists
# were left with 2 to 40 of their listeners (tests/unit/recommendations/content/test_cold_start.py):
# 20 to 100 do equally well there. The least of them, since tags say more than most content does.
EQUAL_EVIDENCE = 20.0


def blended(
    collaborative: Matrix,
    content: Matrix,
    evidence: NDArray[Any],
    *,
    equal_evidence: float = EQUAL_EVIDENCE,
) -> Matrix:
    """Vectors (tracks, DIMENSIONS) between `content` and `collaborative`, by how many people,
    `evidence` (tracks,), the latter are learned from: n / (n + `equal_evidence`) of them.

    A track that nobody has heard is its content alone; where there is no content (a row of zeros)
    the collaborative vector stays whole, since half of it would be no better. Raises ValueError for
    a negative `evidence` and where lengths differ.
    """
    if collaborative.shape != content.shape or len(evidence) != len(content):
        raise ValueError(
            f"{collaborative.shape}, {content.shape} and {len(evidence)}: give as many of each"
        )
    people = np.asarray(evidence, np.float32)
    if people.size and float(people.min()) < 0:
        raise ValueError("evidence counts people: it cannot be negative")
    share = people / (people + equal_evidence) if equal_evidence > 0 else np.sign(people)
    share = np.where(content.any(axis=1), share, 1.0)[:, None]
    found: Matrix = (share * collaborative + (1 - share) * content).astype(np.float32)
    return found
