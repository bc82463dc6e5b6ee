"""The policies of `infra/policies.py` for CrossGuard, which stops an update that violates one:

pulumi up --policy-pack infra/policy_pack
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from pulumi_policy import (
    EnforcementLevel,
    PolicyPack,
    PolicyResource,
    ReportViolation,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

from infra.policies import BIGTABLE_INSTANCE, FUNCTION, POLICIES, UNKNOWN, Policy, Stack


@dataclass(frozen=True, slots=True)
class Planned:
    """A resource as CrossGuard has it, in the shape that the policies read."""

    type: str
    name: str
    inputs: dict[str, Any]
    protect: bool


def _plain(value: Any) -> Any:
    """The value inside CrossGuard's proxies, which raise at what a preview cannot know."""
    if isinstance(value, Mapping):
        return {name: _known(value, name) for name in value}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_known(value, index) for index in range(len(value))]
    return value


def _known(holder: Any, key: Any) -> Any:
    try:
        return _plain(holder[key])
    except UnknownValueError:
        return UNKNOWN


def planned(resources: Iterable[PolicyResource]) -> list[Planned]:
    """CrossGuard's resources."""
    return [
        Planned(r.resource_type, r.name, _plain(r.props), bool(r.opts and r.opts.protect))
        for r in resources
    ]


def stack_of(resources: Iterable[Planned]) -> Stack:
    """What the policies know of a stack, read off its resources: its regions are those of its
    functions, and it is protected when its Bigtable instance is."""
    functions = [r for r in resources if r.type == FUNCTION]
    instances = [r for r in resources if r.type == BIGTABLE_INSTANCE]
    return Stack(
        protect=any(instance.protect for instance in instances),
        regions=tuple(sorted({str(f.inputs["location"]) for f in functions})),
    )


def _validation(policy: Policy) -> StackValidationPolicy:
    def validate(args: StackValidationArgs, report_violation: ReportViolation) -> None:
        resources = planned(args.resources)
        for name, what in policy.check(resources, stack_of(resources)):
            report_violation(f"{name} {what}", None)

    return StackValidationPolicy(
        name=policy.name, description=policy.description, validate=validate
    )


def policies() -> list[StackValidationPolicy]:
    """Every policy."""
    return [_validation(policy) for policy in POLICIES]


if __name__ == "__main__":
    PolicyPack(
        name="segue", enforcement_level=EnforcementLevel.MANDATORY, policies=list(policies())
    )
