"""Each function's rate, errors, duration and instances, side by side."""

from __future__ import annotations

from typing import Any

from infra import names
from infra.monitoring import metrics, promql
from infra.monitoring.alert_rules import SEARCH_P99_MS
from infra.monitoring.charts import MAX_WIDGETS, PERCENT, Line, Row, chart, dashboard, quantiles
from shared import topology

WIDGETS_PER_FUNCTION = 4


def pages() -> dict[str, dict[str, Any]]:
    """One row per HTTP function, on as many dashboards as they need."""
    size = MAX_WIDGETS // WIDGETS_PER_FUNCTION
    functions = topology.HTTP_FUNCTIONS
    pages = [functions[start : start + size] for start in range(0, len(functions), size)]
    made = {}
    for number_, page in enumerate(pages, 1):
        part = f"-{number_}" if number_ > 1 else ""
        title = f"Segue: functions{f' ({number_})' if number_ > 1 else ''}"
        made[f"functions{part}"] = dashboard(title, (red(function) for function in page))
    return made


def red(entry: topology.HttpFunction | topology.EventFunction) -> Row:
    """The row of one function."""
    service = {"service_name": names.service(entry)}
    requests = metrics.REQUESTS.of(**service)
    classes = promql.rate(requests, "response_code_class")
    by_state = promql.total(metrics.INSTANCES.of(**service), "state")
    cold = promql.quantile(0.95, metrics.COLD_STARTS.of(**service))
    is_search = entry.name == "search"
    return Row(
        (
            chart(
                f"{entry.name}: requests",
                Line(classes, "${labels.response_code_class}", stacked=True),
                unit="1/s",
            ),
            chart(
                f"{entry.name}: errors",
                Line(promql.ratio(metrics.SERVER_ERRORS.of(**service), requests), "5xx"),
                Line(promql.ratio(metrics.CLIENT_ERRORS.of(**service), requests), "4xx"),
                unit=PERCENT,
            ),
            chart(
                f"{entry.name}: duration",
                *quantiles(metrics.LATENCIES.of(**service)),
                unit="ms",
                limit=SEARCH_P99_MS if is_search else None,
            ),
            chart(
                f"{entry.name}: instances, cold starts",
                Line(by_state, "${labels.state}", stacked=True),
                Line(cold, "start p95 (ms)", second_axis=True),
            ),
        )
    )
