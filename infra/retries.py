"""What Google has just made is not known to all of Google at once. Where nothing but time helps, a
resource is tried again, instead of ending the whole `pulumi up`."""

from __future__ import annotations

import asyncio
import re

import pulumi

# What IAM's changes typically take; https://cloud.google.com/iam/docs/access-change-propagation
SETTLING_S = 120.0
PAUSE_S = 30.0
TRIES = 30  # a quarter of an hour: a metric of logs is known after ten minutes at the latest
_NOT_YET = re.compile(
    # Of a service agent that another resource made a moment ago.
    r"service account \S+ does not exist"
    # Of a metric.
    r"|metric referenced by the provided filter is unknown|cannot find metric"
    # Of a role that an agent has just been given.
    r"|permission denied while using the Eventarc Service Agent"
    r"|missing permissions required to write to the BigQuery table",
    re.IGNORECASE,
)


async def again(args: pulumi.ErrorHookArgs) -> bool:
    """Whether to try once more, after a pause. `args.errors` has the newest first."""
    if len(args.errors) > TRIES or not _NOT_YET.search(args.errors[0]):
        return False
    await asyncio.sleep(PAUSE_S)
    return True


async def settle(_: pulumi.ResourceHookArgs) -> None:
    """Holds back what depends on a new grant until the grant is in force, which nobody can ask."""
    await asyncio.sleep(SETTLING_S)
