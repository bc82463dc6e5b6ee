"""What CDNs of others need to fill from the private buckets: an account each, with an HMAC key.

Their own side (the property, distribution or service at the provider) is configured there:
`infra/edge/README.md` has the settings, and the secret `cdn-origin-<name>` what to enter.

https://docs.cloud.google.com/storage/docs/authentication/hmackeys
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_gcp as gcp

from infra.components import child
from infra.components.project import Project
from infra.config import CdnConfig, StackConfig
from shared import topology


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a CDN of others fills from: for each of its first path segments, the `buckets`' hosts
    at Cloud Storage, and the `secret` that holds the key."""

    hosts: Mapping[str, pulumi.Output[str]]  # by the bucket's name in the topology
    secret: pulumi.Output[str]


class ExternalCdns(pulumi.ComponentResource):
    """`origins` by the CDN's name."""

    def __init__(
        self,
        config: StackConfig,
        project: Project,
        buckets: Mapping[str, gcp.storage.Bucket],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("segue:edge:ExternalCdns", "external-cdns", None, opts)
        self._config, self._project = config, project
        self.origins = {cdn.name: self._origin(cdn, buckets) for cdn in config.cdns if not cdn.ours}

    def _origin(self, cdn: CdnConfig, buckets: Mapping[str, gcp.storage.Bucket]) -> Origin:
        name, project = f"cdn-origin-{cdn.name}", self._config.project
        ready = child(self, depends_on=self._project.ready)
        account = gcp.serviceaccount.Account(
            name,
            account_id=f"cdn-fill-{cdn.name}",  # at most 30 characters
            project=project,
            display_name=f"{cdn.name} fills its cache",
            opts=ready,
        )
        served = [bucket for bucket in topology.BUCKETS if bucket.cdn and bucket.signed]
        for bucket in served:
            gcp.storage.BucketIAMMember(
                f"{bucket.name}-{cdn.name}",
                bucket=buckets[bucket.name].name,
                role="roles/storage.objectViewer",
                member=account.member,
                opts=child(self),
            )
        key = gcp.storage.HmacKey(
            name, project=project, service_account_email=account.email, opts=child(self)
        )
        secret = gcp.secretmanager.Secret(
            name,
            secret_id=name,
            project=project,
            replication=gcp.secretmanager.SecretReplicationArgs(
                auto=gcp.secretmanager.SecretReplicationAutoArgs()
            ),
            opts=ready,
        )
        access: pulumi.Output[str] = pulumi.Output.all(key.access_id, key.secret).apply(
            lambda parts: json.dumps({"access_id": parts[0], "secret": parts[1]})
        )
        payload: pulumi.Output[str] = pulumi.Output.secret(access)
        gcp.secretmanager.SecretVersion(
            f"{name}-1",
            secret=secret.id,
            secret_data=payload,
            opts=child(self),
        )
        hosts = {
            bucket.name: pulumi.Output.concat(buckets[bucket.name].name, ".storage.googleapis.com")
            for bucket in served
        }
        return Origin(hosts=hosts, secret=secret.secret_id)
