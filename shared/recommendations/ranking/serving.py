"""The ranker in use: `recommendation-ranker/<version>/` in the models bucket
(`shared.artifacts.choice`) holds `skipped.txt` and `completed.txt` (LightGBM's text form) and the
`report.json` that says how they were trained."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import datetime
from math import inf

from pydantic import BaseModel, ConfigDict, ValidationError

from shared.artifacts.choice import LOOK_S, Choice, Unusable
from shared.artifacts.revalidation import Revalidated
from shared.platform import objects
from shared.recommendations.ranking.chances import TARGETS, Calibration, Chances, Target
from shared.recommendations.ranking.ranker import Ranker
from shared.topology import MODELS

FOLDER = "recommendation-ranker"
WAIT_S = 10.0  # of the first call, where a bucket that is away is tried for minutes


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    calibration: Calibration
    model_sha256: str


class _About(BaseModel):
    """What a version's report says of its models."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    version: str
    features: tuple[str, ...]
    models: dict[Target, _Model]


async def load(version: str) -> Chances:
    """A version from the bucket. Raises Unusable."""
    folder = f"{FOLDER}/{version}"
    names = ("report.json", *(f"{target}.txt" for target in TARGETS))
    found = await asyncio.gather(*(objects.read(MODELS, f"{folder}/{name}") for name in names))
    report, *models = found
    if report is None:
        raise Unusable(f"{folder} is not whole")
    try:
        about = _About.model_validate_json(report)
    except ValidationError as error:
        raise Unusable(f"{folder}/report.json: {error}") from error
    texts: dict[Target, tuple[str, Calibration]] = {}
    for target, model in zip(TARGETS, models, strict=True):
        known = about.models.get(target)
        if model is None or known is None:
            raise Unusable(f"{folder} is not whole")
        if (digest := hashlib.sha256(model).hexdigest()) != known.model_sha256:
            raise Unusable(f"{folder}/{target}.txt: its SHA-256 is {digest}, not the report's")
        texts[target] = model.decode(), known.calibration
    # In a thread: to import LightGBM takes most of a second.
    return await asyncio.to_thread(Chances.parse, about.version, about.features, texts)


class Rankers:
    """The rankers of this process."""

    def __init__(self, look_s: float = LOOK_S) -> None:
        self._choice = Choice(FOLDER, load)
        self._looked = Revalidated(self._choice.look, fresh_s=look_s, patience_s=inf)
        self._looking: asyncio.Task[None] | None = None

    async def current(self, at: datetime | None = None) -> Ranker:
        """The ranker in use at the moment `at` (None: now); one that guesses where nothing learned
        is used, or what is cannot be read. The first call waits for it, `WAIT_S` at most; later
        ones never do."""
        if self._looking is None or self._looking.done():
            is_first = self._looking is None
            # A task of its own: what was begun goes on when the wait for it is given up.
            self._looking = asyncio.create_task(self._looked.ensure())
            await asyncio.wait([self._looking], timeout=WAIT_S if is_first else 0)
        return Ranker(self._choice.at(at))


_rankers = Rankers()
load_ranker = _rankers.current
choice = Choice(FOLDER, load)  # for those who change it
