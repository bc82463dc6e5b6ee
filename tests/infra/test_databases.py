"""Firestore: a database for each residency zone, recoverable, indexed for what is asked alone."""

from __future__ import annotations

import pytest

from infra.components.databases import FieldSetting, field_settings
from infra.runtime import Resource
from shared import topology
from shared.resources import Collection, IndexMode
from tests.infra.data_tree import STACKS, by_name, data_tree, waits_for
from tests.infra.provider_types import faults

DATABASE = "gcp:firestore/database:Database"
INDEX = "gcp:firestore/index:Index"
FIELD = "gcp:firestore/field:Field"
BACKUPS = "gcp:firestore/backupSchedule:BackupSchedule"
# Of a database, without billing enabled; a lower bound of what is allowed.
# https://cloud.google.com/firestore/quotas
MOST_INDEXES = 200
MOST_FIELD_SETTINGS = 200


def of_database(kind: str, stack: str, database: str) -> list[Resource]:
    _, tree = data_tree(stack)
    return [one for one in tree.of_type(kind) if one.inputs["database"] == database]


@pytest.mark.parametrize("stack", STACKS)
def test_the_provider_takes_every_input(stack: str) -> None:
    _, tree = data_tree(stack)
    made = tree.of_type(DATABASE, INDEX, FIELD, BACKUPS)
    assert [fault for resource in made for fault in faults(resource)] == []


def test_each_zone_has_a_database_in_its_own_place_and_home_is_the_default() -> None:
    _, tree = data_tree("prod")
    found = {name: r.inputs["locationId"] for name, r in by_name(tree, DATABASE).items()}
    assert found == {"(default)": "nam5", "segue-eu": "eur3", "segue-asia": "asia-east1"}
    assert tuple(tree.outputs["databases"]) == ("(default)", "segue-eu", "segue-asia")
    _, small = data_tree("dev")
    assert set(by_name(small, DATABASE)) == {"(default)"}


@pytest.mark.parametrize(
    ("database", "place"),
    [("(default)", "us"), ("segue-eu", "europe"), ("segue-asia", "asia-east1")],
)
def test_a_key_in_the_databases_own_place_encrypts_it(database: str, place: str) -> None:
    _, tree = data_tree("prod")
    one = by_name(tree, DATABASE)[database]
    assert one.inputs["cmekConfig"]["kmsKeyName"] == f"data-{place}-id"
    assert waits_for(tree, one, f"data-{place}-firestore")


@pytest.mark.parametrize(
    ("stack", "state"),
    [("prod", "DELETE_PROTECTION_ENABLED"), ("dev", "DELETE_PROTECTION_DISABLED")],
)
def test_only_an_unprotected_stack_can_be_torn_down(stack: str, state: str) -> None:
    _, tree = data_tree(stack)
    for one in tree.of_type(DATABASE):
        assert one.inputs["deleteProtectionState"] == state
        assert one.inputs["deletionPolicy"] == "DELETE"
        assert one.protect == (stack == "prod")


@pytest.mark.parametrize("stack", STACKS)
def test_any_minute_of_a_week_and_any_sunday_of_a_quarter_can_be_brought_back(stack: str) -> None:
    _, tree = data_tree(stack)
    for name, one in by_name(tree, DATABASE).items():
        recovery = one.inputs["pointInTimeRecoveryEnablement"]
        assert recovery == "POINT_IN_TIME_RECOVERY_ENABLED"
        kept = {
            "daily" if "dailyRecurrence" in backup.inputs else "weekly": backup.inputs["retention"]
            for backup in of_database(BACKUPS, stack, name)
        }
        assert kept == {"daily": "604800s", "weekly": "8467200s"}


def composites(stack: str, database: str) -> dict[str, set[tuple[str, ...]]]:
    """Composite indexes by collection, in the topology's notation."""
    found: dict[str, set[tuple[str, ...]]] = {}
    for index in of_database(INDEX, stack, database):
        assert index.inputs["queryScope"] == "COLLECTION"
        notation = []
        for field in index.inputs["fields"]:
            mode = field.get("arrayConfig") or field.get("order")
            written = {"ASCENDING": "{}", "DESCENDING": "-{}", "CONTAINS": "{}[]"}[mode]
            notation.append(written.format(field["fieldPath"]))
        found.setdefault(index.inputs["collection"], set()).add(tuple(notation))
    return found


@pytest.mark.parametrize("database", ["(default)", "segue-eu", "segue-asia"])
def test_every_database_has_every_composite_index(database: str) -> None:
    found = composites("prod", database)
    assert found == {
        one.name: {index for index in one.indexes if len(index) > 1}
        for one in topology.COLLECTIONS
        if any(len(index) > 1 for index in one.indexes)
    }
    # Two by hand, so that the notation is not merely read back.
    assert ("artist_ids[]", "-release_date") in found["albums"]
    assert ("user_id", "kind", "-added_at", "-item_id") in found["library_items"]


def test_a_collection_is_indexed_by_what_its_queries_name_and_by_nothing_else() -> None:
    fields = {
        (one.inputs["collection"], one.inputs["field"]): one.inputs
        for one in of_database(FIELD, "prod", "(default)")
    }
    for declared in topology.COLLECTIONS:
        assert fields[declared.name, "*"]["indexConfig"]["indexes"] == [], declared.name
    indexed = {where for where, inputs in fields.items() if inputs["indexConfig"]["indexes"]}
    assert indexed == {
        (one.name, index[0].path)
        for one in topology.COLLECTIONS
        for index in one.parsed_indexes
        if len(index) == 1
    }
    (newest_first,) = fields["albums", "release_date"]["indexConfig"]["indexes"]
    assert newest_first["order"] == "DESCENDING"
    assert ("fingerprints", "items") not in indexed


def test_documents_expire_and_the_moment_itself_is_not_indexed() -> None:
    expiring = {
        one.inputs["collection"]: one.inputs
        for one in of_database(FIELD, "prod", "segue-eu")
        if "ttlConfig" in one.inputs
    }
    assert set(expiring) == {one.name for one in topology.COLLECTIONS if one.ttl_field}
    assert {"refresh_tokens", "playlist_items", "idempotency_keys"} <= set(expiring)
    for inputs in expiring.values():
        assert inputs["field"] == "expires_at"
        assert inputs["indexConfig"]["indexes"] == []


def test_a_field_may_be_indexed_both_ways_and_expire() -> None:
    declared = Collection("x", ttl_field="until", indexes=(("a",), ("-a",), ("until",), ("a", "b")))
    assert field_settings(declared) == [
        FieldSetting("*"),
        FieldSetting("until", (IndexMode.ASCENDING,), expires=True),
        FieldSetting("a", (IndexMode.ASCENDING, IndexMode.DESCENDING)),
    ]


def test_a_database_stays_below_firestores_limits() -> None:
    for database in ("(default)", "segue-eu", "segue-asia"):
        assert len(of_database(INDEX, "prod", database)) <= MOST_INDEXES
        assert len(of_database(FIELD, "prod", database)) <= MOST_FIELD_SETTINGS
