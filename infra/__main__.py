"""What `pulumi up` runs: reads the stack's configuration, then declares every resource."""

from __future__ import annotations

import json
import sys
from pathlib import Path

# Pulumi starts this file by its path.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import pulumi
import pulumi.runtime

from infra.checks import TopologyError
from infra.config import ConfigError, StackConfig
from infra.program import declare

NAMESPACE = "segue:"


def _configured() -> StackConfig:
    """The stack's configuration. All of it is read at once, and none of it as an output: mistakes
    must be known before the first resource. Keys become secret again where they are used."""
    values = {}
    for name, text in pulumi.runtime.config.CONFIG.get().items():
        if name.startswith(NAMESPACE):
            try:
                values[name.removeprefix(NAMESPACE)] = json.loads(text)
            except ValueError:
                values[name.removeprefix(NAMESPACE)] = text  # plain strings are not quoted
    project = pulumi.runtime.get_config("gcp:project")
    return StackConfig.parse(pulumi.get_stack(), project, values)


try:
    outputs = declare(_configured())
except (ConfigError, TopologyError) as error:
    raise pulumi.RunError(str(error)) from None
for output, value in outputs.items():
    pulumi.export(output, value)
