"""Measures every CDN once a minute and writes what the choice of CDN reads (F080)."""

from __future__ import annotations

import asyncio
import logging

from shared.delivery import service
from shared.platform import telemetry

_log = logging.getLogger(__name__)


def main() -> None:
    """One round of probes."""
    telemetry.configure()
    for health in asyncio.run(service.probe_cdns()):
        _log.info(
            "probed %s",
            health.cdn,
            extra={
                "is_healthy": health.is_healthy,
                "latency_ms": health.latency_ms,
                "availability": health.availability,
            },
        )


if __name__ == "__main__":
    main()
