"""One `ComponentResource` per concern; `infra/program.py` puts them together."""

from __future__ import annotations

from typing import Any

import pulumi


def child(parent: pulumi.Resource, **options: Any) -> pulumi.ResourceOptions:
    """Options of a resource that belongs to the component `parent`."""
    return pulumi.ResourceOptions(parent=parent, **options)
