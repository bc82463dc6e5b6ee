"""What a program reaches, told from its source: modules of ours, imports of others' code, files.

Every import statement counts, one inside a function too, since a cold start puts imports off until
they are needed; one under `if TYPE_CHECKING:` does not. Nothing is imported and nothing is run, so
the answer is the same on every machine.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

from infra.data_files import UntoldFile, files_named

OURS = "shared"  # the package whose modules go into an archive
_DYNAMIC = frozenset({"import_module", "__import__"})


class ArchiveError(RuntimeError):
    """What is deployed cannot be told or is not built; the message names the remedy."""


@dataclass(frozen=True, slots=True, order=True)
class Import:
    """`import module` or `from module import names`, absolute; `where` is `path:line`."""

    module: str
    names: tuple[str, ...] = ()
    where: str = ""
    whole_package: bool = False
    """Whether any module directly below may be meant: its name is made at run time."""

    @property
    def candidates(self) -> Iterator[str]:
        """Dotted names that may be modules: what is imported from a package may be one."""
        yield self.module
        for name in self.names:
            yield f"{self.module}.{name}"


@dataclass(frozen=True, slots=True)
class Source:
    """What one file says: its imports, and paths of what it reads from beside it."""

    imports: tuple[Import, ...]
    data: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reach:
    """What programs need to run; paths are relative to the root, with `/`."""

    modules: frozenset[str]
    """Python files, the programs themselves among them."""
    data: frozenset[str]
    """Files and folders that those read."""
    others: frozenset[Import]
    """Imports of everything else: the standard library and distributions."""


def reach(root: Path, programs: Iterable[str]) -> Reach:
    """What the `programs` (paths below `root`) reach. Raises ArchiveError where an import cannot
    be followed or names a module that is not there."""
    modules: set[str] = set()
    data: set[str] = set()
    others: set[Import] = set()
    waiting = list(programs)
    while waiting:
        path = waiting.pop()
        if path in modules:
            continue
        modules.add(path)
        source = read(path, (root / path).read_bytes())
        data.update(source.data)
        for found in source.imports:
            if found.module.partition(".")[0] == OURS:
                waiting.extend(_modules_of(root, found))
            else:
                others.add(found)
    return Reach(frozenset(modules), frozenset(data), frozenset(others))


@cache  # by content: most files are reached by many programs
def read(path: str, source: bytes) -> Source:
    """What the file at `path` imports and reads. Raises ArchiveError."""
    tree = ast.parse(source, path)
    reader = _Reader(PurePosixPath(path))
    reader.visit(tree)
    try:
        return Source(tuple(reader.imports), files_named(tree, path))
    except UntoldFile as untold:
        raise ArchiveError(str(untold)) from None


def _modules_of(root: Path, found: Import) -> Iterator[str]:
    """Files of an import of ours, with each package's `__init__` on the way."""
    if not _is_module(root, found.module):
        raise ArchiveError(f"{found.where}: there is no module {found.module}; correct its name")
    for name in found.candidates:
        if _is_module(root, name):
            parts = name.split(".")
            for depth in range(1, len(parts) + 1):
                yield from _file_of(root, parts[:depth])
    if found.whole_package:
        folder = found.module.replace(".", "/")
        for file in sorted((root / folder).glob("*.py")):
            yield f"{folder}/{file.name}"


def _is_module(root: Path, name: str) -> bool:
    path = root / name.replace(".", "/")
    return path.is_dir() or path.with_name(f"{path.name}.py").is_file()


def _file_of(root: Path, parts: list[str]) -> Iterator[str]:
    """A package's `__init__` goes before a module of the same name; it may have none."""
    path = "/".join(parts)
    for file in (f"{path}/__init__.py", f"{path}.py"):
        if (root / file).is_file():
            yield file
            return


class _Reader(ast.NodeVisitor):
    def __init__(self, path: PurePosixPath) -> None:
        self.imports: list[Import] = []
        self._path = path
        folder = path.parent.parts
        # A program's own folder is no package: it runs as `main` or `__main__`.
        self._package = folder if folder[:1] == (OURS,) else ()
        self._module = folder if path.stem == "__init__" else (*folder, path.stem)

    def visit_If(self, node: ast.If) -> None:
        test = node.test
        name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", None)
        for child in node.orelse if name == "TYPE_CHECKING" else [test, *node.body, *node.orelse]:
            self.visit(child)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._add(node, alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        names = tuple(alias.name for alias in node.names)
        module = self._absolute(node, "." * node.level + (node.module or ""))
        if names == ("*",):
            raise self._fault(node, f"`from {module} import *` hides what it takes; name it")
        self._add(node, module, names)

    def visit_Call(self, node: ast.Call) -> None:
        function = node.func
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        if name in _DYNAMIC and node.args:
            self._add_dynamic(node, node.args[0])
        self.generic_visit(node)

    def _add_dynamic(self, node: ast.Call, argument: ast.expr) -> None:
        """A literal is a module; an f-string that begins with this module's name and a dot is any
        module of this package."""
        match argument:
            case ast.Constant(value=str(name)):
                self._add(node, self._absolute(node, name))
            case ast.JoinedStr(
                values=[
                    ast.FormattedValue(value=ast.Name(id="__name__")),
                    ast.Constant(value="."),
                    ast.FormattedValue(),
                ]
            ) if self._path.stem == "__init__":
                self._add(node, ".".join(self._module), whole_package=True)
            case _:
                raise self._fault(
                    node, "which module is imported cannot be told; write its name as a literal"
                )

    def _absolute(self, node: ast.AST, name: str) -> str:
        level = len(name) - len(name.lstrip("."))
        if not level:
            return name
        if level > len(self._package):
            raise self._fault(node, f"`{name}` leads out of the package; import by its full name")
        base = self._package[: len(self._package) - level + 1]
        return ".".join((*base, *filter(None, (name[level:],))))

    def _add(
        self,
        node: ast.stmt | ast.expr,
        module: str,
        names: tuple[str, ...] = (),
        whole_package: bool = False,
    ) -> None:
        self.imports.append(Import(module, names, f"{self._path}:{node.lineno}", whole_package))

    def _fault(self, node: ast.AST, message: str) -> ArchiveError:
        return ArchiveError(f"{self._path}:{getattr(node, 'lineno', 0)}: {message}")
