"""Dashboards, as `infra.monitoring.dashboards` draws them."""

from __future__ import annotations

import json

import pulumi
import pulumi_gcp as gcp

from infra.components import child
from infra.components.project import Project
from infra.config import StackConfig
from infra.monitoring import dashboards

_CONSOLE = "https://console.cloud.google.com/monitoring/dashboards/builder"


class Dashboards(pulumi.ComponentResource):
    """`urls` tells where in the console each is, by its short name."""

    def __init__(
        self, config: StackConfig, project: Project, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("segue:operations:Dashboards", "dashboards", None, opts)
        self.urls: dict[str, pulumi.Output[str]] = {}
        for name, drawn in dashboards.dashboards().items():
            made = gcp.monitoring.Dashboard(
                name,
                project=config.project,
                dashboard_json=json.dumps(drawn),
                opts=child(self, depends_on=project.ready),
            )
            # The id ends in the dashboard's own: projects/<number>/dashboards/<id>.
            self.urls[name] = made.id.apply(
                lambda full: f"{_CONSOLE}/{full.rpartition('/')[2]}?project={config.project}"
            )
