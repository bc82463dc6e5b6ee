"""The edge: where requests enter, for the API, the web player and the media."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_gcp as gcp

from infra.components import child
from infra.components.armor import Armor
from infra.components.cdn import Cdn
from infra.components.certificates import Certificates
from infra.components.external_cdns import ExternalCdns
from infra.components.load_balancer import LoadBalancer
from infra.components.media_cdn import MediaCdn
from infra.components.project import Project
from infra.config import StackConfig

Record = dict[str, str]  # name, type and data of a DNS record


class Edge(pulumi.ComponentResource):
    """`functions[name][region]` is the Cloud Run service of a function. `hosts` are the names that
    the stack answers to, `dns_records` what the operator enters for them, `origins` where the CDNs
    of others fill from."""

    def __init__(
        self,
        config: StackConfig,
        project: Project,
        functions: Mapping[str, Mapping[str, pulumi.Input[str]]],
        buckets: Mapping[str, gcp.storage.Bucket],
    ) -> None:
        super().__init__("segue:edge:Edge", "edge")
        balanced = (config.domain, config.cdn_domain)
        certificates = Certificates(config, project, balanced, opts=child(self))
        balancer = LoadBalancer(
            config,
            project,
            functions,
            cdn=Cdn(config, project, buckets, opts=child(self)),
            armor=Armor(config, project, opts=child(self)).policy,
            certificate_map=certificates.map,
            opts=child(self),
        )
        self.address = balancer.ipv4
        self.origins = ExternalCdns(config, project, buckets, opts=child(self)).origins
        self.hosts = list(balanced)
        listed: list[pulumi.Output[list[Record]]] = [
            certificates.record.apply(lambda record: [record]),
            *(_records(host, "A", _alone(balancer.ipv4)) for host in balanced),
            *(_records(host, "AAAA", _alone(balancer.ipv6)) for host in balanced),
        ]
        media = next((cdn for cdn in config.cdns if cdn.provider == "media_cdn"), None)
        if media is not None:
            made = MediaCdn(
                config,
                project,
                media,
                buckets,
                certificate=certificates.for_media_cdn(),
                ssl_policy=balancer.ssl_policy.id,
                opts=child(self),
            )
            self.hosts.append(config.media_domain)
            listed.append(_records(config.media_domain, "A", made.ipv4))
            listed.append(_records(config.media_domain, "AAAA", made.ipv6))
        self.dns_records: pulumi.Output[list[Record]] = pulumi.Output.all(*listed).apply(
            lambda lists: [record for records in lists for record in records]
        )


def _alone(address: pulumi.Output[str]) -> pulumi.Output[Sequence[str]]:
    return address.apply(lambda one: [one])


def _records(
    host: str, type_: str, addresses: pulumi.Output[Sequence[str]]
) -> pulumi.Output[list[Record]]:
    return addresses.apply(
        lambda given: [{"name": f"{host}.", "type": type_, "data": one} for one in given]
    )
