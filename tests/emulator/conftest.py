"""Real emulators, one process each for the whole run, started when the first test asks.

`firestore`, `pubsub`, `bigtable`, `spanner` and `secrets` yield `host:port`, set the variable by
which Google's clients find them, and hold what the topology and `shared/schemas` declare (topics,
tables). Nothing is wiped between tests: use fresh ids. A missing emulator skips the test here and
fails it where `CI` is set.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

import grpc
import httpx
import pytest
from google.api_core.exceptions import AlreadyExists

from emulators import google_emulators, processes
from emulators.processes import accepts, free_port
from shared import topology
from tests import local_settings

STOP_S = 5
_SEARCH_SQL = (Path(topology.__file__).parent / "schemas" / "search.sql").read_text()
SEARCH_TABLES = [
    statement.strip()
    for statement in re.sub("--.*", "", _SEARCH_SQL).split(";")
    if statement.strip()
]


def pytest_configure(config: pytest.Config) -> None:
    """The Bigtable client warns whenever it is pointed at an emulator, as every test here is."""
    config.addinivalue_line("filterwarnings", "ignore:Connecting to Bigtable emulator")


def missing(what: str) -> NoReturn:
    """Skips the test, or fails it in CI."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} is not installed")
    pytest.skip(f"{what} is not installed")


def google(command: Callable[[int], list[str]], port: int) -> list[str]:
    """Command line of one of Google's emulators; skips or fails where it is not installed."""
    try:
        return command(port)
    except google_emulators.MissingEmulator as error:
        missing(str(error))


def answers_http(port: int) -> bool:
    """Whether `GET /` is answered on `port`."""
    try:
        return httpx.get(f"http://127.0.0.1:{port}/", timeout=2, trust_env=False).status_code < 500
    except httpx.HTTPError:
        return False


@contextmanager
def process(
    command: Sequence[str | Path], ready: Callable[[], bool], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """`command` as a child that ends with the body, or with this process however it ends."""
    argv = [str(part) for part in command]
    with log.open("wb") as output:
        running = processes.popen(
            argv, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
    child = processes.Child(argv[0], running, log)
    try:
        processes.wait_until_ready(child, ready)
        yield running
    finally:
        running.terminate()
        try:
            running.wait(STOP_S)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


@pytest.fixture(scope="session")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the emulators' logs."""
    return tmp_path_factory.mktemp("emulators")


@pytest.fixture(scope="session")
def settings_env() -> Iterator[pytest.MonkeyPatch]:
    """The environment of a function. To change a variable: set it on the yielded patch, then call
    `local_settings.forget_settings()`."""
    with local_settings.environment() as patch:
        yield patch


@pytest.fixture(scope="session")
def firestore(settings_env: pytest.MonkeyPatch, logs: Path) -> Iterator[str]:
    """Firestore."""
    port = free_port()
    command = google(google_emulators.firestore, port)
    with process(command, lambda: answers_http(port), logs / "firestore.log"):
        settings_env.setenv("FIRESTORE_EMULATOR_HOST", f"127.0.0.1:{port}")
        yield f"127.0.0.1:{port}"


@pytest.fixture(scope="session")
def pubsub(settings_env: pytest.MonkeyPatch, logs: Path) -> Iterator[str]:
    """Pub/Sub with every topic of the topology and its dead-letter topic."""
    from google.pubsub_v1 import PublisherClient
    from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport

    port = free_port()
    command = google(google_emulators.pubsub, port)
    with process(command, lambda: answers_http(port), logs / "pubsub.log"):
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            publisher = PublisherClient(transport=PublisherGrpcTransport(channel=channel))
            for topic in topology.TOPICS:
                for name in (topic.name, topic.dead_letter):
                    path = f"projects/{local_settings.PROJECT}/topics/{name}"
                    publisher.create_topic(name=path)
        settings_env.setenv("PUBSUB_EMULATOR_HOST", f"127.0.0.1:{port}")
        yield f"127.0.0.1:{port}"


@pytest.fixture(scope="session")
def bigtable(settings_env: pytest.MonkeyPatch, logs: Path) -> Iterator[str]:
    """Bigtable with every table of the topology (instance `segue`)."""
    from google.cloud.bigtable_admin_v2 import BaseBigtableTableAdminClient as Admin
    from google.cloud.bigtable_admin_v2.services.bigtable_table_admin.transports import (
        BigtableTableAdminGrpcTransport,
    )

    port = free_port()
    command = google(google_emulators.bigtable, port)
    with process(command, accepts(port), logs / "bigtable.log"):
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            admin = Admin(transport=BigtableTableAdminGrpcTransport(channel=channel))
            instance = f"projects/{local_settings.PROJECT}/instances/{topology.BIGTABLE_INSTANCE}"
            for table in topology.TABLES:
                families = {
                    family.name: {"gc_rule": {"max_num_versions": family.max_versions}}
                    for family in table.families
                }
                admin.create_table(
                    request={
                        "parent": instance,
                        "table_id": table.name,
                        "table": {"column_families": families},
                    }
                )
        settings_env.setenv("BIGTABLE_EMULATOR_HOST", f"127.0.0.1:{port}")
        settings_env.setenv("SEGUE_BIGTABLE_ENDPOINT", f"127.0.0.1:{port}")
        local_settings.forget_settings()
        yield f"127.0.0.1:{port}"


@pytest.fixture(scope="session")
def spanner(settings_env: pytest.MonkeyPatch, logs: Path) -> Iterator[str]:
    """Spanner with a database that has the tables of search (`SEGUE_SPANNER_DATABASE`)."""
    port = free_port()
    command = google(google_emulators.spanner, port)
    with process(command, accepts(port), logs / "spanner.log"):
        database = create_search_database(f"127.0.0.1:{port}", "search")
        settings_env.setenv("SEGUE_SPANNER_ENDPOINT", f"127.0.0.1:{port}")
        settings_env.setenv("SEGUE_SPANNER_DATABASE", database)
        local_settings.forget_settings()
        yield f"127.0.0.1:{port}"


def create_search_database(address: str, name: str) -> str:
    """Makes a database with the tables of search in Spanner at `address`; returns its full name."""
    from google.cloud.spanner_admin_database_v1 import DatabaseAdminClient
    from google.cloud.spanner_admin_database_v1.services.database_admin import (
        transports as of_databases,
    )
    from google.cloud.spanner_admin_instance_v1 import InstanceAdminClient
    from google.cloud.spanner_admin_instance_v1.services.instance_admin import (
        transports as of_instances,
    )

    project = f"projects/{local_settings.PROJECT}"
    instance = f"{project}/instances/segue-search"
    with grpc.insecure_channel(address) as channel:
        instances = InstanceAdminClient(
            transport=of_instances.InstanceAdminGrpcTransport(channel=channel)
        )
        made = {
            "config": f"{project}/instanceConfigs/emulator-config",
            "display_name": "Segue search",
            "node_count": 1,
        }
        with suppress(AlreadyExists):
            instances.create_instance(
                parent=project, instance_id="segue-search", instance=made
            ).result(timeout=30)
        databases = DatabaseAdminClient(
            transport=of_databases.DatabaseAdminGrpcTransport(channel=channel)
        )
        databases.create_database(
            request={
                "parent": instance,
                "create_statement": f"CREATE DATABASE `{name}`",
                "extra_statements": SEARCH_TABLES,
            }
        ).result(timeout=30)
    return f"{instance}/databases/{name}"


@pytest.fixture(scope="session")
def secrets(settings_env: pytest.MonkeyPatch, logs: Path) -> Iterator[str]:
    """Secret Manager and KMS; `token-signing-key` is stored. Add others by `store_secret`."""
    port, kms_port = free_port(), free_port()
    command: list[str | Path] = [sys.executable, "-m", "emulators.secret_manager"]
    command += ["--port", str(port), "--kms-port", str(kms_port), "--state", logs / "secrets"]
    with process(command, accepts(kms_port), logs / "secrets.log"):
        settings_env.setenv("SEGUE_SECRET_MANAGER_ENDPOINT", f"127.0.0.1:{port}")
        settings_env.setenv("SEGUE_KMS_ENDPOINT", f"127.0.0.1:{kms_port}")
        local_settings.forget_settings()
        address = f"127.0.0.1:{port}"
        store_secret(address, topology.TOKEN_SIGNING_KEY.name, local_settings.signing_key_json())
        yield address


def store_secret(address: str, name: str, payload: bytes) -> None:
    """Adds `payload` as the next version of secret `name`."""
    from google.cloud.secretmanager_v1 import SecretManagerServiceClient
    from google.cloud.secretmanager_v1.services.secret_manager_service import transports

    with grpc.insecure_channel(address) as channel:
        transport = transports.SecretManagerServiceGrpcTransport(channel=channel)
        client = SecretManagerServiceClient(transport=transport)
        project = f"projects/{local_settings.PROJECT}"
        replication = {"replication": {"automatic": {}}}
        with suppress(AlreadyExists):
            client.create_secret(
                request={"parent": project, "secret_id": name, "secret": replication}
            )
        client.add_secret_version(
            request={"parent": f"{project}/secrets/{name}", "payload": {"data": payload}}
        )
