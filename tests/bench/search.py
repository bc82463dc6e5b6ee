"""Search over a million documents: suggestions, full, misspelt and filtered searches, p50 and p99.

Ours (its engine alone, the whole pipeline, and through HTTP) beside SQLite FTS5 and plain tantivy:
the same documents, the same queries, in turn, block by block, each in a process of its own, one
query at a time. `found` is the share of queries whose first page has what was meant; "on a
processor" is the time that others who share the machine cannot lengthen much.

`SEGUE_SEARCH_DOCUMENTS` makes it fewer documents, `SEGUE_SEARCH_KEEP` names a folder in which the
indexes stay and are used again. `python -m tests.bench.search` leaves HTTP out and needs no local
cloud.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from emulators.cloud import LocalCloud
from tests.bench import search_http
from tests.bench.report import Report, percentile
from tests.bench.search_catalogue import Catalogue
from tests.bench.search_queries import Asked, queries
from tests.bench.search_subjects import FTS5, OURS, TANTIVY, Answers, Subject, Times

DOCUMENTS = 1_000_000
QUERIES = 2_000  # of each kind
WARMING = 100  # more of each kind, before
BLOCK = 100
# For one kind of query; a peer that has used it up is asked no more, and compared by what it was.
PEER_BUDGET_S = 120
MB = 2**20
# Engine alone, whole pipeline and HTTP, p99: the aims, and behind them what must hold.
WANTS: Mapping[str, tuple[str, str, str]] = {
    "suggest": ("< 3 ms", "", "< 10 ms, must < 50"),
    "full": ("< 6 ms", "", "< 30 ms, must < 200"),
    "typo": ("", "", "must < 200 ms"),
    "filtered": ("", "", "must < 200 ms"),
}


def run(cloud: LocalCloud | None = None) -> None:
    """Builds, asks and shows the report; through HTTP where there is a `cloud`."""
    documents = int(os.environ.get("SEGUE_SEARCH_DOCUMENTS", DOCUMENTS))
    kept = os.environ.get("SEGUE_SEARCH_KEEP")
    catalogue = Catalogue(documents)
    asked = queries(catalogue, WARMING + QUERIES)
    report = Report(
        "search",
        f"{documents:,} documents, {QUERIES:,} queries of each kind, one at a time; all times in "
        "turn with the peers'",
    )
    with ExitStack() as stack:
        folder = Path(kept or stack.enter_context(TemporaryDirectory(prefix="segue-search-")))
        folder = folder / str(documents)
        folder.mkdir(parents=True, exist_ok=True)
        subjects = {
            name: stack.enter_context(Subject(name, folder)) for name in (OURS, FTS5, TANTIVY)
        }
        for subject in subjects.values():
            _build(report, subject, documents)
        for kind, of_kind in asked.items():
            _compare(report, kind, of_kind, subjects)
        for subject in subjects.values():
            memory = subject.memory()
            report.add(f"{subject.name}: resident memory", memory.resident_bytes / MB, "MB")
            report.add(f"{subject.name}: of it pages of files", memory.file_bytes / MB, "MB")
        if cloud is not None:
            through = search_http.measure(cloud, catalogue, subjects[OURS].folder, asked, WARMING)
            for kind, answers in through.items():
                _times(report, f"{kind}: through HTTP", answers.whole, WANTS[kind][2])
                _found(report, f"{kind}: through HTTP", answers)
    report.show()


def _build(report: Report, subject: Subject, documents: int) -> None:
    built = subject.build(documents)
    report.add(f"{subject.name}: built in", built.seconds, "s")
    report.add(f"{subject.name}: built, on a processor", built.processor_s, "s")
    report.add(f"{subject.name}: of it making documents", built.documents_s, "s")
    report.add(f"{subject.name}: documents", documents / built.seconds, "1/s")
    report.add(f"{subject.name}: peak memory of the build", built.peak_bytes / MB, "MB")
    report.add(f"{subject.name}: size", built.size_bytes / MB, "MB")


def _compare(
    report: Report, kind: str, asked: Sequence[Asked], subjects: Mapping[str, Subject]
) -> None:
    for name in subjects:
        subjects[name].ask(kind, asked[:WARMING])
    answers = {name: Answers() for name in subjects}
    for start in range(WARMING, len(asked), BLOCK):
        for name, subject in subjects.items():
            if name == OURS or sum(answers[name].whole.seconds) < PEER_BUDGET_S:
                answers[name].add(subject.ask(kind, asked[start : start + BLOCK]))
    ours = answers.pop(OURS)
    in_engine, in_pipeline, _ = WANTS[kind]
    _times(report, f"{kind}: engine alone", ours.engine, in_engine)
    _times(report, f"{kind}: pipeline", ours.whole, in_pipeline)
    _found(report, f"{kind}: pipeline", ours)
    for name, peer in answers.items():
        _times(report, f"{kind}: {name}", peer.whole, "")
        _found(report, f"{kind}: {name}", peer)
        asked_of_it = len(peer.whole.seconds)
        if asked_of_it < len(ours.whole.seconds):
            report.add(f"{kind}: {name}, queries before time was up", asked_of_it, "")
        for share in (0.5, 0.99):
            own = percentile(ours.whole.seconds[:asked_of_it], share)
            ratio = own / percentile(peer.whole.seconds, share)
            report.add(f"{kind}: pipeline over {name}, p{share * 100:.0f}", ratio, "×")


def _times(report: Report, what: str, times: Times, want: str) -> None:
    report.add(f"{what}, p50", percentile(times.seconds, 0.5) * 1000, "ms")
    report.add(f"{what}, p99", percentile(times.seconds, 0.99) * 1000, "ms", want)
    if times.processor_s:
        on_processor = percentile(times.processor_s, 0.99) * 1000
        report.add(f"{what}, p99 on a processor", on_processor, "ms")
    report.add(f"{what}, longest", max(times.seconds) * 1000, "ms")


def _found(report: Report, what: str, answers: Answers) -> None:
    report.add(f"{what}, found", answers.found / len(answers.whole.seconds) * 100, "%")


if __name__ == "__main__":
    run()
