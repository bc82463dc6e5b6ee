"""Managed certificates for the domain and every host directly below it.

They are authorized by a DNS record, not by traffic: the operator enters one CNAME, Google issues
and renews, and the certificate is there before the first request arrives. (The older way wants the
domain to point here first, so that a domain that moves is without TLS for up to an hour.)

https://docs.cloud.google.com/certificate-manager/docs/domain-authorization
"""

from __future__ import annotations

import pulumi
import pulumi_gcp as gcp

from infra.components import child
from infra.components.project import Project
from infra.config import StackConfig


class Certificates(pulumi.ComponentResource):
    """`map` is the load balancer's; `record` is what the operator enters at their DNS."""

    def __init__(
        self,
        config: StackConfig,
        project: Project,
        hosts: tuple[str, ...],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("segue:edge:Certificates", "certificates", None, opts)
        self._config = config
        self._authorization = gcp.certificatemanager.DnsAuthorization(
            "domain",
            project=config.project,
            domain=config.domain,  # and its wildcard
            opts=child(self, depends_on=project.ready),
        )
        self.record = self._authorization.dns_resource_records.apply(
            lambda records: {part: getattr(records[0], part) for part in ("name", "type", "data")}
        )
        map_ = gcp.certificatemanager.CertificateMap(
            "hosts", project=config.project, opts=child(self, depends_on=project.ready)
        )
        certificate = self._certificate("balancer", "DEFAULT")
        for host in hosts:
            gcp.certificatemanager.CertificateMapEntry(
                host,
                name=host.replace(".", "-"),
                project=config.project,
                map=map_.name,
                hostname=host,
                certificates=[certificate.id],
                opts=child(self),
            )
        self.map = pulumi.Output.concat("//certificatemanager.googleapis.com/", map_.id)

    def for_media_cdn(self) -> pulumi.Output[str]:
        """Id of a certificate for the same hosts that Media CDN's edges can hold."""
        return self._certificate("media", "EDGE_CACHE").id

    def _certificate(self, name: str, scope: str) -> gcp.certificatemanager.Certificate:
        domain = self._config.domain
        return gcp.certificatemanager.Certificate(
            name,
            project=self._config.project,
            scope=scope,
            managed=gcp.certificatemanager.CertificateManagedArgs(
                domains=[domain, f"*.{domain}"], dns_authorizations=[self._authorization.id]
            ),
            opts=child(self),
        )
