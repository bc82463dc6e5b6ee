"""Media CDN in front of the signed buckets, at `media.<domain>`, where the stack has it.

It keeps its own edges inside access networks, has its own addresses and TLS, and refuses what is
not signed by itself. A project must be admitted to Media CDN first: ask Google's sales team.

https://docs.cloud.google.com/media-cdn/docs/signed-requests
"""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_gcp as gcp

from infra import cdn_keys
from infra.components import child
from infra.components.cdn import MEDIA_HEADERS, NEGATIVE_TTL_S, Share, shares
from infra.components.project import Project
from infra.config import CdnConfig, StackConfig
from shared import topology

LONGEST_TOKEN_S = 3600  # F091; shared/delivery/signing gives none longer
LONGEST_CLIENT_TTL_S = topology.DAY_S  # Media CDN's own bounds
LONGEST_TTL_S = 365 * topology.DAY_S

_Rule = gcp.networkservices.EdgeCacheServiceRoutingPathMatcherRouteRuleArgs
_Match = gcp.networkservices.EdgeCacheServiceRoutingPathMatcherRouteRuleMatchRuleArgs
_Action = gcp.networkservices.EdgeCacheServiceRoutingPathMatcherRouteRuleRouteActionArgs
_Rewrite = gcp.networkservices.EdgeCacheServiceRoutingPathMatcherRouteRuleRouteActionUrlRewriteArgs
_Policy = gcp.networkservices.EdgeCacheServiceRoutingPathMatcherRouteRuleRouteActionCdnPolicyArgs
_CacheKey = gcp.networkservices.EdgeCacheServiceRoutingPathMatcherRouteRuleRouteActionCdnPolicyCacheKeyPolicyArgs  # noqa: E501
_Headers = gcp.networkservices.EdgeCacheServiceRoutingPathMatcherRouteRuleHeaderActionArgs
_Header = gcp.networkservices.EdgeCacheServiceRoutingPathMatcherRouteRuleHeaderActionResponseHeaderToAddArgs  # noqa: E501


class MediaCdn(pulumi.ComponentResource):
    """`ipv4` and `ipv6` are its addresses."""

    def __init__(
        self,
        config: StackConfig,
        project: Project,
        cdn: CdnConfig,
        buckets: Mapping[str, gcp.storage.Bucket],
        *,
        certificate: pulumi.Input[str],
        ssl_policy: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("segue:edge:MediaCdn", cdn.name, None, opts)
        self._config = config
        ready = child(self, depends_on=project.ready)
        keyset = gcp.networkservices.EdgeCacheKeyset(
            cdn.name,
            name=cdn.key_name,  # which tokens name
            project=config.project,
            public_keys=[
                gcp.networkservices.EdgeCacheKeysetPublicKeyArgs(id=id_, value=value)
                for id_, value in cdn_keys.public(config, cdn).items()
            ],
            opts=ready,
        )
        served = [bucket for bucket in topology.BUCKETS if bucket.cdn and bucket.signed]
        rules: list[_Rule] = []
        for bucket in served:
            origin = gcp.networkservices.EdgeCacheOrigin(
                bucket.name,
                name=bucket.name,
                project=config.project,
                origin_address=pulumi.Output.concat("gs://", buckets[bucket.name].name),
                max_attempts=2,
                retry_conditions=["CONNECT_FAILURE", "HTTP_5XX"],
                opts=ready,
            )
            # Google makes the account with the first origin.
            gcp.storage.BucketIAMMember(
                f"{bucket.name}-fill",
                bucket=buckets[bucket.name].name,
                role="roles/storage.objectViewer",
                member=project.agent("media-cdn"),
                opts=child(self, depends_on=origin, hooks=project.patient),
            )
            for share in shares(bucket):
                rules.append(_rule(len(rules) + 1, share, origin.id, keyset.id))
        service = gcp.networkservices.EdgeCacheService(
            cdn.name,
            name=cdn.name,
            project=config.project,
            edge_ssl_certificates=[certificate],
            ssl_policy=ssl_policy,
            require_tls=True,
            routing=gcp.networkservices.EdgeCacheServiceRoutingArgs(
                host_rules=[
                    gcp.networkservices.EdgeCacheServiceRoutingHostRuleArgs(
                        hosts=[config.media_domain], path_matcher="media"
                    )
                ],
                path_matchers=[
                    gcp.networkservices.EdgeCacheServiceRoutingPathMatcherArgs(
                        name="media", route_rules=rules
                    )
                ],
            ),
            log_config=gcp.networkservices.EdgeCacheServiceLogConfigArgs(
                enable=True, sample_rate=config.keep_successes
            ),
            opts=child(self),
        )
        self.ipv4 = service.ipv4_addresses
        self.ipv6 = service.ipv6_addresses


def _rule(
    priority: int, share: Share, origin: pulumi.Input[str], keyset: pulumi.Input[str]
) -> _Rule:
    return _Rule(
        priority=str(priority),
        origin=origin,
        match_rules=[_Match(prefix_match=share.prefix)],
        header_action=_Headers(
            response_header_to_adds=[
                _Header(header_name=name, header_value=value, replace=True)
                for name, value in MEDIA_HEADERS.items()
            ]
        ),
        route_action=_Action(
            url_rewrite=_Rewrite(path_prefix_rewrite=share.rewritten),
            cdn_policy=_Policy(
                cache_mode="FORCE_CACHE_ALL",
                default_ttl=f"{min(share.ttl_s, LONGEST_TTL_S)}s",
                client_ttl=f"{min(share.ttl_s, LONGEST_CLIENT_TTL_S)}s",
                # Whoever has a valid token shares the copy.
                cache_key_policy=_CacheKey(exclude_query_string=True),
                negative_caching=True,
                negative_caching_policy={"404": f"{NEGATIVE_TTL_S}s"},
                signed_request_mode="REQUIRE_SIGNATURES",
                signed_request_keyset=keyset,
                signed_request_maximum_expiration_ttl=f"{LONGEST_TOKEN_S}s",
            ),
        ),
    )
