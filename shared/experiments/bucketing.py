"""Who is in an experiment, and with which variant: decided by hashes, remembered nowhere.

A bucket is the first 64 bits of SHA-256(`salt:user`) modulo 10,000; the modulo favours no bucket
by more than 10,000 / 2^64. Two hashes with different salts are independent, so the people of one
experiment's variants are spread evenly over those of any other.
"""

from __future__ import annotations

import hashlib

from shared.experiments.models import BUCKETS, CONTROL, Assignment, Experiment


def bucket(salt: str, user_id: str) -> int:
    """The bucket of `user_id`, 0..9999."""
    digest = hashlib.sha256(f"{salt}:{user_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % BUCKETS


def assign(
    experiment: Experiment, user_id: str, country: str | None = None, tier: str | None = None
) -> Assignment:
    """What `user_id` gets. A tester's override holds whatever the status, and a variant that is
    not theirs by an override or by the bucket is never given."""
    name = experiment.name
    if (given := experiment.overrides.get(user_id)) is not None:
        return Assignment(name, given, "override")
    if experiment.status not in ("running", "concluded"):
        return Assignment(name, CONTROL, "not running")
    if not experiment.audience.holds(country, tier):
        return Assignment(name, CONTROL, "not in the audience")
    if experiment.status == "concluded":
        return Assignment(name, experiment.winner or CONTROL, "winner")
    first, end = experiment.slots
    if not first <= bucket(f"layer:{experiment.effective_layer}", user_id) < end:
        return Assignment(name, CONTROL, "not in its slots")
    return Assignment(name, _variant(experiment, user_id), "assigned")


def _variant(experiment: Experiment, user_id: str) -> str:
    drawn = bucket(f"variant:{experiment.effective_salt}", user_id)
    for variant in experiment.variants:
        drawn -= variant.weight
        if drawn < 0:
            return variant.name
    raise AssertionError("the weights are not whole")  # models.Experiment sees to it
