"""Alerting policies: one form for all, and those of `infra.monitoring.alert_rules`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_gcp as gcp

from infra.components import child
from infra.components.operations.channels import Channels
from infra.components.project import Project
from infra.config import StackConfig
from infra.monitoring import alert_rules
from infra.monitoring.alert_rules import Expression, LogLine, Severity

Condition = gcp.monitoring.AlertPolicyConditionArgs
EVALUATED_EVERY_S = 60
LOG_ALERTS_EVERY_S = 3600  # a line that is written again and again is one incident an hour
AUTO_CLOSE_S = 86_400  # of an incident about which no more data comes


@dataclass(frozen=True, slots=True)
class Alerting:
    """What every alerting policy needs; `dashboards` are their addresses by name."""

    config: StackConfig
    project: Project
    channels: Channels
    dashboards: Mapping[str, pulumi.Output[str]]

    def policy(
        self,
        parent: pulumi.Resource,
        name: str,
        title: str,
        condition: Condition,
        *,
        severity: Severity,
        runbook: str,
        labels: Mapping[str, str] | None = None,
        halts_rollouts: bool = False,
        depends_on: Sequence[pulumi.Resource] = (),
    ) -> gcp.monitoring.AlertPolicy:
        """A policy of one condition that tells people, and with `halts_rollouts` the rollouts too.
        `runbook` is markdown, `labels` go along with each notification."""
        by_log = condition.condition_matched_log is not None
        strategy = gcp.monitoring.AlertPolicyAlertStrategyArgs(
            auto_close=f"{AUTO_CLOSE_S}s",
            notification_rate_limit=(
                gcp.monitoring.AlertPolicyAlertStrategyNotificationRateLimitArgs(
                    period=f"{LOG_ALERTS_EVERY_S}s"
                )
                if by_log
                else None
            ),
        )
        channels = self.channels
        return gcp.monitoring.AlertPolicy(
            name,
            project=self.config.project,
            display_name=f"Segue: {title}",
            severity=severity.value,
            combiner="OR",
            conditions=[condition],
            alert_strategy=strategy,
            notification_channels=[
                *channels.people,
                *([channels.rollouts] if halts_rollouts else []),
            ],
            user_labels={"alert": name, **(labels or {})},
            documentation=gcp.monitoring.AlertPolicyDocumentationArgs(
                mime_type="text/markdown",
                content=runbook,
                links=[
                    gcp.monitoring.AlertPolicyDocumentationLinkArgs(
                        display_name=f"Dashboard: {shown}", url=self.dashboards[shown]
                    )
                    for shown in ("overview", "functions", "runbooks")
                ],
            ),
            opts=child(parent, depends_on=[*self.project.ready, *depends_on]),
        )


def expression(title: str, wanted: Expression) -> Condition:
    """A condition in PromQL. The metrics need not exist yet: a new project has none."""
    return Condition(
        display_name=title,
        condition_prometheus_query_language=(
            gcp.monitoring.AlertPolicyConditionConditionPrometheusQueryLanguageArgs(
                query=wanted.query,
                duration=f"{wanted.for_s}s",
                evaluation_interval=f"{EVALUATED_EVERY_S}s",
                disable_metric_validation=True,
            )
        ),
    )


def _log_line(title: str, wanted: LogLine) -> Condition:
    return Condition(
        display_name=title,
        condition_matched_log=gcp.monitoring.AlertPolicyConditionConditionMatchedLogArgs(
            filter=wanted.filter, label_extractors=wanted.labels
        ),
    )


class Alerts(pulumi.ComponentResource):
    """The alerts of `infra.monitoring.alert_rules`."""

    def __init__(self, alerting: Alerting, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("segue:operations:Alerts", "alerts", None, opts)
        for rule in alert_rules.rules(alerting.config):
            wanted = rule.condition
            alerting.policy(
                self,
                rule.name,
                rule.title,
                _log_line(rule.title, wanted)
                if isinstance(wanted, LogLine)
                else expression(rule.title, wanted),
                severity=rule.severity,
                runbook=rule.runbook.markdown(alerting.config.project),
            )
