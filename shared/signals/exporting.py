"""Features of a day's end in the lake, for whoever trains or looks (F208):

    features/user/day=2026-01-31/part-00000.parquet     user_id, USER_FEATURES
    features/track/day=.../part-00000.parquet           track_id, TRACK_FEATURES
    features/pair/day=.../part-00000.parquet            user_id, track_id, PAIR_FEATURES

They are what `shared.signals.features` makes of all that was done before midnight (UTC) after the
day, online or here. A pair is there where the person did anything with the track in 90 days; who
its artists are only the catalogue knows, so `pair_follows_artist` is 0. Whoever was suspected to be
a machine at any moment of that time (F286) is in no file of people and pairs; a track's counts are
without what was done under suspicion, and with what the same person did before it.

A file is stored whole or not at all, and `_SUCCESS` follows the last one of a folder: a folder
without it is not to be read. A run that is cut off is taken up by the next one behind the last
person whose files are there. A day that is there is not made again.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from shared.platform.errors import InvalidInput
from shared.signals import warehouse
from shared.signals.features import (
    PAIR_FEATURES,
    TRACK_FEATURES,
    USER_FEATURES,
    Pairs,
    track_features,
    user_features,
)
from shared.signals.store import lake
from shared.signals.tables import Rows, last_id

PART_SIGNALS = 500_000  # that the people of a file sent; so that memory holds two files' rows
PART_TRACKS = 500_000
SUCCESS = "_SUCCESS"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Exported:
    """How many rows this run made of each kind; none where they were there before."""

    users: int = 0
    pairs: int = 0
    tracks: int = 0


async def export(day: date, *, dry_run: bool = False, force: bool = False) -> Exported:
    """Makes the features of `day`'s end; with `force` again, with `dry_run` it stores nothing.

    Raises InvalidInput for a day that is not over, Unavailable where the warehouse is away.
    """
    until = datetime.combine(day + timedelta(days=1), time(), UTC)
    if until > datetime.now(UTC):
        raise InvalidInput(f"day: {day} is not over yet (in UTC); ask for an earlier one")
    folders = [_Folder(kind, day, until, dry_run) for kind in ("user", "pair", "track")]
    users, pairs, tracks = folders
    if force and not dry_run:
        for folder in folders:
            await folder.clear()
    if not (await users.is_whole() and await pairs.is_whole()):
        await _export_people(users, pairs, until)
    if not await tracks.is_whole():
        await _export_tracks(tracks, until)
    return Exported(users.rows, pairs.rows, tracks.rows)


class _Folder:
    """The files of one kind and day."""

    def __init__(self, kind: str, day: date, until: datetime, dry_run: bool) -> None:
        self._path = f"features/{kind}/day={day}"
        self._notes = {"as_of": until.isoformat()}
        self._dry_run = dry_run
        self.parts = self.rows = 0

    async def is_whole(self) -> bool:
        return not self._dry_run and f"{self._path}/{SUCCESS}" in await lake.names(self._path)

    async def clear(self) -> None:
        # The mark goes first, so that nobody reads a folder that is half empty.
        names = await lake.names(self._path)
        await lake.remove(sorted(names, key=lambda name: not name.endswith(SUCCESS)))

    async def put(self, rows: Rows) -> None:
        self.rows += len(rows)
        if not self._dry_run:
            await lake.write(self._name(self.parts), rows.to_parquet(self._notes))
        self.parts += 1
        _log.info("%s: %d rows in %d files", self._path, self.rows, self.parts)

    async def finish(self) -> None:
        if not self._dry_run:
            mark = json.dumps({"parts": self.parts, **self._notes}).encode()
            await lake.write(f"{self._path}/{SUCCESS}", mark, "application/json")

    async def last_user(self) -> str:
        """The last person of the files that are there without a gap; empty where there are none.
        What is put next comes behind these."""
        there = set() if self._dry_run else set(await lake.names(self._path))
        while self._name(self.parts) in there:
            self.parts += 1
        if not self.parts:
            return ""
        return last_id(await lake.read(self._name(self.parts - 1)), "user_id")

    def _name(self, part: int) -> str:
        return f"{self._path}/part-{part:05d}.parquet"


async def _export_people(users: _Folder, pairs: _Folder, until: datetime) -> None:
    # A file of pairs is stored before that of its people, so people's files tell what is there.
    after = await users.last_user()
    pairs.parts = users.parts
    if after:
        _log.info("%d files are there; going on behind %s", users.parts, after)
    now_ms = _ms(until)
    of_users, of_pairs, sent = _people_rows(), _pair_rows(), 0

    async def put() -> None:
        await pairs.put(of_pairs)
        await users.put(of_users)

    async for user_id, signals in warehouse.people(warehouse.DAYS, until, after=after):
        if any(signal.suspected for signal in signals):
            continue
        of_users.add((user_id,), user_features(signals, now_ms))
        met = Pairs(signals, now_ms)
        for track_id in met.tracks():
            of_pairs.add((user_id, track_id), met.features(track_id, ()))
        sent += len(signals)
        if sent >= PART_SIGNALS:
            await put()
            of_users, of_pairs, sent = _people_rows(), _pair_rows(), 0
    if len(of_users):
        await put()
    await pairs.finish()
    await users.finish()


def _people_rows() -> Rows:
    return Rows(("user_id",), USER_FEATURES)


def _pair_rows() -> Rows:
    return Rows(("user_id", "track_id"), PAIR_FEATURES)


async def _export_tracks(folder: _Folder, until: datetime) -> None:
    rows = Rows(("track_id",), TRACK_FEATURES)
    async for track_id, counts in warehouse.track_counts(until):
        rows.add((track_id,), track_features(counts, _ms(until)))
        if len(rows) >= PART_TRACKS:
            await folder.put(rows)
            rows = Rows(("track_id",), TRACK_FEATURES)
    if len(rows):
        await folder.put(rows)
    await folder.finish()


def _ms(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)
