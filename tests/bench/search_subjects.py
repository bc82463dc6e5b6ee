"""What `search` compares, each in a process of its own: ours, SQLite FTS5 and plain tantivy."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from shared.search.models import Candidate, Engine, Found, ItemType, Plan, Retrieved, Word
from tests.bench.search_catalogue import Catalogue
from tests.bench.search_peers import Fts5, Peer, Tantivy, build_fts5, build_tantivy
from tests.bench.search_queries import Asked, Made

OURS, FTS5, TANTIVY = "ours", "SQLite FTS5", "plain tantivy"
VERSION = "20260101T000000Z-be0c4a11"
BUILT_AT = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Build:
    """What it took to write an index; `processor_s` are the seconds of all its threads on a
    processor, `documents_s` those of the time that making the documents takes."""

    seconds: float
    processor_s: float
    documents_s: float
    peak_bytes: int
    size_bytes: int


@dataclass(slots=True)
class Times:
    """Of each of some queries: seconds, and seconds on a processor, which are fewer where others
    had it in between."""

    seconds: list[float] = field(default_factory=list)
    processor_s: list[float] = field(default_factory=list)

    def add(self, other: Times) -> None:
        """Takes in those of another block."""
        self.seconds += other.seconds
        self.processor_s += other.processor_s

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Adds a query, which takes as long as the body."""
        started, used = time.perf_counter(), time.process_time()
        yield
        self.processor_s.append(time.process_time() - used)
        self.seconds.append(time.perf_counter() - started)


@dataclass(slots=True)
class Answers:
    """Of one kind of query: how long each took, of ours also inside its engine, and how many had
    on their first page what was meant."""

    whole: Times = field(default_factory=Times)
    engine: Times = field(default_factory=Times)
    found: int = 0

    def add(self, other: Answers) -> None:
        """Takes in those of another block."""
        self.whole.add(other.whole)
        self.engine.add(other.engine)
        self.found += other.found


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory of a process; `file_bytes` of it are pages of files, which the system may
    drop and read again."""

    resident_bytes: int
    file_bytes: int


class Subject:
    """One of the three, in its own process for the `with` body."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self._folder = folder / name.replace(" ", "-").lower()
        self._process = ProcessPoolExecutor(1, mp_context=get_context("spawn"))

    def __enter__(self) -> Subject:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.shutdown(cancel_futures=True)

    @property
    def folder(self) -> Path:
        """Of its index."""
        return self._folder

    def build(self, documents: int) -> Build:
        """Writes the index in another process; where it is there, what it took at that time."""
        done = self._folder.with_suffix(".json")
        if done.exists():
            return Build(**json.loads(done.read_text()))
        shutil.rmtree(self._folder, ignore_errors=True)
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as builder:
            built = builder.submit(_build, self.name, self._folder, documents).result()
        done.write_text(json.dumps(asdict(built)))
        return built

    def ask(self, kind: str, block: Sequence[Asked]) -> Answers:
        """Answers `block`, one query after the other."""
        return self._process.submit(_ask, self.name, self._folder, kind, block).result()

    def memory(self) -> Memory:
        """Of the process that answers."""
        return self._process.submit(_memory).result()


def _build(name: str, folder: Path, documents: int) -> Build:
    catalogue = Catalogue(documents)
    before = _status("VmRSS")
    started = time.perf_counter()
    for _ in catalogue:
        pass
    documents_s = time.perf_counter() - started
    started, used = time.perf_counter(), time.process_time()
    match name:
        case "ours":
            from shared.search.local.building import build

            build(catalogue, folder, VERSION, BUILT_AT)
        case "SQLite FTS5":
            folder.mkdir(parents=True)
            build_fts5(catalogue, folder)
        case _:
            folder.mkdir(parents=True)
            build_tantivy(catalogue, folder)
    seconds, processor_s = time.perf_counter() - started, time.process_time() - used
    size = sum(one.stat().st_size for one in folder.rglob("*") if one.is_file())
    return Build(seconds, processor_s, documents_s, _status("VmHWM") - before, size)


def _status(name: str) -> int:
    """A line of `/proc/self/status`, in bytes. What getrusage says of a child begins with its
    parent's peak."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def _ask(name: str, folder: Path, kind: str, block: Sequence[Asked]) -> Answers:
    if name == OURS:
        return asyncio.run(_ask_ours(folder, kind, block))
    peer = _peer(name, folder)
    answers = Answers()
    for asked in block:
        with answers.whole.taken():
            page = peer.find(kind, asked)
        answers.found += asked.is_answered_by(page)
    return answers


@cache
def _peer(name: str, folder: Path) -> Peer:
    return Fts5(folder) if name == FTS5 else Tantivy(folder)


def _memory() -> Memory:
    import psutil

    # Linux calls the pages of files (and of shared memory, of which there is none here) shared.
    info = psutil.Process().memory_info()
    return Memory(info.rss, info.shared)


# --- ours -----------------------------------------------------------------------------------


class _Watched:
    """An engine, and how long each call of it took."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.calls = Times()

    async def retrieve(self, kind: ItemType, plan: Plan) -> Retrieved:
        with self.calls.taken():
            return await self._engine.retrieve(kind, plan)

    async def complete(self, plan: Plan, kinds: Sequence[ItemType]) -> tuple[Candidate, ...]:
        with self.calls.taken():
            return await self._engine.complete(plan, kinds)

    async def similar_words(self, word: str, edits: int) -> tuple[tuple[Word, int], ...]:
        with self.calls.taken():
            return await self._engine.similar_words(word, edits)


@cache
def _engine(folder: Path) -> Any:
    from shared.search.local.engine import LocalEngine

    return LocalEngine.open(folder)


async def _ask_ours(folder: Path, kind: str, block: Sequence[Asked]) -> Answers:
    from shared.search import pipeline

    engine = _engine(folder)
    answers = Answers()
    for asked in block:
        watched = _Watched(engine)
        request = asked.request()
        found: Sequence[Found]
        with answers.whole.taken():
            if kind == "suggest":
                found = (await pipeline.suggest(watched, request, VERSION)).items
            else:
                found = (await pipeline.search(watched, request, VERSION)).pages["track"].items
        answers.engine.seconds.append(sum(watched.calls.seconds))
        answers.engine.processor_s.append(sum(watched.calls.processor_s))
        page: list[Made] = [(one.card.name, one.card.artists) for one in found]
        answers.found += asked.is_answered_by(page)
    return answers
