"""The bundle as one of the artifacts that jobs build and instances serve from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from shared.artifacts.opening import Artifact

if TYPE_CHECKING:
    from shared.recommendations.index.bundle import MappedBundle

FORMAT = 1  # of the files; an instance passes over a bundle of another


def _opened(folder: Path) -> MappedBundle:
    from shared.recommendations.index.bundle import open_bundle

    return open_bundle(folder)


BUNDLES = Artifact("recommendations", "recommendation bundle", FORMAT, _opened)
