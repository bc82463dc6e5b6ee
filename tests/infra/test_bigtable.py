"""Bigtable: a cluster in each region, tables as the topology has them, profiles for conditions."""

from __future__ import annotations

import pytest

from infra.components.bigtable import is_cache
from shared import topology
from tests.infra.data_tree import STACKS, data_tree, waits_for
from tests.infra.provider_types import faults

INSTANCE = "gcp:bigtable/instance:Instance"
TABLE = "gcp:bigtable/table:Table"
POLICY = "gcp:bigtable/gCPolicy:GCPolicy"
PROFILE = "gcp:bigtable/appProfile:AppProfile"


@pytest.mark.parametrize("stack", STACKS)
def test_the_provider_takes_every_input(stack: str) -> None:
    _, tree = data_tree(stack)
    made = tree.of_type(INSTANCE, TABLE, POLICY, PROFILE)
    assert [fault for resource in made for fault in faults(resource)] == []


@pytest.mark.parametrize("stack", STACKS)
def test_every_region_has_a_cluster_that_grows_and_is_encrypted_by_its_own_key(stack: str) -> None:
    config, tree = data_tree(stack)
    (instance,) = tree.of_type(INSTANCE)
    clusters = instance.inputs["clusters"]
    assert [one["zone"].rpartition("-")[0] for one in clusters] == list(config.regions)
    for region, one in zip(config.regions, clusters, strict=True):
        scale = one["autoscalingConfig"]
        assert scale["minNodes"] == config.bigtable.min_nodes
        assert scale["maxNodes"] == config.bigtable.max_nodes
        assert scale["cpuTarget"] == 60
        assert one["kmsKeyName"] == f"data-{region}-id"  # Bigtable takes none of another region
        assert waits_for(tree, instance, f"data-{region}-bigtable")


@pytest.mark.parametrize("stack", STACKS)
def test_ids_are_as_long_as_bigtable_wants_them(stack: str) -> None:
    _, tree = data_tree(stack)
    (instance,) = tree.of_type(INSTANCE)
    assert 6 <= len(instance.inputs["name"]) <= 33
    assert 4 <= len(instance.inputs["displayName"]) <= 30
    assert instance.inputs["name"] == topology.BIGTABLE_INSTANCE
    for cluster in instance.inputs["clusters"]:
        assert 6 <= len(cluster["clusterId"]) <= 30


def test_the_longest_region_still_makes_a_lawful_cluster() -> None:
    from infra.components.bigtable import _cluster
    from infra.locations import REGIONS

    assert max(len(_cluster(region)) for region in REGIONS) <= 30


def test_in_prod_neither_the_instance_nor_a_table_can_be_deleted() -> None:
    _, tree = data_tree("prod")
    (instance,) = tree.of_type(INSTANCE)
    assert instance.protect
    assert instance.inputs["deletionProtection"] is True
    assert instance.inputs["forceDestroy"] is False
    assert {one.inputs["deletionProtection"] for one in tree.of_type(TABLE)} == {"PROTECTED"}
    _, small = data_tree("dev")
    assert {one.inputs["deletionProtection"] for one in small.of_type(TABLE)} == {"UNPROTECTED"}


def test_tables_have_their_families_and_what_lasts_is_backed_up() -> None:
    _, tree = data_tree("prod")
    found = {one.inputs["name"]: one.inputs for one in tree.of_type(TABLE)}
    assert set(found) == {declared.name for declared in topology.TABLES}
    for declared in topology.TABLES:
        families = [one["family"] for one in found[declared.name]["columnFamilies"]]
        assert families == [family.name for family in declared.families]
    daily = {"frequency": "24h0m0s", "retentionPeriod": "168h0m0s"}
    assert found["listening_history"]["automatedBackupPolicy"] == daily
    assert found["play_counts"]["automatedBackupPolicy"] == daily
    assert "automatedBackupPolicy" not in found["rate_windows"]
    assert not any("changeStreamRetention" in inputs for inputs in found.values())


def test_a_table_with_anything_that_stays_is_no_cache() -> None:
    brief, lasting = topology.Family("a", max_age_s=60), topology.Family("b")
    assert is_cache(topology.Table("x", (brief,)))
    assert not is_cache(topology.Table("x", (brief, lasting)))


def test_cells_are_collected_when_they_are_too_old_or_too_many() -> None:
    _, tree = data_tree("prod")
    found = {(r.inputs["table"], r.inputs["columnFamily"]): r.inputs for r in tree.of_type(POLICY)}
    assert set(found) == {(t.name, f.name) for t in topology.TABLES for f in t.families}
    plays = found["listening_history", "play"]
    assert plays["mode"] == "UNION"
    assert plays["maxAge"]["duration"] == f"{90 * 86_400}s"
    assert [one["number"] for one in plays["maxVersions"]] == [1]
    totals = found["play_counts", "total"]  # one rule needs no mode, and Bigtable refuses one
    assert "mode" not in totals
    assert "maxAge" not in totals
    assert {inputs["deletionPolicy"] for inputs in found.values()} == {"ABANDON"}


@pytest.mark.parametrize("stack", STACKS)
def test_each_region_has_a_profile_for_conditional_writes_at_its_own_cluster(stack: str) -> None:
    config, tree = data_tree(stack)
    (instance,) = tree.of_type(INSTANCE)
    zones = {one["clusterId"]: one["zone"] for one in instance.inputs["clusters"]}
    profiles = {one.inputs["appProfileId"]: one.inputs for one in tree.of_type(PROFILE)}
    nearest = profiles.pop(topology.BIGTABLE_PROFILE)
    assert nearest["multiClusterRoutingUseAny"] is True
    assert "singleClusterRouting" not in nearest
    assert set(profiles) == {f"transactions-{region}" for region in config.regions}
    for region in config.regions:
        routing = profiles[f"transactions-{region}"]["singleClusterRouting"]
        assert routing["allowTransactionalWrites"] is True
        assert zones[routing["clusterId"]].startswith(f"{region}-")


def test_what_a_person_did_is_forgotten_in_time() -> None:
    """Counts of tracks are nobody's: `pending` and `total` stay. So does what somebody asked to be
    spared, as their library does, until they take it back."""
    nobodys = {("play_counts", "pending"), ("play_counts", "total")}
    asked_for = {("online_features", "standing")}
    lasting = {
        (table.name, family.name)
        for table in topology.TABLES
        for family in table.families
        if family.max_age_s is None or family.max_age_s > 90 * topology.DAY_S
    }
    assert lasting == nobodys | asked_for
