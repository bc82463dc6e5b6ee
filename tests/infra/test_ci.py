"""Workload identity: which job of GitHub's may do what, by the claims of its token."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest

from infra.components.ci import DEPLOYER_ROLES, PREVIEWER_ROLES, WorkloadIdentity
from infra.components.project import Project
from infra.config import StackConfig
from infra.runtime import PROJECT_NUMBER, Tree, run_on_mocks
from infra.stacks import example
from tests.infra.provider_types import faults

PROVIDER = "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider"
ON_PROJECT = "gcp:projects/iAMMember:IAMMember"
ON_ACCOUNT = "gcp:serviceaccount/iAMMember:IAMMember"
REPOSITORY = "segue-music/segue"


@cache
def made() -> Tree:
    def program() -> dict[str, Any]:
        config = example("prod")
        identity = WorkloadIdentity(config, Project(config))
        return {"provider": identity.provider.name, "deployer": identity.deployer.email}

    return run_on_mocks(program, stack="prod")


def claims(sub: str, ref: str, repository: str = REPOSITORY) -> dict[str, str]:
    """As GitHub signs them:
    https://docs.github.com/en/actions/reference/security/oidc#example-subject-claims"""
    return {"sub": f"repo:{repository}:{sub}", "ref": ref, "repository": repository}


def holds(expression: str, token: dict[str, str]) -> bool:
    """The little CEL that the provider is given: equalities, joined by `&&`."""
    terms = [
        re.fullmatch(r"assertion\.(\w+) == '([^']*)'", term) for term in expression.split(" && ")
    ]
    assert all(terms), expression
    return all(token[term[1]] == term[2] for term in terms if term)


def purpose(token: dict[str, str]) -> str | None:
    """What a token is for; None where it is refused."""
    inputs = made().of_type(PROVIDER)[0].inputs
    if not holds(inputs["attributeCondition"], token):
        return None
    mapped = inputs["attributeMapping"]["attribute.purpose"]
    parts = re.fullmatch(r"(.*) \? '(\w+)' : '(\w+)'", mapped)
    assert parts
    return parts[2] if holds(parts[1], token) else parts[3]


@pytest.mark.parametrize(
    ("token", "wanted"),
    [
        (claims("environment:prod", "refs/heads/main"), "deploy"),
        # An environment that lets other branches in is not enough.
        (claims("environment:prod", "refs/heads/experiment"), "preview"),
        (claims("environment:prod", "refs/pull/7/merge"), "preview"),
        (claims("environment:dev", "refs/heads/main"), "preview"),
        (claims("ref:refs/heads/main", "refs/heads/main"), "preview"),
        (claims("pull_request", "refs/pull/7/merge"), "preview"),
        (claims("environment:prod", "refs/heads/main", "mallory/segue"), None),
        (claims("environment:prod", "refs/heads/main", f"{REPOSITORY}-fork"), None),
    ],
)
def test_main_deploys_from_its_environment_and_all_else_previews(
    token: dict[str, str], wanted: str | None
) -> None:
    assert purpose(token) == wanted


def test_each_purpose_has_an_account() -> None:
    pool = f"projects/{PROJECT_NUMBER}/locations/global/workloadIdentityPools/github"
    users = {r.inputs["serviceAccountId"]: r.inputs for r in made().of_type(ON_ACCOUNT)}
    assert {account: inputs["member"] for account, inputs in users.items()} == {
        f"ci-{who}": f"principalSet://iam.googleapis.com/{pool}/attribute.purpose/{purpose}"
        for who, purpose in (("deployer", "deploy"), ("previewer", "preview"))
    }
    assert {inputs["role"] for inputs in users.values()} == {"roles/iam.workloadIdentityUser"}


def test_no_key_is_made() -> None:
    assert not [r for r in made().resources if r.type == "gcp:serviceaccount/key:Key"]
    (provider,) = made().of_type(PROVIDER)
    assert provider.inputs["oidc"] == {"issuerUri": "https://token.actions.githubusercontent.com"}


def test_roles_are_the_ones_that_are_listed_with_reasons() -> None:
    granted: dict[str, set[str]] = {}
    for grant in made().of_type(ON_PROJECT):
        account = grant.inputs["member"].partition(":")[2].partition("@")[0]
        granted.setdefault(account, set()).add(grant.inputs["role"])
    assert granted == {"ci-deployer": set(DEPLOYER_ROLES), "ci-previewer": set(PREVIEWER_ROLES)}
    for role, reason in (DEPLOYER_ROLES | PREVIEWER_ROLES).items():
        assert role not in ("roles/owner", "roles/editor", "roles/viewer")
        assert reason
    for role in PREVIEWER_ROLES:
        assert not re.search(r"admin|owner|editor|user|writer", role, re.IGNORECASE)


# Where the provider's module and the roles' service have different names.
SERVICES = {
    "cloudfunctionsv2": {"cloudfunctions"},
    "cloudrunv2": {"run"},
    "firestore": {"datastore"},
    "index": {"artifactregistry"},  # of docker-build: it pushes there
    "kms": {"cloudkms"},
    "projects": {"resourcemanager", "iam", "serviceusage"},
    "recaptcha": {"recaptchaenterprise"},
    "serviceaccount": {"iam"},
}
OUTSIDE = {"billing"}  # of the project, so an operator lets the deployer in


def test_the_deployer_has_a_role_for_every_service_and_none_to_spare(
    prod: tuple[StackConfig, Tree],
) -> None:
    _, tree = prod
    made = [r for r in tree.resources if r.custom and not r.type.startswith("pulumi:providers:")]
    modules = {resource.type.split(":")[1].partition("/")[0] for resource in made}
    needed = {service for module in modules - OUTSIDE for service in SERVICES.get(module, {module})}
    assert {role.removeprefix("roles/").partition(".")[0] for role in DEPLOYER_ROLES} == needed


def test_the_provider_takes_every_input() -> None:
    assert [fault for r in made().resources if r.custom for fault in faults(r)] == []


def test_a_stack_without_a_repository_says_what_is_missing() -> None:
    config = example("dev")
    with pytest.raises(ValueError, match="segue:ciRepository"):
        WorkloadIdentity(config, None)  # type: ignore[arg-type]
