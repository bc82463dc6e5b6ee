"""Small checkouts to tell programs' needs from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

Checkout = Callable[[dict[str, str]], Path]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """Writes files by path and returns the root; each folder below `shared/` is a package."""

    def write(files: dict[str, str]) -> Path:
        for path, content in files.items():
            target = tmp_path / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content)
        for file in list(tmp_path.glob("shared/**/*.py")):
            for folder in file.relative_to(tmp_path).parents:
                if folder.parts:
                    (tmp_path / folder / "__init__.py").touch()
        return tmp_path

    return write
