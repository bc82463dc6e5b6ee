"""GitHub Actions without keys: workload identity federation for deployments and for previews.

A job of `segue:ciRepository` that runs on `main`, in the GitHub environment called as the stack is,
deploys; any other job of that repository may preview. Give that environment reviewers: whoever
passes it can do what the roles below can, and since they can grant roles, that is everything.
A fork's pull requests get no identity, and `nox -s preview` needs none.

The first `pulumi up` of a stack is an operator's, who also lets the deployer into what lies outside
of the project: the billing account of the budget, and the bucket of Pulumi's state.

https://cloud.google.com/iam/docs/workload-identity-federation-with-deployment-pipelines
"""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_gcp as gcp

from infra.components import child
from infra.components.project import Project
from infra.config import StackConfig

ISSUER = "https://token.actions.githubusercontent.com"
POOL = "github"
MAIN = "refs/heads/main"
DEPLOY, PREVIEW = "deploy", "preview"  # values of `attribute.purpose`

# What deploying takes, service by service: `pulumi up` makes, changes and deletes these.
DEPLOYER_ROLES: dict[str, str] = {
    "roles/artifactregistry.admin": "repositories of images, and pushing to them",
    "roles/bigquery.admin": "the warehouse, its exports and its replica",
    "roles/bigtable.admin": "the instance, its tables, profiles and policies",
    "roles/certificatemanager.owner": "certificates, their map and DNS authorizations",
    "roles/cloudfunctions.admin": "functions",
    "roles/cloudkms.admin": "keys and their policies; it cannot use a key",
    "roles/cloudscheduler.admin": "schedules of jobs",
    "roles/cloudtasks.queueAdmin": "queues and their policies",
    "roles/compute.loadBalancerAdmin": "the load balancer, backend buckets, addresses",
    "roles/compute.securityAdmin": "Cloud Armor, TLS policies",
    "roles/datastore.owner": "Firestore databases, indexes, TTLs, backup schedules",
    "roles/eventarc.admin": "triggers",
    "roles/iam.roleAdmin": "the custom roles of infra/roles.py",
    "roles/iam.serviceAccountAdmin": "accounts and who may act as them",
    "roles/iam.serviceAccountKeyAdmin": "the key that signs upload addresses",
    "roles/iam.serviceAccountUser": "deploying what runs as our accounts",
    "roles/iam.workloadIdentityPoolAdmin": "this pool",
    "roles/logging.configWriter": "log buckets, sinks, exclusions, metrics; it reads no log",
    "roles/monitoring.admin": "dashboards, objectives, alerts, uptime checks",
    "roles/networkservices.edgeCacheAdmin": "Media CDN",
    "roles/pubsub.admin": "schemas, topics, subscriptions and their policies",
    "roles/recaptchaenterprise.admin": "the key of Cloud Armor's challenge page",
    "roles/resourcemanager.projectIamAdmin": "the roles that are granted on the project",
    "roles/run.admin": "jobs, and who may call services",
    "roles/secretmanager.admin": "secrets, their versions and policies",
    "roles/serviceusage.serviceUsageAdmin": "enabling APIs and their service agents",
    "roles/storage.admin": "buckets, their policies, source archives",
    "roles/storage.hmacKeyAdmin": "keys with which other CDNs fetch from the audio bucket",
}
# Where search is Spanner's.
SPANNER_ROLES: dict[str, str] = {
    "roles/spanner.admin": "the instance of search, its database, backups and policies",
}
# What a preview looks up; for the rest it compares the program with the state.
PREVIEWER_ROLES: dict[str, str] = {
    "roles/browser": "the project's number and its service agents",
}


class WorkloadIdentity(pulumi.ComponentResource):
    """The pool for GitHub Actions, `deployer` and `previewer`; `provider` is what a workflow names.
    The stack must have `ciRepository`."""

    def __init__(self, config: StackConfig, project: Project) -> None:
        repository = config.ci_repository
        if repository is None:
            raise ValueError(f"the stack {config.stack} has no segue:ciRepository; set it")
        super().__init__("segue:ci:WorkloadIdentity", POOL)
        self._config, self._project = config, project
        pool = gcp.iam.WorkloadIdentityPool(
            POOL,
            project=config.project,
            workload_identity_pool_id=POOL,
            display_name="GitHub Actions",
            opts=child(self, depends_on=project.ready),
        )
        self._pool = pool
        deploys = (
            f"assertion.sub == 'repo:{repository}:environment:{config.stack}'"
            f" && assertion.ref == '{MAIN}'"
        )
        self.provider = gcp.iam.WorkloadIdentityPoolProvider(
            POOL,
            project=config.project,
            workload_identity_pool_id=pool.workload_identity_pool_id,
            workload_identity_pool_provider_id=POOL,
            oidc=gcp.iam.WorkloadIdentityPoolProviderOidcArgs(issuer_uri=ISSUER),
            attribute_mapping={
                "google.subject": "assertion.sub",
                "attribute.purpose": f"{deploys} ? '{DEPLOY}' : '{PREVIEW}'",
            },
            # GitHub signs for every repository there is.
            attribute_condition=f"assertion.repository == '{repository}'",
            opts=child(self),
        )
        self.deployer = self._account("ci-deployer", "GitHub Actions deploy as this", DEPLOY)
        self.previewer = self._account("ci-previewer", "GitHub Actions preview as this", PREVIEW)
        self._grant(self.deployer, DEPLOY, DEPLOYER_ROLES)
        if config.search_engine == "spanner":
            self._grant(self.deployer, DEPLOY, SPANNER_ROLES)
        self._grant(self.previewer, PREVIEW, PREVIEWER_ROLES)

    def _account(
        self, account_id: str, display_name: str, purpose: str
    ) -> gcp.serviceaccount.Account:
        account = gcp.serviceaccount.Account(
            account_id,
            account_id=account_id,
            project=self._config.project,
            display_name=display_name,
            opts=child(self, depends_on=self._project.ready),
        )
        gcp.serviceaccount.IAMMember(
            f"{account_id}-github",
            service_account_id=account.name,
            role="roles/iam.workloadIdentityUser",
            member=self._pool.name.apply(
                lambda pool: f"principalSet://iam.googleapis.com/{pool}/attribute.purpose/{purpose}"
            ),
            opts=child(self),
        )
        return account

    def _grant(
        self, account: gcp.serviceaccount.Account, purpose: str, roles: Mapping[str, str]
    ) -> None:
        for role in roles:
            gcp.projects.IAMMember(
                f"{purpose}-{role.rpartition('/')[2]}",
                project=self._config.project,
                role=role,
                member=account.member,
                opts=child(self),
            )
