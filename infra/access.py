"""Roles of service accounts, from what the topology declares and from nothing else.

`grants` gives a function or job the least that Google Cloud can express for its declarations;
`explain` says the same in words. Two limits are Google Cloud's own: Firestore cannot tell one
collection from another, so whoever writes one may write all of them (the local cloud does refuse
that), and what stands in `roles.PROJECT_LEVEL` cannot be granted on less than a project.

https://cloud.google.com/iam/docs/conditions-resource-attributes
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from infra.roles import (
    ACT_AS,
    FIRESTORE_READER,
    FIRESTORE_WRITER,
    JOB_USER,
    PROJECT_LEVEL,
    SEARCH_READER,
    SEARCH_WRITER,
    SERVICE_ROLES,
    SPARK_SUBMITTER,
)
from shared import topology
from shared.topology import Resource

SPARK_SUBMITTER_ENTRY = "train_embeddings"
_SEARCH_BUILDER = "build_search_index"  # loads the whole catalogue, whichever engine it is for
# Dynamic secrets that entries read and the stack makes, one for each CDN.
_MADE_BY_STACK = (topology.CDN_KEYS,)
_READER: dict[type[Resource], str] = {
    topology.Bucket: "roles/storage.objectViewer",
    topology.Table: "roles/bigtable.reader",
    topology.WarehouseTable: "roles/bigquery.dataViewer",
    topology.WarehouseView: "roles/bigquery.dataViewer",
}
_WRITER: dict[type[Resource], str] = {
    topology.Bucket: "roles/storage.objectUser",
    topology.Table: "roles/bigtable.user",
    topology.WarehouseTable: "roles/bigquery.dataEditor",
}


@dataclass(frozen=True, slots=True)
class Condition:
    """An IAM condition. In the `expression`, `{project}` and `{number}` stand for the project's id
    and number; `{databases}` for a test of `resource.name` against the stack's databases."""

    title: str
    expression: str

    def filled(self, project: str, number: str, databases: Sequence[str]) -> str:
        """The expression for one stack."""
        names = (f'resource.name == "projects/{project}/databases/{one}"' for one in databases)
        values = {"project": project, "number": number, "databases": " || ".join(names)}
        return re.sub(r"\{(\w+)\}", lambda found: values[found[1]], self.expression)


@dataclass(frozen=True, slots=True)
class Project:
    """The whole project."""


@dataclass(frozen=True, slots=True)
class BigtableInstance:
    """The instance that holds all tables."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """The dead-letter topic of `topic`."""

    topic: topology.Topic


@dataclass(frozen=True, slots=True)
class Caller:
    """The service account as which Google calls the entry `name`."""

    name: str


@dataclass(frozen=True, slots=True)
class FunctionIdentities:
    """The service accounts that all HTTP and event functions run as."""


On = Resource | Project | BigtableInstance | DeadLetter | Caller | FunctionIdentities


@dataclass(frozen=True, slots=True)
class Grant:
    """A role (Google's, or a key of `roles.CUSTOM_ROLES`) on one thing, with the declaration that
    asks for it."""

    role: str
    on: On
    reason: str
    condition: Condition | None = None


OUR_DATABASES = Condition("our-databases", "{databases}")

# What is signed with an account's key is done as that account (`Secret.account_key`).
_SIGNING_ACCOUNTS = {
    "uploads": (
        # It adds objects and replaces none: an address that leaks cannot change a master.
        Grant(
            "roles/storage.objectCreator",
            topology.MASTERS,
            "people upload to addresses that are signed as this account",
            Condition(
                "uploads-alone",
                "resource.name.startsWith("
                f'"projects/_/buckets/{{project}}-{topology.MASTERS.name}/objects/uploads/")',
            ),
        ),
    )
}


def grants(entry: topology.Entry) -> tuple[Grant, ...]:
    """What the service account of `entry` gets; nothing where it declares nothing (logs need no
    role). Raises ValueError for a declaration that no role stands for."""
    writes = tuple(dict.fromkeys(entry.writes))
    mounts: tuple[Resource, ...] = entry.mounts if isinstance(entry, topology.Job) else ()
    reads = tuple(one for one in dict.fromkeys((*entry.reads, *mounts)) if one not in writes)
    return (
        *_firestore(reads, writes),
        *_stored(entry.name, reads, writes),
        *_published(entry),
        *(grant for used in dict.fromkeys(entry.uses) for grant in _used(entry.name, used)),
    )


def search_role(entry: topology.Entry) -> str | None:
    """The role (a key of `roles.SEARCH_ROLES`) of `entry` on the database of search, in stacks that
    have one: whoever writes what became of documents writes it there too, whoever reads that
    searches there."""
    if entry.name == _SEARCH_BUILDER or topology.SEARCH_CHANGES in entry.writes:
        return SEARCH_WRITER
    return SEARCH_READER if topology.SEARCH_CHANGES in entry.reads else None


def spark_roles(entry: topology.Entry) -> tuple[str, ...]:
    """The roles of `entry` where Spark factorises: to start batches, as the account that they run
    as."""
    return (SPARK_SUBMITTER, ACT_AS) if entry.name == SPARK_SUBMITTER_ENTRY else ()


def signing_grants(account: str) -> tuple[Grant, ...]:
    """What the service account gets whose key is a secret of the topology."""
    if account not in _SIGNING_ACCOUNTS:
        raise ValueError(
            f"the topology has a key of the account {account!r}, and infra/access.py does not say "
            "what may be done with it; add it to _SIGNING_ACCOUNTS"
        )
    return _SIGNING_ACCOUNTS[account]


class Explained(NamedTuple):
    """A grant in words."""

    role: str
    on: str
    why: str


def explain(entry: topology.Entry) -> list[Explained]:
    """The grants of `entry`, for people."""
    return [
        Explained(
            grant.role,
            target(grant.on) + (f" [{grant.condition.title}]" if grant.condition else ""),
            grant.reason,
        )
        for grant in grants(entry)
    ]


def target(on: On) -> str:
    """What a role is granted on, in a few words."""
    match on:
        case Project():
            return "project"
        case BigtableInstance():
            return "Bigtable instance"
        case DeadLetter(topic):
            return f"topic {topic.dead_letter}"
        case Caller(name):
            return f"account that calls {name}"
        case FunctionIdentities():
            return "accounts of all functions"
        case topology.Secret(dynamic=True):
            return f"secrets {on.name}-*"
    kind = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(on).__name__).lower()
    return f"{kind} {on.name}"


def _names(resources: Iterable[Resource]) -> str:
    return ", ".join(one.name for one in resources)


def _on_project(role: str, declared: str, condition: Condition | None = None) -> Grant:
    return Grant(role, Project(), f"{declared} ({PROJECT_LEVEL[role]})", condition)


def _firestore(reads: Iterable[Resource], writes: Iterable[Resource]) -> Iterator[Grant]:
    written = [one for one in writes if isinstance(one, topology.Collection)]
    read = [one for one in reads if isinstance(one, topology.Collection)]
    declared = [
        f"{verb} {_names(held)}" for verb, held in (("writes", written), ("reads", read)) if held
    ]
    if declared:
        role = FIRESTORE_WRITER if written else FIRESTORE_READER
        yield _on_project(role, "; ".join(declared), OUR_DATABASES)


def _stored(name: str, reads: Sequence[Resource], writes: Sequence[Resource]) -> Iterator[Grant]:
    """Buckets, tables and the warehouse, each by itself."""
    declared = [("writes", one, _WRITER) for one in writes] + [
        ("reads", one, _READER) for one in reads
    ]
    found: dict[Resource, Grant] = {}
    for verb, resource, roles in declared:
        if isinstance(resource, topology.Collection):
            continue
        role = roles.get(type(resource))
        if role is None:
            raise ValueError(
                f"{name} {verb} the {target(resource)}, which has no such role; declare it in "
                "`publishes` or `uses`"
            )
        found[resource] = Grant(role, resource, f"{verb} {resource.name}")
        if isinstance(resource, topology.WarehouseView):
            for table in _below(resource):
                # A view is read with its reader's own rights.
                grant = Grant(role, table, f"reads {resource.name}, which selects from it")
                found.setdefault(table, grant)
    yield from found.values()
    tables = [one for one in found if isinstance(one, topology.Table)]
    if tables:
        yield Grant("segueBigtableWarmer", BigtableInstance(), f"connects to {_names(tables)}")
    queried = [one for one in found if isinstance(one, topology.WarehouseTable)]
    if queried:
        yield _on_project(JOB_USER, f"queries {_names(queried)}")


def _below(view: topology.WarehouseView) -> list[topology.WarehouseTable]:
    """The tables that a view selects from, through other views too."""
    selected = set(re.findall(r"\{dataset\}\.(\w+)", view.query))
    tables = [one for one in topology.WAREHOUSE_TABLES if one.name in selected]
    for other in topology.WAREHOUSE_VIEWS:
        if other.name in selected and other != view:
            tables += _below(other)
    return tables


def _published(entry: topology.Entry) -> Iterator[Grant]:
    role = "roles/pubsub.publisher"
    for topic in dict.fromkeys(entry.publishes):
        yield Grant(role, topic, f"publishes {topic.name}")
    trigger = getattr(entry, "trigger", None)
    if isinstance(trigger, topology.TopicTrigger):
        reason = f"handles {trigger.topic.name}, and buries what can never succeed"
        yield Grant(role, DeadLetter(trigger.topic), reason)


def _used(name: str, used: Resource) -> Iterator[Grant]:
    declared = f"uses {used.name}"
    match used:
        case topology.Secret() if not used.dynamic or used in _MADE_BY_STACK:
            yield Grant("roles/secretmanager.secretAccessor", used, declared)
        case topology.Secret():
            prefix = f"projects/{{number}}/secrets/{used.name}-"
            yield _on_project("segueSecretCreator", declared)
            yield _on_project(
                "segueTemporarySecrets",
                declared,
                Condition(f"{used.name}-alone", f'resource.name.startsWith("{prefix}")'),
            )
        case topology.CryptoKey():
            yield Grant("roles/cloudkms.cryptoKeyEncrypterDecrypter", used, declared)
        case topology.Queue():
            yield Grant("roles/cloudtasks.enqueuer", used, declared)
            reason = f"{declared}, whose tasks are signed as this account"
            yield Grant(ACT_AS, Caller(used.target), reason)
        case topology.Service():
            if used.name not in SERVICE_ROLES:
                raise ValueError(
                    f"{name} uses the service {used.name}, and infra/roles.py knows no role for "
                    "it; add one to infra/roles.py"
                )
            yield _on_project(SERVICE_ROLES[used.name], declared)
            if used == topology.RUN:
                reason = f"{declared}: Cloud Run wants it of whoever changes a service's traffic"
                yield Grant(ACT_AS, FunctionIdentities(), reason)
        case _:
            raise ValueError(
                f"{name} uses the {target(used)}, which is read, written or published to; declare "
                "that instead"
            )
