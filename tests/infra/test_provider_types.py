"""The check of inputs notices what a provider would not take."""

from __future__ import annotations

from typing import Any

import pytest

from infra.runtime import Resource
from tests.infra.provider_types import faults

BUCKET = "gcp:storage/bucket:Bucket"
FUNCTION = "gcp:cloudfunctionsv2/function:Function"


def resource(type_: str, inputs: dict[str, Any]) -> Resource:
    return Resource(
        urn=f"{type_}::x",
        type=type_,
        name="x",
        parent="",
        custom=True,
        inputs=inputs,
        secrets=frozenset(),
        dependencies=frozenset(),
        protect=False,
    )


@pytest.mark.parametrize(
    ("type_", "inputs", "fault"),
    [
        (BUCKET, {}, "x.location: missing"),
        (BUCKET, {"location": "US", "colour": "blue"}, "x.colour: unknown"),
        (BUCKET, {"location": 7.0}, "x.location: float 7.0 in the place of str"),
        (BUCKET, {"location": "US", "forceDestroy": "yes"}, "x.forceDestroy: str"),
        (
            BUCKET,
            {"location": "US", "versioning": {"enabled": True, "since": 1}},
            "x.versioning.since: unknown",
        ),
        (
            BUCKET,
            {"location": "US", "lifecycleRules": [{"action": {"type": "Delete"}}]},
            "x.lifecycleRules[0].condition: missing",
        ),
        (
            FUNCTION,
            {"location": "us-central1", "serviceConfig": {"ingressSettings": "ALLOW_SOME"}},
            "x.serviceConfig.ingressSettings: 'ALLOW_SOME' is none of",
        ),
        ("gcp:storage/bucket:Pail", {}, "has no resource"),
    ],
)
def test_what_the_provider_would_not_take_is_named(
    type_: str, inputs: dict[str, Any], fault: str
) -> None:
    (found,) = faults(resource(type_, inputs))
    assert fault in found


def test_what_it_takes_is_no_fault() -> None:
    inputs = {"location": "US", "forceDestroy": True, "versioning": {"enabled": True}}
    assert faults(resource(BUCKET, inputs)) == []
