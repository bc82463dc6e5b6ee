"""What a training leaves for the refreshes that follow it: immutable arrays in a folder.

Serving never fetches it. A million tracks and as many people take about 1.3 GB: vectors are kept
as half floats, whose error (2^-11) is a hundredth of what another seed changes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from shared.artifacts.opening import Artifact, Broken
from shared.recommendations.items import FoldIn
from shared.topology import TRAININGS

if TYPE_CHECKING:
    from shared.recommendations.content.model import ContentModel
    from shared.recommendations.items import Matrix

FORMAT = 2
HEADER = "model.json"
CONTENT = "content"  # a folder of its own


@dataclass(frozen=True, slots=True)
class Model:
    """What was learned at `trained_at`; row n of what is of tracks is `track_ids[n]`.

    `plays` are those of the days that were learned from.
    `factors` are (tracks, DIMENSIONS), zeros where `evidence`, how many people like a track, is 0.
    `people` are the vectors of those who were learned from, a row for each of `user_ids`.
    `neighbours` are rows (tracks, NEIGHBOURS_KEPT) in int32, padded with -1, and their weights;
    what sounds the same without having been played together weighs `sound_weight` at most.
    `settings` are numbers that retrieval needs.
    """

    trained_at: datetime
    track_ids: tuple[str, ...]
    user_ids: tuple[str, ...]
    factors: Matrix
    people: Matrix
    evidence: NDArray[np.int32]
    plays: NDArray[np.int64]
    neighbours: tuple[NDArray[np.int32], NDArray[np.float32]]
    sound_weight: float
    fold_in: FoldIn
    content: ContentModel
    sequence: Mapping[str, NDArray[Any]] | None
    settings: Mapping[str, float]

    def save(self, folder: Path) -> None:
        """Writes it to `folder`, which is made."""
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / "factors.npy", self.factors.astype(np.float16))
        np.save(folder / "people.npy", self.people.astype(np.float16))
        np.save(folder / "evidence.npy", self.evidence)
        np.save(folder / "plays.npy", self.plays)
        np.save(folder / "neighbours.npy", self.neighbours[0])
        np.save(folder / "weights.npy", self.neighbours[1].astype(np.float32))
        for name, array in (self.sequence or {}).items():
            np.save(folder / f"sequence.{name}.npy", array)
        self.content.save(folder / CONTENT)
        (folder / "track_ids.txt").write_text("\n".join(self.track_ids))
        (folder / "user_ids.txt").write_text("\n".join(self.user_ids))
        header = {
            "format": FORMAT,
            "trained_at": self.trained_at.isoformat(),
            "sound_weight": self.sound_weight,
            "fold_in": asdict(self.fold_in),
            "sequence": None if self.sequence is None else sorted(self.sequence),
            "settings": dict(self.settings),
        }
        (folder / HEADER).write_text(json.dumps(header, indent=2) + "\n")

    @classmethod
    def open(cls, folder: Path) -> Model:
        """What `save` wrote. Raises Broken for anything else."""
        from shared.recommendations.content.model import ContentModel

        def array(name: str) -> NDArray[Any]:
            found: NDArray[Any] = np.load(folder / f"{name}.npy", mmap_mode="r")
            return found

        try:
            header = json.loads((folder / HEADER).read_text())
            names = header["sequence"]
            model = cls(
                trained_at=datetime.fromisoformat(header["trained_at"]),
                track_ids=tuple((folder / "track_ids.txt").read_text().split()),
                user_ids=tuple((folder / "user_ids.txt").read_text().split()),
                factors=array("factors").astype(np.float32),
                people=array("people").astype(np.float32),
                evidence=array("evidence"),
                plays=array("plays"),
                neighbours=(array("neighbours"), array("weights")),
                sound_weight=header["sound_weight"],
                fold_in=FoldIn(**header["fold_in"]),
                content=ContentModel.open(folder / CONTENT),
                sequence=None if names is None else {n: array(f"sequence.{n}") for n in names},
                settings=header["settings"],
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Broken(f"{folder.name}: {error}") from error
        lengths = {len(model.track_ids), len(model.factors), len(model.evidence)}
        if len(lengths | {len(one) for one in model.neighbours}) > 1:
            raise Broken(f"{folder.name}: not of as many tracks")
        return model


TRAINED: Artifact[Model] = Artifact(
    "embeddings", "trained embeddings", FORMAT, Model.open, TRAININGS
)
