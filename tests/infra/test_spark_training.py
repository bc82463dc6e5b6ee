"""Spark: there where training is configured to be past one machine, and nowhere else."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from infra import cost, names, policies, roles, stacks
from infra.components.spark_training import PROGRAM
from infra.config import ConfigError, StackConfig
from infra.environment import Made, environment
from infra.program import declare
from infra.runtime import Tree, run_on_mocks
from shared import topology
from shared.platform.settings import Settings
from tests.infra.provider_types import faults

COMPONENT = "segue:spark:SparkTraining"
ACCOUNT = "gcp:serviceaccount/account:Account"
ACT_AS = "gcp:serviceaccount/iAMMember:IAMMember"
API = "gcp:projects/service:Service"
MEMBER = "gcp:projects/iAMMember:IAMMember"
OBJECT = "gcp:storage/bucketObject:BucketObject"
ON_BUCKET = "gcp:storage/bucketIAMMember:BucketIAMMember"
ROLE = "gcp:projects/iAMCustomRole:IAMCustomRole"


def subnetwork(region: str) -> str:
    return f"projects/segue-dev-example/regions/{region}/subnetworks/spark"


def configured(stack: str = "dev", **changes: Any) -> StackConfig:
    config = stacks.example(stack)
    values = config.model_dump(by_alias=True, exclude={"stack", "project"})
    spark = {"sparkTraining": True, "sparkSubnetwork": subnetwork(config.home), **changes}
    return StackConfig.parse(stack, config.project, {**values, **spark})


@cache
def spark_tree() -> tuple[StackConfig, Tree]:
    config = configured()
    return config, run_on_mocks(lambda: declare(config), stack=config.stack)


def variables(config: StackConfig) -> dict[str, str]:
    versions = {secret.name: 1 for secret in topology.SECRETS if not secret.dynamic}
    versions |= {cdn.secret: 1 for cdn in config.cdns}
    entry = topology.ENTRIES["train_embeddings"]
    return environment(config, entry, config.home, "us", Made("1", versions))


def test_a_stack_that_trains_on_one_machine_has_none(made: tuple[StackConfig, Tree]) -> None:
    config, tree = made
    assert not config.spark_training
    assert tree.of_type(COMPONENT) == []
    assert not any("dataproc" in one.name for one in tree.of_type(API))
    assert not any("park" in str(one.inputs.get("role")) for one in tree.of_type(MEMBER))
    assert Settings.from_env(variables(config)).training_engine == "exact"


def test_the_provider_takes_every_input_and_no_policy_is_broken() -> None:
    config, tree = spark_tree()
    (component,) = tree.of_type(COMPONENT)
    assert [fault for one in tree.children(component.urn) for fault in faults(one)] == []
    stack = policies.Stack(protect=config.protect, regions=config.regions)
    assert policies.violations(tree.resources, stack) == []
    assert tree.one(API, "dataproc").inputs["service"] == "dataproc.googleapis.com"


def test_batches_run_as_an_account_that_reads_and_writes_trainings_alone() -> None:
    config, tree = spark_tree()
    account = tree.one(ACCOUNT, names.SPARK_ACCOUNT)
    assert 6 <= len(account.inputs["accountId"]) <= 30
    member = f"serviceAccount:{names.email(names.SPARK_ACCOUNT, config.project)}"
    held = [one for one in tree.resources if one.inputs.get("member") == member]
    assert {(one.type, one.inputs["role"]) for one in held} == {
        (MEMBER, "roles/dataproc.worker"),
        (ON_BUCKET, "roles/storage.objectUser"),
    }
    (on_bucket,) = (one for one in held if one.type == ON_BUCKET)
    assert on_bucket.inputs["bucket"] == f"{config.project}-trainings"


def test_the_job_that_trains_may_start_batches_as_that_account_and_nobody_else() -> None:
    config, tree = spark_tree()
    job = names.account_id(topology.ENTRIES["train_embeddings"])
    member = f"serviceAccount:{names.email(job, config.project)}"
    full_name = f"projects/{config.project}/roles/{roles.SPARK_SUBMITTER}"
    submitters = [one for one in tree.of_type(MEMBER) if one.inputs["role"] == full_name]
    assert [one.inputs["member"] for one in submitters] == [member]
    acts = [
        one
        for one in tree.of_type(ACT_AS)
        if names.SPARK_ACCOUNT in str(one.inputs["serviceAccountId"])
    ]
    assert [(one.inputs["role"], one.inputs["member"]) for one in acts] == [(roles.ACT_AS, member)]
    assert tree.one(ROLE, roles.SPARK_SUBMITTER).inputs["permissions"] == [
        "dataproc.batches.create",
        "dataproc.batches.get",
    ]


def test_the_program_lies_where_the_job_is_told() -> None:
    config, tree = spark_tree()
    assert PROGRAM.is_file()
    program = tree.one(OBJECT, names.SPARK_PROGRAM)
    settings = Settings.from_env(variables(config))
    assert settings.spark_program == f"gs://{program.inputs['bucket']}/{program.inputs['name']}"
    assert settings.training_engine == "spark"
    assert settings.spark_account == names.email(names.SPARK_ACCOUNT, config.project)
    assert settings.spark_subnetwork == config.spark_subnetwork


def test_it_costs_nothing_while_nothing_is_trained(made: tuple[StackConfig, Tree]) -> None:
    config, tree = spark_tree()
    plain = run_on_mocks(lambda: declare(stacks.example("dev")), stack=config.stack)
    assert cost.total(cost.floor(tree.resources)) == cost.total(cost.floor(plain.resources))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sparkSubnetwork": ""}, "sparkSubnetwork: missing"),
        ({"sparkSubnetwork": "default"}, "sparkSubnetwork"),
        (
            {"sparkSubnetwork": subnetwork("asia-east1")},
            "in asia-east1, and jobs run in us-central1",
        ),
    ],
)
def test_what_spark_does_not_take_is_refused_before(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        configured(**changes)
