"""Runs inside bqemulator's environment: unpack DuckDB's spatial extension, then serve.

The emulator asks DuckDB to `INSTALL spatial`, which would download it. DuckDB looks first in
`<home>/.duckdb/extensions`, where the extension from the package index is put here.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--grpc-port", type=int, default=0)
    parser.add_argument("--project", required=True)
    parser.add_argument("--state", type=Path, help="keep rows here, not in memory")
    options = parser.parse_args()
    options.home.mkdir(parents=True, exist_ok=True)
    os.environ["HOME"] = str(options.home.resolve())  # before DuckDB reads it
    install_spatial(options.home)

    from bqemulator.cli import main as serve
    from bqemulator.storage.engine import DuckDBEngine

    # Avro is optional there, unused here, and would be downloaded at every start: without a
    # network that means to wait for a connection that nobody answers.
    DuckDBEngine._load_format_extensions = lambda _: None

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # until the server has its own
    arguments = ["start", "--rest-port", str(options.port), "--grpc-port", str(options.grpc_port)]
    arguments += ["--project", options.project, "--log-level", "warning"]
    if options.state:
        arguments += ["--persistent", "--data-dir", str(options.state)]
    serve(arguments)


def install_spatial(home: Path) -> None:
    """Once for each version of DuckDB."""
    import duckdb

    if list(home.glob(f".duckdb/extensions/v{duckdb.__version__}/*/spatial.duckdb_extension")):
        return
    from duckdb_extensions import import_extension

    import_extension("spatial")


if __name__ == "__main__":
    main()
