"""Cloud Functions (2nd gen): one per HTTP and event function and region.

Each is built by Cloud Build from its own archive, which is named by the hash of its contents: where
nothing that a function needs has changed, nothing is uploaded, built or deployed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_gcp as gcp

from infra import archives, names
from infra.checks import Sources
from infra.components import child
from infra.components.project import Project
from infra.config import StackConfig
from infra.environment import Made, environment
from infra.url_map import behind_balancer
from shared import topology

Deployable = topology.HttpFunction | topology.EventFunction

RUNTIME = "python311"  # what the lock files are resolved for and the tests run on
BUILD_FOLDER = ".nox/archives"  # below the repository; git knows nothing of it
# In the cloud, calls come through the load balancer, or from Google's own services in this project.
_BEHIND_BALANCER = "ALLOW_INTERNAL_AND_GCLB"
_INTERNAL = "ALLOW_INTERNAL_ONLY"


@dataclass(frozen=True, slots=True)
class Built:
    """What the functions stand on."""

    sources: Sources
    bucket: gcp.storage.Bucket  # that the sources of functions go to
    accounts: Mapping[str, gcp.serviceaccount.Account]  # by entry
    secret_versions: pulumi.Input[Mapping[str, int]]
    key_location: str


def _service(function: gcp.cloudfunctionsv2.Function, entry: topology.Entry) -> pulumi.Output[str]:
    """Name of the service underneath, known once it is there: what calls it waits for it."""
    return function.service_config.apply(lambda _: names.service(entry))


class Builder(pulumi.ComponentResource):
    """Who builds functions and images, and the repositories in which they lie, one a region."""

    def __init__(self, config: StackConfig, project: Project, sources: gcp.storage.Bucket) -> None:
        super().__init__("segue:functions:Builder", "builder")
        ready = child(self, depends_on=project.ready)
        self.account = gcp.serviceaccount.Account(
            "builder",
            account_id="builder",
            project=config.project,
            display_name="Builds functions from their archives",
            opts=ready,
        )
        self.repositories = {
            region: gcp.artifactregistry.Repository(
                region,
                project=config.project,
                location=region,
                repository_id="segue",
                format="DOCKER",
                description="Images of functions and jobs",
                cleanup_policies=[
                    gcp.artifactregistry.RepositoryCleanupPolicyArgs(
                        id="keep-for-rollback",
                        action="KEEP",
                        most_recent_versions=gcp.artifactregistry.RepositoryCleanupPolicyMostRecentVersionsArgs(
                            keep_count=10
                        ),
                    ),
                    gcp.artifactregistry.RepositoryCleanupPolicyArgs(
                        id="drop-old",
                        action="DELETE",
                        condition=gcp.artifactregistry.RepositoryCleanupPolicyConditionArgs(
                            older_than=f"{90 * topology.DAY_S}s"
                        ),
                    ),
                ],
                opts=ready,
            )
            for region in config.regions
        }
        settled = child(self, hooks=project.settled)
        self.grants: list[pulumi.Resource] = [
            gcp.storage.BucketIAMMember(
                "builder-reads-sources",
                bucket=sources.name,
                role="roles/storage.objectViewer",
                member=self.account.member,
                opts=settled,
            ),
            # Cloud Functions builds from a copy, in buckets that it makes with the first function.
            # https://cloud.google.com/functions/docs/securing/build-custom-sa
            gcp.projects.IAMMember(
                "builder-reads-copies",
                project=config.project,
                role="roles/storage.objectViewer",
                member=self.account.member,
                condition=gcp.projects.IAMMemberConditionArgs(
                    title="copies-of-sources",
                    expression=project.number.apply(
                        lambda number: (
                            'resource.name.startsWith("projects/_/buckets/'
                            f'gcf-v2-sources-{number}-")'
                        )
                    ),
                ),
                opts=settled,
            ),
            gcp.projects.IAMMember(
                "builder-writes-logs",
                project=config.project,
                role="roles/logging.logWriter",
                member=self.account.member,
                opts=settled,
            ),
            *(
                gcp.artifactregistry.RepositoryIamMember(
                    f"builder-writes-{region}",
                    project=config.project,
                    location=region,
                    repository=repository.repository_id,
                    role="roles/artifactregistry.writer",
                    member=self.account.member,
                    opts=settled,
                )
                for region, repository in self.repositories.items()
            ),
        ]


class Functions(pulumi.ComponentResource):
    """Every HTTP and event function in every region; `services[name][region]` is its service."""

    def __init__(
        self, config: StackConfig, project: Project, builder: Builder, built: Built
    ) -> None:
        super().__init__("segue:functions:Functions", "functions")
        self._config, self._project = config, project
        self._builder, self._built = builder, built
        self.services: dict[str, dict[str, pulumi.Output[str]]] = {}
        entries: list[Deployable] = [*topology.HTTP_FUNCTIONS, *topology.EVENT_FUNCTIONS]
        for entry in entries:
            source = self._source(entry)
            made = {r: self._function(entry, r, source) for r in config.regions}
            self.services[entry.name] = {r: _service(made[r], entry) for r in config.regions}

    def _source(self, entry: Deployable) -> gcp.storage.BucketObject:
        path = self._built.sources.functions[entry.name].write(archives.ROOT / BUILD_FOLDER)
        return gcp.storage.BucketObject(
            f"{entry.name}-source",
            bucket=self._built.bucket.name,
            name=f"functions/{path.name}",
            source=pulumi.FileAsset(str(path)),
            content_type="application/zip",
            opts=child(self),
        )

    def _function(
        self,
        entry: Deployable,
        region: str,
        source: gcp.storage.BucketObject,
    ) -> gcp.cloudfunctionsv2.Function:
        config, built = self._config, self._built
        public = behind_balancer(entry)
        variables = pulumi.Output.all(self._project.number, built.secret_versions).apply(
            lambda made: environment(
                config,
                entry,
                region,
                built.key_location,
                Made(project_number=made[0], secret_versions=made[1]),
            )
        )
        waiting = 0 if config.scale_to_zero else getattr(entry, "min_instances", 0)
        function = gcp.cloudfunctionsv2.Function(
            f"{entry.name}-{region}",
            name=names.service(entry),
            project=config.project,
            location=region,
            description=f"functions/{entry.name}",
            build_config=gcp.cloudfunctionsv2.FunctionBuildConfigArgs(
                runtime=RUNTIME,
                entry_point=entry.name,
                service_account=self._builder.account.name,
                docker_repository=self._builder.repositories[region].id,
                source=gcp.cloudfunctionsv2.FunctionBuildConfigSourceArgs(
                    storage_source=gcp.cloudfunctionsv2.FunctionBuildConfigSourceStorageSourceArgs(
                        bucket=source.bucket, object=source.name
                    )
                ),
            ),
            service_config=gcp.cloudfunctionsv2.FunctionServiceConfigArgs(
                available_memory=f"{entry.memory_mb}Mi",
                available_cpu=f"{entry.cpu:g}",
                max_instance_request_concurrency=entry.concurrency,
                min_instance_count=min(waiting, config.max_instances),
                max_instance_count=config.max_instances,
                timeout_seconds=entry.timeout_s,
                service_account_email=built.accounts[entry.name].email,
                ingress_settings=_BEHIND_BALANCER if public else _INTERNAL,
                environment_variables=variables,
                # Where releases are gradual, jobs/advance_rollouts moves the traffic.
                all_traffic_on_latest_revision=not config.gradual_releases,
            ),
            opts=child(self, depends_on=self._builder.grants),
        )
        if public:
            # The balancer has no identity that Cloud Run could check; the ingress setting above
            # is what keeps everybody else from going round it.
            gcp.cloudrunv2.ServiceIamMember(
                f"{entry.name}-{region}-balancer",
                project=config.project,
                location=region,
                name=_service(function, entry),
                role="roles/run.invoker",
                member="allUsers",
                opts=child(self),
            )
        return function
