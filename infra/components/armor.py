"""Cloud Armor in front of the functions: known attacks, bots, and floods from single addresses.

It is the outer wall. What only the product can know stays with it: limits per person (F285),
conspicuous behaviour (F286). Buckets behind Cloud CDN have no such policy: theirs could not limit
rates, nor match anything but addresses, and each of their audio requests carries a signature.

https://docs.cloud.google.com/armor/docs/rules-language-reference
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pulumi
import pulumi_gcp as gcp

from infra.components import child
from infra.components.project import Project
from infra.config import StackConfig

CORE_RULE_SET = "v422-stable"  # OWASP's, 4.22
# Paranoia level 1: signatures that hardly ever meet an honest request.
SENSITIVITY = 1
ATTACKS = {
    "sqli": "SQL injection",
    "xss": "cross-site scripting",
    "lfi": "files of the server",
    "rce": "remote code execution",
    "protocolattack": "request smuggling and splitting",
    "scannerdetection": "tools that look for holes",
}
# Not `rfi`: it takes the redirect address of every native app (`http://127.0.0.1:8888/callback`)
# for an attack. Not `methodenforcement`: PUT and DELETE are half of the API.

# What people write themselves may well say `drop table`: whoever searches for it shall find it.
# As parameters of a query, a form or a JSON body.
FREE_TEXT = ("q", "name", "description", "display_name", "password")
# Bodies that are one long text: lyrics, and covers in base64.
_TEXT_BODIES = "request.path.matches('/(lyrics|images)/?$')"
# Opaque credentials; their signatures, in base64, are no commands. Nor are cookies, all of them.
_CREDENTIALS = ("authorization", "dpop")

# The pages on which people sign in and up, without which no form of theirs can be sent.
_FORMS = (
    "request.path.matches('^/accounts/(authorize|device|login|signup)/?$') && "
    "request.method == 'GET'"
)
FORMS_A_MINUTE = 30  # more from one address, and each shows that it is asked for by a person
_SIGN_IN = "request.path.startsWith('/accounts/') && request.method == 'POST'"


@dataclass(frozen=True, slots=True)
class Limit:
    """Requests from one address: above `count` in `interval_s` they are refused, above
    `ban_count` in `ban_interval_s` the address is shut out for `ban_s`."""

    count: int
    interval_s: int
    ban_count: int
    ban_interval_s: int
    ban_s: int


# A network behind one address (a school, a mobile provider) holds hundreds of listeners, who may
# ask 100 times in 30 s each (F285): this is 20 of them at their limit without a pause.
ANYTHING = Limit(count=4000, interval_s=60, ban_count=20_000, ban_interval_s=300, ban_s=600)
# Passwords and tokens: a player asks for a token once an hour.
SIGN_IN = Limit(count=120, interval_s=60, ban_count=1200, ban_interval_s=600, ban_s=1800)


class Armor(pulumi.ComponentResource):
    """`policy` is for every backend service of the load balancer."""

    def __init__(
        self,
        config: StackConfig,
        project: Project,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("segue:edge:Armor", "armor", None, opts)
        ready = child(self, depends_on=project.ready)
        challenge = gcp.recaptcha.EnterpriseKey(
            "challenge",
            display_name="Cloud Armor's challenge page",
            project=config.project,
            waf_settings=gcp.recaptcha.EnterpriseKeyWafSettingsArgs(
                waf_feature="CHALLENGE_PAGE", waf_service="CA"
            ),
            web_settings=gcp.recaptcha.EnterpriseKeyWebSettingsArgs(
                integration_type="INVISIBLE", allowed_domains=[config.domain]
            ),
            opts=ready,
        )
        self.policy = gcp.compute.SecurityPolicy(
            "functions",
            name="functions",
            project=config.project,
            description="In front of every function",
            type="CLOUD_ARMOR",
            advanced_options_config=gcp.compute.SecurityPolicyAdvancedOptionsConfigArgs(
                json_parsing="STANDARD",  # or a JSON body is one opaque string
                log_level="NORMAL",  # VERBOSE would log what people wrote
            ),
            # Learns what is usual and raises an alert when an attack begins.
            adaptive_protection_config=gcp.compute.SecurityPolicyAdaptiveProtectionConfigArgs(
                layer7_ddos_defense_config=gcp.compute.SecurityPolicyAdaptiveProtectionConfigLayer7DdosDefenseConfigArgs(
                    enable=config.protect
                )
            ),
            recaptcha_options_config=gcp.compute.SecurityPolicyRecaptchaOptionsConfigArgs(
                redirect_site_key=challenge.name
            ),
            rules=list(_rules()),
            opts=ready,
        )


def _rules() -> Iterator[gcp.compute.SecurityPolicyRuleArgs]:
    """In order of priority. A limit that a request keeps is its end: what denies goes first."""
    for number, (attack, description) in enumerate(ATTACKS.items()):
        rule_set = f"{attack}-{CORE_RULE_SET}"
        evaluated = f"evaluatePreconfiguredWaf('{rule_set}', {{'sensitivity': {SENSITIVITY}}})"
        yield gcp.compute.SecurityPolicyRuleArgs(
            priority=1000 + 10 * number,
            action="deny(403)",
            description=description,
            match=_expression(f"!{_TEXT_BODIES} && {evaluated}"),
            preconfigured_waf_config=gcp.compute.SecurityPolicyRulePreconfiguredWafConfigArgs(
                exclusions=[_exclusion(rule_set)]
            ),
        )
    yield gcp.compute.SecurityPolicyRuleArgs(
        priority=1900,
        action="throttle",
        description="bots at the forms of sign-in and sign-up",
        match=_expression(_FORMS),
        rate_limit_options=gcp.compute.SecurityPolicyRuleRateLimitOptionsArgs(
            enforce_on_key="IP",
            conform_action="allow",
            exceed_action="redirect",
            exceed_redirect_options=gcp.compute.SecurityPolicyRuleRateLimitOptionsExceedRedirectOptionsArgs(
                type="GOOGLE_RECAPTCHA"
            ),
            rate_limit_threshold=gcp.compute.SecurityPolicyRuleRateLimitOptionsRateLimitThresholdArgs(
                count=FORMS_A_MINUTE, interval_sec=60
            ),
        ),
    )
    yield gcp.compute.SecurityPolicyRuleArgs(
        priority=2000,
        action="rate_based_ban",
        description="guessing of passwords and codes",
        match=_expression(_SIGN_IN),
        rate_limit_options=_options(SIGN_IN),
    )
    yield gcp.compute.SecurityPolicyRuleArgs(
        priority=3000,
        action="rate_based_ban",
        description="floods",
        match=_anyone(),
        rate_limit_options=_options(ANYTHING),
    )
    yield gcp.compute.SecurityPolicyRuleArgs(
        priority=2_147_483_647,  # each policy has this one
        action="allow",
        description="everything else",
        match=_anyone(),
    )


def _expression(text: str) -> gcp.compute.SecurityPolicyRuleMatchArgs:
    return gcp.compute.SecurityPolicyRuleMatchArgs(
        expr=gcp.compute.SecurityPolicyRuleMatchExprArgs(expression=text)
    )


def _anyone() -> gcp.compute.SecurityPolicyRuleMatchArgs:
    return gcp.compute.SecurityPolicyRuleMatchArgs(
        versioned_expr="SRC_IPS_V1",
        config=gcp.compute.SecurityPolicyRuleMatchConfigArgs(src_ip_ranges=["*"]),
    )


def _exclusion(
    rule_set: str,
) -> gcp.compute.SecurityPolicyRulePreconfiguredWafConfigExclusionArgs:
    return gcp.compute.SecurityPolicyRulePreconfiguredWafConfigExclusionArgs(
        target_rule_set=rule_set,
        request_query_params=[
            gcp.compute.SecurityPolicyRulePreconfiguredWafConfigExclusionRequestQueryParamArgs(
                operator="EQUALS", value=name
            )
            for name in FREE_TEXT
        ],
        request_headers=[
            gcp.compute.SecurityPolicyRulePreconfiguredWafConfigExclusionRequestHeaderArgs(
                operator="EQUALS", value=name
            )
            for name in _CREDENTIALS
        ],
        request_cookies=[
            gcp.compute.SecurityPolicyRulePreconfiguredWafConfigExclusionRequestCookyArgs(
                operator="EQUALS_ANY"
            )
        ],
    )


def _options(limit: Limit) -> gcp.compute.SecurityPolicyRuleRateLimitOptionsArgs:
    return gcp.compute.SecurityPolicyRuleRateLimitOptionsArgs(
        enforce_on_key="IP",
        conform_action="allow",
        exceed_action="deny(429)",
        rate_limit_threshold=gcp.compute.SecurityPolicyRuleRateLimitOptionsRateLimitThresholdArgs(
            count=limit.count, interval_sec=limit.interval_s
        ),
        ban_threshold=gcp.compute.SecurityPolicyRuleRateLimitOptionsBanThresholdArgs(
            count=limit.ban_count, interval_sec=limit.ban_interval_s
        ),
        ban_duration_sec=limit.ban_s,
    )
