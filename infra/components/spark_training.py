"""Dataproc Serverless: Spark factorises for `train_embeddings`, in stacks whose people and tracks
are past one machine (`sparkTraining: true`).

A batch is billed while it runs; what is made here costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pulumi
import pulumi_gcp as gcp

from infra import access, names, roles
from infra.components import child
from infra.components.project import Project
from infra.config import StackConfig
from shared import topology

PROGRAM = Path(topology.__file__).parent / "recommendations" / "collaborative" / "spark.py"
SUBMITTER = access.SPARK_SUBMITTER_ENTRY


class SparkTraining(pulumi.ComponentResource):
    """The account that batches run as, the program that they run, and the job's right to start
    them."""

    def __init__(
        self,
        config: StackConfig,
        project: Project,
        buckets: Mapping[str, gcp.storage.Bucket],
        accounts: Mapping[str, gcp.serviceaccount.Account],
    ) -> None:
        super().__init__("segue:spark:SparkTraining", names.SPARK_ACCOUNT)
        trainings, submitter = buckets[topology.TRAININGS.name], accounts[SUBMITTER]
        account = gcp.serviceaccount.Account(
            names.SPARK_ACCOUNT,
            account_id=names.SPARK_ACCOUNT,
            project=config.project,
            display_name="batches of Spark run as this",
            opts=child(self, depends_on=project.ready),
        )
        gcp.storage.BucketObject(
            names.SPARK_PROGRAM,
            bucket=trainings.name,
            name=names.SPARK_PROGRAM,
            source=pulumi.FileAsset(str(PROGRAM)),
            content_type="text/x-python",
            opts=child(self),
        )
        gcp.storage.BucketIAMMember(
            f"{names.SPARK_ACCOUNT}-{topology.TRAININGS.name}",
            bucket=trainings.name,
            role="roles/storage.objectUser",
            member=account.member,
            opts=child(self),
        )
        gcp.projects.IAMMember(
            f"{names.SPARK_ACCOUNT}-worker",
            project=config.project,
            role=roles.SPARK_WORKER,
            member=account.member,
            opts=child(self),
        )
        gcp.serviceaccount.IAMMember(
            f"{SUBMITTER}-as-{names.SPARK_ACCOUNT}",
            service_account_id=account.name,
            role=roles.ACT_AS,
            member=submitter.member,
            opts=child(self),
        )
        for role, permissions in roles.SPARK_ROLES.items():
            made = gcp.projects.IAMCustomRole(
                role,
                role_id=role,
                project=config.project,
                title=role,
                description="Made by Segue; see infra/roles.py",
                permissions=permissions,
                opts=child(self, depends_on=project.ready),
            )
            gcp.projects.IAMMember(
                f"{SUBMITTER}-{role}",
                project=config.project,
                role=made.name,
                member=submitter.member,
                opts=child(self),
            )
