"""Spanner: there where search is configured to be past one machine, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from infra import access, cost, names, policies, roles, stacks
from infra.components.ci import SPANNER_ROLES
from infra.config import ConfigError, StackConfig
from infra.environment import Made, environment
from infra.program import declare
from infra.runtime import Tree, run_on_mocks
from shared import topology
from shared.platform.settings import Settings
from tests.infra.data_tree import waits_for
from tests.infra.provider_types import faults

INSTANCE = "gcp:spanner/instance:Instance"
DATABASE = "gcp:spanner/database:Database"
MEMBER = "gcp:spanner/databaseIAMMember:DatabaseIAMMember"
ROLE = "gcp:projects/iAMCustomRole:IAMCustomRole"
API = "gcp:projects/service:Service"
ROLES = {
    entry.name: role
    for entry in topology.ENTRIES.values()
    if (role := access.search_role(entry)) is not None
}


def configured(stack: str = "prod", **changes: Any) -> StackConfig:
    config = stacks.example(stack)
    values = config.model_dump(by_alias=True, exclude={"stack", "project"})
    spanner = {"searchEngine": "spanner", **changes}
    return StackConfig.parse(stack, config.project, {**values, **spanner})


@cache
def spanner_tree() -> tuple[StackConfig, Tree]:
    config = configured()
    return config, run_on_mocks(lambda: declare(config), stack=config.stack)


def test_a_stack_that_searches_in_its_own_processes_has_none(
    made: tuple[StackConfig, Tree],
) -> None:
    config, tree = made
    assert config.search_engine == "local"
    assert tree.of_type(INSTANCE, DATABASE, MEMBER) == []
    assert not any("spanner" in one.name for one in tree.of_type(API))


def test_the_provider_takes_every_input() -> None:
    _, tree = spanner_tree()
    resources = tree.of_type(INSTANCE, DATABASE, MEMBER)
    assert [fault for one in resources for fault in faults(one)] == []


def test_the_instance_has_full_text_search_grows_and_stands_at_home() -> None:
    config, tree = spanner_tree()
    (instance,) = tree.of_type(INSTANCE)
    assert instance.inputs["edition"] == "ENTERPRISE"
    assert instance.inputs["config"] == f"regional-{config.home}"
    assert instance.inputs["autoscalingConfig"] == {
        "autoscalingLimits": {"minProcessingUnits": 1000, "maxProcessingUnits": 3000},
        "autoscalingTargets": {
            "highPriorityCpuUtilizationPercent": 65,
            "storageUtilizationPercent": 75,
        },
    }
    assert "processingUnits" not in instance.inputs


def test_a_small_instance_stays_as_it_is() -> None:
    config = configured("dev", spanner={"minUnits": 100, "maxUnits": 100})
    tree = run_on_mocks(lambda: declare(config), stack=config.stack)
    (instance,) = tree.of_type(INSTANCE)
    assert instance.inputs["processingUnits"] == 100
    assert "autoscalingConfig" not in instance.inputs
    lines = {line.what: round(line.usd, 2) for line in cost.floor(tree.resources)}
    assert lines["Spanner"] == 89.79  # a tenth of 1.23 × 730


def test_policies_hold_it_to_its_key_and_its_protection() -> None:
    config, tree = spanner_tree()
    stack = policies.Stack(protect=config.protect, regions=config.regions)
    assert policies.violations(tree.resources, stack) == []
    (database,) = tree.of_type(DATABASE)
    bare = replace(database, inputs={"name": "search"}, protect=False)
    assert policies.violations([bare], stack) == [
        "customer-managed-encryption: search has no key of ours",
        "state-is-protected: search has enableDropProtection None",
        "state-is-protected: search is not protected in Pulumi",
    ]


def test_the_database_is_encrypted_protected_and_has_the_tables() -> None:
    config, tree = spanner_tree()
    (database,) = tree.of_type(DATABASE)
    assert database.inputs["encryptionConfig"] == {"kmsKeyName": f"data-{config.home}-id"}
    assert waits_for(tree, database, f"data-{config.home}-spanner")
    assert database.protect
    assert database.inputs["deletionProtection"] is True
    assert database.inputs["enableDropProtection"] is True
    assert [text.split("(")[0].split(" ON ")[0].strip() for text in database.inputs["ddls"]] == [
        "CREATE TABLE SearchDocuments",
        "CREATE SEARCH INDEX SearchDocumentsByText",
        "CREATE TABLE SearchWithdrawals",
        "CREATE TABLE SearchWords",
        "CREATE SEARCH INDEX SearchWordsByText",
    ]
    assert not any("--" in text or ";" in text for text in database.inputs["ddls"])


def test_who_writes_what_became_of_documents_writes_it_there_and_search_alone_reads() -> None:
    assert ROLES["search"] == roles.SEARCH_READER
    assert ROLES["build_search_index"] == roles.SEARCH_WRITER
    assert ROLES["withdraw_content"] == roles.SEARCH_WRITER
    assert set(ROLES) == {
        entry.name
        for entry in topology.ENTRIES.values()
        if topology.SEARCH_CHANGES in (*entry.reads, *entry.writes)
        or entry.name == "build_search_index"
    }


def test_roles_are_granted_on_the_database_alone_and_change_no_table() -> None:
    config, tree = spanner_tree()
    members = tree.of_type(MEMBER)
    granted = {one.inputs["member"].partition(":")[2]: one.inputs["role"] for one in members}
    assert granted == {
        names.email(names.account_id(topology.ENTRIES[name]), config.project): (
            f"projects/{config.project}/roles/{role}"
        )
        for name, role in ROLES.items()
    }
    for role in roles.SEARCH_ROLES:
        permissions = tree.one(ROLE, role).inputs["permissions"]
        assert "spanner.databases.updateDdl" not in permissions
    reads = tree.one(ROLE, roles.SEARCH_READER).inputs["permissions"]
    assert not any("write" in one.casefold() or "Dml" in one for one in reads)


def test_functions_and_jobs_are_told_and_the_pipeline_may_deploy_it() -> None:
    config, tree = spanner_tree()
    versions = {secret.name: 1 for secret in topology.SECRETS if not secret.dynamic}
    versions |= {cdn.secret: 1 for cdn in config.cdns}
    entry = topology.ENTRIES["search"]
    variables = environment(config, entry, config.home, "us", Made("1", versions))
    settings = Settings.from_env(variables)
    assert settings.search_engine == "spanner"
    assert settings.spanner_database == names.search_database(config.project)
    granted = {one.inputs["role"] for one in tree.of_type("gcp:projects/iAMMember:IAMMember")}
    assert set(SPANNER_ROLES) <= granted
    assert tree.one(API, "spanner").inputs["service"] == "spanner.googleapis.com"


@pytest.mark.parametrize(
    ("spanner", "said"),
    [
        ({"region": "mars-east1"}, "spanner.region: unknown location 'mars-east1'"),
        ({"minUnits": 2000, "maxUnits": 1000}, "maxUnits is below minUnits"),
        ({"minUnits": 100, "maxUnits": 1000}, "1,000 minUnits at least"),
        ({"minUnits": 1500, "maxUnits": 2000}, "spanner.minUnits: a multiple of 100"),
        ({"minUnits": 50}, "spanner.minUnits"),
    ],
)
def test_what_spanner_does_not_take_is_refused_before(spanner: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        configured(spanner=spanner)
