"""Probes from outside: Google asks from around the world whether we answer, and as we should."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_gcp as gcp

from infra.components import child
from infra.components.buckets import PROBE
from infra.components.operations.alerts import Alerting, Condition
from infra.config import StackConfig
from infra.monitoring.alert_rules import Severity
from infra.monitoring.runbooks import Runbook, people
from shared import topology

TIMEOUT_S = 10
# Four probes from six places, every minute: about the million a month that costs nothing.
PERIOD_S = 60
# A stack that sleeps while nobody listens is woken four times an hour, not sixty.
SLEEPING_PERIOD_S = 900
FAILING_PLACES = 1  # more than these must fail: one place alone is its own network
CERTIFICATE_DAYS = 14
_UPTIME = 'resource.type="uptime_url" AND metric.type="monitoring.googleapis.com/uptime_check'


@dataclass(frozen=True, slots=True)
class Probe:
    """A request without a token, and the answer that it must get; `says` is text in the body, or
    with `at` the value at that JSONPath."""

    name: str
    path: str
    status: int = 200
    says: str | None = None
    at: str | None = None
    of_cdn: bool = False
    runbook: Runbook = people.DOWN


def probes(config: StackConfig) -> tuple[Probe, ...]:
    """What is asked: a page, the API's refusal, the accounts' document, and, where Cloud CDN serves
    it, that audio is shut."""
    asked = (
        Probe("web-player", "/", says="<title>Segue</title>"),
        Probe("api", "/v1/markets", status=401, says="401", at="$.error.status"),
        Probe(
            "accounts",
            "/accounts/.well-known/openid-configuration",
            says=f'"{config.url}/accounts"',
            at="$.issuer",
        ),
    )
    if all(cdn.provider != "cloud_cdn" for cdn in config.cdns):
        return asked
    unsigned = Probe(
        "unsigned-audio",
        f"/{topology.AUDIO.name}/{PROBE}",
        status=403,
        of_cdn=True,
        runbook=people.UNSIGNED_AUDIO,
    )
    return (*asked, unsigned)


class Uptime(pulumi.ComponentResource):
    """The probes, an alert on each, and one on certificates that end."""

    def __init__(self, alerting: Alerting, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("segue:operations:Uptime", "uptime", None, opts)
        self._alerting, self._config = alerting, alerting.config
        for probe in probes(self._config):
            self._alert(probe, self._check(probe))
        self._certificates()

    def _check(self, probe: Probe) -> gcp.monitoring.UptimeCheckConfig:
        config = self._config
        host = config.cdn_domain if probe.of_cdn else config.domain
        period_s = SLEEPING_PERIOD_S if config.scale_to_zero else PERIOD_S
        monitoring = gcp.monitoring
        return monitoring.UptimeCheckConfig(
            probe.name,
            project=config.project,
            display_name=f"Segue: {probe.name}",
            timeout=f"{TIMEOUT_S}s",
            period=f"{period_s}s",
            checker_type="STATIC_IP_CHECKERS",
            monitored_resource=monitoring.UptimeCheckConfigMonitoredResourceArgs(
                type="uptime_url", labels={"project_id": config.project, "host": host}
            ),
            http_check=monitoring.UptimeCheckConfigHttpCheckArgs(
                path=probe.path,
                port=443,
                use_ssl=True,
                validate_ssl=True,
                accepted_response_status_codes=[
                    monitoring.UptimeCheckConfigHttpCheckAcceptedResponseStatusCodeArgs(
                        status_value=probe.status
                    )
                ],
            ),
            content_matchers=_matchers(probe),
            opts=child(self, depends_on=self._alerting.project.ready),
        )

    def _alert(self, probe: Probe, check: gcp.monitoring.UptimeCheckConfig) -> None:
        title = f"{probe.name} does not answer as it should"
        threshold = gcp.monitoring.AlertPolicyConditionConditionThresholdArgs(
            filter=check.uptime_check_id.apply(
                lambda id_: f'{_UPTIME}/check_passed" AND metric.labels.check_id="{id_}"'
            ),
            aggregations=[
                gcp.monitoring.AlertPolicyConditionConditionThresholdAggregationArgs(
                    alignment_period="1200s",
                    per_series_aligner="ALIGN_NEXT_OLDER",
                    cross_series_reducer="REDUCE_COUNT_FALSE",
                    group_by_fields=["resource.labels.host"],
                )
            ],
            comparison="COMPARISON_GT",
            threshold_value=FAILING_PLACES,
            duration="60s",
            trigger=gcp.monitoring.AlertPolicyConditionConditionThresholdTriggerArgs(count=1),
        )
        self._alerting.policy(
            self,
            f"uptime-{probe.name}",
            title,
            Condition(display_name=title, condition_threshold=threshold),
            severity=Severity.CRITICAL,
            runbook=probe.runbook.markdown(self._config.project),
        )

    def _certificates(self) -> None:
        title = f"A certificate ends in less than {CERTIFICATE_DAYS} days"
        threshold = gcp.monitoring.AlertPolicyConditionConditionThresholdArgs(
            filter=f'{_UPTIME}/time_until_ssl_cert_expires"',  # in days
            aggregations=[
                gcp.monitoring.AlertPolicyConditionConditionThresholdAggregationArgs(
                    alignment_period="1200s",
                    per_series_aligner="ALIGN_NEXT_OLDER",
                    cross_series_reducer="REDUCE_MIN",
                    group_by_fields=["resource.labels.host"],
                )
            ],
            comparison="COMPARISON_LT",
            threshold_value=CERTIFICATE_DAYS,
            duration="600s",
            trigger=gcp.monitoring.AlertPolicyConditionConditionThresholdTriggerArgs(count=1),
        )
        self._alerting.policy(
            self,
            "certificates",
            title,
            Condition(display_name=title, condition_threshold=threshold),
            severity=Severity.ERROR,
            runbook=people.CERTIFICATE.markdown(self._config.project),
        )


def _matchers(probe: Probe) -> list[gcp.monitoring.UptimeCheckConfigContentMatcherArgs]:
    if probe.says is None:
        return []
    at = None
    if probe.at is not None:
        at = gcp.monitoring.UptimeCheckConfigContentMatcherJsonPathMatcherArgs(
            json_path=probe.at, json_matcher="EXACT_MATCH"
        )
    return [
        gcp.monitoring.UptimeCheckConfigContentMatcherArgs(
            content=probe.says,
            matcher="MATCHES_JSON_PATH" if at else "CONTAINS_STRING",
            json_path_matcher=at,
        )
    ]
