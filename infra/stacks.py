"""The stacks that are committed as `Pulumi.<stack>.yaml`, read without Pulumi's engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from infra import keys
from infra.config import CdnConfig, ConfigError, StackConfig, required_keys

ROOT = Path(__file__).resolve().parent.parent


def names() -> tuple[str, ...]:
    """Every stack that has a file."""
    return tuple(sorted(path.name.split(".")[1] for path in ROOT.glob("Pulumi.*.yaml")))


def values(stack: str) -> tuple[str | None, dict[str, Any]]:
    """`gcp:project` of a stack's file, and its values in the namespace `segue`. Encrypted ones are
    left out: only the engine can read them.

    Raises ConfigError for a stack without a file.
    """
    path = ROOT / f"Pulumi.{stack}.yaml"
    if not path.exists():
        raise ConfigError(f"there is no {path.name}; stacks: {', '.join(names())}")
    config: dict[str, Any] = (yaml.safe_load(path.read_text()) or {}).get("config", {})
    ours = {
        name.removeprefix("segue:"): value
        for name, value in config.items()
        if name.startswith("segue:") and name != "segue:keys"
    }
    return config.get("gcp:project"), ours


def example(stack: str) -> StackConfig:
    """The configuration of a stack's file with throwaway keys in the place of its own.

    Raises ConfigError.
    """
    project, given = values(stack)
    cdns = tuple(CdnConfig.model_validate(cdn) for cdn in given.get("cdns", ()))
    made = {name: (keys.make(name, cdns),) for name in required_keys(cdns)}
    return StackConfig.parse(stack, project, {**given, "keys": made})
