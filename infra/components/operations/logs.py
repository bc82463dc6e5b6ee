"""Logs: how long they are kept, what is not, and who used which key and secret."""

from __future__ import annotations

import pulumi
import pulumi_gcp as gcp

from infra.components import child
from infra.components.project import Project
from infra.config import StackConfig
from infra.monitoring.log_filters import DATA_ACCESS, exclusions

LOCATION = "global"
AUDIT_BUCKET = "audit"
AUDIT_DAYS = 400  # as long as Cloud Logging itself keeps who changed what
# Whose use is written down. Firestore and Storage would write a line for each request of ours.
AUDITED = ("cloudkms.googleapis.com", "secretmanager.googleapis.com")


class Logs(pulumi.ComponentResource):
    """Retention and exclusions of the project's logs; the bucket `audit` for the use of keys and
    secrets, locked where the stack is protected: then nobody can shorten or delete it. A stack that
    is destroyed leaves it behind."""

    def __init__(
        self, config: StackConfig, project: Project, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("segue:operations:Logs", "logs", None, opts)
        ready = child(self, depends_on=project.ready)
        gcp.logging.ProjectBucketConfig(
            "default",
            project=config.project,
            location=LOCATION,
            bucket_id="_Default",
            retention_days=config.log_retention_days,
            opts=ready,
        )
        for name, (filter_, reason) in exclusions(config.keep_successes).items():
            gcp.logging.ProjectExclusion(
                name,
                name=name,
                project=config.project,
                filter=filter_,
                description=reason,
                opts=ready,
            )
        kept = gcp.logging.ProjectBucketConfig(
            AUDIT_BUCKET,
            project=config.project,
            location=LOCATION,
            bucket_id=AUDIT_BUCKET,
            description="Who used which key and secret",
            retention_days=AUDIT_DAYS,
            locked=config.protect,
            # A locked bucket cannot be deleted, and a deleted one holds its name for a week. The
            # next stack of the project takes over the one that was left.
            opts=child(
                self,
                depends_on=project.ready,
                retain_on_delete=True,
                # Nor can it be unlocked, when a stack gives up its protection.
                ignore_changes=[] if config.protect else ["locked"],
            ),
        )
        where = f"projects/{config.project}/locations/{LOCATION}/buckets/{AUDIT_BUCKET}"
        gcp.logging.ProjectSink(
            AUDIT_BUCKET,
            name=AUDIT_BUCKET,
            project=config.project,
            # A log bucket of the same project needs no grant.
            destination=f"logging.googleapis.com/{where}",
            filter=DATA_ACCESS,
            opts=child(self, depends_on=[kept]),
        )
        for service in AUDITED:
            gcp.projects.IAMAuditConfig(
                service.partition(".")[0],
                project=config.project,
                service=service,
                audit_log_configs=[
                    gcp.projects.IAMAuditConfigAuditLogConfigArgs(log_type=kind)
                    for kind in ("DATA_READ", "DATA_WRITE")
                ],
                opts=ready,
            )
