"""Roles from declarations: exactly what is asked for, and a reason for each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from infra import access, roles
from infra.access import BigtableInstance, Caller, DeadLetter, FunctionIdentities, Project, grants
from shared import topology
from shared.resources import (
    Collection,
    CryptoKey,
    EventFunction,
    HttpFunction,
    Job,
    Resource,
    Secret,
    Service,
    Table,
    TopicTrigger,
    WarehouseView,
)

ENTRIES = list(topology.ENTRIES.values())
NAMED = pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)


def held(entry: topology.Entry) -> set[tuple[str, object]]:
    """Role and thing of every grant."""
    return {(grant.role, grant.on) for grant in grants(entry)}


# What each of these entries may do, written by hand from what its code calls.
BY_HAND: dict[str, set[tuple[str, object]]] = {
    "catalog": {
        ("roles/datastore.user", Project()),
        ("roles/bigtable.user", topology.RATE_WINDOWS),
        ("roles/bigtable.reader", topology.PLAY_COUNTS),
        ("segueBigtableWarmer", BigtableInstance()),
    },
    "playback": {
        ("roles/datastore.user", Project()),
        ("roles/bigtable.user", topology.RATE_WINDOWS),
        ("segueBigtableWarmer", BigtableInstance()),
        ("roles/storage.objectViewer", topology.AUDIO),
        ("roles/secretmanager.secretAccessor", topology.PLAYBACK_TOKEN_KEY),
        ("roles/secretmanager.secretAccessor", topology.CDN_KEYS),
        ("roles/cloudkms.cryptoKeyEncrypterDecrypter", topology.CONTENT_KEY_KEK),
    },
    "validate_master": {
        ("roles/datastore.user", Project()),
        ("roles/storage.objectViewer", topology.MASTERS),
        ("roles/storage.objectUser", topology.IMAGES),
        ("roles/pubsub.publisher", topology.TRANSCODE_FINISHED),
        ("roles/pubsub.publisher", DeadLetter(topology.MASTER_RECEIVED)),
        ("segueTranscoder", Project()),
        ("segueSecretCreator", Project()),
        ("segueTemporarySecrets", Project()),
        ("roles/cloudkms.cryptoKeyEncrypterDecrypter", topology.CONTENT_KEY_KEK),
    },
    "queue_cdn_priming": {
        ("roles/datastore.viewer", Project()),
        ("roles/pubsub.publisher", DeadLetter(topology.TRACK_PUBLISHED)),
        ("roles/cloudtasks.enqueuer", topology.CDN_PRIMING),
        ("roles/iam.serviceAccountUser", Caller("prime_cdn")),
    },
    "prime_cdn": {("roles/secretmanager.secretAccessor", topology.CDN_KEYS)},
    "load_catalogue": {
        ("roles/datastore.user", Project()),
        ("roles/bigtable.user", topology.LISTENING_HISTORY),
        ("roles/bigtable.user", topology.PLAY_COUNTS),
        ("segueBigtableWarmer", BigtableInstance()),
        ("roles/storage.objectUser", topology.IMAGES),
        ("roles/storage.objectUser", topology.COVERS),
        ("roles/storage.objectUser", topology.MASTERS),
        ("roles/storage.objectViewer", topology.CATALOGUES),
    },
    "receive_master": {
        ("roles/datastore.user", Project()),
        ("roles/pubsub.publisher", topology.MASTER_RECEIVED),
    },
    "halt_rollouts": {
        ("roles/datastore.user", Project()),
        ("roles/pubsub.publisher", DeadLetter(topology.SLO_BURN)),
        ("segueTraffic", Project()),
        ("roles/iam.serviceAccountUser", FunctionIdentities()),
    },
    "web_player": set(),
    "api_docs": set(),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_an_entry_may_do_what_its_code_does_and_no_more(name: str) -> None:
    assert held(topology.ENTRIES[name]) == BY_HAND[name]


def test_who_declares_nothing_gets_nothing() -> None:
    assert grants(HttpFunction(name="idle", routes=())) == ()
    assert grants(Job(name="idle")) == ()


@NAMED
def test_no_role_is_basic_or_administrative(entry: topology.Entry) -> None:
    for role, _ in held(entry):
        assert role in roles.CUSTOM_ROLES or role.startswith("roles/")
        assert role not in ("roles/owner", "roles/editor", "roles/viewer")
        assert "admin" not in role.lower()


@NAMED
def test_what_is_granted_on_the_project_says_why(entry: topology.Entry) -> None:
    for grant in grants(entry):
        if grant.on == Project():
            assert roles.PROJECT_LEVEL[grant.role] in grant.reason
        else:
            assert grant.role not in roles.PROJECT_LEVEL
        if grant.role.startswith("roles/datastore."):
            assert grant.condition == access.OUR_DATABASES


@NAMED
def test_every_reason_names_the_declaration(entry: topology.Entry) -> None:
    declared = {one.name for one in (*entry.reads, *entry.writes, *entry.publishes, *entry.uses)}
    declared |= {one.name for one in getattr(entry, "mounts", ())}
    if isinstance(entry, EventFunction) and isinstance(entry.trigger, TopicTrigger):
        declared.add(entry.trigger.topic.name)
    named = set()
    # Who reads a view reads the tables beneath it.
    beneath = {
        table.name
        for view in entry.reads
        if isinstance(view, topology.WarehouseView)
        for table in topology.WAREHOUSE_TABLES
        if f"{{dataset}}.{table.name}" in view.query
    }
    for grant in grants(entry):
        mentioned = {name for name in declared if name in grant.reason}
        assert mentioned or any(name in grant.reason for name in beneath), grant
        named |= mentioned
    assert named == declared  # and none is forgotten


def test_custom_roles_hold_single_permissions_and_are_all_in_use() -> None:
    used = {role for entry in ENTRIES for role, _ in held(entry)}
    assert set(roles.CUSTOM_ROLES) <= used
    assert set(roles.PROJECT_LEVEL) <= used | {roles.SPARK_SUBMITTER, roles.SPARK_WORKER}
    for permissions in roles.CUSTOM_ROLES.values():
        assert permissions
        for permission in permissions:
            assert permission.count(".") == 2
            assert "*" not in permission
            # None reads a secret's payload or changes who may do what.
            assert not permission.endswith((".access", ".setIamPolicy"))


# --- a new declaration ----------------------------------------------------------------------

BASE = HttpFunction(name="new", routes=(), reads=(topology.TRACKS, topology.PLAY_COUNTS))


@pytest.mark.parametrize(
    ("field", "added", "more"),
    [
        ("reads", topology.AUDIO, {("roles/storage.objectViewer", topology.AUDIO)}),
        ("writes", topology.AUDIO, {("roles/storage.objectUser", topology.AUDIO)}),
        ("reads", topology.USERS, set()),  # as far as Firestore can tell
        ("reads", topology.RATE_WINDOWS, {("roles/bigtable.reader", topology.RATE_WINDOWS)}),
        (
            "publishes",
            topology.FOLLOW_CHANGED,
            {("roles/pubsub.publisher", topology.FOLLOW_CHANGED)},
        ),
        (
            "uses",
            topology.TOKEN_SIGNING_KEY,
            {("roles/secretmanager.secretAccessor", topology.TOKEN_SIGNING_KEY)},
        ),
        ("uses", topology.MONITORING, {("segueTimeSeries", Project())}),
        (
            "reads",
            topology.PLAYBACK_EVENTS_TABLE,
            {
                ("roles/bigquery.dataViewer", topology.PLAYBACK_EVENTS_TABLE),
                ("roles/bigquery.jobUser", Project()),
            },
        ),
        (
            "reads",
            topology.PLAYBACK_EVENTS_VIEW,
            {
                ("roles/bigquery.dataViewer", topology.PLAYBACK_EVENTS_VIEW),
                ("roles/bigquery.dataViewer", topology.PLAYBACK_EVENTS_TABLE),
                ("roles/bigquery.jobUser", Project()),
            },
        ),
    ],
)
def test_one_more_declaration_brings_its_own_grants(
    field: str, added: Resource, more: set[tuple[str, object]]
) -> None:
    change: dict[str, Any] = {field: (*getattr(BASE, field), added)}
    widened = replace(BASE, **change)
    assert held(widened) - held(BASE) == more
    assert held(BASE) <= held(widened)


def test_writing_replaces_reading_of_the_same() -> None:
    widened = replace(BASE, writes=(topology.PLAY_COUNTS, topology.TRACKS))
    assert held(widened) - held(BASE) == {
        ("roles/datastore.user", Project()),
        ("roles/bigtable.user", topology.PLAY_COUNTS),
    }
    assert held(BASE) - held(widened) == {
        ("roles/datastore.viewer", Project()),
        ("roles/bigtable.reader", topology.PLAY_COUNTS),
    }


def test_resources_nobody_knows_yet_need_no_change_here() -> None:
    entry = HttpFunction(
        name="new",
        routes=(),
        reads=(Collection("letters"),),
        writes=(Table("drafts", ()),),
        uses=(CryptoKey("seal"), Secret("stamp"), Secret("wax", dynamic=True)),
    )
    assert {role for role, _ in held(entry)} == {
        "roles/datastore.viewer",
        "roles/bigtable.user",
        "segueBigtableWarmer",
        "roles/cloudkms.cryptoKeyEncrypterDecrypter",
        "roles/secretmanager.secretAccessor",
        "segueSecretCreator",
        "segueTemporarySecrets",
    }


def test_a_view_of_a_view_is_read_down_to_its_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    per_day = WarehouseView("per_day", "SELECT 1 FROM `{dataset}.playback_events_unique`")
    views = (*topology.WAREHOUSE_VIEWS, per_day)
    monkeypatch.setattr(topology, "WAREHOUSE_VIEWS", views)
    entry = Job(name="report", reads=(per_day,))
    assert ("roles/bigquery.dataViewer", topology.PLAYBACK_EVENTS_TABLE) in held(entry)


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (Job(name="odd", uses=(Service("vision"),)), "vision.*infra/roles.py"),
        (Job(name="odd", uses=(topology.AUDIO,)), "bucket audio.*declare that instead"),
        (Job(name="odd", reads=(topology.TOKEN_SIGNING_KEY,)), "`publishes` or `uses`"),
    ],
)
def test_a_declaration_without_a_role_says_what_to_do(entry: Job, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        grants(entry)


# --- conditions -----------------------------------------------------------------------------


def test_conditions_name_what_is_ours() -> None:
    entry = topology.ENTRIES["validate_master"]
    filled = {
        grant.role: grant.condition.filled("music", "42", ["(default)", "segue-eu"])
        for grant in grants(entry)
        if grant.condition
    }
    assert filled == {
        "roles/datastore.user": (
            'resource.name == "projects/music/databases/(default)" || '
            'resource.name == "projects/music/databases/segue-eu"'
        ),
        "segueTemporarySecrets": 'resource.name.startsWith("projects/42/secrets/transcode-key-")',
    }


def test_who_signs_uploads_may_create_masters_of_uploads_and_nothing_else() -> None:
    (account,) = {secret.account_key for secret in topology.SECRETS if secret.account_key}
    assert account is not None
    (grant,) = access.signing_grants(account)
    assert (grant.role, grant.on) == ("roles/storage.objectCreator", topology.MASTERS)
    assert grant.condition is not None
    expression = grant.condition.filled("music", "42", [])
    assert expression == (
        'resource.name.startsWith("projects/_/buckets/music-masters/objects/uploads/")'
    )


def test_an_account_with_a_key_and_no_purpose_is_refused() -> None:
    with pytest.raises(ValueError, match="_SIGNING_ACCOUNTS"):
        access.signing_grants("payments")


# --- in words -------------------------------------------------------------------------------


@NAMED
def test_every_grant_is_explained(entry: topology.Entry) -> None:
    explained = access.explain(entry)
    assert [line.role for line in explained] == [grant.role for grant in grants(entry)]
    assert len(set(explained)) == len(explained)
    assert all(line.on and line.why for line in explained)


def test_an_explanation_reads_well() -> None:
    lines = [tuple(line) for line in access.explain(topology.ENTRIES["queue_cdn_priming"])]
    assert lines == [
        (
            "roles/datastore.viewer",
            "project [our-databases]",
            "reads tracks (Firestore has no policies of its own; a condition names our databases)",
        ),
        (
            "roles/pubsub.publisher",
            "topic track-published-dead",
            "handles track-published, and buries what can never succeed",
        ),
        ("roles/cloudtasks.enqueuer", "queue cdn-priming", "uses cdn-priming"),
        (
            "roles/iam.serviceAccountUser",
            "account that calls prime_cdn",
            "uses cdn-priming, whose tasks are signed as this account",
        ),
    ]
