"""Alerts on what everything stands on: instances, databases, keys, CDNs."""

from __future__ import annotations

from infra.monitoring.runbooks import TAKE_BACK, Runbook

INSTANCES = Runbook(
    happened=(
        "A function has nearly as many instances as it may have. Beyond that, requests wait, "
        "and are then refused with 429 or 503."
    ),
    look=(
        "Dashboard *Functions*: more requests, or slower answers? The latter holds instances.",
        "Cloud Armor's log: is it an attack? (`enforcedSecurityPolicy` in the balancer's log)",
    ),
    first=(
        "More room: `pulumi config set segue:maxInstances N` and `pulumi up`.",
        "Slower answers: look at Firestore and Bigtable on the dashboard *Saturation*.",
    ),
)
CRASHES = Runbook(
    happened=(
        "Cloud Run ended an instance: it left by itself, used more memory than it has, or did "
        "not start."
    ),
    look=("The line in this incident says which; memory is on the dashboard *Saturation*.",),
    first=(
        TAKE_BACK,
        "Memory: raise `memory_mb` of the entry in shared/topology.py and run `pulumi up`.",
    ),
)
FIRESTORE = Runbook(
    happened="More than one call in a hundred to Firestore fails for reasons of Firestore's own.",
    look=(
        "Dashboard *Saturation*: which method and code; RESOURCE_EXHAUSTED is a quota or a hot "
        "range of keys (Key Visualizer shows it).",
        "https://status.cloud.google.com",
    ),
    first=(
        "A quota: ask for more under IAM & Admin, Quotas, Firestore.",
        "An outage of one residency zone: reads of other zones go on; nothing is to be done but "
        "to tell people.",
    ),
)
BIGTABLE = Runbook(
    happened=(
        "Bigtable's CPU has been above 90 % for a quarter of an hour although it scales itself, "
        "or it answers with errors."
    ),
    look=(
        "Dashboard *Saturation*: nodes (are they at `maxNodes`?), and the hottest node: if it "
        "alone is hot, it is one row or a narrow range.",
    ),
    first=(
        "More nodes: `pulumi config set --path segue:bigtable.maxNodes N` and `pulumi up`.",
        "A hot row: Key Visualizer names it. Rate limits fail open, playback goes on.",
    ),
)
KEYS_DENIED = Runbook(
    happened=(
        "Somebody was refused a secret or a key. Either a declaration in shared/topology.py "
        "lacks what an entry uses, or somebody tries what they should not."
    ),
    look=(
        "`protoPayload.authenticationInfo` in the line of this incident: who; "
        "`protoPayload.resourceName`: what; `protoPayload.requestMetadata.callerIp`: from where.",
    ),
    first=(
        "One of our accounts (`fn-`, `job-`): add the secret or key to the entry's `uses`.",
        "Anybody else: revoke what they sign in with, and rotate the key (README, key rotation).",
    ),
)
CDN = Runbook(
    happened=(
        "The prober found a CDN unhealthy. New manifests leave it out; players that use it "
        "change to another by themselves."
    ),
    look=(
        "Dashboard *Playback quality*: disturbances by CDN.",
        "Why: `gcloud logging read 'resource.labels.job_name=\"probe-cdn-health\"' "
        "--project $PROJECT --freshness 1h --limit 20`; a 403 is a key that both sides do not "
        "share, a timeout is theirs.",
    ),
    first=(
        "A key: see README, key rotation.",
        "Theirs: the status page of the provider; take it out of `segue:cdns` if it lasts.",
    ),
)
