"""The learned order in use (F182): which one, and its scores.

`search-ranker/<version>/` in the models bucket holds a `model.txt` (LightGBM's text form) and the
`report.json` that says how it was trained; `search-ranker/current.json` which version is used from
when on. A change takes effect only once every instance has had the time to see it, and what is
asked "as of" an earlier moment is still answered by the ranker of that moment: the pages of one
answer are cut from one order, whichever instance cuts them.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from math import inf
from typing import TYPE_CHECKING

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from shared.platform import objects
from shared.search.ranking import FEATURES
from shared.search.revalidation import Revalidated
from shared.topology import MODELS

if TYPE_CHECKING:
    from lightgbm import Booster

FOLDER = "search-ranker"
POINTER = f"{FOLDER}/current.json"
LOOK_S = 600.0
SETTLING = timedelta(seconds=1.5 * LOOK_S)  # from a change of the pointer to its effect
MOST_USES = 3
_log = logging.getLogger(__name__)


class Unusable(Exception):
    """A version is missing, altered, or not of this code's features; the text says which."""


class Use(BaseModel):
    """From `since` on `version` is used; None: the weights alone."""

    model_config = ConfigDict(frozen=True)

    version: str | None
    since: AwareDatetime


class Pointer(BaseModel):
    """What is used, newest first."""

    model_config = ConfigDict(frozen=True)

    uses: tuple[Use, ...] = ()

    def version_at(self, moment: datetime) -> str | None:
        """The version that is used at `moment`."""
        return next((one.version for one in self.uses if one.since <= moment), None)

    def followed_by(self, version: str | None, now: datetime) -> Pointer:
        """With `version` used from soon after `now` on. What had not come into effect by then
        never will."""
        since = now + SETTLING
        before = [one for one in self.uses if one.since < since]
        return Pointer(uses=(Use(version=version, since=since), *before)[:MOST_USES])


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


async def read_pointer() -> Pointer:
    """What is used. Raises Unusable for a pointer that cannot be read."""
    content = await objects.read(MODELS, POINTER)
    if content is None:
        return Pointer()
    try:
        return Pointer.model_validate_json(content)
    except ValidationError as error:
        raise Unusable(f"{POINTER}: {error}") from error


async def use(version: str | None) -> Pointer:
    """Has `version` (None: the weights alone) used, in a quarter of an hour."""
    try:
        before = await read_pointer()
    except Unusable as error:
        _log.error("replaced: %s", error)
        before = Pointer()
    pointer = before.followed_by(version, datetime.now(UTC))
    await objects.write(MODELS, POINTER, pointer.model_dump_json().encode(), "application/json")
    return pointer


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
        self._pointer = Pointer()
        self._loaded: dict[str, LearnedReranker | None] = {}  # None: found unusable
        self._looked = Revalidated(self._look, fresh_s=look_s, patience_s=inf)

    async def current(self, at: datetime | None = None) -> LearnedReranker | None:
        """The ranker in use at the moment `at` (None: now), None where the weights alone decide.
        The first call waits for it; later ones never do."""
        await self._looked.ensure()
        version = self._pointer.version_at(at or datetime.now(UTC))
        return self._loaded.get(version) if version else None

    async def _look(self) -> None:
        try:
            pointer = await read_pointer()
        except Unusable as error:
            _log.error("the weights alone decide: %s", error)
            pointer = Pointer()
        wanted = {one.version for one in pointer.uses if one.version}
        loaded = {name: one for name, one in self._loaded.items() if name in wanted}
        for version in wanted - loaded.keys():
            try:
                loaded[version] = await load(version)
                _log.info("the search ranker %s is loaded", version)
            except Unusable as error:
                _log.error("the search ranker %s is not used: %s", version, error)
                loaded[version] = None
        # The rankers first: no call may find a version that is not there yet.
        self._loaded, self._pointer = loaded, pointer


_rerankers = Rerankers()
current = _rerankers.current
