"""Operations: what an operator sees, is told and keeps. One component per concern below one."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_gcp as gcp

from infra.components import child
from infra.components.operations.alerts import Alerting, Alerts
from infra.components.operations.budgets import Budgets
from infra.components.operations.channels import Channels
from infra.components.operations.dashboards import Dashboards
from infra.components.operations.log_metrics import LogMetrics
from infra.components.operations.logs import Logs
from infra.components.operations.objectives import Objectives
from infra.components.operations.uptime import Uptime
from infra.components.project import Project
from infra.config import StackConfig


class Operations(pulumi.ComponentResource):
    """Dashboards, objectives, alerts, probes, budgets and logs of the stack; `topics` by the names
    of the topology."""

    def __init__(
        self, config: StackConfig, project: Project, topics: Mapping[str, gcp.pubsub.Topic]
    ) -> None:
        super().__init__("segue:operations:Operations", "operations")
        inside = child(self)
        channels = Channels(config, project, topics, opts=inside)
        dashboards = Dashboards(config, project, opts=inside)
        alerting = Alerting(config, project, channels, dashboards.urls)
        metrics = LogMetrics(config, project, opts=inside)
        Objectives(alerting, metrics, opts=inside)
        Alerts(alerting, opts=inside)
        Uptime(alerting, opts=inside)
        Logs(config, project, opts=inside)
        if config.budget is not None:
            Budgets(config, config.budget, project, channels, opts=inside)
