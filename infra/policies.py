"""What must hold of every stack, whatever the topology grows into.

Each policy is a function over the resources as they are registered, so that one text serves twice:
`tests/infra` applies it to the tree that the program makes on mocks, and the CrossGuard pack in
`infra/policy_pack` to the real one, before anything is changed in the cloud.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from infra import access, names
from shared import topology

PUBLIC = frozenset({"allUsers", "allAuthenticatedUsers"})
BASIC_ROLES = frozenset({"roles/owner", "roles/editor", "roles/viewer"})
UNKNOWN = "[unknown]"  # a value that a preview cannot know
END_OF_THE_LINE = ".kept"  # the subscription that keeps what is on a dead-letter topic

BUCKET = "gcp:storage/bucket:Bucket"
DATABASE = "gcp:firestore/database:Database"
BIGTABLE_INSTANCE = "gcp:bigtable/instance:Instance"
BIGTABLE_TABLE = "gcp:bigtable/table:Table"
SPANNER_DATABASE = "gcp:spanner/database:Database"
DATASET = "gcp:bigquery/dataset:Dataset"
WAREHOUSE_TABLE = "gcp:bigquery/table:Table"
TOPIC = "gcp:pubsub/topic:Topic"
SUBSCRIPTION = "gcp:pubsub/subscription:Subscription"
FUNCTION = "gcp:cloudfunctionsv2/function:Function"
JOB = "gcp:cloudrunv2/job:Job"
INVOKER = "gcp:cloudrunv2/serviceIamMember:ServiceIamMember"
SECRET_VERSION = "gcp:secretmanager/secretVersion:SecretVersion"
CRYPTO_KEY = "gcp:kms/cryptoKey:CryptoKey"
PROJECT_MEMBER = "gcp:projects/iAMMember:IAMMember"
_MEMBER = re.compile(r"i[aA][mM]Member:", re.IGNORECASE)


class Registered(Protocol):
    """A resource as `infra.runtime` and the policy pack both know it."""

    @property
    def type(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def inputs(self) -> dict[str, Any]: ...
    @property
    def protect(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Stack:
    """What the policies know of a stack beyond its resources."""

    protect: bool
    regions: tuple[str, ...]


Resources = Sequence[Registered]
Violation = tuple[str, str]  # the resource's name, and what is wrong with it
Check = Callable[[Resources, Stack], Iterable[Violation]]


@dataclass(frozen=True, slots=True)
class Policy:
    """A rule with its reason."""

    name: str
    description: str
    check: Check


POLICIES: list[Policy] = []


def policy(description: str) -> Callable[[Check], Check]:
    """Adds the function to the policies, under its own name."""

    def add(check: Check) -> Check:
        name = str(getattr(check, "__name__", "")).replace("_", "-")
        POLICIES.append(Policy(name, description, check))
        return check

    return add


def _of(resources: Resources, *types: str) -> Iterator[Registered]:
    return (resource for resource in resources if resource.type in types)


def _members(resource: Registered) -> list[str]:
    """Whom an IAM resource grants its role to; none for other resources."""
    if "iam" not in resource.type.lower():
        return []
    given = resource.inputs.get("members") or [resource.inputs.get("member", "")]
    return [str(member) for member in given]


@policy("Buckets are private: uniform access, and public access prevented for good.")
def no_public_bucket(resources: Resources, stack: Stack) -> Iterator[Violation]:
    for bucket in _of(resources, BUCKET):
        if bucket.inputs.get("uniformBucketLevelAccess") is not True:
            yield bucket.name, "has no uniform bucket-level access"
        if bucket.inputs.get("publicAccessPrevention") != "enforced":
            yield bucket.name, "does not enforce public access prevention"


@policy("`allUsers` may call HTTP functions behind the load balancer, and nothing else.")
def public_only_behind_the_balancer(resources: Resources, stack: Stack) -> Iterator[Violation]:
    public = {
        names.service(entry)
        for entry in topology.HTTP_FUNCTIONS
        if any(route.auth is not topology.Auth.SERVICE for route in entry.routes)
    }
    for resource in resources:
        if not PUBLIC.intersection(_members(resource)):
            continue
        invoker = resource.type == INVOKER and resource.inputs.get("role") == "roles/run.invoker"
        if not invoker or resource.inputs.get("name") not in public:
            yield resource.name, "grants to everybody"
    for function in _of(resources, FUNCTION):
        ingress = function.inputs["serviceConfig"].get("ingressSettings")
        wanted = "ALLOW_INTERNAL_AND_GCLB"
        if function.inputs["name"] not in public:
            wanted = "ALLOW_INTERNAL_ONLY"
        if ingress != wanted:
            yield function.name, f"takes calls from {ingress}, not {wanted}"


@policy("Keys of our own encrypt whatever holds people's data, masters or events.")
def customer_managed_encryption(resources: Resources, stack: Stack) -> Iterator[Violation]:
    sensitive = {bucket.name for bucket in topology.BUCKETS if bucket.sensitive}
    for bucket in _of(resources, BUCKET):
        declared = str(bucket.inputs.get("name", "")).rpartition("-")[2]
        if declared in sensitive and not _at(bucket, "encryption", "defaultKmsKeyName"):
            yield bucket.name, "holds masters or people's data without a key of ours"
    for kind, path in (
        (DATABASE, ("cmekConfig", "kmsKeyName")),
        (SPANNER_DATABASE, ("encryptionConfig", "kmsKeyName")),
        (DATASET, ("defaultEncryptionConfiguration", "kmsKeyName")),
        (TOPIC, ("kmsKeyName",)),
    ):
        for resource in _of(resources, kind):
            if not _at(resource, *path):
                yield resource.name, "has no key of ours"
    for instance in _of(resources, BIGTABLE_INSTANCE):
        for cluster in instance.inputs.get("clusters", []):
            if not cluster.get("kmsKeyName"):
                yield instance.name, f"has no key of ours in {cluster.get('zone')}"


def _at(resource: Registered, *path: str) -> Any:
    value: Any = resource.inputs
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value


@policy("A message that cannot be delivered ends on a dead-letter topic, which is kept.")
def subscriptions_have_dead_letters(resources: Resources, stack: Stack) -> Iterator[Violation]:
    for subscription in _of(resources, SUBSCRIPTION):
        if str(subscription.inputs.get("name", "")).endswith(END_OF_THE_LINE):
            continue
        if not _at(subscription, "deadLetterPolicy", "deadLetterTopic"):
            yield subscription.name, "has no dead-letter topic"


@policy("Each function and job runs as an account that nothing else runs as.")
def an_account_each(resources: Resources, stack: Stack) -> Iterator[Violation]:
    runs_as: dict[str, set[str]] = {}
    for function in _of(resources, FUNCTION):
        account = function.inputs["serviceConfig"].get("serviceAccountEmail", "")
        runs_as.setdefault(account, set()).add(function.inputs["name"])
    for job in _of(resources, JOB):
        account = _at(job, "template", "template", "serviceAccount") or ""
        runs_as.setdefault(account, set()).add(f"job {job.inputs['name']}")
    runs_as.pop(UNKNOWN, None)
    for account, entries in runs_as.items():
        if not account or account.endswith("-compute@developer.gserviceaccount.com"):
            yield ", ".join(sorted(entries)), "runs as the project's default account"
        elif len(entries) > 1:
            yield account, f"is shared by {', '.join(sorted(entries))}"


@policy("Our accounts have the roles that their declarations ask for, and no basic one.")
def no_role_wider_than_declared(resources: Resources, stack: Stack) -> Iterator[Violation]:
    declared = {
        names.account_id(entry): Counter(
            [
                *(grant.role for grant in access.grants(entry)),
                access.search_role(entry) or "",
                *access.spark_roles(entry),
            ]
        )
        for entry in topology.ENTRIES.values()
    }
    for resource in resources:
        role = resource.inputs.get("role")
        if not isinstance(role, str):
            continue
        if role in BASIC_ROLES:
            yield resource.name, f"grants {role}"
        for member in _members(resource):
            account = member.partition(":")[2].partition("@")[0]
            if account in declared and not _asked_for(role, declared[account]):
                yield resource.name, f"gives {account} {role}, which it does not declare"


def _asked_for(role: str, declared: Counter[str]) -> bool:
    """Custom roles are named by their full path in a grant, and by their id in `infra.access`."""
    return role in declared or role.rpartition("/")[2] in {d.rpartition("/")[2] for d in declared}


@policy("Where the stack is protected, nothing that holds state can be deleted by mistake.")
def state_is_protected(resources: Resources, stack: Stack) -> Iterator[Violation]:
    if not stack.protect:
        return
    for bucket in _of(resources, BUCKET):
        if bucket.inputs.get("forceDestroy"):
            yield bucket.name, "is deleted with its objects"
    for kind, setting, wanted in (
        (DATABASE, "deleteProtectionState", "DELETE_PROTECTION_ENABLED"),
        (BIGTABLE_INSTANCE, "deletionProtection", True),
        (BIGTABLE_TABLE, "deletionProtection", "PROTECTED"),
        (SPANNER_DATABASE, "enableDropProtection", True),
        (WAREHOUSE_TABLE, "deletionProtection", True),
        (DATASET, "deleteContentsOnDestroy", False),
    ):
        for resource in _of(resources, kind):
            if resource.inputs.get(setting) != wanted:
                yield resource.name, f"has {setting} {resource.inputs.get(setting)!r}"
    kinds = (BUCKET, DATABASE, BIGTABLE_INSTANCE, SPANNER_DATABASE, DATASET, CRYPTO_KEY)
    for resource in _of(resources, *kinds):
        if not resource.protect:
            yield resource.name, "is not protected in Pulumi"


@policy("Secrets are read at a numbered version; `latest` changes under a running function.")
def secret_versions_are_numbered(resources: Resources, stack: Stack) -> Iterator[Violation]:
    for resource in resources:
        if re.search(r"versions/latest|\"latest\"", json.dumps(resource.inputs, default=str)):
            yield resource.name, "names the latest version"
    fixed = {secret.name for secret in topology.SECRETS if not secret.dynamic}
    for entry, variables in _environments(resources):
        pinned = json.loads(variables.get("SEGUE_SECRET_VERSIONS", "{}"))
        for name in sorted(fixed - {n for n, v in pinned.items() if type(v) is int and v > 0}):
            yield entry, f"does not pin {name}"
        for cdn in json.loads(variables.get("SEGUE_CDNS", "[]")):
            if type(cdn.get("key_version")) is not int:
                yield entry, f"does not pin the key of CDN {cdn.get('name')}"


def _environments(resources: Resources) -> Iterator[tuple[str, dict[str, str]]]:
    for function in _of(resources, FUNCTION):
        variables = _at(function, "serviceConfig", "environmentVariables") or {}
        if variables != UNKNOWN:
            yield function.name, variables
    for job in _of(resources, JOB):
        for container in _at(job, "template", "template", "containers") or []:
            pairs = container.get("envs", [])
            if pairs != UNKNOWN:
                yield job.name, {pair["name"]: pair["value"] for pair in pairs}


@policy("Every function, Bigtable cluster and queue stands in every region of the stack.")
def every_region_is_present(resources: Resources, stack: Stack) -> Iterator[Violation]:
    standing: dict[str, set[str]] = {}
    for function in _of(resources, FUNCTION):
        standing.setdefault(function.inputs["name"], set()).add(function.inputs["location"])
    for instance in _of(resources, BIGTABLE_INSTANCE):
        zones = {str(c["zone"]).rpartition("-")[0] for c in instance.inputs.get("clusters", [])}
        standing["bigtable"] = zones
    for name, regions in standing.items():
        for region in sorted(set(stack.regions) - regions):
            yield name, f"does not stand in {region}"


def violations(resources: Resources, stack: Stack) -> list[str]:
    """Every violation of every policy, as lines for people."""
    return [
        f"{rule.name}: {name} {what}"
        for rule in POLICIES
        for name, what in rule.check(resources, stack)
    ]
