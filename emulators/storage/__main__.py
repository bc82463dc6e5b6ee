"""`python -m emulators.storage`: serve until SIGTERM."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
from pathlib import Path

from shared import topology


def main() -> None:
    """Start, serve, write the snapshot, exit 0."""
    options = _options()
    logging.basicConfig(
        stream=sys.stderr, level=options.log_level, format="storage: %(levelname)s %(message)s"
    )
    from gcp_storage_emulator.handlers.buckets import create_bucket

    from emulators.storage.events import EventSender
    from emulators.storage.http import StorageServer
    from emulators.storage.objects import XmlApi
    from emulators.storage.signing import rsa_verifier
    from emulators.storage.store import DurableStorage

    def physical(name: str) -> str:
        return name if name.startswith(f"{options.project}-") else f"{options.project}-{name}"

    watched = [
        physical(function.trigger.bucket.name)
        for function in topology.EVENT_FUNCTIONS
        if isinstance(function.trigger, topology.ObjectTrigger)
    ]
    storage = DurableStorage(
        options.data_dir,
        watched if options.events_url else (),
        [physical(name) for name in options.wipe],
    )
    for bucket in topology.BUCKETS:
        create_bucket(physical(bucket.name), storage)
    verify = rsa_verifier(options.signing_key.read_bytes()) if options.signing_key else None
    server = StorageServer(options.host, options.port, storage, XmlApi(verify))
    sender = EventSender(storage, options.events_url) if options.events_url else None
    if sender:
        sender.start()

    def stop(*_: object) -> None:
        # `shutdown` waits for the serving loop, which this handler interrupts
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    server.serve_forever(poll_interval=0.1)
    if sender:
        sender.stop()
    server.server_close()
    storage.close()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="emulators.storage", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--project", default="segue-local")
    parser.add_argument("--events-url", help="where new objects of watched buckets are announced")
    parser.add_argument("--signing-key", type=Path, help="PEM public key of signed URLs")
    parser.add_argument("--wipe", nargs="*", default=[], metavar="BUCKET", help="emptied at start")
    parser.add_argument("--log-level", default="INFO")
    return parser.parse_args()


if __name__ == "__main__":
    main()
