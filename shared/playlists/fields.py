"""The `fields` filter: which parts of an answer a client wants. Pure.

    name,owner.id                     two fields, one of a nested object
    items(added_at,track(name))       fields of every object in a list
    items.track.album(!name,images)   all of the album but these

An exclamation mark before the first name of a group makes the whole group one of exclusions, as in
the original; before a later name it takes that one out. What is not there is passed over, and a
parenthesis that is missing at the end is taken as closed there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from shared.platform.errors import InvalidInput

PATTERN = r"^[0-9A-Za-z_!.,() *]*$"
MAX_CHARS = 1_000
MAX_DEPTH = 20
_TOKEN = re.compile(r"[0-9A-Za-z_*]+|[!.,()]")


@dataclass(slots=True)
class Selection:
    """The names of a group; one without a selection of its own (None) is meant whole."""

    excludes: bool = False
    members: dict[str, Selection | None] = field(default_factory=dict)

    def apply(self, value: Any) -> Any:
        """What of `value` is selected; lists element by element."""
        if isinstance(value, Mapping):
            if self.excludes:
                return {name: part for name, part in value.items() if name not in self.members}
            return {
                name: part if within is None else within.apply(part)
                for name, part in value.items()
                if (within := self.members.get(name, _ABSENT)) is not _ABSENT
            }
        if isinstance(value, Sequence) and not isinstance(value, str):
            return [self.apply(one) for one in value]
        return value


_ABSENT = Selection()


@lru_cache(256)
def parse(fields: str) -> Selection | None:
    """The selection that `fields` describes, None when it names nothing and so means everything.

    Raises InvalidInput for a filter that is too long or too deep.
    """
    if len(fields) > MAX_CHARS:
        raise InvalidInput(f"fields: {MAX_CHARS} characters at most")
    selection = _Parser(_TOKEN.findall(fields)).group(0)
    return selection if selection.members else None


class _Parser:
    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._next = 0

    def _take(self, token: str) -> bool:
        if self._next < len(self._tokens) and self._tokens[self._next] == token:
            self._next += 1
            return True
        return False

    def group(self, depth: int) -> Selection:
        """Reads up to the parenthesis that ends this group."""
        if depth > MAX_DEPTH:
            raise InvalidInput(f"fields: {MAX_DEPTH} levels at most")
        selection = Selection()
        removed = []
        is_first = True
        while self._next < len(self._tokens):
            if self._take(")"):
                if depth:
                    break
                continue
            excluded = self._take("!")
            token = self._tokens[self._next] if self._next < len(self._tokens) else ")"
            if not (token[0].isalnum() or token[0] in "_*"):
                self._next += token not in "!)"
                continue
            if is_first:
                selection.excludes, is_first = excluded, False
            elif excluded and not selection.excludes:
                removed.append(token)
            self._member(selection, depth)
        for name in removed:
            selection.members.pop(name, None)
        return selection

    def _member(self, selection: Selection, depth: int) -> None:
        name = self._tokens[self._next]
        self._next += 1
        within: Selection | None = None
        if self._take("("):
            within = self.group(depth + 1)
        elif self._take("."):
            if depth >= MAX_DEPTH:
                raise InvalidInput(f"fields: {MAX_DEPTH} levels at most")
            within = Selection()
            if self._next < len(self._tokens) and self._tokens[self._next] not in "!.,()":
                self._member(within, depth + 1)
        before = selection.members.get(name, _ABSENT)
        selection.members[name] = _united(before, within) if before is not _ABSENT else within


def _united(a: Selection | None, b: Selection | None) -> Selection | None:
    """`a.b,a.c` is `a(b,c)`, and `a,a.b` is `a`."""
    if a is None or b is None:
        return None
    if a.excludes or b.excludes:
        return b
    for name, within in b.members.items():
        before = a.members.get(name, _ABSENT)
        a.members[name] = _united(before, within) if before is not _ABSENT else within
    return a
