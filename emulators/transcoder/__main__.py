"""`python -m emulators.transcoder --port P --state DIR --storage URL --secret-manager H:P …`"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import logging
import os
import signal
import sys
from pathlib import Path

from .cache import DEFAULT_MAX_BYTES, Cache
from .cloud import Cloud
from .pipeline import Pipeline

DEFAULT_WORKERS = 2


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m emulators.transcoder",
        description="Google Cloud Transcoder API with ffmpeg and Shaka Packager, over gRPC.",
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state", type=Path, required=True, help="for the cache of encodings")
    parser.add_argument("--storage", required=True, metavar="URL", help="Cloud Storage JSON API")
    parser.add_argument("--secret-manager", required=True, metavar="HOST:PORT", help="gRPC")
    parser.add_argument("--pubsub", required=True, metavar="HOST:PORT", help="REST")
    parser.add_argument("--workers", type=int, default=DEFAULT_WORKERS, help="jobs at a time")
    parser.add_argument("--cache-bytes", type=int, default=DEFAULT_MAX_BYTES)
    return parser.parse_args()


async def _serve(arguments: argparse.Namespace) -> None:
    from . import server  # after the environment is set: imports gRPC
    from .jobs import Jobs

    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    cloud = Cloud(arguments.storage, arguments.pubsub)
    cache = Cache(arguments.state / "cache", arguments.cache_bytes)
    pipeline = Pipeline(arguments.state, cloud, arguments.secret_manager, cache)
    jobs = Jobs(pipeline, arguments.workers)
    running = await server.start(jobs, arguments.host, arguments.port)
    logging.info("Transcoder on %s:%d", arguments.host, arguments.port)
    await stopping.wait()
    await server.stop(running, jobs)
    await cloud.close()


def main() -> int:
    """Serves until SIGTERM or SIGINT; returns the exit status."""
    arguments = _arguments()
    # gRPC's fork handlers are for children that use gRPC; ours run ffmpeg.
    os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    logging.getLogger("httpx").setLevel(logging.WARNING)
    arguments.state.mkdir(parents=True, exist_ok=True)
    lock = os.open(arguments.state / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f"transcoder: {arguments.state} is in use by another one", file=sys.stderr)
        return 1
    try:
        asyncio.run(_serve(arguments))
    except (RuntimeError, OSError) as error:
        print(f"transcoder: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
