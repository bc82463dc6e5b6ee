"""What a program reaches is told from its source, exactly."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.imports import ArchiveError, Import, reach
from tests.unit.infra.conftest import Checkout

MAIN = "functions/f/main.py"


def _modules(root: Path) -> set[str]:
    """What `main` reaches, without itself."""
    return set(reach(root, [MAIN]).modules - {MAIN})


def _with_init(*paths: str) -> set[str]:
    packages = {f"{path.rpartition('/')[0]}/__init__.py" for path in paths}
    return {"shared/__init__.py", *packages, *paths}


@pytest.mark.parametrize(
    "statement",
    [
        "import shared.a.one",
        "import shared.a.one as other",
        "from shared.a import one",
        "from shared.a.one import thing",
        "def later():\n    from shared.a import one",
        "async def later():\n    async with x:\n        import shared.a.one",
        "class Late:\n    from shared.a import one",
        "try:\n    import shared.a.one\nexcept ImportError:\n    pass",
        "import importlib\nimportlib.import_module('shared.a.one')",
        "from importlib import import_module\nx = [import_module('shared.a.one')]",
        "__import__('shared.a.one')",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    x = 1\nelse:\n"
        "    import shared.a.one",
        "from typing import TYPE_CHECKING\nif not TYPE_CHECKING:\n    import shared.a.one",
    ],
)
def test_every_way_to_import_a_module_reaches_it_and_the_packages_above(
    checkout: Checkout, statement: str
) -> None:
    root = checkout({MAIN: statement, "shared/a/one.py": "", "shared/a/two.py": ""})
    assert _modules(root) == _with_init("shared/a/one.py")


@pytest.mark.parametrize(
    "statement",
    [
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import shared.a.one",
        "import typing\nif typing.TYPE_CHECKING:\n    from shared.a.one import Thing",
        "def later():\n    if TYPE_CHECKING:\n        import shared.a.one",
    ],
)
def test_imports_for_type_checkers_alone_do_not_count(checkout: Checkout, statement: str) -> None:
    root = checkout({MAIN: statement, "shared/a/one.py": "import shared.a.two"})
    assert _modules(root) == set()


def test_what_is_imported_is_followed_to_its_end_and_circles_too(checkout: Checkout) -> None:
    root = checkout(
        {
            MAIN: "from shared.a import one",
            "shared/a/one.py": "def later():\n    from shared.b.two import thing",
            "shared/b/two.py": "import shared.a.one\nfrom shared import three",
            "shared/three.py": "",
            "shared/b/unused.py": "",
        }
    )
    paths = _with_init("shared/a/one.py", "shared/b/two.py")
    assert _modules(root) == {*paths, "shared/three.py"}


def test_a_packages_own_imports_come_with_any_of_its_modules(checkout: Checkout) -> None:
    root = checkout(
        {
            MAIN: "import shared.a.one",
            "shared/a/__init__.py": "from shared.b import two",
            "shared/a/one.py": "",
            "shared/b/two.py": "",
        }
    )
    assert _modules(root) == _with_init("shared/a/one.py", "shared/b/two.py")


@pytest.mark.parametrize(
    ("importer", "statement"),
    [
        ("shared/a/one.py", "from .two import thing"),
        ("shared/a/one.py", "from . import two"),
        ("shared/a/__init__.py", "from .two import thing"),
        ("shared/a/__init__.py", "from . import two"),
        ("shared/a/one.py", "from ..a.two import thing"),
        ("shared/a/one.py", "from .. import a\nfrom ..a import two"),
        (
            "shared/a/one.py",
            "from importlib import import_module\nimport_module('.two', __package__)",
        ),
    ],
)
def test_relative_imports_count_from_the_package(
    checkout: Checkout, importer: str, statement: str
) -> None:
    files = {MAIN: "import shared.a.one", "shared/a/one.py": "", "shared/a/two.py": ""}
    root = checkout(files | {importer: statement})
    assert _modules(root) == _with_init("shared/a/one.py", "shared/a/two.py")


def test_a_name_made_at_run_time_may_be_any_module_of_its_package(checkout: Checkout) -> None:
    root = checkout(
        {
            MAIN: "from shared.a import pages",
            "shared/a/pages/__init__.py": 'x = import_module(f"{__name__}.{name}")',
            "shared/a/pages/one.py": "import shared.b.deep",
            "shared/a/pages/two.py": "",
            "shared/a/beside.py": "",
            "shared/b/deep.py": "",
        }
    )
    pages = _with_init("shared/a/pages/one.py", "shared/a/pages/two.py", "shared/b/deep.py")
    assert _modules(root) == {*pages, "shared/a/__init__.py"}


def test_imports_of_others_are_listed_with_their_place(checkout: Checkout) -> None:
    root = checkout(
        {
            MAIN: "import json\nfrom shared import one",
            "shared/one.py": "\n\nfrom google.cloud import kms, storage\nimport PIL.Image",
        }
    )
    assert reach(root, [MAIN]).others == {
        Import("json", (), f"{MAIN}:1"),
        Import("google.cloud", ("kms", "storage"), "shared/one.py:3"),
        Import("PIL.Image", (), "shared/one.py:4"),
    }


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("import shared.nowhere", "main.py:1: there is no module shared.nowhere"),
        ("from shared.a.nowhere import x", "there is no module shared.a.nowhere"),
        ("from shared.a.one import *", "main.py:1: `from shared.a.one import [*]` hides"),
        ("from . import helper", "leads out of the package; import by its full name"),
        ("import_module(name)", "main.py:1: which module is imported cannot be told"),
        ("import_module(f'shared.{name}')", "cannot be told; write its name as a literal"),
    ],
)
def test_what_cannot_be_followed_is_refused_with_place_and_remedy(
    checkout: Checkout, statement: str, told: str
) -> None:
    root = checkout({MAIN: statement, "shared/a/one.py": ""})
    with pytest.raises(ArchiveError, match=told):
        reach(root, [MAIN])
