"""How full the things are that everything stands on."""

from __future__ import annotations

from collections.abc import Iterator

from infra.monitoring import metrics, promql
from infra.monitoring.charts import PERCENT, Line, Row, chart, quantiles


def rows() -> Iterator[Row]:
    """The rows of the dashboard."""
    by_service = "${labels.service_name}"
    yield Row(
        tuple(
            chart(
                f"{what}: p95 by function",
                Line(promql.quantile(0.95, series, "service_name"), by_service),
                unit=PERCENT,
            )
            for what, series in (("CPU", metrics.CPU), ("Memory", metrics.MEMORY))
        )
        + (
            chart(
                "Active instances",
                Line(
                    promql.total(metrics.INSTANCES.where(state="active"), "service_name"),
                    by_service,
                ),
            ),
        )
    )
    calls = promql.rate(metrics.FIRESTORE_CALLS, "api_method", "response_code")
    yield Row(
        (
            chart(
                "Firestore: calls by result",
                Line(calls, "${labels.api_method} ${labels.response_code}"),
                unit="1/s",
            ),
            chart("Firestore: duration", *quantiles(metrics.FIRESTORE_LATENCIES), unit="s"),
        )
    )
    yield Row(
        (
            chart(
                "Bigtable: CPU",
                Line(promql.highest(metrics.BIGTABLE_CPU, "cluster"), "${labels.cluster}"),
                Line(promql.highest(metrics.BIGTABLE_HOTTEST, "cluster"), "hottest node"),
                unit=PERCENT,
                limit=0.9,
            ),
            chart(
                "Bigtable: nodes, storage",
                Line(promql.highest(metrics.BIGTABLE_NODES, "cluster"), "${labels.cluster}"),
                Line(
                    promql.highest(metrics.BIGTABLE_STORAGE, "cluster"),
                    "storage used (0 to 1)",
                    second_axis=True,
                ),
            ),
            chart(
                "Bigtable: duration by table",
                Line(promql.quantile(0.99, metrics.BIGTABLE_LATENCIES, "table"), "p99"),
                unit="ms",
            ),
            chart(
                "Bigtable: errors by table",
                Line(promql.rate(metrics.BIGTABLE_ERRORS, "table"), "${labels.table}"),
                unit="1/s",
            ),
        )
    )
