"""Edits against the checker: whatever snapshot they name, the order is that of a serial history."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.platform.errors import InvalidInput
from shared.playlists.edits import (
    WRITES_LIMIT,
    Add,
    Change,
    Details,
    Done,
    Edit,
    Remove,
    RemovePositions,
    Reorder,
    Replace,
)
from shared.playlists.models import EARLIER_KEYS_KEPT, ITEMS_LIMIT, REMOVED_KEPT_DAYS
from shared.playlists.views import View
from tests.unit.playlists.samples import NOW, a_playlist, new_items, uri_of
from tests.unit.playlists.serial_history import History, Operation


class Bench:
    """A view that commits to itself."""

    def __init__(self) -> None:
        self.view = View(a_playlist(), NOW)
        self.history = History()
        self.writes: list[int] = []

    def make(self, edit: Edit) -> int:
        step: Edit | None = edit
        while step is not None:
            change = step.plan(self.view, NOW)
            assert isinstance(change, Change)
            assert len(change.items) < 500
            self.writes.append(len(change.items))
            self.view.apply(change.playlist, NOW, change.items)
            step = change.then
        assert self.view.playlist.item_count == len(self.view.items)
        first = self.view.items[0].uri if self.view.items else None
        assert self.view.playlist.first_uri == first
        return self.view.version

    def uris(self, version: int | None = None) -> list[str]:
        items = self.view.items if version is None else self.view.at(version)
        return [item.uri for item in items]

    def add(self, *uris: str, position: int | None = None) -> int:
        return self.make(Add(new_items(*uris), position))


def filled(count: int) -> Bench:
    bench = Bench()
    for start in range(0, count, 100):
        bench.add(*(uri_of(number) for number in range(start, min(start + 100, count))))
    return bench


SHARE = st.floats(0, 1)


@settings(max_examples=150)
@given(st.data())
def test_every_edit_leaves_what_a_serial_history_leaves(data: st.DataObject) -> None:
    bench = Bench()
    for _ in range(data.draw(st.integers(1, 30), "edits")):
        version = bench.view.version
        oldest = max(1, version - 8)
        base = data.draw(st.none() | st.integers(oldest, version), "base")
        then = bench.history.uris(base or version)
        kinds = ["add", "replace", "remove", "details"]
        kinds += ["add", "remove_at", "reorder", "reorder"] if then else ["add"]
        kind = data.draw(st.sampled_from(kinds), "kind")
        some = tuple(uri_of(n) for n in data.draw(st.lists(st.integers(0, 9), max_size=4)))
        edit: Edit
        if kind == "add":
            present = len(bench.view.items)
            position = data.draw(st.none() | st.integers(0, present), "position")
            edit = Add(new_items(*some), position)
            made = Operation(version + 1, kind, some, position)
        elif kind == "replace":
            edit = Replace(new_items(*some), base)
            made = Operation(version + 1, kind, some, base=base)
        elif kind == "remove":
            edit = Remove(frozenset(some), base=base)
            made = Operation(version + 1, kind, some, base=base)
        elif kind == "remove_at":
            places = data.draw(st.lists(st.integers(0, len(then) - 1), min_size=1, max_size=4))
            if data.draw(st.booleans()):
                edit = RemovePositions(tuple(places), base)
            else:
                edit = Remove(occurrences=tuple((then[one], one) for one in places), base=base)
            made = Operation(version + 1, kind, positions=tuple(places), base=base)
        elif kind == "reorder":
            start = data.draw(st.integers(0, len(then) - 1), "start")
            length = data.draw(st.integers(0, len(then) - start), "length")
            before = data.draw(st.integers(0, len(then)), "before")
            edit = Reorder(start, length, before, base)
            made = Operation(
                version + 1, kind, start=start, length=length, before=before, base=base
            )
        else:
            edit = Details({"name": "New"})
            made = Operation(version + 1, kind)
        assert bench.make(edit) == version + 1
        bench.history.apply(made)
        assert bench.uris() == bench.history.uris(version + 1)
    for version in range(max(1, bench.view.version - 8), bench.view.version + 1):
        assert bench.uris(version) == bench.history.uris(version)


def test_an_insert_writes_one_item_however_long_the_playlist_is() -> None:
    bench = filled(2_000)
    bench.add(uri_of(1), position=997)
    bench.make(Reorder(5, 1, 1_500))
    assert bench.writes[-2:] == [1, 1]


def test_a_removal_from_an_old_snapshot_spares_what_was_added_since() -> None:
    bench = filled(3)
    before = bench.view.version
    bench.add(uri_of(1))
    bench.make(Remove(frozenset([uri_of(1)]), base=before))
    assert bench.uris() == [uri_of(0), uri_of(2), uri_of(1)]


def test_a_position_of_an_old_snapshot_finds_the_item_where_it_is_now() -> None:
    bench = filled(4)
    before = bench.view.version
    bench.make(Reorder(1, 1, 4))
    bench.add(uri_of(9), position=0)
    bench.make(Remove(occurrences=((uri_of(1), 1),), base=before))
    assert bench.uris() == [uri_of(9), uri_of(0), uri_of(2), uri_of(3)]


def test_an_item_that_somebody_else_removed_does_not_come_back_by_a_move() -> None:
    bench = filled(4)
    before = bench.view.version
    bench.make(Remove(frozenset([uri_of(2)])))
    bench.make(Reorder(1, 2, 0, before))
    assert bench.uris() == [uri_of(1), uri_of(0), uri_of(3)]


@pytest.mark.parametrize(
    "edit",
    [
        Add(new_items(uri_of(1)), 4),
        Reorder(3, 1, 0),
        Reorder(0, 4, 0),
        Reorder(0, 1, 4),
        Remove(occurrences=((uri_of(0), 1),)),
        Remove(occurrences=((uri_of(0), 3),)),
        RemovePositions((3,)),
        Details({"collaborative": True}),
    ],
)
def test_what_is_out_of_bounds_is_refused(edit: Edit) -> None:
    with pytest.raises(InvalidInput):
        edit.plan(filled(3).view, NOW)


def test_ten_thousand_items_are_the_limit() -> None:
    bench = filled(ITEMS_LIMIT)
    with pytest.raises(InvalidInput, match="10000 items at most"):
        bench.add(uri_of(1))
    assert len(bench.view.items) == ITEMS_LIMIT


def test_large_edits_are_made_in_steps() -> None:
    bench = filled(1_200)
    uris = bench.uris()
    bench.make(Reorder(0, 300, 1_000))
    assert bench.uris() == uris[300:1_000] + uris[:300] + uris[1_000:]
    bench.make(Remove(frozenset(uris[100:])))
    assert bench.uris() == uris[:100]
    bench.make(Replace(new_items(*uris[:5])))
    assert bench.uris() == uris[:5]
    assert max(bench.writes) <= WRITES_LIMIT


def test_an_edit_that_was_made_before_is_not_made_again() -> None:
    bench = filled(3)
    edit = Add(new_items(uri_of(7)), 1)
    version = bench.make(edit)
    bench.make(Details({"name": "New"}))
    assert edit.plan(bench.view, NOW) == Done(version)
    replaced = Replace(new_items(uri_of(8)))
    version = bench.make(replaced)
    assert replaced.plan(bench.view, NOW) == Done(version)


def test_an_item_that_moves_for_ever_costs_the_playlist_its_oldest_snapshots_alone() -> None:
    bench = filled(3)
    for _ in range(EARLIER_KEYS_KEPT):
        bench.make(Reorder(0, 1, 3))
    assert bench.view.playlist.oldest_snapshot(NOW) == 1
    for _ in range(40):
        bench.make(Reorder(0, 1, 3))
    oldest = bench.view.playlist.oldest_snapshot(NOW)
    assert bench.view.version - 3 * EARLIER_KEYS_KEPT - 3 <= oldest < bench.view.version
    assert all(len(item.earlier) <= EARLIER_KEYS_KEPT for item in bench.view.items)
    again = [uri_of(0), uri_of(1), uri_of(2)]
    for version in range(oldest, bench.view.version + 1):
        moves = version - 2
        assert bench.uris(version) == [again[(moves + n) % 3] for n in range(3)]


def test_snapshots_older_than_removed_items_are_kept_cannot_be_named() -> None:
    bench = filled(3)
    bench.make(Remove(frozenset([uri_of(0)])))
    removed_at = bench.view.version
    bench.add(uri_of(5))
    playlist = bench.view.playlist
    (one,) = playlist.removals
    assert one.expires_at - NOW >= timedelta(days=REMOVED_KEPT_DAYS)
    assert playlist.oldest_snapshot(NOW + timedelta(days=REMOVED_KEPT_DAYS)) == 1
    later = NOW + timedelta(days=REMOVED_KEPT_DAYS + 1)
    assert playlist.oldest_snapshot(later) == removed_at
    for day in range(40):
        change = Remove(frozenset([uri_of(5)])).plan(bench.view, NOW + timedelta(days=day))
        assert isinstance(change, Change)
        bench.view.apply(change.playlist, NOW, change.items)
        bench.add(uri_of(5))
    assert len(bench.view.playlist.removals) <= REMOVED_KEPT_DAYS + 3


def test_a_view_takes_changes_twice_and_in_any_order() -> None:
    bench = filled(5)
    other = View(bench.view.playlist, NOW, bench.view.items)
    changes = []
    for edit in (Reorder(0, 2, 5), Remove(frozenset([uri_of(3)])), Reorder(1, 1, 0)):
        change = edit.plan(bench.view, NOW)
        assert isinstance(change, Change)
        bench.view.apply(change.playlist, NOW, change.items)
        changes.append(change)
    for change in (*reversed(changes), *changes):
        other.apply(change.playlist, NOW, change.items)
    assert [item.id for item in other.items] == [item.id for item in bench.view.items]
    assert other.version == bench.view.version
    assert replace(other.items[0]) == bench.view.items[0]
