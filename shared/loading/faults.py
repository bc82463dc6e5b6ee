"""What is wrong with a catalogue file, in words that tell where and what to do. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ValidationError

from shared.loading.lines import LINE_TYPES

SHOWN = 20  # faults that are told one by one; the others are counted


class InvalidCatalogue(Exception):
    """The catalogue was not loaded, not even in part. `faults` are lines `file:line: what`, the
    first `SHOWN`; `total` is how many there are."""

    def __init__(self, faults: list[str], total: int) -> None:
        more = f"\n… and {total - len(faults)} more" if total > len(faults) else ""
        super().__init__("\n".join(faults) + more)
        self.faults = faults
        self.total = total


class Faults:
    """Faults as they are found."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.total = 0

    def add(self, where: str, message: str) -> None:
        """Notes one fault."""
        self.total += 1
        if len(self.shown) < SHOWN:
            self.shown.append(f"{where}: {message}")

    def check(self) -> None:
        """Raises InvalidCatalogue if any fault was found."""
        if self.total:
            raise InvalidCatalogue(self.shown, self.total)


def messages(error: ValidationError, raw: dict[str, Any]) -> Iterator[str]:
    """The faults of one line, whose JSON is `raw`."""
    kind = raw.get("type")
    known = ", ".join(LINE_TYPES)
    for detail in error.errors(include_url=False):
        path = [part for part in detail["loc"] if part != kind]
        field = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
        field = field.lstrip(".")
        match detail["type"]:
            case "union_tag_not_found":
                yield f"`type` is missing; it is one of {known}"
            case "union_tag_invalid":
                yield f"type {kind!r} is unknown; known are {known}"
            case "missing":
                yield f"`{field}` is missing"
            case "extra_forbidden":
                yield f"`{field}` is unknown; there is {_fields(kind, path)}"
            case _:
                given = detail.get("input")
                shown = f" (is {given!r})" if isinstance(given, str | int | float) else ""
                yield f"`{field}`: {detail['msg']}{shown[:80]}"


def _fields(kind: Any, path: list[int | str]) -> str:
    """The fields that stand where the unknown one was given."""
    model: type[BaseModel] | None = LINE_TYPES.get(kind)
    for part in path[:-1]:
        if model is None or isinstance(part, int):
            continue
        model = _model_in(model.model_fields[part].annotation)
    return ", ".join(model.model_fields) if model else "no such field"


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        if found := _model_in(part):
            return found
    return None
