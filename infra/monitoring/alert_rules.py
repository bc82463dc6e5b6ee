"""Alerts on causes and on work that people do not see, beside those on error budgets (see
`objectives`): what waits, what failed, what is nearly full, what was refused. Pure.

All are made of the topology: a new job, queue or topic is watched without a change here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from infra import names
from infra.config import StackConfig
from infra.monitoring import metrics, promql
from infra.monitoring.log_filters import PERMISSION_DENIED
from infra.monitoring.promql import Label
from infra.monitoring.runbooks import Runbook, causes, people, work
from infra.monitoring.schedules import longest_gap_s
from infra.policies import END_OF_THE_LINE
from shared import topology

MISSED_RUNS = 3  # of a scheduled job, before somebody is told
SHORTEST_S = 600  # metrics come some minutes late
SELDOM_S = 3600  # jobs that run less often are watched by their failures too
BACKLOG_S = 900  # longer than Pub/Sub's longest pause between two tries
NEARLY_ALL = 0.9
QUEUE_BEHIND_S = 600
SEARCH_P99_MS = 200  # F185
# The caller's, or a conflict that is tried again: no fault of the database.
_DATABASE_FAULTS = (
    "(?i:unavailable|internal|unknown|data_loss|deadline_exceeded|resource_exhausted)"
)


class Severity(StrEnum):
    """As Monitoring has it. `CRITICAL` cannot wait, `ERROR` is for today, `WARNING` is a ticket."""

    CRITICAL = "CRITICAL"
    ERROR = "ERROR"
    WARNING = "WARNING"


@dataclass(frozen=True, slots=True)
class Expression:
    """PromQL that has a value where something is wrong, for at least `for_s`."""

    query: str
    for_s: int = 300


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line in the logs; `labels` are taken out of it by Cloud Logging's extractors."""

    filter: str
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rule:
    """An alert: when it comes, and what to do then."""

    name: str
    title: str
    severity: Severity
    runbook: Runbook
    condition: Expression | LogLine


def rules(config: StackConfig) -> tuple[Rule, ...]:
    """Every alert of the stack but those on objectives and addresses."""
    return (*_events(), *_jobs(), *_queues(), *_functions(config), *_databases(), *_logs())


def _events() -> Iterator[Rule]:
    kept = [f"{topic.dead_letter}{END_OF_THE_LINE}" for topic in topology.TOPICS]
    waiting = promql.total(metrics.UNDELIVERED.of(subscription_id=kept), "subscription_id")
    yield Rule(
        "dead-letters",
        "Messages wait on a dead-letter subscription",
        Severity.WARNING,
        work.DEAD_LETTERS,
        Expression(f"{waiting} > 0"),
    )
    live = metrics.UNACKED_AGE.matching(
        Label("subscription_id", promql.any_of(kept), True, regex=True, negated=True)
    )
    yield Rule(
        "backlog",
        f"Messages have waited for {BACKLOG_S // 60} minutes",
        Severity.ERROR,
        work.BACKLOG,
        Expression(f"{promql.highest(live, 'subscription_id')} > {BACKLOG_S}"),
    )
    unseen = [names.service(entry) for entry in topology.EVENT_FUNCTIONS]
    unseen += [names.service(topology.ENTRIES[queue.target]) for queue in topology.QUEUES]
    requests = metrics.REQUESTS.of(service_name=unseen)
    failures = metrics.SERVER_ERRORS.of(service_name=unseen)
    share = promql.ratio(failures, requests, "service_name", window="10m")
    enough = promql.count(failures, "10m", "service_name")
    yield Rule(
        "events-failing",
        "A function that our own services call fails",
        Severity.ERROR,
        work.EVENTS_FAILING,
        Expression(f"({share} > 0.1)\nand ({enough} >= 10)"),
    )


def _jobs() -> Iterator[Rule]:
    seldom = []
    for job in topology.JOBS:
        gap_s = longest_gap_s(job.schedule) if job.schedule else None
        if gap_s is None or gap_s > SELDOM_S:
            seldom.append(names.service(job))
        if gap_s is None:
            continue
        # Half of the time without a success, and half of it so: a new stack's first run has time.
        half_s = _minutes(max(MISSED_RUNS * gap_s / 2, SHORTEST_S))
        done = metrics.SUCCEEDED_EXECUTIONS.of(job_name=names.service(job))
        none = f"({promql.count(done, promql.duration(half_s))} or vector(0)) < 1"
        yield Rule(
            f"job-late-{names.service(job)}",
            f"The job {job.name} has not succeeded for {MISSED_RUNS} runs",
            Severity.ERROR,
            work.JOB_LATE,
            Expression(none, half_s),
        )
    failed = promql.count(metrics.FAILED_EXECUTIONS.of(job_name=seldom), "1h", "job_name")
    yield Rule(
        "job-failed",
        "A job has failed",
        Severity.WARNING,
        work.JOB_FAILED,
        Expression(f"{failed} > 0", 0),
    )


def _queues() -> Iterator[Rule]:
    for queue in topology.QUEUES:
        depth = promql.highest(metrics.QUEUE_DEPTH.of(queue_id=queue.name), "location")
        most = queue.max_dispatches_per_second * QUEUE_BEHIND_S
        yield Rule(
            f"queue-behind-{queue.name}",
            f"The queue {queue.name} is {QUEUE_BEHIND_S // 60} minutes behind",
            Severity.WARNING,
            work.QUEUE,
            Expression(f"{depth} > {most:g}"),
        )


def _functions(config: StackConfig) -> Iterator[Rule]:
    active = promql.total(metrics.INSTANCES.where(state="active"), "service_name", "location")
    yield Rule(
        "instances",
        "A function is close to the most instances that it may have",
        Severity.ERROR,
        causes.INSTANCES,
        Expression(f"{active} > {NEARLY_ALL * config.max_instances:g}"),
    )
    search = names.service(topology.ENTRIES["search"])
    p99 = promql.quantile(0.99, metrics.LATENCIES.of(service_name=search), window="30m")
    enough = promql.count(metrics.REQUESTS.of(service_name=search), "30m")
    yield Rule(
        "search-slow",
        f"p99 of search is above {SEARCH_P99_MS} ms",
        Severity.WARNING,
        people.SLOW_SEARCH,
        Expression(f"({p99} > {SEARCH_P99_MS})\nand ({enough} >= 100)", 1800),
    )


def _databases() -> Iterator[Rule]:
    faults = Label("response_code", _DATABASE_FAULTS, regex=True)
    share = promql.ratio(
        metrics.FIRESTORE_CALLS.matching(faults), metrics.FIRESTORE_CALLS, window="10m"
    )
    yield Rule(
        "firestore-errors",
        "Firestore fails",
        Severity.CRITICAL,
        causes.FIRESTORE,
        Expression(f"{share} > 0.01"),
    )
    yield Rule(
        "bigtable-load",
        "Bigtable is at its limit",
        Severity.ERROR,
        causes.BIGTABLE,
        Expression(f"{promql.highest(metrics.BIGTABLE_CPU, 'cluster')} > {NEARLY_ALL}", 900),
    )
    codes = Label("error_code", _DATABASE_FAULTS, regex=True)
    errors = promql.rate(metrics.BIGTABLE_ERRORS.matching(codes), "table", window="10m")
    yield Rule(
        "bigtable-errors",
        "Bigtable fails",
        Severity.ERROR,
        causes.BIGTABLE,
        Expression(f"{errors} > 1"),
    )


def _logs() -> Iterator[Rule]:
    yield Rule(
        "crashes",
        "An instance crashed or did not start",
        Severity.ERROR,
        causes.CRASHES,
        LogLine(
            'resource.type=("cloud_run_revision" OR "cloud_run_job") '
            'AND log_id("run.googleapis.com/varlog/system") AND severity>=ERROR',
            {"service": "EXTRACT(resource.labels.service_name)"},
        ),
    )
    yield Rule(
        "keys-denied",
        "Somebody was refused a secret or a key",
        Severity.ERROR,
        causes.KEYS_DENIED,
        LogLine(
            f'logName:"cloudaudit.googleapis.com" AND '
            f"protoPayload.status.code={PERMISSION_DENIED} AND "
            'protoPayload.serviceName=("secretmanager.googleapis.com" OR '
            '"cloudkms.googleapis.com")',
            {"who": "EXTRACT(protoPayload.authenticationInfo.principalEmail)"},
        ),
    )
    prober = names.service(topology.ENTRIES["probe_cdn_health"])
    yield Rule(
        "cdn-unhealthy",
        "A CDN is unhealthy",
        Severity.WARNING,
        causes.CDN,
        LogLine(
            f'resource.type="cloud_run_job" AND resource.labels.job_name="{prober}" '
            "AND jsonPayload.is_healthy=false",
            {"cdn": r'REGEXP_EXTRACT(jsonPayload.message, "probed (\\S+)")'},
        ),
    )


def _minutes(seconds: float) -> int:
    """`seconds`, up to the next whole minute."""
    return math.ceil(seconds / 60) * 60
