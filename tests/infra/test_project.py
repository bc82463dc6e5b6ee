"""The order in which an empty project comes to life."""

from __future__ import annotations

import time
from typing import Any

import pytest

from infra import runtime
from infra.components.project import Project
from infra.runtime import Tree, run_on_mocks
from infra.stacks import example
from tests.infra.data_tree import waits_for
from tests.infra.trees import tree_of


@pytest.fixture(scope="module")
def tree() -> Tree:
    return tree_of("prod")[1]


def test_google_is_asked_once_the_api_is_enabled(monkeypatch: pytest.MonkeyPatch) -> None:
    enabled: set[str] = set()
    asked: list[tuple[str, bool]] = []
    makes, answers = runtime._Mocks.new_resource, runtime._Mocks.call
    needs = {
        "getProject": "cloudresourcemanager",
        "getProjectServiceAccount": "storage",
        "getDefaultServiceAccount": "bigquery",
    }

    def make(self: Any, args: Any) -> Any:
        if args.name in needs.values():
            time.sleep(0.1)
            enabled.add(args.name)
        return makes(self, args)

    def answer(self: Any, args: Any) -> Any:
        question = args.token.rpartition(":")[2]
        asked.append((question, needs[question] in enabled))
        return answers(self, args)

    monkeypatch.setattr(runtime._Mocks, "new_resource", make)
    monkeypatch.setattr(runtime._Mocks, "call", answer)

    def program() -> dict[str, Any]:
        project = Project(example("dev"))
        agents = {name: project.agent(name) for name in ("storage", "bigquery")}
        return {"number": project.number, **agents}

    run_on_mocks(program, stack="dev")
    assert sorted(asked) == sorted((question, True) for question in needs)


def test_what_is_made_with_a_grant_waits_until_it_is_in_force(tree: Tree) -> None:
    keys = [
        grant
        for grant in tree.of_type("gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember")
        if grant.name.startswith("data-")
    ]
    builder = [r for r in tree.resources if r.name.startswith("builder-")]
    for grant in (*keys, *builder):
        assert grant.settled, grant.name
    function = tree.one("gcp:cloudfunctionsv2/function:Function", "catalog-us-central1")
    assert {grant.urn for grant in builder} <= function.dependencies
    # A failed build leaves a function behind: to create it again would find it there.
    assert not function.patient


def test_eventarc_may_use_the_project_before_its_first_trigger(tree: Tree) -> None:
    member = "gcp:projects/iAMMember:IAMMember"
    (trigger,) = tree.of_type("gcp:eventarc/trigger:Trigger")
    agent = tree.one(member, "eventarc-serviceAgent")
    number = runtime.PROJECT_NUMBER
    assert agent.inputs["role"] == "roles/eventarc.serviceAgent"
    assert agent.inputs["member"].endswith(
        f"service-{number}@gcp-sa-eventarc.iam.gserviceaccount.com"
    )
    receives = tree.one(member, f"{trigger.name}-receives")
    for grant in (agent, tree.one(member, "storage-publisher"), receives):
        assert grant.settled
        assert grant.urn in trigger.dependencies
    assert trigger.patient


def test_transfers_start_queries_as_the_lakes_account_alone(tree: Tree) -> None:
    starts = tree.one("gcp:serviceaccount/iAMMember:IAMMember", "lake-export-started")
    account = tree.one("gcp:serviceaccount/account:Account", "lake-export")
    assert starts.inputs["role"] == "roles/iam.serviceAccountTokenCreator"
    assert "@gcp-sa-bigquerydatatransfer." in starts.inputs["member"]
    assert account.urn in starts.dependencies
    transfers = tree.of_type("gcp:bigquery/dataTransferConfig:DataTransferConfig")
    assert transfers
    assert all(waits_for(tree, one, starts.name) for one in transfers)


def test_what_names_a_new_agent_is_tried_again(tree: Tree) -> None:
    for resource in tree.resources:
        member = str(resource.inputs.get("member", ""))
        if "@gcp-sa-transcoder." in member or "@gcp-sa-eventarc." in member:
            assert resource.patient, resource.name
