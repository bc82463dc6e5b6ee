"""`python -m tests.recommendations`: collaborative filtering beside its peers, on any data."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from dataclasses import replace
from pathlib import Path
from statistics import fmean

from rich import box
from rich.console import Console
from rich.table import Table

from shared.recommendations.collaborative.choosing import Budget
from shared.recommendations.collaborative.evaluation import Accuracy
from tests.recommendations import sparse
from tests.recommendations.data import UnreadableData, load
from tests.recommendations.measuring import SEED, Measured, measured, tuned
from tests.recommendations.models import MODELS, Parameters, TooLarge

log = logging.getLogger(__name__)


def main() -> None:
    """Recall@20, Recall@50 and NDCG@100 of each model, with training time and peak memory."""
    parser = argparse.ArgumentParser(prog="python -m tests.recommendations", description=__doc__)
    commands = parser.add_subparsers(required=True)
    evaluate = commands.add_parser(
        "evaluate",
        help="compares the models on a file or folder",
        description=f"{main.__doc__} Holds out 20 % of every user's items, chooses all "
        "hyper-parameters on a validation part of the rest, ranks every item but those that the "
        "user is known to have.",
        epilog="PATH: lists `user item item ...` (train.txt and test.txt of a folder are joined), "
        "HetRec's user_artists.dat, or a table .csv, .tsv or .parquet of user, item and perhaps "
        "weight.",
    )
    evaluate.add_argument("path", type=Path, metavar="PATH")
    evaluate.add_argument("--seed", type=int, default=SEED, help="of the split (%(default)s)")
    evaluate.add_argument(
        "--splits", type=int, default=1, help="also means over so many seeds, from --seed on"
    )
    evaluate.add_argument(
        "--models", help=f"a comma-separated part of: {', '.join(MODELS)}", default=",".join(MODELS)
    )
    evaluate.add_argument(
        "--factorizations",
        type=int,
        default=Budget().factorizations,
        help="trained at most for a choice (%(default)s)",
    )
    evaluate.add_argument("--chosen", type=Path, help="takes and keeps what was chosen, as JSON")
    evaluate.set_defaults(run=_evaluate)
    generate = commands.add_parser("generate", help="writes a made-up sparse catalogue as CSV")
    generate.add_argument("path", type=Path, metavar="FILE")
    generate.add_argument("--seed", type=int, default=1)
    generate.add_argument("--items", type=int, default=sparse.ITEMS)
    generate.add_argument("--users", type=int, default=sparse.USERS)
    generate.set_defaults(run=_generate)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        arguments.run(arguments)
    except UnreadableData as error:
        sys.exit(str(error))


def _generate(arguments: argparse.Namespace) -> None:
    rows = sparse.write(
        arguments.path, arguments.seed, items=arguments.items, users=arguments.users
    )
    log.info("%d pairs in %s", rows, arguments.path)


def _evaluate(arguments: argparse.Namespace) -> None:
    names = [_model(name) for name in arguments.models.split(",")]
    data = load(arguments.path)
    log.info(
        "%s: %d users, %d items, %d pairs",
        *(arguments.path, *data.matrix.shape, data.matrix.nnz),
    )
    chosen = Chosen(arguments.chosen, arguments.path)
    budget = replace(Budget(), factorizations=arguments.factorizations)
    found: dict[str, list[Measured]] = {name: [] for name in names}
    tuning_s: dict[str, float] = {}
    for seed in range(arguments.seed, arguments.seed + arguments.splits):
        for name in names:
            group = MODELS[name].group
            try:
                parameters = chosen.get(seed, group)
                if parameters is None:
                    parameters, tuning_s[group] = tuned(arguments.path, group, seed, budget)
                    chosen.keep(seed, group, parameters)
                one = measured(arguments.path, name, parameters, seed)
            except TooLarge as error:
                log.info("%s: left out, too large: %s", name, error)
                continue
            found[name].append(one)
            log.info("seed %d, %s %s: %s", seed, name, parameters, one)
    Console(width=140).print(_table(found, tuning_s, arguments))


class Chosen:
    """Hyper-parameters by data set, seed and group of models; kept in a file where there is one."""

    def __init__(self, file: Path | None, data: Path) -> None:
        self._file = file
        self._data = data.name
        self._all: dict[str, dict[str, dict[str, Parameters]]] = {}
        if file is not None and file.exists():
            self._all = json.loads(file.read_text())

    def get(self, seed: int, group: str) -> Parameters | None:
        """What was chosen before, or None."""
        return self._all.get(self._data, {}).get(str(seed), {}).get(group)

    def keep(self, seed: int, group: str, parameters: Parameters) -> None:
        """Writes it to the file at once."""
        self._all.setdefault(self._data, {}).setdefault(str(seed), {})[group] = parameters
        if self._file is not None:
            self._file.write_text(json.dumps(self._all, indent=2, sort_keys=True) + "\n")


def _model(name: str) -> str:
    if name.strip() not in MODELS:
        raise UnreadableData(f"No model is called {name!r}. There are: {', '.join(MODELS)}")
    return name.strip()


def _table(
    found: dict[str, list[Measured]], tuning_s: dict[str, float], arguments: argparse.Namespace
) -> Table:
    table = Table(title=f"{arguments.path.name}, split seed {arguments.seed}", box=box.SIMPLE_HEAD)
    table.add_column("model", no_wrap=True)
    columns = [
        "Recall@20",
        "Recall@50",
        "NDCG@100",
        "training s",
        "CPU s",
        "peak MB",
        "tuning CPU s",
    ]
    if arguments.splits > 1:
        columns.append(f"mean of {arguments.splits} seeds")
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    for name, runs in found.items():
        if not runs:
            table.add_row(name, *(["-"] * 3), "too large")
            continue
        tuning = tuning_s.get(MODELS[name].group)
        row = [
            *_figures(runs[0].accuracy),
            f"{runs[0].training_s:.1f}",
            f"{runs[0].training_cpu_s:.1f}",
            f"{runs[0].peak_mb:.0f}",
            "-" if tuning is None else f"{tuning:.0f}",
        ]
        if arguments.splits > 1:
            row.append(" / ".join(_figures(_mean([run.accuracy for run in runs]))))
        table.add_row(name, *row)
    return table


def _figures(accuracy: Accuracy) -> list[str]:
    return [f"{value:.4f}" for value in (accuracy.recall_20, accuracy.recall_50, accuracy.ndcg_100)]


def _mean(them: list[Accuracy]) -> Accuracy:
    return Accuracy(
        them[0].users,
        fmean(one.recall_20 for one in them),
        fmean(one.recall_50 for one in them),
        fmean(one.ndcg_100 for one in them),
    )


if __name__ == "__main__":
    main()
