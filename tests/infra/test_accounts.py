"""Service accounts and their roles, as resources on what the other components make."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pulumi_gcp as gcp
import pytest

from infra import access, names, roles
from infra.components.accounts import Accounts, Grants, Made
from infra.components.project import Project
from infra.config import StackConfig
from infra.runtime import PROJECT_NUMBER, Resource, Tree, run_on_mocks
from infra.stacks import example
from shared import topology
from shared.resources import Bucket, Family, HttpFunction, Job, Table, Topic
from tests.infra.provider_types import faults

ACCOUNT = "gcp:serviceaccount/account:Account"
ON_PROJECT = "gcp:projects/iAMMember:IAMMember"
CUSTOM_ROLE = "gcp:projects/iAMCustomRole:IAMCustomRole"


def others(config: StackConfig) -> Made:
    """What the other components would make, as far as roles are granted on it."""
    instance = gcp.bigtable.Instance("segue", name="segue")
    secrets = [one.name for one in topology.SECRETS if not one.dynamic]
    ring = "projects/p/locations/global/keyRings/segue"
    queried = [one.name for one in topology.WAREHOUSE_TABLES]
    queried += [one.name for one in topology.WAREHOUSE_VIEWS]
    return Made(
        buckets={
            one.name: gcp.storage.Bucket(
                one.name, name=names.bucket(one, config.project), location="US"
            )
            for one in topology.BUCKETS
        },
        topics={one.name: gcp.pubsub.Topic(one.name, name=one.name) for one in topology.TOPICS},
        dead_letters={
            one.name: gcp.pubsub.Topic(one.dead_letter, name=one.dead_letter)
            for one in topology.TOPICS
        },
        tables={
            one.name: gcp.bigtable.Table(one.name, name=one.name, instance_name=instance.name)
            for one in topology.TABLES
        },
        queues={
            one.name: {
                region: gcp.cloudtasks.Queue(f"{one.name}-{region}", name=one.name, location=region)
                for region in config.regions
            }
            for one in topology.QUEUES
        },
        secrets={
            name: gcp.secretmanager.Secret(
                name,
                secret_id=name,
                replication=gcp.secretmanager.SecretReplicationArgs(
                    auto=gcp.secretmanager.SecretReplicationAutoArgs()
                ),
            )
            for name in (*secrets, *(cdn.secret for cdn in config.cdns))
        },
        keys={
            one.name: gcp.kms.CryptoKey(one.name, name=one.name, key_ring=ring)
            for one in topology.CRYPTO_KEYS
        },
        warehouse={
            name: gcp.bigquery.Table(name, table_id=name, dataset_id="segue") for name in queried
        },
    )


def make(stack: str) -> Tree:
    def program() -> dict[str, Any]:
        config = example(stack)
        project = Project(config)
        accounts = Accounts(config, project)
        Grants(config, project, accounts, others(config))
        return {}

    return run_on_mocks(program, stack=stack)


@cache
def made(stack: str) -> tuple[StackConfig, Tree]:
    return example(stack), make(stack)


STACKS = pytest.mark.parametrize("stack", ["dev", "prod"])


def account_of(entry: str, config: StackConfig) -> str:
    address = names.email(names.account_id(topology.ENTRIES[entry]), config.project)
    return f"serviceAccount:{address}"


def caller_of(entry: str, config: StackConfig) -> str:
    return names.email(names.caller_id(topology.ENTRIES[entry]), config.project)


# Where each kind of grant says what it is on.
_ON = {
    "gcp:storage/bucketIAMMember:BucketIAMMember": ("bucket",),
    "gcp:bigtable/tableIamMember:TableIamMember": ("table",),
    "gcp:bigtable/instanceIamMember:InstanceIamMember": ("instance",),
    "gcp:bigquery/iamMember:IamMember": ("tableId",),
    "gcp:pubsub/topicIAMMember:TopicIAMMember": ("topic",),
    "gcp:cloudtasks/queueIamMember:QueueIamMember": ("name", "location"),
    "gcp:secretmanager/secretIamMember:SecretIamMember": ("secretId",),
    "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember": ("cryptoKeyId",),
    "gcp:serviceaccount/iAMMember:IAMMember": ("serviceAccountId",),
    ON_PROJECT: ("project",),
}


def grants_of(tree: Tree, member: str) -> set[tuple[str, ...]]:
    """(role, what it is on, …) of everything that a member gets."""
    return {
        (r.inputs["role"].rpartition("/")[2], *(r.inputs[name] for name in _ON[r.type]))
        for r in tree.resources
        if r.inputs.get("member") == member
    }


# --- accounts -------------------------------------------------------------------------------


@STACKS
def test_the_provider_takes_every_input(stack: str) -> None:
    _, tree = made(stack)
    assert [fault for r in tree.resources if r.custom for fault in faults(r)] == []


@STACKS
def test_every_entry_has_an_account_of_its_own(stack: str) -> None:
    _, tree = made(stack)
    ids = [r.inputs["accountId"] for r in tree.of_type(ACCOUNT)]
    assert len(set(ids)) == len(ids)
    assert all(6 <= len(one) <= 30 for one in ids)
    for entry in topology.ENTRIES.values():
        assert names.account_id(entry) in ids


@STACKS
def test_google_calls_each_entry_as_another_account(stack: str) -> None:
    _, tree = made(stack)
    called = {
        one.removeprefix("call-")
        for r in tree.of_type(ACCOUNT)
        if (one := r.inputs["accountId"]).startswith("call-")
    }
    assert called == {
        "prime-cdn",
        *(names.service(entry) for entry in topology.EVENT_FUNCTIONS),
        *(names.service(job) for job in topology.JOBS if job.schedule),
    }
    assert "seed-accounts" not in called  # started by hand
    # Whoever calls gets nothing here: what it may call is granted where that is made.
    for name in topology.ENTRIES:
        callers = f"serviceAccount:{caller_of(name, example(stack))}"
        assert grants_of(tree, callers) == set()


@STACKS
def test_the_account_whose_key_signs_uploads_may_only_add_masters(stack: str) -> None:
    config, tree = made(stack)
    member = f"serviceAccount:{names.email('uploads', config.project)}"
    masters = f"{config.project}-masters"
    assert grants_of(tree, member) == {("storage.objectCreator", masters)}
    (grant,) = [r for r in tree.resources if r.inputs.get("member") == member]
    assert grant.inputs["condition"]["expression"] == (
        f'resource.name.startsWith("projects/_/buckets/{masters}/objects/uploads/")'
    )


# --- roles ----------------------------------------------------------------------------------


@STACKS
def test_a_reader_of_the_catalogue(stack: str) -> None:
    config, tree = made(stack)
    assert grants_of(tree, account_of("catalog", config)) == {
        ("datastore.user", config.project),
        ("bigtable.user", "rate_windows"),
        ("bigtable.reader", "play_counts"),
        ("segueBigtableWarmer", "segue"),
    }


@STACKS
def test_who_queues_tasks_may_sign_them_as_their_caller(stack: str) -> None:
    config, tree = made(stack)
    caller = next(r for r in tree.of_type(ACCOUNT) if r.inputs["accountId"] == "call-prime-cdn")
    assert grants_of(tree, account_of("queue_cdn_priming", config)) == {
        ("datastore.viewer", config.project),
        ("pubsub.publisher", "track-published-dead"),
        *(("cloudtasks.enqueuer", "cdn-priming", region) for region in config.regions),
        ("iam.serviceAccountUser", caller.name),
    }


@STACKS
def test_who_signs_urls_reads_the_key_of_every_cdn(stack: str) -> None:
    config, tree = made(stack)
    assert grants_of(tree, account_of("prime_cdn", config)) == {
        ("secretmanager.secretAccessor", f"cdn-key-{cdn.name}") for cdn in config.cdns
    }


@STACKS
def test_temporary_secrets_are_told_by_their_names(stack: str) -> None:
    config, tree = made(stack)
    member = account_of("validate_master", config)
    conditions = {
        r.inputs["role"].rpartition("/")[2]: r.inputs.get("condition", {}).get("expression")
        for r in tree.of_type(ON_PROJECT)
        if r.inputs["member"] == member
    }
    prefix = f"projects/{PROJECT_NUMBER}/secrets/transcode-key-"
    assert conditions["segueTemporarySecrets"] == f'resource.name.startsWith("{prefix}")'
    assert conditions["segueSecretCreator"] is None
    assert not any(role == "secretmanager.secretAccessor" for role, *_ in grants_of(tree, member))


def test_who_moves_traffic_acts_as_functions_and_as_no_job() -> None:
    config, tree = made("prod")
    acts_as = {
        on[0]
        for role, *on in grants_of(tree, account_of("advance_rollouts", config))
        if role == "iam.serviceAccountUser"
    }
    functions = [one for one in topology.ENTRIES.values() if not isinstance(one, Job)]
    assert acts_as == {names.account_id(function) for function in functions}


@STACKS
def test_firestore_is_granted_for_our_databases_alone(stack: str) -> None:
    config, tree = made(stack)
    wanted = {
        f"projects/{config.project}/databases/{names.database(zone, next(iter(config.residency)))}"
        for zone in config.residency
    }
    granted = [r for r in tree.of_type(ON_PROJECT) if "datastore" in r.inputs["role"]]
    assert granted
    for grant in granted:
        tests = grant.inputs["condition"]["expression"].split(" || ")
        assert {test.removeprefix('resource.name == "').rstrip('"') for test in tests} == wanted


@STACKS
def test_grants_and_resources_are_the_same(stack: str) -> None:
    config, tree = made(stack)
    for entry in topology.ENTRIES.values():
        granted = {role for role, *_ in grants_of(tree, account_of(entry.name, config))}
        assert granted == {grant.role.rpartition("/")[2] for grant in access.grants(entry)}


@STACKS
def test_only_what_must_be_is_granted_on_the_project(stack: str) -> None:
    _, tree = made(stack)
    for grant in tree.of_type(ON_PROJECT):
        role = grant.inputs["role"]
        short = role if role in roles.PROJECT_LEVEL else role.rpartition("/")[2]
        assert short in roles.PROJECT_LEVEL


@STACKS
def test_custom_roles_are_made_with_their_permissions(stack: str) -> None:
    config, tree = made(stack)
    made_roles = {r.inputs["roleId"]: r.inputs["permissions"] for r in tree.of_type(CUSTOM_ROLE)}
    assert made_roles == {role: list(held) for role, held in roles.CUSTOM_ROLES.items()}
    used = {r.inputs.get("role") for r in tree.resources}
    assert {f"projects/{config.project}/roles/{role}" for role in made_roles} <= used


# --- a topology that grows ------------------------------------------------------------------


def grown(monkeypatch: pytest.MonkeyPatch, entry: topology.Entry, **declared: Any) -> Tree:
    """The stack dev with `entry`, and further declarations."""
    for name, more in declared.items():
        monkeypatch.setattr(topology, name, (*getattr(topology, name), *more))
    monkeypatch.setattr(topology, "ENTRIES", {**topology.ENTRIES, entry.name: entry})
    return make("dev")


def test_a_new_function_needs_no_change(monkeypatch: pytest.MonkeyPatch) -> None:
    letters = Table("letters", (Family("text"),))
    sent = Topic("letter-sent", schema=None)
    stamps = Bucket("stamps")
    entry = HttpFunction(
        name="fan_mail",
        routes=(),
        reads=(topology.USERS, stamps),
        writes=(letters,),
        publishes=(sent,),
    )
    tree = grown(monkeypatch, entry, TABLES=(letters,), TOPICS=(sent,), BUCKETS=(stamps,))
    config = example("dev")
    assert grants_of(tree, account_of("fan_mail", config)) == {
        ("datastore.viewer", config.project),
        ("bigtable.user", "letters"),
        ("segueBigtableWarmer", "segue"),
        ("storage.objectViewer", f"{config.project}-stamps"),
        ("pubsub.publisher", "letter-sent"),
    }


def test_a_report_queries_what_it_declares(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = Job(name="report", schedule="0 4 * * *", reads=(topology.PLAYBACK_EVENTS_VIEW,))
    tree = grown(monkeypatch, entry)
    config = example("dev")
    assert grants_of(tree, account_of("report", config)) == {
        ("bigquery.dataViewer", "playback_events"),
        ("bigquery.dataViewer", "playback_events_unique"),
        ("bigquery.jobUser", config.project),
    }
    assert "call-report" in {r.inputs["accountId"] for r in tree.of_type(ACCOUNT)}


def test_a_wider_declaration_adds_its_own_resource_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    before = {identity(r) for r in make("dev").resources}
    wider = replace(topology.ENTRIES["catalog"], publishes=(topology.FOLLOW_CHANGED,))
    after = {identity(r) for r in grown(monkeypatch, wider).resources}
    assert after - before == {
        (
            "gcp:pubsub/topicIAMMember:TopicIAMMember",
            "catalog-pubsub.publisher-follow-changed",
        )
    }
    assert before <= after


def identity(resource: Resource) -> tuple[str, str]:
    return resource.type, resource.name


def test_a_condition_is_never_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = access.grants

    def narrowed(entry: topology.Entry) -> tuple[access.Grant, ...]:
        return tuple(replace(one, condition=access.OUR_DATABASES) for one in plain(entry))

    monkeypatch.setattr(access, "grants", narrowed)
    with pytest.raises(Exception, match="a condition on the"):
        make("dev")
