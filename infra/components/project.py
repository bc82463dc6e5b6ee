"""The project itself: the APIs that the topology needs, and Google's own service agents."""

from __future__ import annotations

import pulumi
import pulumi_gcp as gcp

from infra import retries
from infra.components import child
from infra.config import StackConfig

# Service agents that get grants of ours, before `.iam.gserviceaccount.com`. `None`: the agent has
# no identity resource, Google makes it when it is first needed
# (https://cloud.google.com/iam/docs/service-agents).
_AGENTS: dict[str, tuple[str, str | None]] = {
    "balancer": ("service-{number}@https-lb", None),
    "bigtable": ("service-{number}@gcp-sa-bigtable", "bigtableadmin.googleapis.com"),
    "cdn": ("service-{number}@cloud-cdn-fill", None),
    "eventarc": ("service-{number}@gcp-sa-eventarc", "eventarc.googleapis.com"),
    "firestore": ("service-{number}@gcp-sa-firestore", "firestore.googleapis.com"),
    "media-cdn": ("service-{number}@gcp-sa-mediaedgefill", None),
    "monitoring": ("service-{number}@gcp-sa-monitoring-notification", None),
    "pubsub": ("service-{number}@gcp-sa-pubsub", "pubsub.googleapis.com"),
    "spanner": ("service-{number}@gcp-sa-spanner", "spanner.googleapis.com"),
    "transcoder": ("service-{number}@gcp-sa-transcoder", "transcoder.googleapis.com"),
    "transfers": (
        "service-{number}@gcp-sa-bigquerydatatransfer",
        "bigquerydatatransfer.googleapis.com",
    ),
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


# Of a stack whose `search_engine` is `spanner`.
SPANNER_API = "spanner"
# Of one whose `spark_training` is on.
SPARK_API = "dataproc"


class Project(pulumi.ComponentResource):
    """Enabled APIs; `ready` is what everything else depends on. `patient` are the hooks of what
    refers to something that Google has made a moment before, `settled` those of grants that
    something else is made with."""

    def __init__(self, config: StackConfig) -> None:
        super().__init__("segue:project:Project", config.project)
        self.config = config
        apis = [*APIS]
        apis += [SPANNER_API] if config.search_engine == "spanner" else []
        apis += [SPARK_API] if config.spark_training else []
        self._apis = {
            api: gcp.projects.Service(
                api,
                project=config.project,
                service=f"{api}.googleapis.com",
                disable_on_destroy=False,  # others in the project may use it
                opts=child(self),
            )
            for api in apis
        }
        self.ready: list[pulumi.Resource] = [*self._apis.values()]
        found = gcp.organizations.get_project_output(
            project_id=config.project, opts=self._asking("cloudresourcemanager")
        )
        self.number: pulumi.Output[str] = found.number
        self._identities: dict[str, gcp.projects.ServiceIdentity] = {}
        again = pulumi.ErrorHook("not-yet-known", retries.again)
        self.patient = pulumi.ResourceHookBinding(on_error=[again])
        self.settled = pulumi.ResourceHookBinding(
            on_error=[again], after_create=[pulumi.ResourceHook("not-yet-in-force", retries.settle)]
        )

    def _asking(self, api: str) -> pulumi.InvokeOutputOptions:
        """Options of a question to `api`, which is asked once that is enabled."""
        return pulumi.InvokeOutputOptions(parent=self, depends_on=[self._apis[api]])

    def agent(self, name: str) -> pulumi.Output[str]:
        """Google's service agent `name` as a member of IAM policies: `storage`, `bigquery` or a key
        of the table above. It is there once the output is known; where the table has no API, once
        that is there which makes it."""
        if name == "storage":  # these two are made by being asked for
            return gcp.storage.get_project_service_account_output(
                project=self.config.project, opts=self._asking("storage")
            ).member
        if name == "bigquery":
            return gcp.bigquery.get_default_service_account_output(
                project=self.config.project, opts=self._asking("bigquery")
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
