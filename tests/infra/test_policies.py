"""Both stacks keep every policy, and each policy notices when it is broken."""

from __future__ import annotations

import copy
import json
import runpy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from pulumi_policy import (
    PolicyCustomTimeouts,
    PolicyResource,
    PolicyResourceOptions,
    StackValidationArgs,
)

from infra import policies
from infra.config import StackConfig
from infra.policies import Stack, violations
from infra.runtime import Resource, Tree
from infra.stacks import ROOT


def stack_of(config: StackConfig) -> Stack:
    return Stack(protect=config.protect, regions=config.regions)


def test_the_stack_keeps_every_policy(made: tuple[StackConfig, Tree]) -> None:
    config, tree = made
    assert violations(tree.resources, stack_of(config)) == []


Break = Callable[[dict[str, Any]], Any]


def _environment(changed: dict[str, str]) -> Break:
    return lambda inputs: inputs["serviceConfig"]["environmentVariables"].update(changed)


LYRICS = "fn-lyrics@segue-prod-example.iam.gserviceaccount.com"

SABOTAGE: list[tuple[str, str, Break]] = [
    (
        "no-public-bucket",
        policies.BUCKET,
        lambda i: i.update(publicAccessPrevention="inherited"),
    ),
    ("no-public-bucket", policies.BUCKET, lambda i: i.update(uniformBucketLevelAccess=False)),
    (
        "public-only-behind-the-balancer",
        "gcp:storage/bucketIAMMember:BucketIAMMember",
        lambda i: i.update(member="allUsers"),
    ),
    (
        "public-only-behind-the-balancer",
        policies.INVOKER,
        lambda i: i.update(member="allAuthenticatedUsers", name="prime-cdn"),
    ),
    (
        "public-only-behind-the-balancer",
        policies.FUNCTION,
        lambda i: i["serviceConfig"].update(ingressSettings="ALLOW_ALL"),
    ),
    ("customer-managed-encryption", policies.DATABASE, lambda i: i.pop("cmekConfig")),
    ("customer-managed-encryption", policies.TOPIC, lambda i: i.pop("kmsKeyName")),
    (
        "customer-managed-encryption",
        policies.BIGTABLE_INSTANCE,
        lambda i: i["clusters"][-1].pop("kmsKeyName"),
    ),
    (
        "customer-managed-encryption",
        policies.DATASET,
        lambda i: i.pop("defaultEncryptionConfiguration"),
    ),
    (
        "subscriptions-have-dead-letters",
        policies.SUBSCRIPTION,
        lambda i: i.update(name="a.b") or i.pop("deadLetterPolicy", None),
    ),
    (
        "an-account-each",
        policies.FUNCTION,
        lambda i: i["serviceConfig"].update(serviceAccountEmail=LYRICS),
    ),
    (
        "an-account-each",
        policies.JOB,
        lambda i: i["template"]["template"].pop("serviceAccount"),
    ),
    (
        "no-role-wider-than-declared",
        policies.PROJECT_MEMBER,
        lambda i: i.update(member="serviceAccount:fn-catalog@p", role="roles/storage.admin"),
    ),
    (
        "no-role-wider-than-declared",
        policies.PROJECT_MEMBER,
        lambda i: i.update(member="serviceAccount:deployer@p", role="roles/editor"),
    ),
    ("state-is-protected", policies.BUCKET, lambda i: i.update(forceDestroy=True)),
    (
        "state-is-protected",
        policies.DATABASE,
        lambda i: i.update(deleteProtectionState="DELETE_PROTECTION_DISABLED"),
    ),
    (
        "state-is-protected",
        policies.BIGTABLE_INSTANCE,
        lambda i: i.update(deletionProtection=False),
    ),
    ("state-is-protected", policies.WAREHOUSE_TABLE, lambda i: i.pop("deletionProtection")),
    ("state-is-protected", policies.DATASET, lambda i: i.update(deleteContentsOnDestroy=True)),
    (
        "secret-versions-are-numbered",
        policies.FUNCTION,
        _environment({"SEGUE_SECRET_VERSIONS": json.dumps({"token-signing-key": "latest"})}),
    ),
    (
        "secret-versions-are-numbered",
        policies.FUNCTION,
        _environment({"SEGUE_CDNS": json.dumps([{"name": "google"}])}),
    ),
    (
        "every-region-is-present",
        policies.BIGTABLE_INSTANCE,
        lambda i: i["clusters"].pop(),
    ),
    (
        "every-region-is-present",
        policies.FUNCTION,
        lambda i: i.update(location="mars-north1"),
    ),
]


@pytest.mark.parametrize(("name", "type_", "damage"), SABOTAGE)
def test_a_policy_notices_when_it_is_broken(
    name: str, type_: str, damage: Break, prod: tuple[StackConfig, Tree]
) -> None:
    config, tree = prod
    broken: list[Resource] = list(tree.resources)
    index = max(i for i, resource in enumerate(broken) if resource.type == type_)
    inputs = copy.deepcopy(broken[index].inputs)
    damage(inputs)
    broken[index] = replace(broken[index], inputs=inputs)
    found = violations(broken, stack_of(config))
    assert found
    assert all(line.startswith(f"{name}: ") for line in found), found


def test_every_policy_is_broken_once() -> None:
    unprotected = {"state-is-protected"}
    assert {name for name, _, _ in SABOTAGE} | unprotected == {p.name for p in policies.POLICIES}


def test_what_pulumi_does_not_protect_is_noticed(prod: tuple[StackConfig, Tree]) -> None:
    config, tree = prod
    broken = [replace(resource, protect=False) for resource in tree.resources]
    found = violations(broken, stack_of(config))
    assert any("(default)" in line or "masters" in line for line in found)
    assert violations(broken, replace(stack_of(config), protect=False)) == []


# --- the CrossGuard pack --------------------------------------------------------------------


def crossguard(tree: Tree) -> list[str]:
    """What the pack's own policies report, given the resources as CrossGuard hands them over."""
    pack = runpy.run_path(str(ROOT / "infra" / "policy_pack" / "__main__.py"))
    resources = [
        PolicyResource(
            resource.type,
            resource.inputs,
            resource.urn,
            resource.name,
            PolicyResourceOptions(
                resource.protect, [], False, [], PolicyCustomTimeouts(0, 0, 0), [], None
            ),
            None,
            None,
            [],
            {},
        )
        for resource in tree.resources
        if resource.custom
    ]
    reported: list[str] = []
    for policy in pack["policies"]():
        policy.validate(
            StackValidationArgs(resources, {}, {}),
            lambda message, _urn, name=policy.name: reported.append(f"{name}: {message}"),
        )
    return reported


def test_the_pack_says_the_same(prod: tuple[StackConfig, Tree]) -> None:
    _, tree = prod
    assert crossguard(tree) == []
    opened = [
        replace(r, inputs={**r.inputs, "publicAccessPrevention": "inherited"})
        if r.type == policies.BUCKET
        else r
        for r in tree.resources
    ]
    reported = crossguard(replace(tree, resources=tuple(opened)))
    assert len(reported) == len(tree.of_type(policies.BUCKET))
    assert all(line.startswith("no-public-bucket: ") for line in reported)
