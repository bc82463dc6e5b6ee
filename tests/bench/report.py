"""What every benchmark prints and writes."""

from __future__ import annotations

import json
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from os import cpu_count
from pathlib import Path

from rich.console import Console
from rich.table import Table

RESULTS = Path("bench-results")


@dataclass(frozen=True, slots=True)
class Row:
    """One measured figure; `want` is the target in words, never a pass or fail."""

    what: str
    value: float
    unit: str
    want: str = ""


@dataclass(slots=True)
class Report:
    """A named list of rows."""

    name: str
    how: str
    rows: list[Row] = field(default_factory=list)

    def add(self, what: str, value: float, unit: str, want: str = "") -> None:
        """Appends a row."""
        self.rows.append(Row(what, value, unit, want))

    def show(self) -> None:
        """Prints the table and writes `bench-results/<name>.json`."""
        table = Table(title=self.name, caption=self.how, title_justify="left")
        table.add_column("what")
        table.add_column("measured", justify="right")
        table.add_column("want", justify="right")
        for row in self.rows:
            table.add_row(row.what, f"{row.value:,.3g} {row.unit}".strip(), row.want)
        Console(width=110).print(table)
        RESULTS.mkdir(exist_ok=True)
        body = {
            "name": self.name,
            "how": self.how,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": {"cores": cpu_count(), "python": platform.python_version()},
            "rows": [asdict(row) for row in self.rows],
        }
        (RESULTS / f"{self.name}.json").write_text(json.dumps(body, indent=2) + "\n")


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0..1) of `values` lie, by linear interpolation."""
    ordered = sorted(values)
    if len(ordered) == 1:
        return ordered[0]
    position = share * (len(ordered) - 1)
    low = int(position)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (position - low)


median = statistics.median
