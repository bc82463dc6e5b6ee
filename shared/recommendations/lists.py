"""Lists as they are stored: who made them of what, and why each track is on them. Pure.

A stored list names tracks by id. What they are called and where they may be played is read from
the catalog when the list is shown, so a withdrawn track is gone from all lists at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from shared.recommendations.due import State
from shared.recommendations.items import Scored, Source, Why
from shared.recommendations.periods import Product

FORMAT = 2
_READ = (1, FORMAT)  # 1 had no score of the retrieval
_DECIMALS = 4  # of a score


@dataclass(frozen=True, slots=True)
class ListedTrack:
    """A track of a list. `score` compares within the list alone; `retrieved` is as `Scored` has
    it."""

    track_id: str
    score: float
    source: Source
    why: Why
    retrieved: float | None = None


@dataclass(frozen=True, slots=True)
class MadeList:
    """A list as a person sees it. `id` is the last part of its address; `anchors` are the artists
    whom a daily mix turns on, by which tomorrow's is known to be the same mix."""

    id: str
    name: str
    description: str
    tracks: tuple[ListedTrack, ...]
    anchors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Made:
    """What was made of one product for a person and period, in one piece.

    `version` is that of the bundle it was made from. `before` are the tracks of the same product's
    earlier lists, the newest list first, so that the next ones repeat none.
    """

    product: Product
    period: str
    from_ms: int
    made_at_ms: int
    fingerprint: str
    version: str
    lists: tuple[MadeList, ...]
    before: tuple[tuple[str, ...], ...] = ()

    @property
    def state(self) -> State:
        """What decides when the next one is due."""
        return State(self.period, self.made_at_ms, self.fingerprint, not self.track_ids)

    @property
    def track_ids(self) -> tuple[str, ...]:
        """The tracks of all its lists."""
        return tuple(dict.fromkeys(one.track_id for made in self.lists for one in made.tracks))


@dataclass(frozen=True, slots=True)
class SimilarTrack:
    """What may be played after another track, without any look-up."""

    track_id: str
    duration_ms: int


@dataclass(frozen=True, slots=True)
class Similar:
    """What goes with a track, best first."""

    track_id: str
    tracks: tuple[SimilarTrack, ...]


def listed(scored: Iterable[Scored]) -> tuple[ListedTrack, ...]:
    """Candidates as they are stored."""
    return tuple(
        ListedTrack(
            one.item.track_id,
            round(float(one.score), _DECIMALS),
            one.source,
            one.why,
            None if one.retrieved is None else round(float(one.retrieved), _DECIMALS),
        )
        for one in scored
    )


def to_bytes(made: Made) -> bytes:
    """Compact JSON; 30 tracks take some 2.5 kB."""
    raw = {
        "format": FORMAT,
        "product": made.product,
        "period": made.period,
        "from_ms": made.from_ms,
        "made_at_ms": made.made_at_ms,
        "fingerprint": made.fingerprint,
        "version": made.version,
        "lists": [
            {
                "id": one.id,
                "name": one.name,
                "description": one.description,
                "anchors": one.anchors,
                "tracks": [_row(track) for track in one.tracks],
            }
            for one in made.lists
        ],
        "before": made.before,
    }
    return _packed(raw)


def from_bytes(data: bytes) -> Made:
    """What `to_bytes` was given. Raises ValueError for anything else."""
    try:
        raw = json.loads(data)
        if raw["format"] not in _READ:
            raise ValueError(f"lists of format {raw['format']} are not known here")
        return Made(
            product=raw["product"],
            period=raw["period"],
            from_ms=raw["from_ms"],
            made_at_ms=raw["made_at_ms"],
            fingerprint=raw["fingerprint"],
            version=raw["version"],
            lists=tuple(_list(one) for one in raw["lists"]),
            before=tuple(tuple(one) for one in raw["before"]),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"a stored list is damaged: {error!r}") from error


def _row(one: ListedTrack) -> list[Any]:
    why = one.why
    return [
        *(one.track_id, one.score, one.source),
        *(why.kind, why.subject, why.subject_name, one.retrieved),
    ]


def _list(raw: dict[str, Any]) -> MadeList:
    tracks = tuple(
        ListedTrack(track_id, score, source, Why(kind, subject, name), *retrieved)
        for track_id, score, source, kind, subject, name, *retrieved in raw["tracks"]
    )
    return MadeList(raw["id"], raw["name"], raw["description"], tracks, tuple(raw["anchors"]))


def state_to_bytes(state: State) -> bytes:
    """Compact JSON."""
    return _packed([state.period, state.made_at_ms, state.fingerprint, state.is_empty])


def state_from_bytes(data: bytes) -> State:
    """What `state_to_bytes` was given."""
    return State(*json.loads(data))


def similar_to_bytes(tracks: Sequence[SimilarTrack]) -> bytes:
    """A line for each: id and duration in ms."""
    return "\n".join(f"{one.track_id} {one.duration_ms}" for one in tracks).encode()


def similar_from_bytes(data: bytes) -> tuple[SimilarTrack, ...]:
    """What `similar_to_bytes` was given."""
    pairs = (line.split(" ") for line in data.decode().splitlines())
    return tuple(SimilarTrack(track_id, int(duration_ms)) for track_id, duration_ms in pairs)


def _packed(raw: Any) -> bytes:
    return json.dumps(raw, ensure_ascii=False, separators=(",", ":")).encode()
