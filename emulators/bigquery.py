"""Starting `bqemulator`, which lives in an environment of its own (`requirements/bigquery.in`)."""

from __future__ import annotations

from pathlib import Path

LAUNCHER = Path(__file__).parent / "launchers" / "serve_bigquery.py"


def command(
    python: Path,
    port: int,
    grpc_port: int = 0,
    project: str = "segue-local",
    state: Path | None = None,
) -> tuple[list[str], dict[str, str]]:
    """Command line and additional environment that serve BigQuery's REST API on `port` (and its
    storage API on `grpc_port`, 0: any); ready when `GET /readyz` succeeds.

    `python` is the interpreter of the emulator's environment; DuckDB's extensions (80 MB) are
    unpacked there once. Rows live in memory, or under `state` when it is given.
    """
    home = python.parent.parent / "duckdb"
    argv = [str(python), str(LAUNCHER), "--home", str(home), "--project", project]
    argv += ["--port", str(port), "--grpc-port", str(grpc_port)]
    if state is not None:
        argv += ["--state", str(state)]
    return argv, {"OTEL_SDK_DISABLED": "true"}
