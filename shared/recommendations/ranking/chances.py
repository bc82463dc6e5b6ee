"""The learned chances that a play is skipped or completed (F201): a pair of LightGBM models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from shared.artifacts.choice import Unusable
from shared.recommendations.ranking.features import RANKING_FEATURES

if TYPE_CHECKING:
    import numpy as np
    from lightgbm import Booster
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Target = Literal["skipped", "completed"]
TARGETS: tuple[Target, ...] = get_args(Target)


@dataclass(frozen=True, slots=True)
class Calibration:
    """Platt's scaling: P = 1 / (1 + exp(-(slope * margin + intercept))), where the margin is what
    the trees add up to (log odds). `slope` is > 0, so no order changes."""

    slope: float = 1.0
    intercept: float = 0.0

    def chances(self, margins: Floats) -> Floats:
        """Probabilities (0..1)."""
        import numpy as np

        return 1 / (1 + np.exp(-(self.slope * margins + self.intercept)))


class Chances:
    """What a version says of plays."""

    def __init__(
        self,
        version: str,
        features: Sequence[str],
        models: Mapping[Target, tuple[Booster, Calibration]],
    ) -> None:
        self.version = version
        self._columns = [RANKING_FEATURES.index(name) for name in features]
        self._models = models

    @classmethod
    def parse(
        cls,
        version: str,
        features: Sequence[str],
        models: Mapping[Target, tuple[str, Calibration]],
    ) -> Chances:
        """From the models' texts. Raises Unusable."""
        if set(features) != set(RANKING_FEATURES):
            different = ", ".join(sorted(set(features) ^ set(RANKING_FEATURES)))
            raise Unusable(f"it was trained on other features (the difference: {different})")
        try:
            from lightgbm import Booster
            from lightgbm.basic import LightGBMError
        except (ImportError, OSError) as error:  # OSError: libgomp is missing from the image
            raise Unusable(f"LightGBM cannot be loaded: {error}") from error
        try:
            boosters = {
                target: (Booster(model_str=text), calibration)
                for target, (text, calibration) in models.items()
            }
        except LightGBMError as error:
            raise Unusable(f"the model cannot be read: {error}") from error
        return cls(version, features, boosters)

    def of(self, features: Floats) -> dict[Target, Floats]:
        """The chance (0..1) of each end, for rows of `RANKING_FEATURES` (tracks by features)."""
        import numpy as np

        found: dict[Target, Floats] = {}
        for target, (booster, calibration) in self._models.items():
            # More threads cost more to wake than a thousand rows take.
            margins = booster.predict(features[:, self._columns], raw_score=True, num_threads=1)
            found[target] = calibration.chances(np.asarray(margins))
        return found

    def values(self, features: Floats) -> Floats:
        """P(completed) - P(skipped) of each row, -1..1."""
        chances = self.of(features)
        return chances["completed"] - chances["skipped"]
