"""Which files a module reads from beside itself, told from its source.

A module names them by `Path(__file__)` and literals, for example
`Path(__file__).parent / "templates"`, directly or through a constant. What is named otherwise would
be missing where the code is deployed, so it is refused.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import PurePosixPath

_SAME = frozenset({"resolve", "absolute"})


class UntoldFile(ValueError):
    """A module reads something from beside itself, and its source does not tell what."""


@dataclass(frozen=True, slots=True)
class _Named:
    """A path that an expression stands for; `is_data` once a literal was put behind a folder."""

    path: PurePosixPath
    is_data: bool = False


def files_named(tree: ast.Module, path: str) -> tuple[str, ...]:
    """Paths (files or folders, relative as `path` is) that the module at `path` reads, in order.

    Raises UntoldFile where a path that begins at `__file__` does not end in literals.
    """
    reader = _Paths(PurePosixPath(path))
    for node in ast.walk(tree):
        reader.learn(node)
    reader.visit(tree)
    return tuple(sorted(reader.found))


class _Paths(ast.NodeVisitor):
    def __init__(self, path: PurePosixPath) -> None:
        self.found: set[str] = set()
        self._path = path
        self._constants: dict[str, _Named] = {}

    def learn(self, node: ast.AST) -> None:
        """Remembers `NAME = <a path>`."""
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ) if (named := self._named(value)) is not None:
                self._constants[name] = named

    def visit_Assign(self, node: ast.Assign | ast.AnnAssign) -> None:
        """A folder may be put into a constant; what becomes of it is seen where that is used."""
        named = self._named(node.value) if node.value else None
        if named is None or named.is_data:
            self.generic_visit(node)

    visit_AnnAssign = visit_Assign

    def visit(self, node: ast.AST) -> None:
        """Takes the longest expression that is a path, and looks for others elsewhere."""
        named = self._named(node) if isinstance(node, ast.expr) else None
        if named is None or isinstance(getattr(node, "ctx", None), ast.Store):
            super().visit(node)
        elif named.is_data:
            self.found.add(str(named.path))
        else:
            raise UntoldFile(
                f"{self._path}:{getattr(node, 'lineno', 0)}: which file is read here cannot be "
                'told; name it as `Path(__file__).parent / "literal"`'
            )

    def _named(self, node: ast.expr) -> _Named | None:
        match node:
            case ast.Name(id="__file__"):
                return _Named(self._path)
            case ast.Name(id=name):
                return self._constants.get(name)
            case ast.Call(func=ast.Name(id="Path"), args=[inner]):
                return self._named(inner)
            case ast.Call(func=ast.Attribute(value=inner, attr=attr), args=[]) if attr in _SAME:
                return self._named(inner)
            case ast.Attribute(value=inner, attr="parent"):
                below = self._named(inner)
                return below and _Named(below.path.parent, below.is_data)
            case ast.BinOp(left=inner, op=ast.Div(), right=ast.Constant(value=str(part))):
                folder = self._named(inner)
                return folder and _Named(folder.path / part, is_data=True)
        return None
