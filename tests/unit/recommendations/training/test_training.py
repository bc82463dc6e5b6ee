"""From a log and a catalogue to a bundle: what was trained, what came after, what is gone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray

from shared.analysis.models import AudioFeatures
from shared.recommendations.index.building import build
from shared.recommendations.index.bundle import MappedBundle, open_bundle
from shared.recommendations.items import Item
from shared.recommendations.training import assembling, learning
from shared.recommendations.training.alike import Found, alike
from shared.recommendations.training.assembling import Assembled, assemble
from shared.recommendations.training.catalogue import Catalogue, TitledList, day_of
from shared.recommendations.training.learning import Learned, learn
from shared.recommendations.training.log import Log
from shared.recommendations.training.model import Model
from shared.signals.models import Signal

if TYPE_CHECKING:
    from shared.recommendations.items import Matrix

NOW = datetime(2026, 11, 21, 2, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)
TRACKS, PEOPLE = 120, 90
SOUNDS = {"calm": (0.15, 0.9), "loud": (0.9, 0.1)}  # energy, acousticness
GENRES = tuple(SOUNDS)


def genre_of(number: int) -> str:
    return GENRES[number % 2]


def item(number: int, genre: str | None = None) -> Item:
    genre = genre or genre_of(number)
    return Item(
        track_id=f"{genre}-{number:04}",
        name=f"Track {number}",
        artist_ids=(f"artist-{genre}-{number % 14}",),
        artist_names=(f"Artist {number % 14}",),
        album_id=f"album-{genre}-{number // 8}",
        genres=(genre,),
        recording=f"R{number}",
        duration_ms=200_000,
        released_on=20_000,
    )


def features(one: Item, generator: np.random.Generator) -> AudioFeatures:
    energy, acousticness = SOUNDS[one.genres[0]]
    near = generator.normal(0, 0.03, 2)
    return AudioFeatures(
        id=one.track_id,
        duration_ms=one.duration_ms,
        energy=float(np.clip(energy + near[0], 0, 1)),
        acousticness=float(np.clip(acousticness + near[1], 0, 1)),
    )


def catalogue_of(items: list[Item]) -> Catalogue:
    generator = np.random.default_rng(3)
    ordered = sorted(items, key=lambda one: one.track_id)
    return Catalogue(tuple(ordered), {one.track_id: features(one, generator) for one in ordered})


def heard(user_id: str, track_ids: list[str], began: datetime) -> list[Signal]:
    """A session: every track to its end."""
    found = []
    for place, track_id in enumerate(track_ids):
        ts = began + timedelta(minutes=4 * place)
        about = {"user_id": user_id, "track_id": track_id, "session_id": f"{user_id}-{began:%d%H}"}
        found.append(Signal(event_id=f"{began:%d%H}-{place}-p", kind="play", ts=ts, **about))
        done = ts + timedelta(minutes=3)
        found.append(Signal(event_id=f"{began:%d%H}-{place}-c", kind="complete", ts=done, **about))
    return found


def log_of(items: list[Item], people: range = range(PEOPLE)) -> Log:
    """Everybody likes one genre, and hears twenty of its tracks."""
    generator, log = np.random.default_rng(5), Log()
    for person in people:
        own = [one.track_id for one in items if one.genres[0] == genre_of(person)]
        chosen = [own[row] for row in generator.permutation(len(own))[:20]]
        began = NOW - timedelta(days=int(generator.integers(1, 20)))
        log.add(f"person-{person:03}", heard(f"person-{person:03}", chosen, began), NOW_MS)
    return log


ITEMS = [item(number) for number in range(TRACKS)]
LISTS = [
    TitledList(f"my {genre} songs", tuple(i.track_id for i in ITEMS if i.genres[0] == genre)[:9])
    for genre in GENRES
]


@pytest.fixture(scope="module")
def learned() -> Learned:
    return learn(catalogue_of(ITEMS), LISTS, log_of(ITEMS), now=NOW, seed=1)


def bundle_of(assembled: Assembled, folder: Path) -> MappedBundle:
    build(assembled.parts, folder / "v", "v")
    return open_bundle(folder / "v")


def genre_share(bundle: MappedBundle, rows: list[int], genre: str) -> float:
    return float(np.mean([bundle.item(row).genres[0] == genre for row in rows]))


def test_people_find_more_of_what_they_like(learned: Learned, tmp_path: Path) -> None:
    assembled = assemble(learned.model, catalogue_of(ITEMS), Log(), now=NOW)
    bundle = bundle_of(assembled, tmp_path)

    assert assembled.from_people == TRACKS
    assert learned.quality is not None
    # Chance finds 20 of 60 to 120 tracks that may come.
    assert learned.quality.recall_at_20 > 0.3
    liked = {row: 1.0 for row in range(len(bundle)) if bundle.item(row).genres[0] == "calm"}
    some = dict(list(liked.items())[:4])
    near = [row for row, _ in bundle.nearest(bundle.fold_in(some), 30, without=list(some))]
    assert genre_share(bundle, near, "calm") > 0.95
    assert genre_share(bundle, [row for row, _ in bundle.neighbours(0)], "calm") > 0.95
    after = [row for row, _ in bundle.next_after(list(some), 10)]
    assert after
    assert genre_share(bundle, after, "calm") > 0.95


def test_what_nobody_has_played_lies_where_it_sounds_like(learned: Learned, tmp_path: Path) -> None:
    new = [item(1_000, "calm"), item(1_001, "loud")]
    new = [replace(one, artist_ids=(f"debut-{one.genres[0]}",)) for one in new]
    assembled = assemble(learned.model, catalogue_of([*ITEMS, *new]), Log(), now=NOW)
    bundle = bundle_of(assembled, tmp_path)

    assert assembled.from_content == 2
    for one in new:
        row = bundle.row_of(one.track_id)
        assert row is not None
        near = [other for other, _ in bundle.nearest(bundle.vector(row), 20, without=[row])]
        assert genre_share(bundle, near, one.genres[0]) > 0.9
        assert genre_share(bundle, [n for n, _ in bundle.neighbours(row)], one.genres[0]) > 0.9


def test_what_people_came_to_like_since_is_known_by_them(learned: Learned, tmp_path: Path) -> None:
    # It sounds calm, and those who like it loud play it.
    odd = replace(item(2_000, "calm"), artist_ids=("debut",), album_id="debut")
    items = [*ITEMS, odd]
    since = Log(plays_since_ms=NOW_MS)
    for person in range(1, 61, 2):
        user_id = f"person-{person:03}"
        since.add(user_id, heard(user_id, [odd.track_id], NOW), NOW_MS)
    assembled = assemble(learned.model, catalogue_of(items), since, now=NOW)
    bundle = bundle_of(assembled, tmp_path)

    row = bundle.row_of(odd.track_id)
    assert row is not None
    assert bundle.item(row).plays == 30
    assert assembled.from_people == TRACKS + 1
    near = [other for other, _ in bundle.nearest(bundle.vector(row), 20, without=[row])]
    assert genre_share(bundle, near, "loud") > 0.9


def test_what_a_training_did_not_know_is_new_and_looked_for_alone(
    learned: Learned, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = [item(number) for number in range(500, 540)]  # nobody ever heard them
    known = catalogue_of([*ITEMS, *silent])
    first = learn(known, LISTS, log_of(ITEMS), now=NOW, seed=1).model
    looked_for: list[list[str]] = []

    def watched(vectors: Matrix, rows: NDArray[np.int64], most: int) -> Found:
        looked_for.append([ids[row] for row in rows])
        return alike(vectors, rows, most)

    monkeypatch.setattr(assembling, "alike", watched)
    ids = [one.track_id for one in known.items]
    of_training = assemble(first, known, Log(), now=NOW)
    assert len(of_training.new) == 0
    assert set(looked_for[0]) == {one.track_id for one in silent}
    kept = replace(first, neighbours=of_training.parts.neighbours)

    # One is published since, and another one of the silent ones found its listeners.
    debut, risen = item(900), silent[3]
    later = catalogue_of([*ITEMS, *silent, debut])
    since = Log(plays_since_ms=NOW_MS)
    for person in range(0, 60, 2):
        user_id = f"person-{person:03}"
        since.add(user_id, heard(user_id, [risen.track_id], NOW), NOW_MS)
    ids = [one.track_id for one in later.items]
    refreshed = assemble(kept, later, since, now=NOW)
    assert {ids[row] for row in refreshed.new} == {debut.track_id, risen.track_id}
    assert set(looked_for[1]) == {debut.track_id, risen.track_id}
    # What was found at the training stands as it was.
    row = ids.index(silent[7].track_id)
    was = [one.track_id for one in known.items].index(silent[7].track_id)
    before, now = of_training.parts.neighbours, refreshed.parts.neighbours
    names = [known.items[n].track_id for n in before[0][was] if n >= 0]
    assert [ids[n] for n in now[0][row] if n >= 0] == names
    np.testing.assert_array_equal(before[1][was], now[1][row])


def test_what_is_gone_is_nobody_s_neighbour_and_follows_nothing(
    learned: Learned, tmp_path: Path
) -> None:
    left = ITEMS[: TRACKS // 2]
    bundle = bundle_of(assemble(learned.model, catalogue_of(left), Log(), now=NOW), tmp_path)
    before = bundle_of(
        assemble(learned.model, catalogue_of(ITEMS), Log(), now=NOW), tmp_path / "before"
    )

    assert len(bundle) == TRACKS // 2
    for row in range(len(bundle)):
        track_id = bundle.item(row).track_id
        was = before.row_of(track_id)
        assert was is not None
        kept = {one.track_id for one in left}
        of_before = [before.item(other).track_id for other, _ in before.neighbours(was)]
        assert [bundle.item(other).track_id for other, _ in bundle.neighbours(row)] == [
            one for one in of_before if one in kept
        ]
        expected = [before.item(o).track_id for o, _ in before.next_after([was], 1_000)]
        found = [bundle.item(o).track_id for o, _ in bundle.next_after([row], 1_000)]
        assert sorted(found) == sorted(one for one in expected if one in kept)


def test_without_any_listener_vectors_come_from_content(tmp_path: Path) -> None:
    untrained = learn(catalogue_of(ITEMS), [], Log(), now=NOW, seed=1)
    assembled = assemble(untrained.model, catalogue_of(ITEMS), Log(), now=NOW)
    bundle = bundle_of(assembled, tmp_path)

    assert untrained.quality is None
    assert (assembled.from_people, assembled.from_content) == (0, TRACKS)
    near = [row for row, _ in bundle.nearest(bundle.vector(0), 20, without=[0])]
    assert genre_share(bundle, near, "calm") > 0.95


def test_the_same_log_and_seed_teach_the_same(learned: Learned) -> None:
    again = learn(catalogue_of(ITEMS), LISTS, log_of(ITEMS), now=NOW, seed=1)
    np.testing.assert_array_equal(again.model.factors, learned.model.factors)
    assert again.model.settings == learned.model.settings


def test_a_model_is_what_was_saved(learned: Learned, tmp_path: Path) -> None:
    learned.model.save(tmp_path / "model")
    opened = Model.open(tmp_path / "model")

    assert opened.track_ids == learned.model.track_ids
    assert opened.user_ids == learned.model.user_ids
    assert opened.fold_in == learned.model.fold_in
    assert opened.sound_weight == learned.model.sound_weight
    np.testing.assert_allclose(opened.factors, learned.model.factors, atol=2e-3)
    content = learning.content_of(ITEMS, {})
    np.testing.assert_array_equal(
        opened.content.vectors(content), learned.model.content.vectors(content)
    )


@pytest.mark.parametrize(
    ("text", "day"),
    [("1970-01-02", 1), ("1971", 365), ("1970-02", 31), ("0000", 0), ("1900-01-01", 0), ("x", 0)],
)
def test_release_dates_count_days(text: str, day: int) -> None:
    assert day_of(text) == day
