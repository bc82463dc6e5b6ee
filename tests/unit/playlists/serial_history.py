"""The checker: what a playlist must be after a serial history of edits.

It shares nothing with the product: no order keys, no intervals, no store. Every version is a whole
list of items here, so what an edit against an old snapshot means can be read off.
"""

from __future__ import annotations

from dataclasses import dataclass, field

ItemKey = tuple[int, int]  # the version that added it, and its place among those added with it


@dataclass(frozen=True, slots=True)
class Operation:
    """An acknowledged edit: `version` is what it produced, `base` the snapshot that it named."""

    version: int
    kind: str  # add, remove, remove_at, reorder, replace, details
    uris: tuple[str, ...] = ()
    position: int | None = None
    positions: tuple[int, ...] = ()
    start: int = 0
    length: int = 0
    before: int = 0
    base: int | None = None


@dataclass(slots=True)
class History:
    """All versions of a playlist that began empty at version 1."""

    versions: list[list[ItemKey]] = field(default_factory=lambda: [[], []])
    uri: dict[ItemKey, str] = field(default_factory=dict)
    moved: dict[ItemKey, int] = field(default_factory=dict)

    def uris(self, version: int) -> list[str]:
        """The URIs at `version`, in order."""
        return [self.uri[item] for item in self.versions[version]]

    def apply(self, one: Operation) -> None:
        """Takes the next operation; versions must follow one another without a gap."""
        assert one.version == len(self.versions), (
            f"version {len(self.versions)} was acknowledged to nobody: {one} comes next"
        )
        now = list(self.versions[-1])
        base = one.version - 1 if one.base is None else one.base
        assert 1 <= base < one.version
        then = self.versions[base]
        getattr(self, f"_{one.kind}")(one, now, then, base)
        self.versions.append(now)

    def _added(self, one: Operation) -> list[ItemKey]:
        items = [(one.version, place) for place in range(len(one.uris))]
        for item, uri in zip(items, one.uris, strict=True):
            self.uri[item] = uri
            self.moved[item] = one.version
        return items

    def _add(self, one: Operation, now: list[ItemKey], then: list[ItemKey], base: int) -> None:
        position = len(now) if one.position is None else one.position
        assert position <= len(now)
        now[position:position] = self._added(one)

    def _remove(self, one: Operation, now: list[ItemKey], then: list[ItemKey], base: int) -> None:
        gone = {item for item in then if self.uri[item] in one.uris}
        now[:] = [item for item in now if item not in gone]

    def _remove_at(
        self, one: Operation, now: list[ItemKey], then: list[ItemKey], base: int
    ) -> None:
        gone = {then[position] for position in one.positions}
        now[:] = [item for item in now if item not in gone]

    def _reorder(self, one: Operation, now: list[ItemKey], then: list[ItemKey], base: int) -> None:
        meant = then[one.start : one.start + one.length]
        moving = [item for item in meant if item in now]
        anchor = None
        for item in reversed(then[: one.before]):
            if item in now and item not in meant and self.moved[item] <= base:
                anchor = item
                break
        now[:] = [item for item in now if item not in moving]
        place = 0 if anchor is None else now.index(anchor) + 1
        now[place:place] = moving
        for item in moving:
            self.moved[item] = one.version

    def _replace(self, one: Operation, now: list[ItemKey], then: list[ItemKey], base: int) -> None:
        gone = set(then)
        now[:] = self._added(one) + [item for item in now if item not in gone]

    def _details(self, one: Operation, now: list[ItemKey], then: list[ItemKey], base: int) -> None:
        pass


def replay(operations: list[Operation]) -> History:
    """The history of `operations`, whatever order they come in. Raises AssertionError where it
    is not serial: a version that two got, or that nobody did."""
    history = History()
    for one in sorted(operations, key=lambda one: one.version):
        history.apply(one)
    return history
