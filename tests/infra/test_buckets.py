"""Buckets: private, encrypted where it matters, and what becomes of their objects with time."""

from __future__ import annotations

import dataclasses

import pytest

from infra.components.buckets import lifecycle
from infra.runtime import Resource
from infra.stacks import ROOT
from shared import topology
from tests.infra.data_tree import STACKS, by_name, data_tree, waits_for
from tests.infra.provider_types import faults

BUCKET = "gcp:storage/bucket:Bucket"
OBJECT = "gcp:storage/bucketObject:BucketObject"


def bucket(stack: str, name: str) -> Resource:
    config, tree = data_tree(stack)
    return by_name(tree, BUCKET)[f"{config.project}-{name}"]


@pytest.mark.parametrize("stack", STACKS)
def test_the_provider_takes_every_input(stack: str) -> None:
    _, tree = data_tree(stack)
    assert [fault for r in tree.of_type(BUCKET, OBJECT) for fault in faults(r)] == []


@pytest.mark.parametrize("stack", STACKS)
def test_every_bucket_of_the_topology_and_one_for_sources_are_there_and_private(stack: str) -> None:
    config, tree = data_tree(stack)
    found = by_name(tree, BUCKET)
    named = {f"{config.project}-{declared.name}" for declared in topology.BUCKETS}
    assert set(found) == named | {f"{config.project}-sources"}
    assert tree.outputs["sources"] == f"{config.project}-sources"
    for one in found.values():
        assert one.inputs["uniformBucketLevelAccess"] is True
        assert one.inputs["publicAccessPrevention"] == "enforced"


def test_in_prod_masters_and_audio_outlive_a_lost_region() -> None:
    assert {bucket("prod", name).inputs["location"] for name in ("masters", "audio")} == {"US"}


def test_the_lake_lies_where_the_warehouse_exports_to() -> None:
    config, _ = data_tree("prod")
    assert bucket("prod", "lake").inputs["location"] == config.warehouse_location


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("declared", topology.BUCKETS, ids=lambda one: one.name)
def test_a_key_of_ours_encrypts_what_is_sensitive(stack: str, declared: topology.Bucket) -> None:
    one = bucket(stack, declared.name)
    key = one.inputs.get("encryption", {}).get("defaultKmsKeyName")
    place = "us" if stack == "prod" else "us-central1"
    assert key == (f"data-{place}-id" if declared.sensitive else None)
    if declared.sensitive:  # storage refuses a key that its agent may not use yet
        assert waits_for(data_tree(stack)[1], one, f"data-{place}-storage")


def test_in_prod_no_bucket_goes_with_its_objects() -> None:
    _, tree = data_tree("prod")
    assert all(not r.inputs["forceDestroy"] and r.protect for r in tree.of_type(BUCKET))
    _, tree = data_tree("dev")
    assert all(r.inputs["forceDestroy"] and not r.protect for r in tree.of_type(BUCKET))


def steps(name: str) -> list[tuple[str, int]]:
    """Storage class and age in days of each step down, in order."""
    return [
        (rule["action"]["storageClass"], rule["condition"]["age"])
        for rule in bucket("prod", name).inputs["lifecycleRules"]
        if rule["action"]["type"] == "SetStorageClass"
    ]


def test_masters_grow_cold_no_sooner_than_each_class_is_billed_for() -> None:
    assert steps("masters") == [("NEARLINE", 30), ("COLDLINE", 90), ("ARCHIVE", 365)]
    minimum_days = {"NEARLINE": 30, "COLDLINE": 90}
    for (before, from_age), (_, to_age) in zip(
        steps("masters"), steps("masters")[1:], strict=False
    ):
        assert to_age - from_age >= minimum_days[before]


def test_what_is_played_never_grows_cold() -> None:
    assert not any(steps(name) for name in ("audio", "images", "covers", "previews"))


def test_audio_in_the_clear_is_gone_for_good_after_a_day() -> None:
    staging = bucket("prod", "staging").inputs
    deletions = [r for r in staging["lifecycleRules"] if r["action"]["type"] == "Delete"]
    assert [rule["condition"]["age"] for rule in deletions] == [1]
    assert staging["softDeletePolicy"]["retentionDurationSeconds"] == 0
    assert not staging["versioning"]["enabled"]


def test_a_master_that_was_overwritten_is_kept_for_a_month() -> None:
    masters = bucket("prod", "masters").inputs
    assert masters["versioning"]["enabled"] is True
    (deletion,) = [r for r in masters["lifecycleRules"] if r["action"]["type"] == "Delete"]
    assert deletion["condition"] == {"daysSinceNoncurrentTime": 30, "withState": "ARCHIVED"}


@pytest.mark.parametrize("declared", topology.BUCKETS, ids=lambda one: one.name)
def test_only_what_is_declared_to_be_short_lived_can_lose_a_live_object(
    declared: topology.Bucket,
) -> None:
    rules = bucket("prod", declared.name).inputs["lifecycleRules"]
    loses = any(
        rule["action"]["type"] == "Delete" and rule["condition"].get("withState") != "ARCHIVED"
        for rule in rules
    )
    assert loses == (declared.delete_after_days is not None)


def test_a_takedown_can_delete_audio_at_once() -> None:
    audio = bucket("prod", "audio").inputs
    assert not {"retentionPolicy", "defaultEventBasedHold", "enableObjectRetention"} & set(audio)


def test_unfinished_uploads_do_not_pile_up() -> None:
    plain = dataclasses.replace(topology.IMAGES, name="x")
    (rule,) = lifecycle(plain)
    assert rule.action.type == "AbortIncompleteMultipartUpload"  # type: ignore[union-attr]


def test_browsers_may_upload_masters_and_play_from_cdns_alone() -> None:
    (rule,) = bucket("prod", "masters").inputs["cors"]
    assert {"POST", "PUT"} == set(rule["methods"])
    for closed in ("audio", "images", "covers", "previews", "staging", "lake", "sources"):
        assert not bucket("prod", closed).inputs.get("cors")


def test_every_header_of_an_upload_url_may_be_sent() -> None:
    """The names are read from the source: the feature's imports are not installed here."""
    source = (ROOT / "shared/ingestion/service.py").read_text()
    _, _, rest = source.partition("headers = {")
    block, _, _ = rest.partition("\n    }")
    sent = {
        line.split('"')[1] for line in block.splitlines() if line.strip().startswith(('"', 'f"'))
    }
    sent = {name.replace("{METADATA_KEY}", "segue") for name in sent}
    assert {"x-goog-resumable", "x-goog-meta-segue"} <= sent
    (rule,) = bucket("prod", "masters").inputs["cors"]
    allowed = {name.lower() for name in rule["responseHeaders"]}
    assert sent <= allowed
    assert {"content-range", "location", "range"} <= allowed  # of the session itself


def test_the_cdns_find_what_they_are_probed_for() -> None:
    config, tree = data_tree("prod")
    (probe,) = tree.of_type(OBJECT)
    source = (ROOT / "shared/delivery/service.py").read_text()
    found = dict(
        line.split("  #")[0].split(" = ")
        for line in source.splitlines()
        if line.startswith("PROBE_")
    )
    path = found["PROBE_PREFIX"].strip('"') + found["PROBE_OBJECT"].strip('"')
    assert path == f"/audio/{probe.inputs['name']}"
    assert probe.inputs["bucket"] == f"{config.project}-audio"


def test_reports_are_not_kept_for_ever() -> None:
    rules = bucket("prod", "reports").inputs["lifecycleRules"]
    ages = [rule["condition"]["age"] for rule in rules if rule["action"]["type"] == "Delete"]
    assert ages == [400]
