"""Tracks and words of playlist titles in one space: Word2Vec over lists and sessions (F198).

A titled list is read as sentences of its title's words and some of its tracks, a session as the
sequence of its tracks; skip-gram then puts what stands together near each other (Mikolov et al.
2013; for sequences of items Barkan and Koenigstein 2016, "Item2Vec"). So a new playlist's title
says something of its tracks, and a new track's genres something of the track.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from shared.recommendations.items import DIMENSIONS

if TYPE_CHECKING:
    from shared.recommendations.items import Matrix, Vector

TRACKS_A_SENTENCE = 20  # of a titled list; its title is repeated for each such part
WINDOW = 10  # tokens either side: order within a list says little
MIN_COUNT = 2  # what stands once has no company to be known by
EPOCHS = 10
NEGATIVE = 10
SUBSAMPLING = 0.0  # none: the most frequent words are those of titles, which are wanted
NEGATIVE_EXPONENT = 0.5  # flatter than for text, as suits items (Caselles-Dupré et al. 2018)
_WORD = re.compile(r"\w+")
_TRACK, _WORD_PREFIX = "t:", "w:"


def words_of(text: str) -> list[str]:
    """The tokens of a text's words: without case, width and punctuation, of two letters or more."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return [_WORD_PREFIX + word for word in _WORD.findall(folded) if len(word) > 1]


def track(track_id: str) -> str:
    """The token of a track."""
    return _TRACK + track_id


def titled(title: str, track_ids: Sequence[str]) -> Iterator[list[str]]:
    """The sentences of a titled list."""
    words = words_of(title)
    for start in range(0, len(track_ids), TRACKS_A_SENTENCE):
        yield words + [track(one) for one in track_ids[start : start + TRACKS_A_SENTENCE]]


@dataclass(frozen=True)
class Words:
    """Vectors (tokens, `DIMENSIONS`) of length 1, a row for each of `tokens`."""

    tokens: tuple[str, ...]
    vectors: Matrix

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {token: row for row, token in enumerate(self.tokens)}

    def __contains__(self, token: str) -> bool:
        return token in self._rows

    def mean(self, tokens: Iterable[str]) -> Vector:
        """The mean of those tokens that are known, of length 1; zeros where none is."""
        import numpy as np

        rows = [self._rows[one] for one in tokens if one in self._rows]
        if not rows:
            return np.zeros(self.vectors.shape[1], np.float32)
        mean = self.vectors[rows].mean(axis=0)
        found: Vector = mean / max(float(np.linalg.norm(mean)), 1e-9)
        return found

    def save(self, path: Path) -> None:
        """Writes it to `path`, whose name ends in `.npz`."""
        import numpy as np

        np.savez(path, tokens=np.array(self.tokens, dtype=str), vectors=self.vectors)

    @classmethod
    def open(cls, path: Path) -> Words:
        """What `save` wrote. Raises OSError, ValueError, KeyError for anything else."""
        import numpy as np

        with np.load(path, allow_pickle=False) as held:
            return cls(tuple(held["tokens"].tolist()), held["vectors"])


def no_words() -> Words:
    """Words that know nothing."""
    import numpy as np

    return Words((), np.zeros((0, DIMENSIONS), np.float32))


def learn(sentences: Sequence[Sequence[str]], *, seed: int) -> Words:
    """Learns the vectors of whatever stands in `sentences` at least `MIN_COUNT` times.

    The same sentences and seed give the same vectors: one worker, since several race for the
    weights (they would be some three times as fast on four cores). `sentences` are read once for
    each epoch; give a list, or anything else that can be read again.
    """
    import numpy as np
    from gensim.models import Word2Vec

    counts: dict[str, int] = {}
    for sentence in sentences:
        for token in sentence:
            counts[token] = counts.get(token, 0) + 1
    if sum(count >= MIN_COUNT for count in counts.values()) < 2:
        return no_words()
    model = Word2Vec(
        vector_size=DIMENSIONS,
        window=WINDOW,
        min_count=MIN_COUNT,
        sg=1,
        negative=NEGATIVE,
        ns_exponent=NEGATIVE_EXPONENT,
        sample=SUBSAMPLING,
        epochs=EPOCHS,
        seed=seed,
        workers=1,
    )
    model.build_vocab_from_freq(counts, corpus_count=len(sentences))
    model.train(sentences, total_examples=len(sentences), epochs=EPOCHS)
    vectors = model.wv.vectors.astype(np.float32)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return Words(tuple(model.wv.index_to_key), vectors)
