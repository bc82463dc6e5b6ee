"""What happens behind the scenes: messages, jobs and queues."""

from __future__ import annotations

from collections.abc import Iterator

from infra import names
from infra.monitoring import metrics, promql
from infra.monitoring.charts import Line, Row, chart
from infra.monitoring.dashboards.functions import red
from shared import topology


def rows() -> Iterator[Row]:
    """The rows of the dashboard."""
    by_subscription = "${labels.subscription_id}"
    dead = [topic.dead_letter for topic in topology.TOPICS]
    waiting = metrics.UNDELIVERED.matching(
        promql.Label("subscription_id", f"({promql.any_of(dead)}).*", True, regex=True)
    )
    yield Row(
        (
            chart(
                "Oldest message not acknowledged",
                Line(promql.highest(metrics.UNACKED_AGE, "subscription_id"), by_subscription),
                unit="s",
            ),
            chart(
                "Messages on dead-letter subscriptions",
                Line(promql.total(waiting, "subscription_id"), by_subscription),
            ),
            chart(
                "Messages given up",
                Line(promql.rate(metrics.GIVEN_UP, "subscription_id"), by_subscription),
                unit="1/s",
            ),
            chart(
                "Pushes by result",
                Line(promql.rate(metrics.PUSHES, "response_class"), "${labels.response_class}"),
                unit="1/s",
            ),
        )
    )
    for function in topology.EVENT_FUNCTIONS:
        yield red(function)
    for result, series in (
        ("succeeded", metrics.SUCCEEDED_EXECUTIONS),
        ("failed", metrics.FAILED_EXECUTIONS),
    ):
        done = series.of(job_name=[names.service(job) for job in topology.JOBS])
        runs = promql.count(done, promql.CHART_WINDOW, "job_name")
        yield Row((chart(f"Jobs: executions that {result}", Line(runs, "${labels.job_name}")),))
    for queue in topology.QUEUES:
        ours = {"queue_id": queue.name}
        attempts = promql.rate(metrics.TASK_ATTEMPTS.of(**ours), "response_code")
        yield Row(
            (
                chart(
                    f"{queue.name}: tasks waiting",
                    Line(promql.highest(metrics.QUEUE_DEPTH.of(**ours), "location")),
                ),
                chart(
                    f"{queue.name}: attempts by result",
                    Line(attempts, "${labels.response_code}"),
                    unit="1/s",
                    limit=queue.max_dispatches_per_second,
                ),
            )
        )
