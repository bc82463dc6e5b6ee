"""Secret Manager: the stack's own secrets, at versions that are pinned by number.

A key is rotated in three steps, each a `pulumi up`: its new payload is added behind the others
(`segue:keys`), put in use (`segue:keysInUse`, or nothing where the last one is), and the old one
retired once nothing that it signed is still valid. What people hold stays good in between.

Payloads are replicated wherever Google likes, so that no lost region takes them away; they are
neither personal data nor masters, so Google's own keys encrypt them.
"""

from __future__ import annotations

import base64
import json

import pulumi
import pulumi_gcp as gcp

from infra.components import child
from infra.components.accounts import Accounts
from infra.components.project import Project
from infra.config import RETIRED, StackConfig, required_keys
from shared import topology

UNDO_DAYS = 30  # between the order to destroy a version and its destruction


class Secrets(pulumi.ComponentResource):
    """`secrets` by name, those of the CDNs too; `versions`: the number of each one's version in
    use, as Secret Manager gave it."""

    def __init__(self, config: StackConfig, project: Project, accounts: Accounts) -> None:
        super().__init__("segue:secrets:Secrets", "secrets")
        self._config, self._project, self._accounts = config, project, accounts
        self.secrets: dict[str, gcp.secretmanager.Secret] = {}
        self.versions: dict[str, pulumi.Output[int]] = {}
        for name in required_keys(config.cdns):
            self._given(name)
        for declared in topology.SECRETS:
            if declared.account_key is not None:
                self._account_key(declared.name, declared.account_key)

    def _given(self, name: str) -> None:
        """A secret with the payloads of the stack's configuration."""
        secret = self._secret(name)
        made: dict[int, gcp.secretmanager.SecretVersion] = {}
        for number, payload in enumerate(self._config.keys[name], start=1):
            if payload != RETIRED:
                # One after the other: Secret Manager counts them itself.
                made[number] = self._add(secret, name, number, payload, [*made.values()][-1:])
        self.versions[name] = made[self._config.key_version(name)].version.apply(int)

    def _account_key(self, name: str, account: str) -> None:
        """A secret with the private key (PEM) of a service account. When the generation is raised,
        the key before it stays for what it has signed, until the next time."""
        secret = self._secret(name)
        newest = self._config.upload_key_generation
        before: list[gcp.secretmanager.SecretVersion] = []
        for generation in range(max(1, newest - 1), newest + 1):
            key = gcp.serviceaccount.Key(
                f"{account}-{generation}",
                service_account_id=self._accounts.signing[account].name,
                opts=child(self),
            )
            pem: pulumi.Output[str] = key.private_key.apply(_pem)
            before = [self._add(secret, name, generation, pem, before)]
        self.versions[name] = before[0].version.apply(int)

    def _secret(self, name: str) -> gcp.secretmanager.Secret:
        secret = gcp.secretmanager.Secret(
            name,
            secret_id=name,
            project=self._config.project,
            replication=gcp.secretmanager.SecretReplicationArgs(
                auto=gcp.secretmanager.SecretReplicationAutoArgs()
            ),
            version_destroy_ttl=f"{UNDO_DAYS * topology.DAY_S}s",
            deletion_protection=self._config.protect,
            opts=child(self, depends_on=self._project.ready, protect=self._config.protect),
        )
        self.secrets[name] = secret
        return secret

    def _add(
        self,
        secret: gcp.secretmanager.Secret,
        name: str,
        number: int,
        payload: pulumi.Input[str],
        after: list[gcp.secretmanager.SecretVersion],
    ) -> gcp.secretmanager.SecretVersion:
        return gcp.secretmanager.SecretVersion(
            f"{name}-{number}",
            secret=secret.id,
            secret_data=pulumi.Output.secret(payload),
            opts=child(self, depends_on=after),
        )


def _pem(encoded: str) -> str:
    """The private key out of a credentials file in base64, which is what IAM gives."""
    return str(json.loads(base64.b64decode(encoded))["private_key"])
