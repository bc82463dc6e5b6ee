"""Which files a module reads is told from its source, or refused."""

from __future__ import annotations

import ast

import pytest

from infra.data_files import UntoldFile, files_named

MODULE = "shared/a/pages/one.py"


def _named(source: str) -> tuple[str, ...]:
    return files_named(ast.parse(source), MODULE)


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("x = Path(__file__).parent / 'x.json'", "shared/a/pages/x.json"),
        ("X = Path(__file__).resolve().parent.parent / 'templates'", "shared/a/templates"),
        ("def f():\n    return (Path(__file__).parent / 'a' / 'b.txt').read_text()",
         "shared/a/pages/a/b.txt"),
        ("HERE = Path(__file__).parent\ndef f():\n    open(HERE / 'x.json')",
         "shared/a/pages/x.json"),
        ("def f():\n    open(HERE / 'x.json')\nHERE = Path(__file__).parent",
         "shared/a/pages/x.json"),
        ("HERE: Path = Path(__file__).parent\nX = HERE / 'x'", "shared/a/pages/x"),
        ("STATIC = Path(__file__).parent / 'static'\ndef f(n):\n    open(STATIC / n)",
         "shared/a/pages/static"),
    ],
)  # fmt: skip
def test_a_path_from_the_module_through_literals_is_told(source: str, named: str) -> None:
    assert _named(source) == (named,)


def test_other_paths_and_other_divisions_do_not_count() -> None:
    assert _named("x = Path('/etc') / 'hosts'\ny = 4 / 2\nz = Path(name) / 'x'") == ()


@pytest.mark.parametrize(
    "source",
    [
        "HERE = Path(__file__).parent\nopen(HERE / name)",
        "HERE = Path(__file__).parent\nfor file in HERE.iterdir():\n    pass",
        "open(os.path.join(os.path.dirname(__file__), 'x'))",
        "x = Path(__file__).with_name('x')",
        "x = Path(__file__).parents[1] / 'x'",
    ],
)
def test_what_cannot_be_told_is_refused_with_place_and_remedy(source: str) -> None:
    with pytest.raises(UntoldFile, match=r"one\.py:\d: which file .* name it as `Path"):
        _named(source)
