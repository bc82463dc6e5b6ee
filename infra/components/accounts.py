"""Service accounts, and their roles on what the other components made.

Each function and job runs as an account of its own, and Google's services call each as another, so
that a token for one function opens no second one. Roles come from `infra/access.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
import pulumi_gcp as gcp

from infra import access, names, roles
from infra.components import child
from infra.components.project import Project
from infra.config import StackConfig
from shared import topology


def called_by_google(entry: topology.Entry) -> bool:
    """Whether Pub/Sub, Eventarc, Cloud Tasks or Cloud Scheduler calls `entry`."""
    match entry:
        case topology.EventFunction():
            return True
        case topology.Job(schedule=schedule):
            return schedule is not None
    return any(queue.target == entry.name for queue in topology.QUEUES)


class Accounts(pulumi.ComponentResource):
    """Every service account of the product.

    `runs_as` and `called_by` go by the entry's name (`called_by` has those alone that a service of
    Google's calls), `signing` by `Secret.account_key`.
    """

    def __init__(self, config: StackConfig, project: Project) -> None:
        super().__init__("segue:accounts:Accounts", "accounts")
        self._config, self._project = config, project
        entries = topology.ENTRIES.values()
        self.runs_as = {
            entry.name: self._account(names.account_id(entry), f"{entry.name} runs as this")
            for entry in entries
        }
        self.called_by = {
            entry.name: self._account(names.caller_id(entry), f"Google calls {entry.name} as this")
            for entry in entries
            if called_by_google(entry)
        }
        self.signing = {
            secret.account_key: self._account(secret.account_key, f"{secret.name} is its key")
            for secret in topology.SECRETS
            if secret.account_key is not None
        }

    def _account(self, account_id: str, display_name: str) -> gcp.serviceaccount.Account:
        return gcp.serviceaccount.Account(
            account_id,
            account_id=account_id,
            project=self._config.project,
            display_name=display_name,
            opts=child(self, depends_on=self._project.ready),
        )


@dataclass(frozen=True, slots=True)
class Made:
    """What roles are granted on. Mappings go by the topology's names; `queues` then by region, and
    `secrets` also hold the key of each CDN."""

    buckets: Mapping[str, gcp.storage.Bucket]
    topics: Mapping[str, gcp.pubsub.Topic]
    dead_letters: Mapping[str, gcp.pubsub.Topic]
    tables: Mapping[str, gcp.bigtable.Table]
    queues: Mapping[str, Mapping[str, gcp.cloudtasks.Queue]]
    secrets: Mapping[str, gcp.secretmanager.Secret]
    keys: Mapping[str, gcp.kms.CryptoKey]
    warehouse: Mapping[str, gcp.bigquery.Table] = field(default_factory=dict)  # views too


class Grants(pulumi.ComponentResource):
    """Every role of the product's accounts, by `access.grants`, and the custom roles for them."""

    def __init__(
        self, config: StackConfig, project: Project, accounts: Accounts, made: Made
    ) -> None:
        super().__init__("segue:accounts:Grants", "grants")
        self._config, self._project = config, project
        self._accounts, self._made = accounts, made
        home = next(iter(config.residency))
        self._databases = [names.database(zone, home) for zone in config.residency]
        self._roles: dict[str, gcp.projects.IAMCustomRole] = {}
        for entry in topology.ENTRIES.values():
            for grant in access.grants(entry):
                self._apply(entry.name, accounts.runs_as[entry.name], grant)
        for name, account in accounts.signing.items():
            for grant in access.signing_grants(name):
                self._apply(name, account, grant)

    def _apply(self, who: str, account: gcp.serviceaccount.Account, grant: access.Grant) -> None:
        config, made, member, opts = self._config, self._made, account.member, child(self)
        role, condition = self._role(grant.role), grant.condition
        if condition and not isinstance(grant.on, access.Project | topology.Bucket):
            raise NotImplementedError(f"{who}: a condition on the {access.target(grant.on)}")
        logical_name = f"{who}-{grant.role.rpartition('/')[2]}"
        match grant.on:
            case access.Project():
                gcp.projects.IAMMember(
                    logical_name,
                    project=config.project,
                    role=role,
                    member=member,
                    condition=self._on_project(condition),
                    opts=opts,
                )
            case topology.Bucket(name):
                gcp.storage.BucketIAMMember(
                    f"{logical_name}-{name}",
                    bucket=made.buckets[name].name,
                    role=role,
                    member=member,
                    condition=self._on_bucket(condition),
                    opts=opts,
                )
            case topology.Table(name):
                gcp.bigtable.TableIamMember(
                    f"{logical_name}-{name}",
                    project=config.project,
                    instance_name=made.tables[name].instance_name,
                    table=made.tables[name].name,
                    role=role,
                    member=member,
                    opts=opts,
                )
            case access.BigtableInstance():
                anyone = next(iter(made.tables.values()))
                gcp.bigtable.InstanceIamMember(
                    logical_name,
                    project=config.project,
                    instance=anyone.instance_name,
                    role=role,
                    member=member,
                    opts=opts,
                )
            case topology.WarehouseTable(name) | topology.WarehouseView(name):
                table = self._queried(who, name)
                gcp.bigquery.IamMember(
                    f"{logical_name}-{name}",
                    project=config.project,
                    dataset_id=table.dataset_id,
                    table_id=table.table_id,
                    role=role,
                    member=member,
                    opts=opts,
                )
            case topology.Topic(name):
                self._on_topic(f"{logical_name}-{name}", made.topics[name], role, account)
            case access.DeadLetter(topic):
                dead_letter = made.dead_letters[topic.name]
                self._on_topic(f"{logical_name}-{topic.dead_letter}", dead_letter, role, account)
            case topology.Queue(name):
                for region, queue in made.queues[name].items():
                    gcp.cloudtasks.QueueIamMember(
                        f"{logical_name}-{name}-{region}",
                        project=config.project,
                        location=region,
                        name=queue.name,
                        role=role,
                        member=member,
                        opts=opts,
                    )
            case topology.Secret():
                for name in self._secrets(grant.on):
                    gcp.secretmanager.SecretIamMember(
                        f"{logical_name}-{name}",
                        project=config.project,
                        secret_id=made.secrets[name].secret_id,
                        role=role,
                        member=member,
                        opts=opts,
                    )
            case topology.CryptoKey(name):
                gcp.kms.CryptoKeyIAMMember(
                    f"{logical_name}-{name}",
                    crypto_key_id=made.keys[name].id,
                    role=role,
                    member=member,
                    opts=opts,
                )
            case access.Caller(name):
                other = self._accounts.called_by[name]
                self._act_as(f"{logical_name}-caller-of-{name}", other, role, account)
            case access.FunctionIdentities():
                for entry in topology.ENTRIES.values():
                    if not isinstance(entry, topology.Job):
                        other = self._accounts.runs_as[entry.name]
                        self._act_as(f"{logical_name}-{entry.name}", other, role, account)
            case _:
                raise NotImplementedError(f"{who}: no resource for the {access.target(grant.on)}")

    def _on_topic(
        self,
        logical_name: str,
        topic: gcp.pubsub.Topic,
        role: pulumi.Input[str],
        account: gcp.serviceaccount.Account,
    ) -> None:
        gcp.pubsub.TopicIAMMember(
            logical_name,
            project=self._config.project,
            topic=topic.name,
            role=role,
            member=account.member,
            opts=child(self),
        )

    def _act_as(
        self,
        logical_name: str,
        other: gcp.serviceaccount.Account,
        role: pulumi.Input[str],
        account: gcp.serviceaccount.Account,
    ) -> None:
        gcp.serviceaccount.IAMMember(
            logical_name,
            service_account_id=other.name,
            role=role,
            member=account.member,
            opts=child(self),
        )

    def _role(self, role: str) -> pulumi.Input[str]:
        """The role's full name; custom ones are made at first use."""
        if role not in roles.CUSTOM_ROLES:
            return role
        if role not in self._roles:
            self._roles[role] = gcp.projects.IAMCustomRole(
                role,
                role_id=role,
                project=self._config.project,
                title=role,
                description="Made by Segue; see infra/roles.py",
                permissions=roles.CUSTOM_ROLES[role],
                opts=child(self, depends_on=self._project.ready),
            )
        return self._roles[role].name

    def _expression(self, condition: access.Condition) -> pulumi.Output[str]:
        return self._project.number.apply(
            lambda number: condition.filled(self._config.project, number, self._databases)
        )

    def _on_project(
        self, condition: access.Condition | None
    ) -> gcp.projects.IAMMemberConditionArgs | None:
        if condition is None:
            return None
        return gcp.projects.IAMMemberConditionArgs(
            title=condition.title, expression=self._expression(condition)
        )

    def _on_bucket(
        self, condition: access.Condition | None
    ) -> gcp.storage.BucketIAMMemberConditionArgs | None:
        if condition is None:
            return None
        return gcp.storage.BucketIAMMemberConditionArgs(
            title=condition.title, expression=self._expression(condition)
        )

    def _queried(self, who: str, name: str) -> gcp.bigquery.Table:
        if name not in self._made.warehouse:
            raise KeyError(f"{who} reads {name} of the warehouse; pass it in Made.warehouse")
        return self._made.warehouse[name]

    def _secrets(self, declared: topology.Secret) -> list[str]:
        """Names of the stack's secrets that `declared` stands for."""
        if not declared.dynamic:
            return [declared.name]
        return [name for name in self._made.secrets if name.startswith(f"{declared.name}-")]
