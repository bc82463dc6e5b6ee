"""Service level objectives, and the alerts on how fast their budgets burn."""

from __future__ import annotations

import pulumi
import pulumi_gcp as gcp

from infra.components import child
from infra.components.operations.alerts import Alerting, expression
from infra.components.operations.log_metrics import LogMetrics
from infra.monitoring import runbooks
from infra.monitoring.alert_rules import Expression, Severity
from infra.monitoring.objectives import BURN_ALERTS, OBJECTIVES, PERIOD_DAYS, BurnAlert, Objective
from infra.monitoring.runbooks import people
from shared import topology

_Ratio = gcp.monitoring.SloRequestBasedSliGoodTotalRatioArgs


class Objectives(pulumi.ComponentResource):
    """The objectives of `infra.monitoring.objectives` on one service, Segue as a whole."""

    def __init__(
        self, alerting: Alerting, metrics: LogMetrics, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("segue:operations:Objectives", "objectives", None, opts)
        self._alerting = alerting
        self._metrics = list(metrics.metrics.values())
        self._service = gcp.monitoring.CustomService(
            "segue",
            service_id="segue",
            project=alerting.config.project,
            display_name="Segue",
            opts=child(self, depends_on=alerting.project.ready),
        )
        for objective in OBJECTIVES:
            self._objective(objective)
            for alert in BURN_ALERTS:
                self._burn_alert(objective, alert)

    def _objective(self, objective: Objective) -> None:
        gcp.monitoring.Slo(
            objective.name,
            slo_id=objective.name,
            service=self._service.service_id,
            project=self._alerting.config.project,
            display_name=objective.title,
            goal=objective.goal,
            rolling_period_days=PERIOD_DAYS,
            request_based_sli=gcp.monitoring.SloRequestBasedSliArgs(
                good_total_ratio=_Ratio(
                    bad_service_filter=objective.bad.filter(),
                    total_service_filter=objective.total.filter(),
                )
            ),
            opts=child(self, depends_on=self._metrics, hooks=self._alerting.project.patient),
        )

    def _burn_alert(self, objective: Objective, alert: BurnAlert) -> None:
        title = f"{objective.name} burns its budget {alert.factor:g} times too fast"
        pages = alert.pages and objective.ours
        labels = {"slo": objective.name, "window": alert.name}
        if objective.function:
            labels["function"] = objective.function
        self._alerting.policy(
            self,
            f"{objective.name}-{alert.name}",
            title,
            # The windows are what it waits for; it comes as soon as both say so.
            expression(title, Expression(objective.expression(alert), for_s=0)),
            severity=Severity.CRITICAL if pages else Severity.WARNING,
            runbook=self._runbook(objective, alert),
            labels=labels,
            halts_rollouts=pages,
            depends_on=self._metrics,
        )

    def _runbook(self, objective: Objective, alert: BurnAlert) -> str:
        told = people.BURN if objective.ours else people.SLOW_START
        promised = (
            f"**{objective.title}** over {PERIOD_DAYS} days ({objective.source}). Above "
            f"{objective.threshold(alert):.4%} for {alert.name}; {alert.spent:.0%} of the budget "
            "is spent."
        )
        parts = [promised, told.markdown(self._alerting.config.project)]
        if objective.function:
            entry = topology.ENTRIES[objective.function]
            parts.append(f"## {entry.name}\n{runbooks.of_entry(entry)}")
        return "\n\n".join(parts)
