"""Widgets of Cloud Monitoring's dashboards as the API's JSON, and their places on the grid. Pure.

https://cloud.google.com/monitoring/api/ref_dashboards/rest/v1/projects.dashboards

Nothing is said that is zero or empty anyway: the API leaves it out of its answers, and each
`pulumi up` would find a difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from infra.monitoring import promql
from infra.monitoring.promql import Series

# 100 since May 2025: https://cloud.google.com/monitoring/docs/release-notes#May_02_2025
MAX_WIDGETS = 100
COLUMNS = 48  # of a mosaic layout, at most
CHART_HEIGHT = 12
PERCENT = "10^2.%"  # the unit of a ratio that is shown in percent
Widget = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """One PromQL query of a chart; `legend` may name labels as `${labels.x}`."""

    query: str
    legend: str = ""
    stacked: bool = False
    second_axis: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """Widgets side by side, all as wide."""

    widgets: Sequence[Widget]
    height: int = CHART_HEIGHT


def chart(title: str, *lines: Line, unit: str = "", limit: float | None = None) -> Widget:
    """A chart of `lines`; `unit` in UCUM (`ms`, `1/s`, `10^2.%`); `limit` is drawn across."""
    drawn: dict[str, Any] = {
        "dataSets": [_data_set(line, unit) for line in lines],
        "yAxis": {"scale": "LINEAR"},
    }
    if any(line.second_axis for line in lines):
        drawn["y2Axis"] = {"scale": "LINEAR"}
    if limit is not None:
        drawn["thresholds"] = [{"value": limit, "targetAxis": "Y1"}]
    return {"title": title, "xyChart": drawn}


def _data_set(line: Line, unit: str) -> dict[str, Any]:
    query: dict[str, Any] = {"prometheusQuery": line.query}
    if unit and not line.second_axis:
        query["unitOverride"] = unit
    drawn: dict[str, Any] = {
        "timeSeriesQuery": query,
        "plotType": "STACKED_AREA" if line.stacked else "LINE",
        "targetAxis": "Y2" if line.second_axis else "Y1",
    }
    if line.legend:
        drawn["legendTemplate"] = line.legend
    return drawn


def quantiles(series: Series, *by: str) -> list[Line]:
    """p50, p95 and p99 of a distribution as lines."""
    labels = " ".join(f"${{labels.{label}}}" for label in by)
    return [
        Line(promql.quantile(which, series, *by), f"p{which * 100:g} {labels}".strip())
        for which in (0.5, 0.95, 0.99)
    ]


def number(title: str, query: str, unit: str = "") -> Widget:
    """The latest value of one query, with its course behind it."""
    return {
        "title": title,
        "scorecard": {
            "timeSeriesQuery": {"prometheusQuery": query, "unitOverride": unit or "1"},
            "sparkChartView": {"sparkChartType": "SPARK_LINE"},
        },
    }


def text(title: str, markdown: str) -> Widget:
    """A text."""
    return {"title": title, "text": {"content": markdown, "format": "MARKDOWN"}}


def dashboard(title: str, rows: Iterable[Row]) -> dict[str, Any]:
    """A dashboard of `rows` from top to bottom. Raises ValueError for more widgets than fit."""
    tiles: list[dict[str, Any]] = []
    top = 0
    for row in rows:
        width = COLUMNS // len(row.widgets)
        for place, widget in enumerate(row.widgets):
            position = {"xPos": width * place, "yPos": top}
            tile = {name: value for name, value in position.items() if value}
            tiles.append({**tile, "width": width, "height": row.height, "widget": widget})
        top += row.height
    if len(tiles) > MAX_WIDGETS:
        raise ValueError(f"{title}: {len(tiles)} widgets; a dashboard holds {MAX_WIDGETS}")
    return {"displayName": title, "mosaicLayout": {"columns": COLUMNS, "tiles": tiles}}
