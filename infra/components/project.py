"""The project itself: the APIs that the topology needs, and Google's own service agents."""

from __future__ import annotations

import pulumi
import pulumi_gcp as gcp

from infra.components import child
from infra.config import StackConfig

# Service agents that get grants of ours, before `.iam.gserviceaccount.com`. `None`: the agent has
# no identity resource, Google makes it when it is first needed
# (https://cloud.google.com/iam/docs/service-agents).
_AGENTS: dict[str, tuple[str, str | None]] = {
    "balancer": ("service-{number}@https-lb", None),
    "bigtable": ("service-{number}@gcp-sa-bigtable", "bigtableadmin.googleapis.com"),
    "cdn": ("service-{number}@cloud-cdn-fill", None),
    "firestore": ("service-{number}@gcp-sa-firestore", "firestore.googleapis.com"),
    "media-cdn": ("service-{number}@gcp-sa-mediaedgefill", "networkservices.googleapis.com"),
    "monitoring": ("service-{number}@gcp-sa-monitoring-notification", "monitoring.googleapis.com"),
    "pubsub": ("service-{number}@gcp-sa-pubsub", "pubsub.googleapis.com"),
    "transcoder": ("service-{number}@gcp-sa-transcoder", "transcoder.googleapis.com"),
}

APIS = (
    "artifactregistry",
    "bigquery",
    "bigquerydatatransfer",
    "bigtable",
    "bigtableadmin",
    "billingbudgets",
    "certificatemanager",
    "cloudbuild",
    "cloudfunctions",
    "cloudkms",
    "clouderrorreporting",
    "cloudresourcemanager",
    "cloudscheduler",
    "cloudtasks",
    "cloudtrace",
    "compute",
    "eventarc",
    "firestore",
    "iam",
    "iamcredentials",
    "logging",
    "monitoring",
    "networkservices",
    "pubsub",
    "recaptchaenterprise",
    "run",
    "secretmanager",
    "serviceusage",
    "storage",
    "sts",
    "transcoder",
)


class Project(pulumi.ComponentResource):
    """Enabled APIs; `ready` is what everything else depends on."""

    def __init__(self, config: StackConfig) -> None:
        super().__init__("segue:project:Project", config.project)
        self.config = config
        self.ready: list[pulumi.Resource] = [
            gcp.projects.Service(
                api,
                project=config.project,
                service=f"{api}.googleapis.com",
                disable_on_destroy=False,  # others in the project may use it
                opts=child(self),
            )
            for api in APIS
        ]
        found = gcp.organizations.get_project_output(
            project_id=config.project, opts=pulumi.InvokeOptions(parent=self)
        )
        self.number: pulumi.Output[str] = found.number
        self._identities: dict[str, gcp.projects.ServiceIdentity] = {}

    def agent(self, name: str) -> pulumi.Output[str]:
        """Google's service agent `name` as a member of IAM policies: `storage`, `bigquery` or a key
        of the table above. It is there once the output is known."""
        asked = pulumi.InvokeOptions(parent=self)
        if name == "storage":  # these two are made by being asked for
            return gcp.storage.get_project_service_account_output(
                project=self.config.project, opts=asked
            ).member
        if name == "bigquery":
            return gcp.bigquery.get_default_service_account_output(
                project=self.config.project, opts=asked
            ).member
        address, api = _AGENTS[name]
        member = self.number.apply(
            lambda number: f"serviceAccount:{address.format(number=number)}.iam.gserviceaccount.com"
        )
        if api is None:
            return member
        if name not in self._identities:
            self._identities[name] = gcp.projects.ServiceIdentity(
                name,
                project=self.config.project,
                service=api,
                opts=child(self, depends_on=self.ready),
            )
        return pulumi.Output.all(member, self._identities[name].id).apply(lambda parts: parts[0])
