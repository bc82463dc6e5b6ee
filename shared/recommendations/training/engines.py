"""Which engine factorises: ours on this machine, or Spark's as a Dataproc Serverless batch."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal

from shared.artifacts.releases import Refused
from shared.platform.settings import settings
from shared.recommendations.collaborative.factors import factorize
from shared.recommendations.training import spark_runs

if TYPE_CHECKING:
    from shared.recommendations.collaborative.factors import Factorization, Factorize, Factors
    from shared.recommendations.collaborative.interactions import Interactions

Engine = Literal["exact", "spark"]


def chosen(engine: Engine) -> Factorize:
    """The engine of that name, to be called in a thread beside the running loop. Raises Refused
    for `spark` where the stack has none."""
    if engine == "exact":
        return factorize
    given = settings()
    missing = [
        f"SEGUE_{name.upper()}"
        for name in ("spark_program", "spark_account", "spark_subnetwork")
        if not getattr(given, name)
    ]
    if missing:
        raise Refused(
            f"There is no Spark here ({', '.join(missing)} not set): set segue:sparkTraining and "
            "segue:sparkSubnetwork for the stack and deploy it, or train with --engine exact"
        )
    loop = asyncio.get_running_loop()

    def by_spark(interactions: Interactions, config: Factorization, *, seed: int) -> Factors:
        running = spark_runs.factorize(interactions, config, seed=seed)
        return asyncio.run_coroutine_threadsafe(running, loop).result()

    return by_spark
