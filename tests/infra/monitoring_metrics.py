"""What Google documents of the metrics that we read, written down by hand from
https://cloud.google.com/monitoring/api/metrics_gcp and
https://cloud.google.com/monitoring/api/resources: the kind of each and the labels that it and its
resource have. Queries are held to it, since Monitoring answers a misspelt one with no data.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

RESOURCES = {
    "cloud_run_revision": "service_name revision_name location configuration_name",
    "cloud_run_job": "job_name location",
    "https_lb_rule": (
        "url_map_name forwarding_rule_name target_proxy_name matched_url_path_rule region "
        "backend_target_name backend_target_type backend_name backend_type backend_scope"
    ),
    "pubsub_subscription": "subscription_id",
    "cloud_tasks_queue": "queue_id location target_type",
    "firestore.googleapis.com/Database": "database_id location resource_container",
    "bigtable_cluster": "instance cluster zone storage_type",
    "bigtable_table": "instance cluster zone table",
}
# metric -> kind, resource, labels
METRICS = {
    "run.googleapis.com/request_count": (
        "counter", "cloud_run_revision", "response_code response_code_class route"),
    "run.googleapis.com/request_latencies": (
        "distribution", "cloud_run_revision", "response_code response_code_class route"),
    "run.googleapis.com/container/instance_count": (
        "gauge", "cloud_run_revision", "state container_name"),
    "run.googleapis.com/container/startup_latencies": (
        "distribution", "cloud_run_revision", ""),
    "run.googleapis.com/container/cpu/utilizations": ("distribution", "cloud_run_revision", ""),
    "run.googleapis.com/container/memory/utilizations": (
        "distribution", "cloud_run_revision", ""),
    "run.googleapis.com/job/completed_execution_count": (
        "counter", "cloud_run_job", "result attempt"),
    "loadbalancing.googleapis.com/https/request_count": (
        "counter", "https_lb_rule", "response_code response_code_class cache_result protocol"),
    "loadbalancing.googleapis.com/https/response_bytes_count": (
        "counter", "https_lb_rule", "response_code response_code_class cache_result protocol"),
    "pubsub.googleapis.com/subscription/oldest_unacked_message_age": (
        "gauge", "pubsub_subscription", ""),
    "pubsub.googleapis.com/subscription/num_undelivered_messages": (
        "gauge", "pubsub_subscription", ""),
    "pubsub.googleapis.com/subscription/dead_letter_message_count": (
        "counter", "pubsub_subscription", ""),
    "pubsub.googleapis.com/subscription/push_request_count": (
        "counter", "pubsub_subscription", "response_class response_code delivery_type"),
    "cloudtasks.googleapis.com/queue/depth": ("gauge", "cloud_tasks_queue", ""),
    "cloudtasks.googleapis.com/queue/task_attempt_count": (
        "counter", "cloud_tasks_queue", "response_code"),
    "firestore.googleapis.com/api/request_count": (
        "counter", "firestore.googleapis.com/Database", "api_method response_code"),
    "firestore.googleapis.com/api/request_latencies": (
        "distribution", "firestore.googleapis.com/Database", "api_method"),
    "bigtable.googleapis.com/cluster/cpu_load": ("gauge", "bigtable_cluster", ""),
    "bigtable.googleapis.com/cluster/cpu_load_hottest_node": ("gauge", "bigtable_cluster", ""),
    "bigtable.googleapis.com/cluster/storage_utilization": ("gauge", "bigtable_cluster", ""),
    "bigtable.googleapis.com/cluster/node_count": ("gauge", "bigtable_cluster", ""),
    "bigtable.googleapis.com/server/error_count": (
        "counter", "bigtable_table", "method error_code app_profile"),
    "bigtable.googleapis.com/server/latencies": (
        "distribution", "bigtable_table", "method app_profile"),
    "logging.googleapis.com/user/playback_starts": ("counter", "cloud_run_revision", "cdn"),
    "logging.googleapis.com/user/playback_starts_slow": ("counter", "cloud_run_revision", "cdn"),
    "logging.googleapis.com/user/playback_disturbances": ("counter", "cloud_run_revision", "cdn"),
    "logging.googleapis.com/user/playback_time_to_first_audio": (
        "distribution", "cloud_run_revision", "cdn"),
    "logging.googleapis.com/user/playback_bitrate": ("distribution", "cloud_run_revision", "cdn"),
}  # fmt: skip

_SELECTOR = re.compile(
    r"(?P<before>\w+ ?\()?(?P<name>[a-z_]+_com:\w+)"
    r"\{(?P<labels>(?:[^{}\"]|\"(?:[^\"\\]|\\.)*\")*)\}"
    r"(?P<window>\[[^\]]+\])?"
)
_LABEL = re.compile(r'(?P<name>\w+)(?:=~|!~|!=|=)"(?P<value>(?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True)
class Selector:
    """One selector of a query."""

    name: str  # as PromQL has it
    resource: str
    labels: dict[str, str]
    function: str  # that is called on it
    window: str


def selectors(query: str) -> Iterator[Selector]:
    """Every selector of a PromQL query."""
    for found in _SELECTOR.finditer(query):
        labels = {one["name"]: one["value"] for one in _LABEL.finditer(found["labels"])}
        yield Selector(
            found["name"],
            labels.pop("monitored_resource", ""),
            labels,
            (found["before"] or "").rstrip(" ("),
            found["window"] or "",
        )


def _promql(metric: str) -> str:
    service, _, rest = metric.partition("/")
    return f"{re.sub(r'[^a-z0-9]', '_', service)}:{re.sub(r'[^a-z0-9]', '_', rest)}"


def faults(query: str) -> Iterator[str]:
    """What Monitoring would answer with an error or with nothing."""
    known = {_promql(metric): (metric, *facts) for metric, facts in METRICS.items()}
    found = list(selectors(query))
    if len(found) != len(re.findall(r"_com:", query)) or not found:
        yield f"selectors cannot be told: {query}"
    if query.count("(") - query.count(r"\\(") != query.count(")") - query.count(r"\\)"):
        yield f"parentheses: {query}"
    for selector in found:
        name = re.sub(r"_(bucket|sum|count)$", "", selector.name)
        name = selector.name if selector.name in known else name
        if name not in known:
            yield f"no metric {selector.name}"
            continue
        metric, kind, resource, labels = known[name]
        if (kind == "distribution") != (selector.name == f"{name}_bucket"):
            yield f"{metric} is a {kind}, read as {selector.name}"
        if (kind == "gauge") == (selector.function in ("rate", "increase")):
            yield f"{metric} is a {kind}, read by {selector.function or 'itself'}"
        if (kind != "gauge") != bool(selector.window):
            yield f"{metric} is a {kind}, over {selector.window or 'no window'}"
        if selector.resource != resource:
            yield f"{metric} is of {resource}, not of {selector.resource!r}"
        unknown = set(selector.labels) - set(labels.split()) - set(RESOURCES[resource].split())
        if unknown:
            yield f"{metric} has no labels {sorted(unknown)}"
    grouped = {
        label
        for by in re.findall(r"by \(([^)]*)\)", query)
        for label in by.replace(" ", "").split(",")
    }
    for selector in found:
        name = re.sub(r"_bucket$", "", selector.name)
        if name in known:
            _, _, resource, labels = known[name]
            missing = grouped - {"le"} - set(labels.split()) - set(RESOURCES[resource].split())
            if missing:
                yield f"{name} cannot be grouped by {sorted(missing)}"
