"""`python -m tests.relevance`: how well search answers the judged queries, beside two baselines."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from tests.bench.report import percentile
from tests.relevance import judging
from tests.relevance.evaluating import Outcome, Score, outcomes, scores
from tests.relevance.finders import Finder, baselines, ours
from tests.relevance.judging import KINDS, Query

PLACES = (1, 3, 5, 10)


def main() -> None:
    """Reports success at 1, 3, 5 and 10 and the mean reciprocal rank for each kind of query."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument(
        "--kind", action="append", choices=list(KINDS), help="only this; repeatable"
    )
    parser.add_argument("--half", choices=["tune", "held"], help="only these queries")
    parser.add_argument("--ours-only", action="store_true", help="leave the baselines out")
    parser.add_argument(
        "--failures", action="store_true", help="list what was not first, and what was instead"
    )
    arguments = parser.parse_args()
    queries = [
        one
        for one in judging.read()
        if (not arguments.kind or one.kind in arguments.kind)
        and (not arguments.half or one.half == arguments.half)
    ]
    queries.sort(key=lambda one: list(KINDS).index(one.kind))
    console = Console(width=150)
    with ours() as engine:
        finders: list[Finder] = [engine]
        if not arguments.ours_only:
            finders += baselines()
        asyncio.run(_report(finders, queries, console, failures=arguments.failures))


async def _report(
    finders: Sequence[Finder], queries: Sequence[Query], console: Console, *, failures: bool
) -> None:
    by_finder = [await outcomes(finder, queries) for finder in finders]
    first = by_finder[0]
    if failures:
        _print_failures(first, console)
    console.print(_table(finders, by_finder))
    times = [one.took_ms for one in first]
    console.print(
        f"{finders[0].name}: {sum(times) / len(times):.2f} ms a query, "
        f"p99 {percentile(times, 0.99):.2f} ms, {max(times):.1f} ms at most; {len(times)} asked"
    )


def _table(finders: Sequence[Finder], by_finder: Sequence[list[Outcome]]) -> Table:
    table = Table(
        title="Share of queries with a right answer among the first 1, 3, 5, 10; MRR",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    table.add_column("\nkind", no_wrap=True)
    table.add_column("\nn", justify="right")
    for finder in finders:
        for column in (*(f"@{at}" for at in PLACES), "MRR"):
            title = finder.name if column == "@1" else ""
            table.add_column(f"{title}\n{column}", justify="right", no_wrap=True)
    table.add_column("tune\n@1", justify="right")
    table.add_column("held\n@1", justify="right")
    of_finder = [scores(them) for them in by_finder]
    halves = [
        scores(one for one in by_finder[0] if one.query.half == half) for half in ("tune", "held")
    ]
    for kind, score in of_finder[0].items():
        cells = [cell for one in of_finder for cell in _cells(one[kind])]
        parts = [f"{half[kind].success(1):.2f}" if kind in half else "" for half in halves]
        table.add_row(kind, str(len(score.places)), *cells, *parts)
    table.add_section()
    whole = [Score([one.place for one in them]) for them in by_finder]
    parts = [
        f"{Score([one.place for one in by_finder[0] if one.query.half == half]).success(1):.2f}"
        for half in ("tune", "held")
        if any(one.query.half == half for one in by_finder[0])
    ]
    table.add_row(
        "all", str(len(whole[0].places)), *(cell for one in whole for cell in _cells(one)), *parts
    )
    return table


def _cells(score: Score) -> list[str]:
    return [f"{score.success(at):.2f}" for at in PLACES] + [f"{score.mrr:.3f}"]


def _print_failures(of: Sequence[Outcome], console: Console) -> None:
    for one in of:
        if one.place == 1:
            continue
        wanted = " · ".join(filter(None, (one.query.title, one.query.artist, one.query.album)))
        console.print(
            f"{one.kind}: {one.query.text!r}, meant {wanted}: {one.place or 'not found'}",
            markup=False,
            highlight=False,
        )
        for document in one.found[:3]:
            by = ", ".join(document.artists)
            console.print(
                f"    {document.popularity} {document.name} · {by} · {document.album}",
                markup=False,
                highlight=False,
            )


if __name__ == "__main__":
    main()
