"""Alerts on what people notice: budgets, slowness, addresses that do not answer."""

from __future__ import annotations

from infra.monitoring.runbooks import ERRORS, TAKE_BACK, Runbook

BURN = Runbook(
    happened=(
        "The error budget of this objective burns so fast that it will be gone before its thirty "
        "days are over: at 14.4 times the pace in two days, at 6 times in five, at once the pace "
        "just at the end (then this is a ticket). Both the long and the short window say so, so "
        "it is still going on."
    ),
    look=(
        "Dashboard *Functions*: which function answers 5xx, in which region, since when.",
        "Dashboard *Saturation*: Firestore, Bigtable, instances at their limit.",
        ERRORS,
        "https://status.cloud.google.com for the regions of the stack.",
    ),
    first=(
        TAKE_BACK,
        "One region alone? Take it out: remove it from `segue:regions` and run `pulumi up`; "
        "the balancer sends people elsewhere.",
        "A dependency? What each function needs is on the dashboard *Runbooks*.",
    ),
)
SLOW_START = Runbook(
    happened=(
        "Players report that more plays than promised take half a second or longer until the "
        "first sound. What they measure has the listener's network in it: one country or one CDN "
        "is a network, all of them is us."
    ),
    look=(
        "Dashboard *Playback quality*: time to the first sound by CDN, disturbances by CDN.",
        "Dashboard *Functions*, row `playback`: p95 of the manifest, cold starts.",
        "CDN hit ratio: audio that is not in the caches comes from the bucket's location.",
    ),
    first=(
        "One CDN: `gcloud run jobs execute probe-cdn-health --region REGION --project $PROJECT` "
        "measures again; an unhealthy one is left out of new manifests by itself.",
        "Cold starts: raise `min_instances` of `playback` in shared/topology.py.",
    ),
)
SLOW_SEARCH = Runbook(
    happened="One search in a hundred takes longer than the 200 ms that F185 promises.",
    look=(
        "Dashboard *Functions*, row `search`: is it cold starts, or every request?",
        "Dashboard *Saturation*: latency of Firestore.",
    ),
    first=(
        TAKE_BACK,
        "Cold starts: raise `min_instances` of `search` in shared/topology.py.",
    ),
)
DOWN = Runbook(
    happened=(
        "Google's probers cannot reach this address from two regions of the world or more, or "
        "it answers with something else than it should."
    ),
    look=(
        "The check's page: from where, with which status and since when.",
        "Dashboard *Functions*; https://status.cloud.google.com",
    ),
    first=(
        "`curl -sv https://HOST/PATH`: name, certificate, status.",
        TAKE_BACK,
        "Name or certificate: compare `pulumi stack output dnsRecords` with your DNS.",
    ),
)
UNSIGNED_AUDIO = Runbook(
    happened=(
        "The audio host does not answer 403 to a request without a signature: it is down, or "
        "audio is open to everybody."
    ),
    look=("`curl -sI https://CDN-HOST/audio/health/probe`: it must say 403.",),
    first=(
        "A 200 or 404: signatures are not asked for. Run `pulumi up`, then look at the backend "
        "bucket's signed URL keys.",
        "No answer: as for any host that is down.",
    ),
)
CERTIFICATE = Runbook(
    happened=(
        "A certificate ends in less than a fortnight. Managed ones are renewed a month before, "
        "so renewal fails."
    ),
    look=(
        "`gcloud certificate-manager certificates list --project $PROJECT`: state and the "
        "reason of the failure.",
    ),
    first=(
        "Compare `pulumi stack output dnsRecords` with your DNS: the CNAMEs that begin with "
        "`_acme-challenge` must stay for good.",
    ),
)
