"""A bundle on disk answers as its parts do, whatever is in them."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.recommendations.collaborative.folding import fold_in
from shared.recommendations.index.building import Parts, build
from shared.recommendations.index.bundle import BrokenBundle, MappedBundle, open_bundle
from shared.recommendations.items import DIMENSIONS, Bundle, Item
from shared.recommendations.sequence.model import DTYPES
from tests.unit.recommendations.index.parts import (
    BUILT_AT,
    FOLD_IN,
    Plain,
    ids,
    items,
    many,
    parts,
    words,
)

ROUNDING = 0.03  # of the product of two lengths: what eight bits a component may change


@contextmanager
def opened(made: Parts) -> Iterator[MappedBundle]:
    with TemporaryDirectory() as temporary:
        folder = Path(temporary) / "bundle"
        build(made, folder, "v1")
        yield open_bundle(folder)


@given(items(), words)
@settings(max_examples=40, deadline=None)
def test_facts_are_as_they_were_given(given_items: list[Item], unknown: str) -> None:
    with opened(parts(given_items)) as bundle:
        found: Bundle = bundle
        assert (found.version, found.built_at) == ("v1", BUILT_AT)
        assert len(found) == len(given_items)
        assert [found.item(row) for row in range(len(found))] == given_items
        for row, one in enumerate(given_items):
            assert found.row_of(one.track_id) == row
        if unknown not in {one.track_id for one in given_items}:
            assert found.row_of(unknown) is None
        for row in (-1, len(found)):
            with pytest.raises(IndexError):
                found.item(row)


@given(items(), ids | words, st.sampled_from(["DE", "FR", "JP", None]), st.integers(-5, 15))
@settings(max_examples=60, deadline=None)
def test_rows_are_listed_in_the_order_that_is_promised(
    given_items: list[Item], key: str, market: str | None, number: int
) -> None:
    made = parts(given_items)
    plain = Plain(made)
    with opened(made) as bundle:
        assert list(bundle.of_artist(key)) == plain.of_artist(key)
        assert list(bundle.of_genre(key)) == plain.of_genre(key)
        assert list(bundle.of_album(key)) == plain.of_album(key)
        assert list(bundle.released_since(number)) == plain.released_since(number)
        assert list(bundle.popular(market, number)) == plain.popular(market)[: max(number, 0)]
        assert all(type(row) is int for row in bundle.of_artist(key))


@given(items(), st.integers(0, 2**16), st.integers(0, 14), st.sets(st.integers(0, 14)))
@settings(max_examples=40, deadline=None)
def test_the_nearest_are_those_with_the_greatest_products(
    given_items: list[Item], seed: int, count: int, without: set[int]
) -> None:
    made = parts(given_items, seed=seed)
    query = np.random.default_rng(seed + 1).standard_normal(DIMENSIONS).astype(np.float32)
    true = dict(Plain(made).nearest(query, len(given_items)))
    lengths = np.linalg.norm(made.vectors, axis=1) * np.linalg.norm(query)
    with opened(made) as bundle:
        found = bundle.nearest(query, count, without=without)
        best = Plain(made).nearest(query, count, without=without)
        assert len(found) == len(best)
        assert not without & {row for row, _ in found}
        assert len({row for row, _ in found}) == len(found)
        assert [score for _, score in found] == sorted((s for _, s in found), reverse=True)
        for (row, score), (_, least) in zip(found, best, strict=True):
            assert score == pytest.approx(true[row], abs=float(ROUNDING * lengths[row]) + 1e-6)
            assert score >= least - ROUNDING * max(lengths, default=0.0) - 1e-6
        assert bundle.nearest(np.zeros(DIMENSIONS, np.float32), 5) == []


@given(items(), st.integers(0, 2**16))
@settings(max_examples=40, deadline=None)
def test_neighbours_and_vectors_are_those_that_were_given(
    given_items: list[Item], seed: int
) -> None:
    made = parts(given_items, seed=seed)
    plain = Plain(made)
    with opened(made) as bundle:
        for row in range(len(given_items)):
            expected = plain.neighbours(row)
            found = bundle.neighbours(row)
            assert [one for one, _ in found] == [one for one, _ in expected]
            assert all(weight > 0 for _, weight in found)
            for (_, weight), (_, true) in zip(found, expected, strict=True):
                assert weight == pytest.approx(true, rel=2**-10, abs=1e-6)
            true_vector = made.vectors[row]
            error = np.abs(bundle.vector(row) - true_vector).max()
            assert error <= np.abs(true_vector).max() / 250
            assert bundle.vector(row).dtype == np.float32


@given(items(), ids, st.integers(0, 2**16))
@settings(max_examples=40, deadline=None)
def test_similar_artists_are_those_in_the_same_direction(
    given_items: list[Item], key: str, seed: int
) -> None:
    made = parts(given_items, seed=seed)
    true = Plain(made).similar_artists(key)
    with opened(made) as bundle:
        found = dict(bundle.similar_artists(key, 10))
    assert key not in found
    assert list(found.values()) == sorted(found.values(), reverse=True)
    for one in found.keys() | true.keys():
        assert found.get(one, 0.0) == pytest.approx(true.get(one, 0.0), abs=ROUNDING)


@given(
    st.integers(1, 40),
    st.dictionaries(st.integers(0, 39), st.floats(0.01, 50), max_size=20),
    st.integers(0, 2**16),
)
@settings(max_examples=40, deadline=None)
def test_a_person_is_folded_in_where_the_loss_is_least(
    count: int, liked: dict[int, float], seed: int
) -> None:
    liked = {row: confidence for row, confidence in liked.items() if row < count}
    with opened(parts(many(count), seed=seed)) as bundle:
        vectors = np.array([bundle.vector(row) for row in range(count)], np.float64)

        def gradient(person: np.ndarray) -> np.ndarray:
            products = vectors @ person
            slope = FOLD_IN.unobserved_weight * products
            for row, confidence in liked.items():
                slope[row] += confidence * (products[row] - 1)
            n = len(liked) + FOLD_IN.unobserved_weight * count
            return slope @ vectors + FOLD_IN.regularization * n**FOLD_IN.frequency_exponent * person

        person = bundle.fold_in(liked)
    together = fold_in(
        vectors.astype(np.float32),
        vectors.T @ vectors,
        FOLD_IN,
        list(liked),
        list(liked.values()),
    )
    assert np.allclose(person, together, atol=1e-3)
    assert person.shape == (DIMENSIONS,)
    assert person.dtype == np.float32
    if not liked:
        assert not person.any()
    steepest = max(float(np.abs(gradient(np.zeros(DIMENSIONS))).max()), 1.0)
    assert np.abs(gradient(person.astype(np.float64))).max() < 1e-3 * steepest


def test_what_comes_next_is_asked_of_the_sequence_model() -> None:
    stated = {
        "indptr": [0, 2, 3, 3],
        "indices": [1, 2, 2],
        "weights": [0.9, 0.2, 0.5],
        "by_age": [1.0, 0.1],
    }
    sequence = {name: np.array(values, DTYPES[name]) for name, values in stated.items()}
    with opened(parts(many(3), sequence=sequence)) as bundle:
        assert [row for row, _ in bundle.next_after([0], 5)] == [1, 2]
        assert [row for row, _ in bundle.next_after([0, 1], 1)] == [2]
        assert bundle.next_after([], 5) == []
    with opened(parts(many(3))) as bundle:
        assert bundle.next_after([0], 5) == []


def test_readers_side_by_side_are_answered_alike() -> None:
    made = parts(many(1_500))  # past the exact search
    with opened(made) as bundle:
        queries = [bundle.vector(row) for row in range(1, 60)]

        def answers() -> list[object]:
            return [
                (
                    bundle.nearest(query, 20, without=(3, 4)),
                    bundle.item(number),
                    bundle.fold_in({number: 2.0}).tolist(),
                    list(bundle.popular("DE", 30)),
                )
                for number, query in enumerate(queries)
            ]

        expected = answers()
        results: list[list[object]] = []
        readers = [threading.Thread(target=lambda: results.append(answers())) for _ in range(4)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
    assert results == [expected] * 4


def test_the_same_parts_and_seed_give_the_same_files(tmp_path: Path) -> None:
    made = parts(many(1_500))
    for name in ("one", "other"):
        build(made, tmp_path / name, "v1")
    files = sorted(one.name for one in (tmp_path / "one").iterdir())
    for name in files:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "other" / name).read_bytes()


@pytest.mark.parametrize("damage", ["missing", "empty", "cut off", "format", "no numbers"])
def test_a_damaged_bundle_is_not_opened(tmp_path: Path, damage: str) -> None:
    whole = tmp_path / "whole"
    build(parts(many(1_500)), whole, "v1")
    for path in sorted(whole.iterdir()):
        if damage in ("format", "no numbers") and path.name != "bundle.json":
            continue
        folder = tmp_path / "damaged"
        shutil.copytree(whole, folder)
        broken = folder / path.name
        match damage:
            case "missing":
                broken.unlink()
            case "empty":
                broken.write_bytes(b"")
            case "cut off":
                broken.write_bytes(broken.read_bytes()[: broken.stat().st_size * 2 // 3])
            case "format":
                broken.write_text(broken.read_text().replace('"format": 1', '"format": 2'))
            case "no numbers":
                broken.write_text("[]")
        with pytest.raises(BrokenBundle):
            open_bundle(folder)
        shutil.rmtree(folder)


def test_parts_that_do_not_fit_are_refused_with_the_remedy(tmp_path: Path) -> None:
    good = parts(many(20))
    indices, weights = good.neighbours
    vectors = good.vectors.copy()
    vectors[3, 5] = np.nan
    twice = [*good.items[:-1], good.items[0]]
    for bad, message in (
        (
            replace(good, vectors=good.vectors[:, :64]),
            r"shape \(20, 64\), expected was \(20, 128\)",
        ),
        (replace(good, vectors=vectors), "vector 3 is not finite"),
        (replace(good, neighbours=(indices, weights[:, :1])), "neighbours are of shapes"),
        (replace(good, neighbours=(indices + 20, weights)), "not one of the rows 0..19"),
        (replace(good, neighbours=(indices, weights * 0)), "not a finite number above 0"),
        (replace(good, sequence={"indptr": np.zeros(3)}), "the sequence model needs"),
        (replace(good, items=twice), "tracks occurs twice"),
        (replace(good, built_at=BUILT_AT.replace(tzinfo=None)), "no time zone"),
    ):
        with TemporaryDirectory(dir=tmp_path) as folder, pytest.raises(ValueError, match=message):
            build(bad, Path(folder), "v1")
    build(good, tmp_path / "made", "v1")
    with pytest.raises(FileExistsError, match="not empty"):
        build(good, tmp_path / "made", "v1")
