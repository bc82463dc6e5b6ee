"""What an operator sees, is told and keeps: the resources of a stack."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import promql_parser
import pulumi_gcp as gcp
import pytest

from infra import names
from infra.components.operations import Operations
from infra.components.operations.logs import AUDITED
from infra.components.operations.uptime import probes
from infra.components.project import Project
from infra.config import StackConfig
from infra.monitoring import runbooks
from infra.monitoring.alert_rules import LogLine, rules
from infra.monitoring.objectives import BURN_ALERTS, OBJECTIVES
from infra.policies import END_OF_THE_LINE
from infra.runtime import PROJECT_NUMBER, Resource, Tree, run_on_mocks
from infra.stacks import example
from shared import topology
from tests.infra import monitoring_metrics
from tests.infra.provider_types import faults
from tests.infra.trees import tree_of

POLICY = "gcp:monitoring/alertPolicy:AlertPolicy"
CHANNEL = "gcp:monitoring/notificationChannel:NotificationChannel"
UPTIME = "gcp:monitoring/uptimeCheckConfig:UptimeCheckConfig"
SLO = "gcp:monitoring/slo:Slo"
METRIC = "gcp:logging/metric:Metric"
BUCKET = "gcp:logging/projectBucketConfig:ProjectBucketConfig"
EXCLUSION = "gcp:logging/projectExclusion:ProjectExclusion"
BUDGET = "gcp:billing/budget:Budget"


def _made(config: StackConfig) -> Tree:
    def program() -> dict[str, Any]:
        topics = {
            topic.name: gcp.pubsub.Topic(topic.name, name=topic.name, project=config.project)
            for topic in topology.TOPICS
        }
        Operations(config, Project(config), topics)
        return {}

    return run_on_mocks(program, stack=config.stack)


@cache
def made(stack: str) -> tuple[StackConfig, Tree]:
    config = example(stack)
    return config, _made(config)


@pytest.fixture(params=["dev", "prod"])
def both(request: pytest.FixtureRequest) -> tuple[StackConfig, Tree]:
    return made(request.param)


def policies(tree: Tree) -> dict[str, Resource]:
    return {policy.name: policy for policy in tree.of_type(POLICY)}


def condition(policy: Resource) -> dict[str, Any]:
    (only,) = policy.inputs["conditions"]
    (kind,) = (name for name in only if name.startswith("condition"))
    return {"kind": kind, **only[kind]}


def test_the_provider_takes_every_input(both: tuple[StackConfig, Tree]) -> None:
    _, tree = both
    assert [fault for r in tree.resources if r.custom for fault in faults(r)] == []


def test_every_objective_has_its_three_alerts(both: tuple[StackConfig, Tree]) -> None:
    _, tree = both
    assert {slo.name for slo in tree.of_type(SLO)} == {o.name for o in OBJECTIVES}
    found = policies(tree)
    for objective in OBJECTIVES:
        for alert in BURN_ALERTS:
            policy = found[f"{objective.name}-{alert.name}"]
            assert condition(policy)["query"] == objective.expression(alert)
            # A page is told to halt_rollouts; what players claim is not.
            halts = alert.pages and objective.ours
            assert (len(policy.inputs["notificationChannels"]) == 2) == halts
            assert policy.inputs["severity"] == ("CRITICAL" if halts else "WARNING")
            labels = policy.inputs["userLabels"]
            assert (labels["slo"], labels["window"]) == (objective.name, alert.name)
            assert labels.get("function") == objective.function


def test_budgets_are_counted_over_thirty_days(both: tuple[StackConfig, Tree]) -> None:
    _, tree = both
    for objective in OBJECTIVES:
        slo = tree.one(SLO, objective.name).inputs
        assert (slo["goal"], slo["rollingPeriodDays"]) == (objective.goal, 30)
        assert tree.one(SLO, objective.name).patient  # metrics of logs are known late
        ratio = slo["requestBasedSli"]["goodTotalRatio"]
        assert ratio == {
            "badServiceFilter": objective.bad.filter(),
            "totalServiceFilter": objective.total.filter(),
        }


def test_the_function_that_an_incident_names_is_one(both: tuple[StackConfig, Tree]) -> None:
    """`shared.rollout.models.SloBurn.service` reads the label."""
    for policy in both[1].of_type(POLICY):
        named = policy.inputs["userLabels"].get("function")
        assert named is None or named in topology.ENTRIES


def test_incidents_reach_the_people_and_the_topic(both: tuple[StackConfig, Tree]) -> None:
    config, tree = both
    channels = {channel.name: channel.inputs for channel in tree.of_type(CHANNEL)}
    assert {n for n, c in channels.items() if c["type"] == "email"} == set(config.alert_emails)
    assert channels["rollouts"]["type"] == "pubsub"
    assert channels["rollouts"]["labels"] == {"topic": f"{topology.SLO_BURN.name}-id"}
    grant = tree.one("gcp:pubsub/topicIAMMember:TopicIAMMember", "monitoring-publishes")
    assert tree.one(CHANNEL, "rollouts").urn in grant.dependencies  # which makes the account
    assert grant.patient
    assert grant.inputs == {
        "project": config.project,
        "topic": topology.SLO_BURN.name,
        "role": "roles/pubsub.publisher",
        "member": (
            f"serviceAccount:service-{PROJECT_NUMBER}@gcp-sa-monitoring-notification"
            ".iam.gserviceaccount.com"
        ),
    }


def test_every_alert_tells_somebody_what_to_do(both: tuple[StackConfig, Tree]) -> None:
    config, tree = both
    titles = [policy.inputs["displayName"] for policy in tree.of_type(POLICY)]
    assert len(set(titles)) == len(titles)
    for policy in tree.of_type(POLICY):
        told = policy.inputs["documentation"]
        assert len(told["content"]) <= runbooks.MAX_CHARACTERS
        assert len(told["content"].encode()) <= runbooks.MAX_BYTES
        assert "## First steps\n1. " in told["content"]
        assert len(told["links"]) <= 3
        for link in told["links"]:
            assert re.fullmatch(
                rf"https://console\.cloud\.google\.com/\S+/\S+-id\?project={config.project}",
                link["url"],
            )
        assert policy.inputs["notificationChannels"]
        for name, value in policy.inputs["userLabels"].items():
            assert re.fullmatch(r"[a-z][a-z0-9_-]{0,62}", name)
            assert re.fullmatch(r"[a-z0-9_-]{0,63}", value)


def test_every_condition_reads_what_is_there(both: tuple[StackConfig, Tree]) -> None:
    _, tree = both
    for policy in tree.of_type(POLICY):
        asked = condition(policy)
        if asked["kind"] == "conditionPrometheusQueryLanguage":
            assert list(monitoring_metrics.faults(asked["query"])) == []
            promql_parser.parse(asked["query"])
            # In a project that is new, no metric has been written yet.
            assert asked["disableMetricValidation"] is True
            assert int(asked["evaluationInterval"].rstrip("s")) % 30 == 0


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_alerts_name_what_the_stack_makes(stack: str) -> None:
    """Across all components: a misspelt name would never fire."""
    _, tree = tree_of(stack)
    kinds = {
        "service_name": "gcp:cloudfunctionsv2/function:Function",
        "job_name": "gcp:cloudrunv2/job:Job",
        "backend_target_name": "gcp:compute/backendService:BackendService",
        "queue_id": "gcp:cloudtasks/queue:Queue",
        "subscription_id": "gcp:pubsub/subscription:Subscription",
    }
    known = {
        label: {one.inputs["name"] for one in tree.of_type(kind)} for label, kind in kinds.items()
    }
    read: dict[str, set[str]] = {label: set() for label in kinds}
    for policy in tree.of_type(POLICY):
        for selector in monitoring_metrics.selectors(condition(policy).get("query", "")):
            for label in set(selector.labels) & set(known):
                read[label].update(
                    value.replace("\\\\", "") for value in selector.labels[label].split("|")
                )
    for label, values in read.items():
        assert values
        assert values <= known[label]
    dead = {f"{topic.dead_letter}{END_OF_THE_LINE}" for topic in topology.TOPICS}
    assert read["subscription_id"] == dead


def test_every_job_is_watched(both: tuple[StackConfig, Tree]) -> None:
    found = policies(both[1])
    failed = condition(found["job-failed"])["query"]
    for job in topology.JOBS:
        late = found.get(f"job-late-{names.service(job)}")
        assert (late is not None) == (job.schedule is not None)
        assert late is not None or names.service(job) in failed


def test_a_job_is_late_after_three_of_its_intervals() -> None:
    found = policies(made("prod")[1])
    asked = condition(found["job-late-redrive-masters"])  # every ten minutes
    (selector,) = monitoring_metrics.selectors(asked["query"])
    assert (selector.window, asked["duration"]) == ("[15m]", "900s")
    assert selector.labels == {"result": "succeeded", "job_name": "redrive-masters"}
    assert " or vector(0)) < 1" in asked["query"]


def test_lines_in_the_logs_are_told_once_an_hour() -> None:
    config, tree = made("prod")
    by_log = [rule for rule in rules(config) if isinstance(rule.condition, LogLine)]
    assert {rule.name for rule in by_log} == {"crashes", "keys-denied", "cdn-unhealthy"}
    for rule in by_log:
        policy = policies(tree)[rule.name]
        assert condition(policy)["kind"] == "conditionMatchedLog"
        limit = policy.inputs["alertStrategy"]["notificationRateLimit"]
        assert limit == {"period": "3600s"}


def test_probes_ask_for_what_the_topology_serves(both: tuple[StackConfig, Tree]) -> None:
    config, tree = both
    served = [
        re.sub(r"\\\{rest:path\\\}$", ".+", re.escape(route.path))
        for function in topology.HTTP_FUNCTIONS
        for route in function.routes
        if "GET" in route.methods
    ]
    for probe in probes(config):
        check = tree.one(UPTIME, probe.name).inputs
        host = check["monitoredResource"]["labels"]["host"]
        http = check["httpCheck"]
        assert (http["useSsl"], http["validateSsl"], http["port"]) == (True, True, 443)
        assert http["acceptedResponseStatusCodes"] == [{"statusValue": probe.status}]
        assert "selectedRegions" not in check  # all of the world
        if host == config.cdn_domain:
            bucket = probe.path.split("/")[1]
            assert bucket in {b.name for b in topology.BUCKETS if b.cdn and b.signed}
            assert probe.status == 403
        else:
            assert host == config.domain
            assert any(re.fullmatch(path, probe.path) for path in served)
        policy = policies(tree)[f"uptime-{probe.name}"]
        assert condition(policy)["filter"].count("check_id") == 1
        assert policy.inputs["severity"] == "CRITICAL"


def test_audio_that_others_serve_is_not_asked_of_cloud_cdn() -> None:
    config = example("prod")
    others = tuple(cdn for cdn in config.cdns if cdn.provider != "cloud_cdn")
    names_ = {probe.name for probe in probes(config.model_copy(update={"cdns": others}))}
    assert names_ == {probe.name for probe in probes(config)} - {"unsigned-audio"}


def test_the_api_must_refuse_and_the_issuer_must_be_ours() -> None:
    config, tree = made("prod")
    api = tree.one(UPTIME, "api").inputs["contentMatchers"]
    assert api == [
        {
            "content": "401",
            "matcher": "MATCHES_JSON_PATH",
            "jsonPathMatcher": {"jsonPath": "$.error.status", "jsonMatcher": "EXACT_MATCH"},
        }
    ]
    (accounts,) = tree.one(UPTIME, "accounts").inputs["contentMatchers"]
    assert json.loads(accounts["content"]) == f"{config.url}/accounts"


def test_a_stack_that_sleeps_is_seldom_woken() -> None:
    periods = {
        stack: {check.inputs["period"] for check in made(stack)[1].of_type(UPTIME)}
        for stack in ("dev", "prod")
    }
    assert periods == {"dev": {"900s"}, "prod": {"60s"}}


def test_successes_are_sampled_and_errors_kept(both: tuple[StackConfig, Tree]) -> None:
    config, tree = both
    filters = {e.name: e.inputs["filter"] for e in tree.of_type(EXCLUSION)}
    dropped = float(re.findall(r"sample\(insertId, ([0-9.]+)\)", filters["successful-requests"])[0])
    assert dropped == pytest.approx(1 - config.keep_successes)
    assert "httpRequest.status<400" in filters["successful-requests"]
    assert "severity<WARNING" in filters["successful-requests"]
    for name, filter_ in filters.items():
        assert "ERROR" not in filter_, name


def test_logs_are_kept_as_long_as_configured(both: tuple[StackConfig, Tree]) -> None:
    config, tree = both
    assert tree.one(BUCKET, "default").inputs["bucketId"] == "_Default"
    assert tree.one(BUCKET, "default").inputs["retentionDays"] == config.log_retention_days
    audit = tree.one(BUCKET, "audit").inputs
    assert (audit["retentionDays"], audit["locked"]) == (400, config.protect)
    # A locked one cannot be deleted, and would end `pulumi destroy`.
    assert tree.one(BUCKET, "audit").retained
    # Nor unlocked: a stack without protection leaves the lock as it is.
    assert tree.one(BUCKET, "audit").ignored == (set() if config.protect else {"locked"})


def test_the_use_of_keys_and_secrets_is_kept_for_itself(both: tuple[StackConfig, Tree]) -> None:
    config, tree = both
    audited = tree.of_type("gcp:projects/iAMAuditConfig:IAMAuditConfig")
    assert {one.inputs["service"] for one in audited} == set(AUDITED)
    for one in audited:
        kinds = {kind["logType"] for kind in one.inputs["auditLogConfigs"]}
        assert kinds == {"DATA_READ", "DATA_WRITE"}
    sink = tree.one("gcp:logging/projectSink:ProjectSink", "audit").inputs
    assert sink["destination"].endswith(f"projects/{config.project}/locations/global/buckets/audit")
    # A refusal stays where the alert on it reads.
    excluded = tree.one(EXCLUSION, "data-access").inputs["filter"]
    assert excluded == f"{sink['filter']} AND NOT protoPayload.status.code=7"


def test_metrics_come_from_the_lines_of_one_function(both: tuple[StackConfig, Tree]) -> None:
    _, tree = both
    for metric in tree.of_type(METRIC):
        assert 'resource.labels.service_name="events"' in metric.inputs["filter"]
        kind, *_ = monitoring_metrics.METRICS[f"logging.googleapis.com/user/{metric.name}"]
        descriptor = metric.inputs["metricDescriptor"]
        expected = {"counter": "INT64", "distribution": "DISTRIBUTION"}[kind]
        assert (descriptor["metricKind"], descriptor["valueType"]) == ("DELTA", expected)
        assert ("valueExtractor" in metric.inputs) == (kind == "distribution")
        assert {label["key"] for label in descriptor["labels"]} == set(
            metric.inputs["labelExtractors"]
        )
    edges = tree.one(METRIC, "playback_time_to_first_audio").inputs["bucketOptions"]
    bounds = edges["explicitBuckets"]["bounds"]
    assert bounds == sorted(set(bounds))
    assert {150, 350, 500} <= set(bounds)  # F063, F064


def test_a_budget_tells_the_people_before_it_is_gone() -> None:
    config, tree = made("prod")
    assert config.budget is not None
    counted = tree.one("pulumi:providers:gcp", "counted").inputs  # or people get a 403
    assert (counted["billingProject"], counted["userProjectOverride"]) == (config.project, "true")
    budget = tree.one(BUDGET, "monthly").inputs
    assert budget["budgetFilter"]["projects"] == [f"projects/{PROJECT_NUMBER}"]
    assert budget["amount"]["specifiedAmount"] == {"currencyCode": "USD", "units": "20000"}
    assert [(r["thresholdPercent"], r["spendBasis"]) for r in budget["thresholdRules"]] == [
        (0.5, "CURRENT_SPEND"),
        (0.9, "CURRENT_SPEND"),
        (1.0, "CURRENT_SPEND"),
        (1.0, "FORECASTED_SPEND"),
    ]
    told = budget["allUpdatesRule"]["monitoringNotificationChannels"]
    assert len(told) == len(config.alert_emails)
    assert made("dev")[1].of_type(BUDGET) == []


def test_a_new_job_queue_and_topic_are_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    job = topology.Job(name="new_job", schedule="0 3 * * *")
    queue = topology.Queue("new-queue", "prime_cdn", "/x", 10, 1)
    topic = topology.Topic("new-topic", None)
    monkeypatch.setattr(topology, "JOBS", (*topology.JOBS, job))
    monkeypatch.setattr(topology, "QUEUES", (*topology.QUEUES, queue))
    monkeypatch.setattr(topology, "TOPICS", (*topology.TOPICS, topic))
    found = policies(_made(example("dev")))
    assert condition(found["job-late-new-job"])["duration"] == f"{36 * 3600}s"
    assert "new-job" in condition(found["job-failed"])["query"]
    assert condition(found["queue-behind-new-queue"])["query"].endswith("> 6000")
    assert r"new-topic-dead\\.kept" in condition(found["dead-letters"])["query"]
