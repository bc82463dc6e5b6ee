"""Cloud Run jobs, all from one image, and the schedules that start them."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_docker_build as docker_build
import pulumi_gcp as gcp

from infra import archives, names
from infra.components import child
from infra.components.functions import BUILD_FOLDER, Builder, Built
from infra.components.project import Project
from infra.config import StackConfig
from infra.environment import Made, environment
from shared import topology

MAX_RETRIES = 3  # of a task, before the execution has failed
SCHEDULE_DEADLINE_S = 60  # to start an execution, which is all that a schedule does


class Jobs(pulumi.ComponentResource):
    """Every job of the topology in the region that handles events; `jobs[name]`."""

    def __init__(
        self,
        config: StackConfig,
        project: Project,
        builder: Builder,
        built: Built,
        callers: Mapping[str, gcp.serviceaccount.Account],
        buckets: Mapping[str, gcp.storage.Bucket],
    ) -> None:
        super().__init__("segue:jobs:Jobs", "jobs")
        self._config, self._project, self._built = config, project, built
        self._buckets = buckets
        self._image = self._build(builder)
        self.jobs = {job.name: self._job(job) for job in topology.JOBS}
        for job in topology.JOBS:
            if job.schedule is not None:
                self._schedule(job, job.schedule, callers[job.name])

    def _build(self, builder: Builder) -> docker_build.Image:
        """The image, built by the operator's Docker and pushed where the jobs run. Its tag is the
        hash of its contents, so it is built anew only where they have changed."""
        config = self._config
        region = config.events_in
        context = self._built.sources.jobs
        folder = context.unpack(archives.ROOT / BUILD_FOLDER)
        host = f"{region}-docker.pkg.dev"
        tag = f"{host}/{config.project}/segue/jobs:{context.digest[:16]}"
        access = gcp.organizations.get_client_config_output(
            opts=pulumi.InvokeOptions(parent=self)
        ).access_token
        return docker_build.Image(
            "jobs",
            context=docker_build.BuildContextArgs(location=str(folder)),
            platforms=[docker_build.Platform.LINUX_AMD64],
            tags=[tag],
            push=True,
            registries=[
                docker_build.RegistryArgs(
                    address=host,
                    username="oauth2accesstoken",
                    password=pulumi.Output.secret(access),
                )
            ],
            build_on_preview=False,
            opts=child(self, depends_on=[builder.repositories[region]]),
        )

    def _job(self, job: topology.Job) -> gcp.cloudrunv2.Job:
        config, built = self._config, self._built
        region = config.events_in
        run = gcp.cloudrunv2
        variables = pulumi.Output.all(self._project.number, built.secret_versions).apply(
            lambda made: [
                run.JobTemplateTemplateContainerEnvArgs(name=name, value=value)
                for name, value in environment(
                    config,
                    job,
                    region,
                    built.key_location,
                    Made(project_number=made[0], secret_versions=made[1]),
                ).items()
            ]
        )
        return run.Job(
            job.name,
            name=names.service(job),
            project=config.project,
            location=region,
            deletion_protection=False,  # it holds nothing
            template=run.JobTemplateArgs(
                task_count=job.tasks,
                parallelism=job.tasks,
                template=run.JobTemplateTemplateArgs(
                    service_account=built.accounts[job.name].email,
                    timeout=f"{job.timeout_s}s",
                    max_retries=MAX_RETRIES,
                    volumes=[
                        run.JobTemplateTemplateVolumeArgs(
                            name=bucket.name,
                            gcs=run.JobTemplateTemplateVolumeGcsArgs(
                                bucket=self._buckets[bucket.name].name, read_only=True
                            ),
                        )
                        for bucket in job.mounts
                    ],
                    containers=[
                        run.JobTemplateTemplateContainerArgs(
                            image=self._image.ref,
                            commands=["python", f"jobs/{job.name}/main.py"],
                            envs=variables,
                            volume_mounts=[
                                run.JobTemplateTemplateContainerVolumeMountArgs(
                                    name=bucket.name, mount_path=f"/mnt/{bucket.name}"
                                )
                                for bucket in job.mounts
                            ],
                            resources=run.JobTemplateTemplateContainerResourcesArgs(
                                limits={"cpu": f"{job.cpu:g}", "memory": f"{job.memory_mb}Mi"}
                            ),
                        )
                    ],
                ),
            ),
            opts=child(self),
        )

    def _schedule(self, job: topology.Job, cron: str, caller: gcp.serviceaccount.Account) -> None:
        config = self._config
        made = self.jobs[job.name]
        invoker = gcp.cloudrunv2.JobIamMember(
            f"{job.name}-scheduler",
            project=config.project,
            location=made.location,
            name=made.name,
            role="roles/run.invoker",
            member=caller.member,
            opts=child(self),
        )
        where = f"projects/{config.project}/locations/{config.events_in}/jobs"
        gcp.cloudscheduler.Job(
            job.name,
            name=names.service(job),
            project=config.project,
            region=config.events_in,
            description=f"jobs/{job.name}",
            schedule=cron,
            time_zone="Etc/UTC",
            attempt_deadline=f"{SCHEDULE_DEADLINE_S}s",
            retry_config=gcp.cloudscheduler.JobRetryConfigArgs(
                retry_count=3, min_backoff_duration="5s", max_backoff_duration="60s"
            ),
            http_target=gcp.cloudscheduler.JobHttpTargetArgs(
                http_method="POST",
                uri=made.name.apply(
                    lambda name: f"https://run.googleapis.com/v2/{where}/{name}:run"
                ),
                oauth_token=gcp.cloudscheduler.JobHttpTargetOauthTokenArgs(
                    service_account_email=caller.email,
                    scope="https://www.googleapis.com/auth/cloud-platform",
                ),
            ),
            opts=child(self, depends_on=[invoker]),
        )
