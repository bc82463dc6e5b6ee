"""Whom alerts go to: people by e-mail, and the function that takes back what is rolled out."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_gcp as gcp

from infra.components import child
from infra.components.project import Project
from infra.config import StackConfig
from shared import topology


class Channels(pulumi.ComponentResource):
    """`people` and `rollouts` are names of notification channels. Messages to the latter reach
    `halt_rollouts` (F307)."""

    def __init__(
        self,
        config: StackConfig,
        project: Project,
        topics: Mapping[str, gcp.pubsub.Topic],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("segue:operations:Channels", "channels", None, opts)
        self.people = [
            gcp.monitoring.NotificationChannel(
                address,
                project=config.project,
                display_name=address,
                type="email",
                labels={"email_address": address},
                # A policy that still names it is updated, so that a stack can drop an address.
                force_delete=True,
                opts=child(self, depends_on=project.ready),
            ).name
            for address in config.alert_emails
        ]
        burns = topics[topology.SLO_BURN.name]
        rollouts = gcp.monitoring.NotificationChannel(
            "rollouts",
            project=config.project,
            display_name="Halts what is being rolled out",
            type="pubsub",
            labels={"topic": burns.id},
            force_delete=True,
            opts=child(self, depends_on=project.ready),
        )
        self.rollouts = rollouts.name
        # Google makes the account with the first channel of this kind.
        gcp.pubsub.TopicIAMMember(
            "monitoring-publishes",
            project=config.project,
            topic=burns.name,
            role="roles/pubsub.publisher",
            member=project.agent("monitoring"),
            opts=child(self, depends_on=rollouts, hooks=project.patient),
        )
