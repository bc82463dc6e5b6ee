"""The dashboards, made of the topology: a new function, job, topic or queue has its charts without
a change here. Pure.

RED (rate, errors, duration; F300) for whatever answers, USE (utilisation, saturation, errors; F301)
for what it stands on, and what listeners experience (F302).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from infra.monitoring import metrics, promql, runbooks
from infra.monitoring.charts import PERCENT, Line, Row, chart, dashboard, number, text
from infra.monitoring.dashboards import functions, pipeline, playback, saturation
from infra.monitoring.objectives import OBJECTIVES, PERIOD_DAYS
from shared import topology

TEXT_HEIGHT = 16


def dashboards() -> dict[str, dict[str, Any]]:
    """Every dashboard by a short name, as the API's JSON."""
    return {
        "overview": dashboard("Segue: overview", _overview()),
        **functions.pages(),
        "pipeline": dashboard("Segue: pipeline", pipeline.rows()),
        "playback": dashboard("Segue: playback quality", playback.rows()),
        "saturation": dashboard("Segue: saturation", saturation.rows()),
        "runbooks": dashboard("Segue: runbooks", _runbooks()),
    }


def _overview() -> Iterator[Row]:
    for objective in OBJECTIVES:
        window = f"{PERIOD_DAYS}d"
        bad, total = (promql.count(one, window) for one in (objective.bad, objective.total))
        left = f"1 - (({bad} or vector(0)) / {total}) / {objective.budget:.6g}"
        burning = f"{promql.ratio(objective.bad, objective.total)} / {objective.budget:.6g}"
        yield Row(
            (
                number(f"{objective.title}: budget left ({PERIOD_DAYS} days)", left, PERCENT),
                chart(f"{objective.name}: pace of burning", Line(burning), limit=1),
            )
        )
    by_class = promql.rate(metrics.API_REQUESTS, "response_code_class")
    yield Row(
        (
            chart(
                "Requests by class", Line(by_class, "${labels.response_code_class}", stacked=True)
            ),
            chart(
                "Server errors by backend",
                Line(promql.rate(metrics.API_ERRORS, "backend_target_name")),
            ),
        )
    )


def _runbooks() -> Iterator[Row]:
    entries = list(topology.ENTRIES.values())
    for start in range(0, len(entries), 3):
        shown = entries[start : start + 3]
        yield Row(tuple(text(entry.name, runbooks.of_entry(entry)) for entry in shown), TEXT_HEIGHT)
