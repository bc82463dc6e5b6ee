"""The global external Application Load Balancer: one address, TLS 1.3, HTTP/3, every region.

Requests enter Google's network where people are, and go to the nearest region that works. There
are no health checks of serverless backends: a region is left when it answers with gateway errors,
by each of Google's proxies for itself, so that a few requests still fail while it is found out.

Streams need nothing set: with serverless backends an answer may take an hour, no more and no less.
https://docs.cloud.google.com/load-balancing/docs/negs/serverless-neg-concepts
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pulumi
import pulumi_gcp as gcp

from infra import names, url_map
from infra.components import child
from infra.components.cdn import HSTS, Cdn
from infra.components.project import Project
from infra.config import StackConfig
from shared import topology

SCHEME = "EXTERNAL_MANAGED"
MAX_TESTS = 100  # of a URL map; Google runs them before it takes a new one
EJECTED_S = 180  # what Google's own tests recommend for serverless backends
GATEWAY_ERRORS = 5  # 502, 503 and 504 one after the other

Services = Mapping[str, Mapping[str, pulumi.Input[str]]]
_MATCHED_BY = {
    url_map.Match.EXACT: "full_path_match",
    url_map.Match.TEMPLATE: "path_template_match",
    url_map.Match.REMAINDER: "path_template_match",
    url_map.Match.PREFIX: "prefix_match",
}


class LoadBalancer(pulumi.ComponentResource):
    """`ipv4` and `ipv6` are its addresses; `ssl_policy` is for whoever else speaks TLS for us."""

    def __init__(
        self,
        config: StackConfig,
        project: Project,
        services: Services,
        *,
        cdn: Cdn,
        armor: gcp.compute.SecurityPolicy,
        certificate_map: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("segue:edge:LoadBalancer", "load-balancer", None, opts)
        self._config, self._project, self._armor = config, project, armor
        served = [
            function for function in topology.HTTP_FUNCTIONS if url_map.behind_balancer(function)
        ]
        backends = {
            function.name: self._backend(function, services[function.name]) for function in served
        }
        routes = self._url_map(served, backends, cdn)
        self.ssl_policy = gcp.compute.SSLPolicy(
            "tls",
            name="tls-1-3",
            project=config.project,
            min_tls_version="TLS_1_3",  # F289
            profile="RESTRICTED",  # the only one with it
            opts=child(self, depends_on=project.ready),
        )
        self._https = gcp.compute.TargetHttpsProxy(
            "https",
            project=config.project,
            url_map=routes.id,
            certificate_map=certificate_map,
            ssl_policy=self.ssl_policy.id,
            quic_override="ENABLE",
            opts=child(self),
        )
        self._http = gcp.compute.TargetHttpProxy(
            "http", project=config.project, url_map=self._redirect().id, opts=child(self)
        )
        self.ipv4 = self._address("ipv4")
        self.ipv6 = self._address("ipv6")

    def _backend(
        self, function: topology.HttpFunction, regions: Mapping[str, pulumi.Input[str]]
    ) -> gcp.compute.BackendService:
        groups = [
            gcp.compute.RegionNetworkEndpointGroup(
                f"{names.service(function)}-{region}",  # Google's name is made of it
                project=self._config.project,
                region=region,
                network_endpoint_type="SERVERLESS",
                cloud_run=gcp.compute.RegionNetworkEndpointGroupCloudRunArgs(service=service),
                opts=child(self, depends_on=self._project.ready),
            )
            for region, service in regions.items()
        ]
        cached = _may_be_cached(function)
        return gcp.compute.BackendService(
            function.name,
            name=names.service(function),
            project=self._config.project,
            description=f"functions/{function.name}",
            load_balancing_scheme=SCHEME,
            protocol="HTTPS",
            backends=[gcp.compute.BackendServiceBackendArgs(group=group.id) for group in groups],
            outlier_detection=_outlier_detection(len(groups)),
            security_policy=self._armor.self_link,
            custom_response_headers=[":".join(HSTS)],
            enable_cdn=cached,
            cdn_policy=_cdn_policy() if cached else None,
            # A sample here would drop errors as readily as successes, and F304 wants every error:
            # all are written, and the log router drops all but a share of the successes.
            log_config=gcp.compute.BackendServiceLogConfigArgs(enable=True, sample_rate=1.0),
            opts=child(self),
        )

    def _url_map(
        self,
        served: list[topology.HttpFunction],
        backends: Mapping[str, gcp.compute.BackendService],
        cdn: Cdn,
    ) -> gcp.compute.URLMap:
        rules = url_map.route_rules(served)
        unknown = backends[url_map.fallback(served)]
        domain, cdn_domain = self._config.domain, self._config.cdn_domain
        tests: list[gcp.compute.URLMapTestArgs] = [
            gcp.compute.URLMapTestArgs(host=host, path=path, service=service, description=path)
            for host, path, service in (
                (domain, "/no/such/path", unknown.id),
                *((cdn_domain, f"{s.prefix}some/object", b.id) for s, b in cdn.backends.items()),
                *_examples(domain, rules, backends),
            )
        ]
        return gcp.compute.URLMap(
            "https",
            name="segue",
            project=self._config.project,
            # Whoever calls the bare address, or by a name that is not ours.
            # `https_redirect` is for maps of HTTP proxies alone; here the scheme stays.
            default_url_redirect=gcp.compute.URLMapDefaultUrlRedirectArgs(
                host_redirect=domain, strip_query=True
            ),
            host_rules=[
                gcp.compute.URLMapHostRuleArgs(hosts=[domain], path_matcher="api"),
                gcp.compute.URLMapHostRuleArgs(hosts=[cdn_domain], path_matcher="cdn"),
            ],
            path_matchers=[
                gcp.compute.URLMapPathMatcherArgs(
                    name="api",
                    default_service=unknown.id,
                    route_rules=[_api_rule(rule, backends) for rule in rules],
                ),
                gcp.compute.URLMapPathMatcherArgs(
                    name="cdn",
                    default_service=cdn.fallback.id,
                    route_rules=list(_cdn_rules(cdn, domain)),
                ),
            ],
            tests=tests[:MAX_TESTS],
            # A backend bucket to which a key is being added cannot be referred to.
            opts=child(self, depends_on=cdn.ready),
        )

    def _redirect(self) -> gcp.compute.URLMap:
        return gcp.compute.URLMap(
            "http",
            name="segue-http",
            project=self._config.project,
            default_url_redirect=gcp.compute.URLMapDefaultUrlRedirectArgs(
                https_redirect=True,
                strip_query=False,
                redirect_response_code="PERMANENT_REDIRECT",  # 308: the method stays
            ),
            opts=child(self, depends_on=self._project.ready),
        )

    def _address(self, family: str) -> pulumi.Output[str]:
        """An address of this family, `ipv4` or `ipv6`, at which both proxies listen."""
        config = self._config
        address = gcp.compute.GlobalAddress(
            family,
            name=f"segue-{family}",
            project=config.project,
            ip_version=family.upper(),
            # The operator's DNS points here.
            opts=child(self, depends_on=self._project.ready, protect=config.protect),
        )
        for name, target, port in (
            ("https", self._https.id, "443"),
            ("http", self._http.id, "80"),
        ):
            gcp.compute.GlobalForwardingRule(
                f"{name}-{family}",
                project=config.project,
                target=target,
                ip_address=address.address,
                port_range=port,
                load_balancing_scheme=SCHEME,
                opts=child(self),
            )
        return address.address


def _may_be_cached(function: topology.HttpFunction) -> bool:
    """Whether Cloud CDN stands before `function`: where all may read all and nothing is written.
    Answers say themselves how long they keep; pages do not, hashed assets do for a year.

    Not before the API: its answers are private (shared/platform/caching.py), since they depend on
    who asks and from which country, and F088's five minutes are those of the client's own cache.
    """
    return all(
        route.auth is topology.Auth.PUBLIC and route.methods == ("GET",)
        for route in function.routes
    )


def _cdn_policy() -> gcp.compute.BackendServiceCdnPolicyArgs:
    return gcp.compute.BackendServiceCdnPolicyArgs(
        cache_mode="USE_ORIGIN_HEADERS",
        request_coalescing=True,
        cache_key_policy=gcp.compute.BackendServiceCdnPolicyCacheKeyPolicyArgs(
            include_host=True, include_protocol=True, include_query_string=True
        ),
    )


def _outlier_detection(
    regions: int,
) -> gcp.compute.BackendServiceOutlierDetectionArgs | None:
    """How a region that fails is left; None where there is no other.

    By gateway errors alone: a function's own 500 is a fault of its code, and is the same elsewhere.
    """
    if regions == 1:
        return None
    return gcp.compute.BackendServiceOutlierDetectionArgs(
        consecutive_gateway_failure=GATEWAY_ERRORS,
        enforcing_consecutive_gateway_failure=100,
        # The least that reaches Google: the provider leaves a 0 out, for which Google takes 100.
        enforcing_consecutive_errors=1,
        interval=gcp.compute.BackendServiceOutlierDetectionIntervalArgs(seconds=1),
        base_ejection_time=gcp.compute.BackendServiceOutlierDetectionBaseEjectionTimeArgs(
            seconds=EJECTED_S
        ),
        max_ejection_percent=100 * (regions - 1) // regions,  # one is always left
    )


def _api_rule(
    rule: url_map.RouteRule, backends: Mapping[str, gcp.compute.BackendService]
) -> gcp.compute.URLMapPathMatcherRouteRuleArgs:
    matches: list[dict[str, Any]] = [{_MATCHED_BY[p.match]: p.text} for p in rule.predicates]
    return gcp.compute.URLMapPathMatcherRouteRuleArgs(
        priority=rule.priority,
        service=backends[rule.function].id,
        match_rules=[
            gcp.compute.URLMapPathMatcherRouteRuleMatchRuleArgs(**match) for match in matches
        ],
    )


def _cdn_rules(cdn: Cdn, domain: str) -> Iterator[gcp.compute.URLMapPathMatcherRouteRuleArgs]:
    """The bucket's name is the first segment of the path, but no part of the object's name.

    The root of a bucket is never asked for: Cloud Storage lists there what the bucket holds.
    """
    roots = ["/", *(share.prefix for share in cdn.backends if share.rewritten == "/")]
    yield gcp.compute.URLMapPathMatcherRouteRuleArgs(
        priority=1,
        match_rules=[
            gcp.compute.URLMapPathMatcherRouteRuleMatchRuleArgs(full_path_match=root)
            for root in roots
        ],
        url_redirect=gcp.compute.URLMapPathMatcherRouteRuleUrlRedirectArgs(
            host_redirect=domain, path_redirect="/", strip_query=True
        ),
    )
    for priority, (share, backend) in enumerate(cdn.backends.items(), start=2):
        yield gcp.compute.URLMapPathMatcherRouteRuleArgs(
            priority=priority,
            service=backend.id,
            match_rules=[
                gcp.compute.URLMapPathMatcherRouteRuleMatchRuleArgs(prefix_match=share.prefix)
            ],
            route_action=gcp.compute.URLMapPathMatcherRouteRuleRouteActionArgs(
                url_rewrite=gcp.compute.URLMapPathMatcherRouteRuleRouteActionUrlRewriteArgs(
                    path_prefix_rewrite=share.rewritten
                )
            ),
        )


def _examples(
    host: str,
    rules: tuple[url_map.RouteRule, ...],
    backends: Mapping[str, gcp.compute.BackendService],
) -> Iterator[tuple[str, str, pulumi.Output[str]]]:
    """(host, path, backend service) for each rule."""
    for rule in rules:
        yield host, url_map.example(rule.predicates[0]), backends[rule.function].id
