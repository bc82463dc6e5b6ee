"""The learned order in use (F182): which one, and its scores.

`search-ranker/<version>/` in the models bucket (`shared.artifacts.choice`) holds a `model.txt`
(LightGBM's text form) and the `report.json` that says how it was trained. What is asked "as of" an
earlier moment is answered by the ranker of that moment: the pages of one answer are cut from one
order, whichever instance cuts them.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from math import inf
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from shared.artifacts.choice import LOOK_S, Choice, Unusable
from shared.artifacts.revalidation import Revalidated
from shared.platform import objects
from shared.search.ranking import FEATURES
from shared.topology import MODELS

if TYPE_CHECKING:
    from lightgbm import Booster

FOLDER = "search-ranker"


class Model(BaseModel):
    """What a version's report says of its model."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    version: str
    features: tuple[str, ...]
    model_sha256: str


class LearnedReranker:
    """A LambdaMART model; a `ranking.Reranker`."""

    def __init__(self, version: str, features: Sequence[str], booster: Booster) -> None:
        self.version = version
        self._features = tuple(features)
        self._booster = booster

    @classmethod
    def parse(cls, model: bytes, about: Model) -> LearnedReranker:
        """The ranker whose `model.txt` is `model`. Raises Unusable."""
        digest = hashlib.sha256(model).hexdigest()
        if digest != about.model_sha256:
            raise Unusable(f"the model's SHA-256 is {digest}, not {about.model_sha256}")
        if set(about.features) != set(FEATURES):
            different = ", ".join(sorted(set(about.features) ^ set(FEATURES)))
            raise Unusable(f"it was trained on other features (the difference: {different})")
        try:
            from lightgbm import Booster
            from lightgbm.basic import LightGBMError
        except (ImportError, OSError) as error:  # OSError: libgomp is missing from the image
            raise Unusable(f"LightGBM cannot be loaded: {error}") from error
        try:
            booster = Booster(model_str=model.decode())
        except (LightGBMError, UnicodeDecodeError) as error:
            raise Unusable(f"the model cannot be read: {error}") from error
        return cls(about.version, about.features, booster)

    def scores(self, rows: Sequence[Mapping[str, float]]) -> Sequence[float]:
        """A score for each row, higher first."""
        if not rows:
            return []
        import numpy as np

        values = np.array([[row[name] for name in self._features] for row in rows])
        # More threads cost more to wake than two hundred rows take.
        scores: list[float] = np.asarray(self._booster.predict(values, num_threads=1)).tolist()
        return scores


async def load(version: str) -> LearnedReranker:
    """A version from the bucket. Raises Unusable."""
    folder = f"{FOLDER}/{version}"
    model, report = await asyncio.gather(
        objects.read(MODELS, f"{folder}/model.txt"), objects.read(MODELS, f"{folder}/report.json")
    )
    if model is None or report is None:
        raise Unusable(f"{folder} is not whole")
    try:
        about = Model.model_validate_json(report)
    except ValidationError as error:
        raise Unusable(f"{folder}/report.json: {error}") from error
    # In a thread: to import LightGBM takes most of a second.
    return await asyncio.to_thread(LearnedReranker.parse, model, about)


class Rerankers:
    """The rankers of this process."""

    def __init__(self, look_s: float = LOOK_S) -> None:
        self._choice = Choice(FOLDER, load)
        self._looked = Revalidated(self._choice.look, fresh_s=look_s, patience_s=inf)

    async def current(self, at: datetime | None = None) -> LearnedReranker | None:
        """The ranker in use at the moment `at` (None: now), None where the weights alone decide.
        The first call waits for it; later ones never do."""
        await self._looked.ensure()
        return self._choice.at(at)


_rerankers = Rerankers()
current = _rerankers.current

choice = Choice(FOLDER, load)  # for those who change it
