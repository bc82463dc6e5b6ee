"""The program on Pulumi's mocks: every stack is made whole, of what the provider knows."""

from __future__ import annotations

import json
import re
import runpy
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pulumi
import pulumi_gcp as gcp
import pytest

from infra import archives, names, policies, stacks
from infra.components.functions import Deployable
from infra.config import StackConfig
from infra.program import declare
from infra.runtime import Resource, Tree, UnresolvedOutput, run_on_mocks
from shared import topology
from tests.infra.provider_types import faults
from tests.infra.test_config import PROGRAM, as_pulumi_holds_them, given
from tests.infra.trees import tree_of

Made = tuple[StackConfig, Tree]


def inputs_of(tree: Tree, type_: str) -> list[dict[str, Any]]:
    return [resource.inputs for resource in tree.of_type(type_)]


def values_of(tree: Tree, type_: str, name: str) -> set[str]:
    return {str(inputs[name]) for inputs in inputs_of(tree, type_)}


# --- every declaration appears --------------------------------------------------------------


def test_every_function_stands_in_every_region(made: Made) -> None:
    config, tree = made
    standing = {(f["name"], f["location"]) for f in inputs_of(tree, policies.FUNCTION)}
    entries: list[Deployable] = [*topology.HTTP_FUNCTIONS, *topology.EVENT_FUNCTIONS]
    assert standing == {(names.service(e), region) for e in entries for region in config.regions}
    for entry in entries:
        function = tree.one(policies.FUNCTION, f"{entry.name}-{config.home}")
        service = function.inputs["serviceConfig"]
        assert service["availableMemory"] == f"{entry.memory_mb}Mi"
        assert service["timeoutSeconds"] == entry.timeout_s
        assert service["maxInstanceRequestConcurrency"] == entry.concurrency
        waiting = getattr(entry, "min_instances", 0)
        assert service["minInstanceCount"] == (0 if config.scale_to_zero else waiting)
        assert function.inputs["buildConfig"]["entryPoint"] == entry.name


def test_every_job_has_its_tasks_and_its_schedule(made: Made) -> None:
    config, tree = made
    schedules = {s["name"]: s for s in inputs_of(tree, "gcp:cloudscheduler/job:Job")}
    for job in topology.JOBS:
        template = tree.one(policies.JOB, job.name).inputs["template"]
        assert template["taskCount"] == template["parallelism"] == job.tasks
        container = template["template"]["containers"][0]
        assert container["commands"] == ["python", f"jobs/{job.name}/main.py"]
        mounted = {v["name"]: v["gcs"] for v in template["template"].get("volumes", [])}
        assert mounted == {
            bucket.name: {"bucket": names.bucket(bucket, config.project), "readOnly": True}
            for bucket in job.mounts
        }
        paths = {mount["mountPath"] for mount in container.get("volumeMounts", [])}
        assert paths == {f"/mnt/{bucket.name}" for bucket in job.mounts}
        schedule = schedules.pop(names.service(job), None)
        assert (schedule and schedule["schedule"]) == job.schedule
        if schedule:
            path = f"/locations/{config.events_in}/jobs/{names.service(job)}:run"
            assert schedule["httpTarget"]["uri"].endswith(path)
    assert not schedules


@pytest.mark.parametrize(
    ("type_", "field", "declared"),
    [
        (policies.BIGTABLE_TABLE, "name", topology.TABLES),
        (policies.WAREHOUSE_TABLE, "tableId", topology.WAREHOUSE_TABLES),
        (policies.WAREHOUSE_TABLE, "tableId", topology.WAREHOUSE_VIEWS),
        (policies.TOPIC, "name", topology.TOPICS),
        ("gcp:cloudtasks/queue:Queue", "name", topology.QUEUES),
        (policies.CRYPTO_KEY, "name", topology.CRYPTO_KEYS),
    ],
)
def test_every_declaration_is_made(made: Made, type_: str, field: str, declared: Any) -> None:
    _, tree = made
    assert {one.name for one in declared} <= values_of(tree, type_, field)


def test_every_bucket_secret_and_collection_is_made(made: Made) -> None:
    config, tree = made
    buckets = values_of(tree, policies.BUCKET, "name")
    assert {names.bucket(bucket, config.project) for bucket in topology.BUCKETS} <= buckets
    secrets = values_of(tree, "gcp:secretmanager/secret:Secret", "secretId")
    assert {secret.name for secret in topology.SECRETS if not secret.dynamic} <= secrets
    assert {cdn.secret for cdn in config.cdns} <= secrets
    databases = values_of(tree, policies.DATABASE, "name")
    assert len(databases) == len(config.residency)
    expiring = {
        (field["database"], field["collection"], field["field"])
        for field in inputs_of(tree, "gcp:firestore/field:Field")
        if "ttlConfig" in field
    }
    assert expiring == {
        (database, collection.name, collection.ttl_field)
        for database in databases
        for collection in topology.COLLECTIONS
        if collection.ttl_field
    }


def test_every_event_function_is_triggered_once(made: Made) -> None:
    config, tree = made
    pushed = {s["name"]: s for s in inputs_of(tree, policies.SUBSCRIPTION) if "pushConfig" in s}
    watched = {t["name"]: t for t in inputs_of(tree, "gcp:eventarc/trigger:Trigger")}
    for function in topology.EVENT_FUNCTIONS:
        service = names.service(function)
        if isinstance(function.trigger, topology.ObjectTrigger):
            destination = watched.pop(service)["destination"]["cloudRunService"]
            assert (destination["service"], destination["region"]) == (service, config.events_in)
            continue
        subscription = pushed.pop(f"{function.trigger.topic.name}.{function.name}")
        assert re.fullmatch(
            rf"https://{service}-\d+\.{config.events_in}\.run\.app/",
            subscription["pushConfig"]["pushEndpoint"],
        )
        token = subscription["pushConfig"]["oidcToken"]
        assert token["serviceAccountEmail"].startswith(f"call-{service}@")
        assert subscription["deadLetterPolicy"]["maxDeliveryAttempts"] == (
            function.trigger.max_attempts
        )
    assert not pushed
    assert not watched


# --- and nothing else -----------------------------------------------------------------------

# Made once for a stack as a whole, whatever the topology holds.
OF_THE_STACK = {
    "segue:project:Project": "the project itself, with its APIs and Google's service agents",
    "segue:operations": "how people watch over it",
    "segue:ci": "who deploys it",
}


def mentions(tree: Tree) -> dict[str, set[str]]:
    """An undirected graph over URNs: what depends on what, or mentions its physical name. The
    project's APIs are left out, since everything waits for them."""
    hubs = {r.urn for r in tree.resources if r.type.startswith(("gcp:projects/service", "segue:"))}
    edges: dict[str, set[str]] = {resource.urn: set() for resource in tree.resources}
    for resource in tree.resources:
        for other in resource.dependencies - hubs:
            if resource.urn not in hubs:
                edges[resource.urn].add(other)
                edges[other].add(resource.urn)
    return edges


def roots(tree: Tree) -> Iterator[Resource]:
    """The resources that are a declaration of the topology by its own name."""
    declared = {names.service(entry) for entry in topology.ENTRIES.values()}
    groups: list[tuple[Any, ...]] = [topology.BUCKETS, topology.TABLES, topology.TOPICS]
    groups += [topology.QUEUES, topology.WAREHOUSE_TABLES, topology.COLLECTIONS]
    groups += [topology.SECRETS, topology.CRYPTO_KEYS]
    declared |= {one.name for group in groups for one in group}
    fields = ("name", "secretId", "tableId", "collection")
    dynamic = [f"/secrets/{s.name}-" for s in topology.SECRETS if s.dynamic]
    for resource in tree.resources:
        own = {str(resource.inputs.get(field, "")) for field in fields}
        # A bucket's name begins with the project's.
        found = own & declared or any(o.rpartition("-")[2] in declared for o in own)
        condition = json.dumps(resource.inputs.get("condition"), default=str)
        if found or any(prefix in condition for prefix in dynamic):
            yield resource


def ancestors(tree: Tree, resource: Resource) -> Iterator[Resource]:
    by_urn = {one.urn: one for one in tree.resources}
    while resource.parent:
        resource = by_urn[resource.parent]
        yield resource


def spare(tree: Tree) -> list[str]:
    """Resources that no entry leads to."""
    edges = mentions(tree)
    reached = set()
    waiting = [resource.urn for resource in roots(tree)]
    while waiting:
        urn = waiting.pop()
        if urn not in reached:
            reached.add(urn)
            waiting.extend(edges[urn])
    return [
        f"{resource.type} {resource.name}"
        for resource in tree.resources
        if resource.custom
        and resource.urn not in reached
        and not any(
            ancestor.type.startswith(tuple(OF_THE_STACK)) for ancestor in ancestors(tree, resource)
        )
    ]


def test_each_resource_is_there_for_an_entry(made: Made) -> None:
    _, tree = made
    assert spare(tree) == []


def test_a_resource_that_nothing_asks_for_is_noticed(prod: Made) -> None:
    _, tree = prod
    forgotten = replace(
        tree.one(policies.BUCKET, "masters"),
        urn="urn:pulumi:prod::segue::gcp:storage/bucket:Bucket::forgotten",
        name="forgotten",
        inputs={"name": "forgotten"},
        dependencies=frozenset(),
    )
    assert spare(replace(tree, resources=(*tree.resources, forgotten))) == [
        "gcp:storage/bucket:Bucket forgotten"
    ]


# --- inputs and outputs ---------------------------------------------------------------------


def test_inputs_are_what_the_provider_takes(made: Made) -> None:
    _, tree = made
    found = [fault for resource in tree.resources if resource.custom for fault in faults(resource)]
    assert found == []


def test_no_output_was_turned_into_text(made: Made) -> None:
    _, tree = made
    for resource in tree.resources:
        text = json.dumps(resource.inputs, default=str)
        assert "Output[" not in text, resource.name  # what str() of one tells
        assert "pulumi.output" not in text, resource.name


def test_no_key_stands_in_the_open(made: Made) -> None:
    config, tree = made
    payloads = {payload for versions in config.keys.values() for payload in versions}
    for resource in tree.resources:
        text = json.dumps(resource.inputs, default=str)
        for payload in payloads:
            assert payload not in text, resource.name
            assert json.dumps(payload)[1:-1] not in text, resource.name


def test_what_is_exported_is_known(made: Made) -> None:
    config, tree = made
    assert tree.outputs["url"] == f"https://{config.domain}"
    assert tree.outputs["dnsRecords"]
    assert not [name for name, value in tree.outputs.items() if value in (None, "")]


def test_an_output_that_is_never_resolved_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    monkeypatch.setattr("infra.runtime.OUTPUT_TIMEOUT_S", 0.2)

    def in_an_export() -> dict[str, Any]:
        loop = asyncio.get_event_loop()
        never: asyncio.Future[str] = loop.create_future()
        known: asyncio.Future[bool] = loop.create_future()
        known.set_result(True)
        return {"never": pulumi.Output(set(), never, known)}

    def in_an_input() -> dict[str, Any]:
        gcp.storage.Bucket("bucket", location=in_an_export()["never"])
        return {}

    for program in (in_an_export, in_an_input):
        with pytest.raises(UnresolvedOutput):
            run_on_mocks(program, stack="dev")


def test_an_unknown_output_fails() -> None:
    def program() -> dict[str, Any]:
        bucket = gcp.storage.Bucket("bucket", location="US")
        return {"unknown": bucket.project_number.apply(lambda _: pulumi.UNKNOWN)}

    with pytest.raises((UnresolvedOutput, AssertionError)):
        assert run_on_mocks(program, stack="dev").outputs["unknown"] is not None


def test_pulumi_runs_the_same_program() -> None:
    """`infra/__main__.py` as `pulumi up` starts it, with values as the engine has them."""
    config = as_pulumi_holds_them("segue-prod-example", given("prod"))
    tree = run_on_mocks(
        lambda: runpy.run_path(PROGRAM, run_name="__main__") and None, stack="prod", config=config
    )
    _, here = tree_of("prod")
    assert {r.urn for r in tree.resources} == {r.urn for r in here.resources}


# --- a new function -------------------------------------------------------------------------


def test_a_new_function_needs_no_change_of_infra(monkeypatch: pytest.MonkeyPatch) -> None:
    added = topology.HttpFunction(
        name="tickets",
        routes=(topology.Route("/v1/tickets/{id}", ("GET", "POST")),),
        reads=(topology.TRACKS,),
        publishes=(topology.FOLLOW_CHANGED,),
    )
    monkeypatch.setattr(topology, "HTTP_FUNCTIONS", (*topology.HTTP_FUNCTIONS, added))
    monkeypatch.setitem(topology.ENTRIES, added.name, added)
    real = archives.function_archive

    def archive(name: str) -> archives.Archive:
        return replace(real("lyrics"), name=name) if name == added.name else real(name)

    monkeypatch.setattr(archives, "function_archive", archive)
    config = stacks.example("prod")
    tree = run_on_mocks(lambda: declare(config), stack="prod")
    for region in config.regions:
        tree.one(policies.FUNCTION, f"tickets-{region}")
    everything = json.dumps([resource.inputs for resource in tree.resources], default=str)
    assert "/v1/tickets/" in everything  # the balancer's
    assert "serviceAccount:fn-tickets@" in everything  # grants
    stack = policies.Stack(protect=config.protect, regions=config.regions)
    assert policies.violations(tree.resources, stack) == []
