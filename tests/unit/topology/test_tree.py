"""The topology and the tree say the same, both ways."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from shared import topology

ROOT = Path(__file__).resolve().parents[3]
FUNCTIONS = {e.name: e for e in (*topology.HTTP_FUNCTIONS, *topology.EVENT_FUNCTIONS)}
JOBS = {job.name: job for job in topology.JOBS}


def _folders(kind: str) -> set[str]:
    return {main.parent.name for main in (ROOT / kind).glob("*/main.py")}


def _defined(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    return {
        node.name for node in tree.body if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef)
    }


def test_every_function_has_its_folder_and_every_folder_its_function() -> None:
    assert _folders("functions") == set(FUNCTIONS)


def test_every_job_has_its_folder_and_every_folder_its_job() -> None:
    assert _folders("jobs") == set(JOBS)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_functions_entry_point_is_named_like_its_folder(name: str) -> None:
    assert name in _defined(ROOT / "functions" / name / "main.py")


@pytest.mark.parametrize("name", sorted(JOBS))
def test_a_job_has_a_main(name: str) -> None:
    assert "main" in _defined(ROOT / "jobs" / name / "main.py")


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_function_folder_holds_main_and_nothing_else_in_python(name: str) -> None:
    folder = ROOT / "functions" / name
    assert [p.name for p in folder.glob("*.py")] == ["main.py"]


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_functions_main_grows_with_its_operations_alone(name: str) -> None:
    entry = FUNCTIONS[name]
    routes = entry.routes if isinstance(entry, topology.HttpFunction) else ()
    lines = (ROOT / "functions" / name / "main.py").read_text().splitlines()
    assert len(lines) <= max(150, 60 + 12 * sum(len(route.methods) for route in routes))


@pytest.mark.parametrize(
    ("kind", "name"), [("functions", n) for n in FUNCTIONS] + [("jobs", n) for n in JOBS]
)
def test_entries_import_shared_and_never_one_another_nor_a_store(kind: str, name: str) -> None:
    tree = ast.parse((ROOT / kind / name / "main.py").read_text())
    modules = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    for module in modules:
        parts = module.split(".")
        assert parts[0] not in ("functions", "jobs", "emulators", "infra"), module
        assert not (parts[0] == "shared" and parts[-1] in ("store", "clients")), module
        assert not module.startswith("google."), module


def test_every_declared_resource_is_listed_for_the_builders() -> None:
    listed: set[object] = {
        *topology.COLLECTIONS,
        *topology.BUCKETS,
        *topology.TABLES,
        *topology.WAREHOUSE_TABLES,
        *topology.WAREHOUSE_VIEWS,
        *topology.TOPICS,
        *topology.QUEUES,
        *topology.SECRETS,
        *topology.CRYPTO_KEYS,
    }
    for entry in topology.ENTRIES.values():
        for resource in (*entry.reads, *entry.writes, *entry.publishes, *entry.uses):
            assert resource in listed or isinstance(resource, topology.Service), resource


def test_every_listed_resource_is_touched_by_an_entry_or_an_export() -> None:
    touched: set[object] = {export.table for export in topology.WAREHOUSE_EXPORTS}
    touched |= {export.bucket for export in topology.LAKE_EXPORTS}
    for entry in topology.ENTRIES.values():
        touched |= {*entry.reads, *entry.writes, *entry.publishes, *entry.uses}
        touched |= {*getattr(entry, "mounts", ())}
        trigger = getattr(entry, "trigger", None)
        touched |= {getattr(trigger, "topic", None), getattr(trigger, "bucket", None)}
    for resource in (
        *topology.COLLECTIONS,
        *topology.BUCKETS,
        *topology.TABLES,
        *topology.WAREHOUSE_TABLES,
        *topology.TOPICS,
        *topology.QUEUES,
        *topology.SECRETS,
        *topology.CRYPTO_KEYS,
    ):
        assert resource in touched, resource


def test_no_two_routes_claim_the_same_path_and_method() -> None:
    claims = [
        (re.sub(r"\{[^}]*\}", "{}", route.path), method)
        for function in topology.HTTP_FUNCTIONS
        for route in function.routes
        for method in route.methods
    ]
    assert len(claims) == len(set(claims))


def test_a_path_belongs_to_one_function() -> None:
    owners: dict[str, set[str]] = {}
    for function in topology.HTTP_FUNCTIONS:
        for route in function.routes:
            owners.setdefault(re.sub(r"\{[^}]*\}", "{}", route.path), set()).add(function.name)
    assert not [path for path, names in owners.items() if len(names) > 1]


def test_whoever_takes_tokens_may_count_requests_and_remember_proofs() -> None:
    for function in topology.HTTP_FUNCTIONS:
        if any(route.auth is topology.Auth.BEARER for route in function.routes):
            assert set(topology.PER_REQUEST) <= set(function.writes), function.name


def test_a_queues_target_is_a_service_route() -> None:
    for queue in topology.QUEUES:
        target = FUNCTIONS[queue.target]
        assert isinstance(target, topology.HttpFunction)
        routes = {route.path: route for route in target.routes}
        assert routes[queue.path].auth is topology.Auth.SERVICE


def test_every_topic_with_a_schema_has_its_proto_file() -> None:
    for topic in topology.TOPICS:
        if topic.schema is not None:
            snake = "".join(f"_{c.lower()}" if c.isupper() else c for c in topic.schema).lstrip("_")
            text = (ROOT / "shared" / "schemas" / f"{snake}.proto").read_text()
            assert f"message {topic.schema} " in text
