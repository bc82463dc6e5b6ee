"""`python -m emulators.eventing`: run until SIGTERM."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import uvicorn

from shared import topology

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Start everything, serve, exit 0."""
    options = _options()
    logging.basicConfig(
        stream=sys.stderr, level=options.log_level, format="eventing: %(levelname)s %(message)s"
    )
    logging.getLogger("httpx").setLevel(logging.WARNING)
    asyncio.run(_run(options))


class _Server(uvicorn.Server):
    """Leaves signals to us: uvicorn's own handling would end the process by the signal."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing to capture."""
        yield


async def _run(options: argparse.Namespace) -> None:
    from emulators.eventing.app import App
    from emulators.eventing.delivery import FunctionHost
    from emulators.eventing.eventarc import Eventarc
    from emulators.eventing.export import Export
    from emulators.eventing.oidc import TokenIssuer
    from emulators.eventing.pubsub import PubSub
    from emulators.eventing.push import PushSubscription
    from emulators.eventing.scheduler import Scheduler
    from emulators.eventing.stats import Stats

    stats = Stats()
    tokens = TokenIssuer(options.state, options.issuer, options.service_account, options.audience)
    host = FunctionHost(options.functions, tokens)
    pubsub = PubSub(options.pubsub, options.project, options.lease)
    eventarc = Eventarc(
        topology.EVENT_FUNCTIONS, options.state, options.project, host, pubsub, stats
    )
    eventarc.start()
    scheduler = Scheduler(topology.JOBS, ROOT, os.environ, "emulators.job_host")
    pulling: list[PushSubscription | Export] = [
        PushSubscription(function, function.trigger, pubsub, options.project, host, stats)
        for function in topology.EVENT_FUNCTIONS
        if isinstance(function.trigger, topology.TopicTrigger)
    ]
    pulling += [
        Export(export, pubsub, options.project, options.bigquery, stats)
        for export in topology.WAREHOUSE_EXPORTS
    ]
    server = _Server(
        uvicorn.Config(
            App(tokens, eventarc, host, scheduler, stats),
            host="127.0.0.1",
            port=options.port,
            lifespan="off",
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=1,
        )
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, setattr, server, "should_exit", True)
    tasks = [asyncio.create_task(each.run(), name=each.name) for each in pulling]
    if options.schedule:
        tasks.append(asyncio.create_task(scheduler.run_forever(), name="scheduler"))
    for task in tasks:
        task.add_done_callback(_loudly)
    await server.serve()
    everything = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in everything:
        task.cancel()
    await asyncio.wait(everything, timeout=2)
    eventarc.close()
    await host.close()
    await pubsub.close()


def _loudly(task: asyncio.Task[None]) -> None:
    """A loop that ends has a fault: half a service must not look healthy."""
    if not task.cancelled():
        logging.critical("%s stopped", task.get_name(), exc_info=task.exception())
        os.kill(os.getpid(), signal.SIGABRT)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="emulators.eventing", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--pubsub", required=True, metavar="HOST:PORT")
    parser.add_argument("--functions", required=True, metavar="URL")
    parser.add_argument("--bigquery", required=True, metavar="URL")
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--project", default="segue-local")
    parser.add_argument("--service-account", required=True, metavar="EMAIL")
    parser.add_argument("--audience", required=True)
    parser.add_argument("--issuer", default="https://accounts.google.com")
    parser.add_argument(
        "--no-schedule",
        dest="schedule",
        action="store_false",
        help="run jobs only when asked to",
    )
    parser.add_argument(
        "--lease",
        type=int,
        default=15,
        metavar="SECONDS",
        help="so soon a message comes again after this process was killed (10..600)",
    )
    parser.add_argument("--log-level", default="INFO")
    return parser.parse_args()


if __name__ == "__main__":
    main()
