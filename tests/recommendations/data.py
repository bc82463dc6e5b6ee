"""Interactions out of the files that data sets are published in.

Understood are lists (`user item item ...`, one user a line; a folder's `train.txt` and `test.txt`
are joined), HetRec's `user_artists.dat`, and tables (.csv, .tsv, .dat, .parquet, also gzipped) with
a user, an item and perhaps a weight.
"""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from shared.recommendations.collaborative.interactions import Interactions

if TYPE_CHECKING:
    from numpy.typing import NDArray

DATA = Path(__file__).resolve().parents[3] / "shared/data"
LASTFM, MOVIELENS = DATA / "lastfm-2k", DATA / "ml-1m"

# Names of columns, lower case, without "_" and "id".
USERS = ("user", "listener", "u")
ITEMS = ("item", "artist", "track", "song", "movie", "book", "product", "i")
WEIGHTS = ("weight", "plays", "playcount", "count", "rating", "confidence")
TABLES = (".csv", ".tsv", ".dat", ".parquet")


class UnreadableData(Exception):
    """A path does not hold interactions that we understand; says what would be."""


def load(path: Path) -> Interactions:
    """Everything there. Weights of the same pair are added up; what is not above 0 is left out.
    Without weights, and in lists, every pair weighs 1. Raises UnreadableData."""
    if path.is_dir():
        path = _in_folder(path)
    if not path.is_file():
        raise UnreadableData(f"{path}: no such file or folder.")
    kind = next((one for one in TABLES if one in path.suffixes), None)
    if kind is None:
        return _of_lists([one for one in (path, path.with_name("test.txt")) if _belongs(one, path)])
    return _of_table(path, kind)


def _belongs(one: Path, first: Path) -> bool:
    return one == first or (first.name == "train.txt" and one.is_file())


def _in_folder(folder: Path) -> Path:
    for name in ("user_artists.dat", "train.txt"):
        if (folder / name).is_file():
            return folder / name
    tables = sorted(one for one in folder.iterdir() if set(one.suffixes) & {*TABLES, ".txt"})
    if len(tables) != 1:
        raise UnreadableData(
            f"{folder}: neither user_artists.dat nor train.txt, and {len(tables)} other tables "
            "where one is expected: name the file itself."
        )
    return tables[0]


def _of_lists(paths: list[Path]) -> Interactions:
    users: list[str] = []
    items: list[str] = []
    for path in paths:
        with _opened(path) as lines:
            for line in lines:
                user, *of_user = line.split() or [""]
                users += [user] * len(of_user)
                items += of_user
    if not items:
        raise UnreadableData(f"{paths[0]}: no line reads `user item item ...`.")
    pairs = _numbered(users, items, np.ones(len(items)))
    return pairs.with_matrix(pairs.liked)


def _of_table(path: Path, kind: str) -> Interactions:
    table = _table(path, kind)
    names = [name.lower().replace("_", "").removesuffix("id") for name in table.column_names]
    user, item, weight = (_first(names, wanted) for wanted in (USERS, ITEMS, WEIGHTS))
    if user is None or item is None:
        raise UnreadableData(
            f"{path}: no columns for users and items among {', '.join(table.column_names)}: name "
            "them `user` and `item` (and `weight`), or leave the line of names out."
        )
    weights = np.ones(len(table))
    if weight is not None:
        try:
            weights = table.column(weight).cast("double").to_numpy()
        except ValueError as error:
            raise UnreadableData(f"{path}: a weight is not a number: {error}") from None
    keep = weights > 0
    users, items = (table.column(at).to_numpy()[keep] for at in (user, item))
    pairs = _numbered(users, items, weights[keep])
    return pairs if weight is not None else pairs.with_matrix(pairs.liked)


def _table(path: Path, kind: str) -> Any:
    from pyarrow import ArrowInvalid, csv, parquet

    if kind == ".parquet":
        return parquet.read_table(path)
    with _opened(path) as lines:
        first = lines.readline().rstrip("\r\n")
    delimiter = "\t" if "\t" in first else ","
    fields = first.split(delimiter)
    has_names = not fields[-1].replace(".", "", 1).strip().isdigit()
    try:
        return csv.read_csv(
            path,
            read_options=csv.ReadOptions(
                column_names=None if has_names else ["user", "item", "weight"][: len(fields)]
            ),
            parse_options=csv.ParseOptions(delimiter=delimiter),
        )
    except ArrowInvalid as error:
        raise UnreadableData(f"{path}: not a table of user, item, weight: {error}") from None


def _first(names: list[str], wanted: tuple[str, ...]) -> int | None:
    return next((names.index(one) for one in wanted if one in names), None)


def _numbered(users: Any, items: Any, weights: NDArray[np.float64]) -> Interactions:
    user_ids, rows = np.unique(users, return_inverse=True)
    item_ids, columns = np.unique(items, return_inverse=True)
    pairs, place = np.unique(rows * len(item_ids) + columns, return_inverse=True)
    return Interactions.from_arrays(
        [str(one) for one in user_ids],
        [str(one) for one in item_ids],
        pairs // len(item_ids),
        pairs % len(item_ids),
        np.bincount(place, weights=weights).astype(np.float32),
    )


def _opened(path: Path) -> Any:
    return gzip.open(path, "rt") if path.suffix == ".gz" else path.open(encoding="utf-8")


def graded(weights: Interactions) -> dict[str, Interactions]:
    """The confidences that are offered to the choice, from what data sets hold (plays, ratings).

    `binary` is 1 for all. Where weights differ, `log` is log(1 + weight) relative to the user's
    mean of it, and `log squared` its square."""
    offered = {"binary": weights.with_matrix(weights.liked)}
    matrix = weights.matrix
    if matrix.nnz and np.ptp(matrix.data) > 0:
        counts = np.diff(matrix.indptr)
        users = np.repeat(np.arange(len(counts)), counts)
        logs = np.log1p(matrix.data, dtype=np.float64)
        means = np.bincount(users, weights=logs, minlength=len(counts)) / np.maximum(counts, 1)
        for name, power in (("log", 1), ("log squared", 2)):
            confidences = matrix.copy()
            confidences.data = ((logs / means[users]) ** power).astype(np.float32)
            offered[name] = weights.with_matrix(confidences)
    return offered
