"""The least that a stack costs in a month: what is billed while nobody listens.

List prices in US dollars of Google's first price tier (us-central1) at the sources given, without
what a billing account has for free; other regions cost up to a fifth more. Traffic, storage and
requests come on top: they are what a stack earns its money with.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cronsim import CronSim

from infra.policies import Registered

HOURS = 730  # Google's month
SECONDS = HOURS * 3600

# https://cloud.google.com/bigtable/pricing
BIGTABLE_NODE_HOUR = 0.65
# https://cloud.google.com/spanner/pricing: the Enterprise edition in one region, three replicas
SPANNER_NODE_HOUR = 1.23
SPANNER_NODE_UNITS = 1_000
# https://cloud.google.com/vpc/network-pricing#lb: the first five forwarding rules together
FORWARDING_HOUR = 0.025
# https://cloud.google.com/armor/pricing
ARMOR_POLICY, ARMOR_RULE = 5.0, 1.0
# https://cloud.google.com/run/pricing: idle instances of services with a minimum
IDLE_VCPU_SECOND, IDLE_GIB_SECOND = 0.0000025, 0.0000025
# The same page: jobs, a task for a minute at least
JOB_VCPU_SECOND, JOB_GIB_SECOND, JOB_LEAST_S = 0.000018, 0.000002, 60
# https://cloud.google.com/kms/pricing
KEY_VERSION = {"SOFTWARE": 0.06, "HSM": 1.0}
# https://cloud.google.com/secret-manager/pricing: a version in one location
SECRET_VERSION = 0.06
# https://cloud.google.com/scheduler/pricing
SCHEDULE = 0.10
# https://cloud.google.com/stackdriver/pricing: a condition of an alerting policy
ALERT_CONDITION = 0.10
# The same page: 1,000 executions of uptime checks, one a period and region; a project has a million
UPTIME_THOUSAND, UPTIME_REGIONS, UPTIME_FREE = 0.30, 6, 1_000_000


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the bill: US dollars a month, and how they come about."""

    what: str
    usd: float
    why: str


def floor(resources: Sequence[Registered]) -> list[Line]:
    """The lines of a stack's bill, dearest first; they are zero for what is billed by use alone."""
    lines = (line for rule in _RULES for line in rule(resources))
    return sorted((line for line in lines if line.usd > 0), key=lambda line: -line.usd)


def total(lines: Iterable[Line]) -> float:
    """US dollars a month."""
    return sum(line.usd for line in lines)


def _of(resources: Sequence[Registered], *types: str) -> list[Registered]:
    return [resource for resource in resources if resource.type in types]


def _bigtable(resources: Sequence[Registered]) -> Iterator[Line]:
    for instance in _of(resources, "gcp:bigtable/instance:Instance"):
        clusters = instance.inputs.get("clusters", [])
        nodes = sum(
            cluster.get("autoscalingConfig", {}).get("minNodes") or cluster.get("numNodes") or 1
            for cluster in clusters
        )
        usd = nodes * BIGTABLE_NODE_HOUR * HOURS
        yield Line("Bigtable", usd, f"{nodes:.0f} nodes at least in {len(clusters)} clusters")


def _spanner(resources: Sequence[Registered]) -> Iterator[Line]:
    for instance in _of(resources, "gcp:spanner/instance:Instance"):
        limits = instance.inputs.get("autoscalingConfig", {}).get("autoscalingLimits", {})
        units = limits.get("minProcessingUnits") or instance.inputs["processingUnits"]
        usd = units / SPANNER_NODE_UNITS * SPANNER_NODE_HOUR * HOURS
        yield Line("Spanner", usd, f"{units:,.0f} processing units at least")


def _waiting_instances(resources: Sequence[Registered]) -> Iterator[Line]:
    count, usd = 0, 0.0
    for function in _of(resources, "gcp:cloudfunctionsv2/function:Function"):
        config = function.inputs["serviceConfig"]
        waiting = int(config.get("minInstanceCount", 0))
        count += waiting
        second = float(config["availableCpu"]) * IDLE_VCPU_SECOND
        second += _gib(config["availableMemory"]) * IDLE_GIB_SECOND
        usd += waiting * second * SECONDS
    yield Line("Functions", usd, f"{count} instances wait for requests")


def _gib(memory: str) -> float:
    return float(memory.removesuffix("Mi")) / 1024


def _scheduled_jobs(resources: Sequence[Registered]) -> Iterator[Line]:
    crons = {
        resource.name: resource.inputs["schedule"]
        for resource in _of(resources, "gcp:cloudscheduler/job:Job")
    }
    tasks, usd = 0, 0.0
    for job in _of(resources, "gcp:cloudrunv2/job:Job"):
        if job.name not in crons:
            continue
        template = job.inputs["template"]
        limits = template["template"]["containers"][0]["resources"]["limits"]
        second = float(limits["cpu"]) * JOB_VCPU_SECOND + _gib(limits["memory"]) * JOB_GIB_SECOND
        runs = runs_a_month(crons[job.name]) * int(template.get("taskCount", 1))
        tasks += runs
        usd += runs * second * JOB_LEAST_S
    yield Line("Jobs", usd, f"{tasks:,} scheduled tasks, billed for a minute each at least")
    yield Line("Scheduler", len(crons) * SCHEDULE, f"{len(crons)} schedules")


def runs_a_month(cron: str) -> int:
    """How often a schedule comes round in a month of 30 days."""
    start = datetime(2026, 6, 1, tzinfo=UTC) - timedelta(seconds=1)
    end = start + timedelta(days=30)
    runs = 0
    for moment in CronSim(cron, start):
        if moment > end:
            break
        runs += 1
    return runs


def _balancer(resources: Sequence[Registered]) -> Iterator[Line]:
    rules = len(_of(resources, "gcp:compute/globalForwardingRule:GlobalForwardingRule"))
    usd = FORWARDING_HOUR * HOURS * max(1, rules / 5) if rules else 0
    yield Line("Load balancer", usd, f"{rules} forwarding rules")
    policies = _of(resources, "gcp:compute/securityPolicy:SecurityPolicy")
    of_their_own = len(_of(resources, "gcp:compute/securityPolicyRule:SecurityPolicyRule"))
    inline = sum(len(policy.inputs.get("rules", [])) for policy in policies)
    count = of_their_own + inline
    usd = len(policies) * ARMOR_POLICY + count * ARMOR_RULE
    yield Line("Cloud Armor", usd, f"{len(policies)} policies with {count} rules")


def _keys(resources: Sequence[Registered]) -> Iterator[Line]:
    levels: list[str] = [
        (key.inputs.get("versionTemplate") or {}).get("protectionLevel", "SOFTWARE")
        for key in _of(resources, "gcp:kms/cryptoKey:CryptoKey")
    ]
    usd = sum(KEY_VERSION[level] for level in levels)
    yield Line("KMS", usd, f"{len(levels)} keys, {levels.count('HSM')} in HSMs, a version each")
    versions = len(_of(resources, "gcp:secretmanager/secretVersion:SecretVersion"))
    yield Line("Secret Manager", versions * SECRET_VERSION, f"{versions} versions")


def _monitoring(resources: Sequence[Registered]) -> Iterator[Line]:
    conditions = sum(
        len(policy.inputs.get("conditions", []))
        for policy in _of(resources, "gcp:monitoring/alertPolicy:AlertPolicy")
    )
    yield Line("Alerts", conditions * ALERT_CONDITION, f"{conditions} conditions")
    checks = _of(resources, "gcp:monitoring/uptimeCheckConfig:UptimeCheckConfig")
    runs = sum(SECONDS / _seconds(check.inputs.get("period")) for check in checks)
    usd = max(0, runs * UPTIME_REGIONS - UPTIME_FREE) / 1000 * UPTIME_THOUSAND
    yield Line("Uptime checks", usd, f"{len(checks)} checks from {UPTIME_REGIONS} places")


def _seconds(period: Any) -> float:
    return float(str(period or "60s").removesuffix("s"))


_RULES = (_bigtable, _spanner, _waiting_instances, _scheduled_jobs, _balancer, _keys, _monitoring)
