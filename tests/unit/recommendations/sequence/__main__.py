"""Prints the table of shared/recommendations/sequence/README.md:

python -m tests.unit.recommendations.sequence [lastfm|simulated ...] [--slow]
"""

from __future__ import annotations

import argparse
import time

from shared.recommendations.sequence.choosing import Questions, choose, measured
from shared.recommendations.sequence.counting import Sessions, by_age, counted, weighted
from tests.unit.recommendations.sequence import data
from tests.unit.recommendations.sequence.peers import PEERS, SLOW, Scorer

QUESTIONS = 10_000


def ours(train: object, n: int) -> Scorer:
    """The model of this project, its shape chosen on the newest fifth of `train`."""
    shape = choose(train, n, seed=0)  # type: ignore[arg-type]
    print(f"  {shape}")
    known = Sessions.of(train, n)  # type: ignore[arg-type]
    successors = weighted(counted(known, shape.distance, shape.session), known, shape)
    return lambda questions: questions.matrix(by_age(shape), n) @ successors


def main() -> None:
    """Measures every model on each set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", default=["lastfm", "simulated"])
    parser.add_argument("--slow", action="store_true", help="SLIST as well")
    options = parser.parse_args()
    for name in options.sets:
        split = getattr(data, name)()
        questions = Questions.of(split.test, QUESTIONS, seed=0)
        print(
            f"{split.name}: {len(split.train)} sessions, {split.n_items} items, "
            f"{len(questions.answers)} questions"
        )
        for model, peer in {**PEERS, **(SLOW if options.slow else {}), "ours": ours}.items():
            started = time.perf_counter()
            found = measured(peer(split.train, split.n_items)(questions), questions)
            seconds = time.perf_counter() - started
            print(f"  {model:28} {found.recall:.4f} {found.mrr:.4f} {seconds:6.1f} s", flush=True)


if __name__ == "__main__":
    main()
