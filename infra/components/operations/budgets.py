"""The monthly budget, and who is told as it is spent."""

from __future__ import annotations

import pulumi
import pulumi_gcp as gcp

from infra.components import child
from infra.components.operations.channels import Channels
from infra.components.project import Project
from infra.config import Budget, StackConfig

SPENT = (0.5, 0.9, 1.0)
FORECAST = 1.0
MAX_CHANNELS = 5  # of one budget


class Budgets(pulumi.ComponentResource):
    """A budget on what the stack's project costs, less all credits."""

    def __init__(
        self,
        config: StackConfig,
        budget: Budget,
        project: Project,
        channels: Channels,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("segue:operations:Budgets", "budgets", None, opts)
        rule = gcp.billing.BudgetThresholdRuleArgs
        # Calls to this API count against a project, and who signs in by gcloud brings none along.
        counted = gcp.Provider(
            "counted",
            project=config.project,
            billing_project=config.project,
            user_project_override=True,
            opts=child(self),
        )
        gcp.billing.Budget(
            "monthly",
            billing_account=budget.billing_account,
            display_name=f"Segue {config.stack}: {config.project}"[:60],
            budget_filter=gcp.billing.BudgetBudgetFilterArgs(
                projects=[project.number.apply(lambda number: f"projects/{number}")],
                calendar_period="MONTH",
            ),
            amount=gcp.billing.BudgetAmountArgs(
                specified_amount=gcp.billing.BudgetAmountSpecifiedAmountArgs(
                    currency_code="USD", units=str(budget.usd_per_month)
                )
            ),
            threshold_rules=[
                *(rule(threshold_percent=share, spend_basis="CURRENT_SPEND") for share in SPENT),
                rule(threshold_percent=FORECAST, spend_basis="FORECASTED_SPEND"),
            ],
            all_updates_rule=gcp.billing.BudgetAllUpdatesRuleArgs(
                monitoring_notification_channels=channels.people[:MAX_CHANNELS],
            ),
            opts=child(self, depends_on=project.ready, provider=counted),
        )
