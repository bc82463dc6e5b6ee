"""New tracks lie where their content says, as long as others; the unknown says nothing."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from shared.analysis.models import AudioFeatures
from shared.recommendations.content import words
from shared.recommendations.content.blending import EQUAL_EVIDENCE, blended
from shared.recommendations.content.features import (
    AUDIO_COLUMNS,
    ContentFeatures,
    Encoder,
    content_of,
)
from shared.recommendations.content.model import ContentModel
from shared.recommendations.content.words import no_words
from shared.recommendations.items import DIMENSIONS, Item

ROOT = Path(__file__).resolve().parents[4]


def audio(track_id: str, **values: Any) -> AudioFeatures:
    return AudioFeatures(id=track_id, duration_ms=1, **values)


def world(
    count: int, seed: int = 3
) -> tuple[list[ContentFeatures], NDArray[np.float32], NDArray[np.int64]]:
    """Tracks whose vectors follow from genre, artist and energy, with noise that is greater the
    fewer people listened."""
    random = np.random.default_rng(seed)
    genres = random.standard_normal((8, DIMENSIONS))
    artists = 0.7 * random.standard_normal((count // 5, DIMENSIONS))
    by_energy = random.standard_normal(DIMENSIONS)
    people = np.maximum(random.zipf(1.6, count).clip(0, 500), 1)
    features, vectors = [], []
    for n in range(count):
        artist = int(random.integers(count // 5))
        genre, energy = artist % 8, float(random.random())
        features.append(
            ContentFeatures(
                f"t{n}",
                (f"a{artist}",),
                f"album{artist}",
                (f"genre{genre}",),
                released_on=12_000 + n,
                audio=audio(f"t{n}", energy=energy, key=n % 12, mode=n % 2),
            )
        )
        noise = random.standard_normal(DIMENSIONS) / np.sqrt(people[n])
        vectors.append(genres[genre] + artists[artist] + (energy - 0.5) * by_energy + noise)
    return features, (0.1 * np.array(vectors)).astype(np.float32), people


def cosines(one: NDArray[Any], other: NDArray[Any]) -> NDArray[Any]:
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    found: NDArray[Any] = (one * other).sum(axis=1) / lengths
    return found


def test_a_new_track_is_predicted_and_a_new_artists_track_by_its_genre() -> None:
    features, vectors, people = world(900)
    model = ContentModel.fit(features[:800], vectors[:800], people[:800])
    unseen = model.vectors(features[800:])
    assert unseen.dtype == np.float32
    mean = np.broadcast_to(vectors[:800].mean(axis=0), unseen.shape)
    loud = people[800:] > 5
    assert cosines(unseen, vectors[800:])[loud].mean() > 0.8
    assert cosines(mean, vectors[800:])[loud].mean() < 0.4
    strangers = [
        dataclasses.replace(one, artist_ids=("nobody",), album_id="") for one in features[800:]
    ]
    by_genre = cosines(model.vectors(strangers), vectors[800:])[loud].mean()
    assert 0.5 < by_genre < cosines(unseen, vectors[800:])[loud].mean()


def test_new_tracks_compete_with_known_ones() -> None:
    """Of what people are shown first, new tracks have about their share."""
    features, vectors, people = world(900)
    model = ContentModel.fit(features[:700], vectors[:700], people[:700])
    lengths = np.linalg.norm(model.vectors(features), axis=1)
    known = np.average(np.linalg.norm(vectors[:700], axis=1), weights=people[:700])
    assert 0.8 < lengths.mean() / known < 1.25
    evidence = np.where(np.arange(900) < 700, people, 0)
    items = blended(vectors * (evidence > 0)[:, None], model.vectors(features), evidence)
    listeners = vectors[np.random.default_rng(1).choice(900, 300)]
    first = np.argsort(-(listeners @ items.T), axis=1)[:, :50]
    assert 0.5 < (first >= 700).mean() / (200 / 900) < 1.5


def test_the_same_seed_gives_the_same_model_and_it_survives_its_file(tmp_path: Path) -> None:
    features, vectors, people = world(300)
    learned = words.learn([["w:a", "t:t1", "t:t2"], ["w:a", "t:t1", "t:t2"]] * 5, seed=1)
    model, again = (
        ContentModel.fit(features, vectors, people, words=learned, seed=4) for _ in range(2)
    )
    assert np.array_equal(model.vectors(features), again.vectors(features))
    model.save(tmp_path / "made")
    opened = ContentModel.open(tmp_path / "made")
    assert np.array_equal(model.vectors(features), opened.vectors(features))
    (tmp_path / "made" / "model.json").write_text("{}")
    with pytest.raises(KeyError):
        ContentModel.open(tmp_path / "made")


def test_nobody_listened_yet() -> None:
    features, vectors, people = world(30)
    model = ContentModel.fit(features, 0 * vectors, 0 * people)
    assert not model.vectors(features).any()
    assert model.vectors([]).shape == (0, DIMENSIONS)
    nothing = ContentModel.fit([], vectors[:0], people[:0])
    assert nothing.vectors(features).shape == (30, DIMENSIONS)
    assert not nothing.vectors(features).any()
    few = ContentModel.fit(features[:1], vectors[:1], people[:1])
    assert np.isfinite(few.vectors(features)).all()
    with pytest.raises(ValueError, match="one of each per track"):
        ContentModel.fit(features, vectors[:3], people)


def test_a_track_of_which_nothing_is_known_has_a_finite_vector() -> None:
    features, vectors, people = world(200)
    model = ContentModel.fit(features, vectors, people)
    found = model.vectors([ContentFeatures("x"), ContentFeatures("y", genres=("unheard of",))])
    assert np.isfinite(found).all()
    assert np.array_equal(found[0], found[1])


def test_content_has_no_popularity_and_unknown_numbers_are_the_mean() -> None:
    item = Item("t", "name", ("a",), ("A",), "b", ("g",), "r", 1, released_on=12_000)
    loved = dataclasses.replace(item, popularity=100, plays=10**9)
    one, other = content_of([item, loved], {"t": audio("t", energy=0.5)})
    assert one == other
    features, _, _ = world(50)
    encoder = Encoder.fit(features, no_words())
    row = encoder.matrix([ContentFeatures("x")]).toarray()[0]
    assert row.shape == (encoder.width,)
    assert not row[: AUDIO_COLUMNS - 1].any()
    assert not row[AUDIO_COLUMNS:].any()


def test_keys_that_share_notes_lie_near_each_other() -> None:
    """C is nearer to G than to C sharp."""
    features = [
        ContentFeatures(f"t{key}", audio=audio(f"t{key}", key=key, tempo=100 + key))
        for key in range(12)
    ]
    rows = Encoder.fit(features, no_words()).matrix(features).toarray()
    key_columns = rows[:, AUDIO_COLUMNS - 3 : AUDIO_COLUMNS - 1]
    far = np.linalg.norm(key_columns[0] - key_columns, axis=1)
    assert far[7] < far[1]


@given(
    st.lists(st.integers(0, 10_000), min_size=1, max_size=20),
    st.floats(0.1, 100),
)
@settings(max_examples=50, deadline=None)
def test_the_blend_goes_from_content_to_people(people: list[int], equal: float) -> None:
    random = np.random.default_rng(1)
    shape = (len(people), DIMENSIONS)
    ours = random.standard_normal(shape).astype(np.float32)
    content = random.standard_normal(shape).astype(np.float32)
    found = blended(ours, content, np.array(people), equal_evidence=equal)
    share = np.array(people) / (np.array(people) + equal)
    expected = share[:, None] * ours + (1 - share[:, None]) * content
    assert np.allclose(found, expected, atol=1e-5)


def test_the_blends_ends() -> None:
    ours, content = np.ones((3, DIMENSIONS), np.float32), np.zeros((3, DIMENSIONS), np.float32)
    content[0] = 2
    found = blended(ours, content, np.array([0, 0, 5]))
    assert (found[0] == 2).all()
    assert (found[1:] == 1).all()  # no content: what people do stays whole
    middle = blended(ours, content, np.array([EQUAL_EVIDENCE, 0, 0]))
    assert np.allclose(middle[0], 1.5)
    with pytest.raises(ValueError, match="give as many of each"):
        blended(ours, content[:2], np.array([1, 2, 3]))
    with pytest.raises(ValueError, match="cannot be negative"):
        blended(ours, content, np.array([1, -1, 0]))


def lists() -> list[list[str]]:
    """Titled lists of two kinds of music, and sessions within each."""
    random = np.random.default_rng(5)
    sentences: list[list[str]] = []
    for _ in range(150):
        for kind, title in (("calm", "Sleepy Rain"), ("wild", "Gym Power!")):
            chosen = [f"{kind}{n}" for n in random.choice(30, 8, replace=False)]
            sentences += words.titled(title, chosen)
            sentences.append([words.track(one) for one in chosen[:4]])
    return sentences


def test_titles_and_tracks_share_a_space() -> None:
    learned = words.learn(lists(), seed=7)
    cosines = learned.vectors @ learned.mean(words.words_of("sleepy"))
    near = [learned.tokens[row] for row in np.argsort(-cosines, kind="stable")[:20]]
    tracks = [token for token in near if token.startswith("t:")]
    assert len(tracks) >= 15
    assert all(token.startswith("t:calm") for token in tracks)
    same = float(learned.mean(["t:calm1"]) @ learned.mean(["t:calm2"]))
    other = float(learned.mean(["t:calm1"]) @ learned.mean(["t:wild2"]))
    assert same > other + 0.3
    assert not learned.mean(["w:unheard"]).any()
    assert np.allclose(learned.mean(["t:calm1", "w:unheard"]), learned.mean(["t:calm1"]))


def test_words_are_folded_and_long_lists_repeat_their_title() -> None:
    assert words.words_of("Été — À la PLAGE, x!") == ["w:été", "w:la", "w:plage"]
    sentences = list(words.titled("Gym", [str(n) for n in range(45)]))
    assert [one[0] for one in sentences] == ["w:gym"] * 3
    assert sum(len(one) - 1 for one in sentences) == 45


def test_a_track_in_a_list_gets_its_place_before_anybody_has_played_it() -> None:
    random = np.random.default_rng(2)
    ends = random.standard_normal((2, DIMENSIONS))
    names = [f"{kind}{n}" for kind in ("calm", "wild") for n in range(30)]
    features = [ContentFeatures(name) for name in names]
    vectors = np.repeat(ends, 30, axis=0) + 0.2 * random.standard_normal((60, DIMENSIONS))
    people = np.full(60, 50)
    people[[0, 30]] = 0  # nobody has heard these two
    model = ContentModel.fit(
        features, vectors.astype(np.float32), people, words=words.learn(lists(), seed=7)
    )
    calm, wild = model.vectors([features[0], features[30]])
    assert cosines(calm[None], ends[:1])[0] > cosines(calm[None], ends[1:])[0] + 0.5
    assert cosines(wild[None], ends[1:])[0] > cosines(wild[None], ends[:1])[0] + 0.5


def test_words_survive_their_file_and_nothing_is_learned_from_nothing(tmp_path: Path) -> None:
    learned = words.learn(lists(), seed=7)
    learned.save(tmp_path / "words.npz")
    opened = words.Words.open(tmp_path / "words.npz")
    assert opened.tokens == learned.tokens
    assert np.array_equal(opened.vectors, learned.vectors)
    for sentences in ([], [["w:a"]], [["w:a", "w:b"]]):
        nothing = words.learn(sentences, seed=7)
        assert nothing.vectors.shape == (0, DIMENSIONS)
        assert not nothing.mean(["w:a"]).any()


def test_another_process_with_another_hash_seed_learns_the_same_words() -> None:
    code = (
        "import json; from tests.unit.recommendations.content.test_content import lists;"
        "from shared.recommendations.content import words;"
        "made = words.learn(lists(), seed=7);"
        "print(json.dumps([made.tokens, made.vectors[:5].tolist()]))"
    )
    answers = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
            timeout=300,
        ).stdout
        for seed in ("1", "2")
    ]
    assert json.loads(answers[0]) == json.loads(answers[1])
