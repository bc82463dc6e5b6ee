"""The index as one of the artifacts that jobs build and instances serve from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from shared.artifacts.opening import Artifact

if TYPE_CHECKING:
    from shared.search.local.engine import LocalEngine

FORMAT = 1  # of the files; an instance passes over an index of another


def _opened(folder: Path) -> LocalEngine:
    from shared.search.local.engine import LocalEngine

    return LocalEngine.open(folder)


INDEX = Artifact("search", "search index", FORMAT, _opened)
