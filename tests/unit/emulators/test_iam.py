"""The local cloud refuses what an entry does not declare, and says what to add."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from google.cloud.firestore_v1.types import firestore, query, write
from google.cloud.firestore_v1.types.document import Document
from google.pubsub_v1.types import PublishRequest

from emulators import iam
from shared import topology

DOCUMENTS = "projects/p/databases/(default)/documents"
FIRESTORE = "/google.firestore.v1.Firestore/"


@pytest.fixture
def catalog() -> Iterator[iam.Caller]:
    running = iam.Caller(topology.ENTRIES["catalog"])
    before = iam.caller.set(running)
    yield running
    iam.caller.reset(before)


@pytest.fixture
def publish_track() -> Iterator[iam.Caller]:
    running = iam.Caller(topology.ENTRIES["publish_track"])
    before = iam.caller.set(running)
    yield running
    iam.caller.reset(before)


def _get(collection: str) -> firestore.BatchGetDocumentsRequest:
    return firestore.BatchGetDocumentsRequest(documents=[f"{DOCUMENTS}/{collection}/1"])


def _commit(collection: str) -> firestore.CommitRequest:
    document = Document(name=f"{DOCUMENTS}/{collection}/1")
    return firestore.CommitRequest(writes=[write.Write(update=document)])


def test_a_declared_read_passes(catalog: iam.Caller) -> None:
    iam.check_rpc(FIRESTORE + "BatchGetDocuments", _get("tracks"))


def test_an_undeclared_read_names_the_missing_declaration(catalog: iam.Caller) -> None:
    with pytest.raises(iam.UndeclaredAccess) as refused:
        iam.check_rpc(FIRESTORE + "BatchGetDocuments", _get("users"))
    message = str(refused.value)
    assert "'catalog' reads the Firestore collection 'users'" in message
    assert "shared/topology.py" in message
    assert "`reads`" in message
    assert catalog.refused == [message]


def test_a_declared_read_does_not_allow_a_write(catalog: iam.Caller) -> None:
    with pytest.raises(iam.UndeclaredAccess, match="`writes`"):
        iam.check_rpc(FIRESTORE + "Commit", _commit("tracks"))


def test_a_query_counts_as_a_read(catalog: iam.Caller) -> None:
    selector = query.StructuredQuery.CollectionSelector(collection_id="users")
    structured = query.StructuredQuery(from_=[selector])
    request = firestore.RunQueryRequest(parent=DOCUMENTS, structured_query=structured)
    with pytest.raises(iam.UndeclaredAccess):
        iam.check_rpc(FIRESTORE + "RunQuery", request)


def test_what_is_written_may_be_read_back(publish_track: iam.Caller) -> None:
    iam.check_rpc(FIRESTORE + "BatchGetDocuments", _get("tracks"))


def test_a_function_may_bury_its_own_events_but_not_anothers(publish_track: iam.Caller) -> None:
    path = "/google.pubsub.v1.Publisher/Publish"
    own = topology.TRANSCODE_FINISHED.dead_letter
    iam.check_rpc(path, PublishRequest(topic=f"projects/p/topics/{own}"))
    with pytest.raises(iam.UndeclaredAccess, match="`publishes`"):
        iam.check_rpc(path, PublishRequest(topic="projects/p/topics/playback-events"))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/storage/v1/b/segue-local-masters/o/uploads%2F1%2Fa.flac"),
        ("GET", "/download/storage/v1/b/segue-local-masters/o/a?alt=media"),
        ("POST", "/upload/storage/v1/b/segue-local-audio/o?uploadType=media"),
        ("DELETE", "/storage/v1/b/segue-local-audio/o/a"),
    ],
)
def test_a_function_without_buckets_reaches_none(
    catalog: iam.Caller, method: str, path: str
) -> None:
    with pytest.raises(iam.UndeclaredAccess, match="bucket"):
        iam.check_storage(method, f"http://127.0.0.1:1{path}")


def test_copying_needs_the_source_to_read_and_the_target_to_write(
    publish_track: iam.Caller,
) -> None:
    base = "http://127.0.0.1:1/storage/v1/b"
    iam.check_storage("POST", f"{base}/segue-local-staging/o/a/rewriteTo/b/segue-local-audio/o/a")
    with pytest.raises(iam.UndeclaredAccess, match="'masters'"):
        iam.check_storage(
            "POST", f"{base}/segue-local-staging/o/a/rewriteTo/b/segue-local-masters/o/a"
        )


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/v2/projects/p/locations/r/services/catalog?updateMask=traffic", "run"),
        ("/v2/projects/p/locations/r/operations/1", "run"),
        ("/v3/projects/p/timeSeries?filter=x", "monitoring"),
    ],
)
def test_a_rest_call_is_a_use_of_its_service(catalog: iam.Caller, path: str, service: str) -> None:
    with pytest.raises(iam.UndeclaredAccess, match=f"service '{service}'.*`uses`"):
        iam.check_rest(f"http://127.0.0.1:1{path}")


def test_a_declared_service_may_be_called_and_other_addresses_too(catalog: iam.Caller) -> None:
    iam.check_rest("http://127.0.0.1:1/v1/tracks/1")
    before = iam.caller.set(iam.Caller(topology.ENTRIES["advance_rollouts"]))
    iam.check_rest("http://127.0.0.1:1/v2/projects/p/locations/r/services/catalog")
    iam.check_rest("http://127.0.0.1:1/v3/projects/p/timeSeries")
    iam.caller.reset(before)


@pytest.fixture
def ranker() -> Iterator[iam.Caller]:
    running = iam.Caller(topology.ENTRIES["train_search_ranker"])
    before = iam.caller.set(running)
    yield running
    iam.caller.reset(before)


WAREHOUSE = "http://127.0.0.1:1/bigquery/v2/projects/p"


@pytest.mark.parametrize("path", ["queries", "jobs"])
def test_a_query_reads_the_views_that_it_names(ranker: iam.Caller, path: str) -> None:
    def ask(sql: str) -> None:
        body = {"query": sql} if path == "queries" else {"configuration": {"query": {"query": sql}}}
        iam.check_warehouse("POST", f"{WAREHOUSE}/{path}?prettyPrint=false", json.dumps(body))

    ask("SELECT `offset` FROM `p.segue.search_events_unique` JOIN `p.segue.playback_events_unique`")
    with pytest.raises(iam.UndeclaredAccess, match=r"table 'search_events'.*`reads`"):
        ask("SELECT 1 FROM `p.segue.search_events`")
    with pytest.raises(iam.UndeclaredAccess, match=r"view 'search_events_unique'.*`writes`"):
        ask("\n DELETE FROM `p.segue.search_events_unique` WHERE TRUE")


def test_of_the_warehouse_a_function_without_it_reads_nothing(catalog: iam.Caller) -> None:
    body = json.dumps({"query": "SELECT 1 FROM `p.segue.search_events_unique`"})
    with pytest.raises(iam.UndeclaredAccess, match="warehouse view"):
        iam.check_warehouse("POST", f"{WAREHOUSE}/queries", body)
    table = f"{WAREHOUSE}/datasets/segue/tables/search_events"
    with pytest.raises(iam.UndeclaredAccess, match="`writes`"):
        iam.check_warehouse("POST", f"{table}/insertAll", "{}")
    with pytest.raises(iam.UndeclaredAccess, match="`reads`"):
        iam.check_warehouse("GET", f"{table}/data", None)
    iam.check_warehouse("GET", f"{WAREHOUSE}/queries/job-1", None)


def test_a_query_that_hides_what_it_reads_is_refused(ranker: iam.Caller) -> None:
    with pytest.raises(iam.UndeclaredAccess, match="in backquotes"):
        iam.check_warehouse("POST", f"{WAREHOUSE}/queries", '{"query": "SELECT 1 FROM segue.x"}')


def test_what_else_bigquery_can_do_is_refused(ranker: iam.Caller) -> None:
    load = json.dumps({"configuration": {"load": {}}})
    for method, path, body in (("POST", "jobs", load), ("DELETE", "datasets/segue", None)):
        with pytest.raises(iam.UndeclaredAccess, match="not known"):
            iam.check_warehouse(method, f"{WAREHOUSE}/{path}", body)


def test_a_service_that_nobody_knows_is_refused(catalog: iam.Caller) -> None:
    with pytest.raises(iam.UndeclaredAccess, match="not known"):
        iam.check_rpc("/google.cloud.vision.v1.ImageAnnotator/BatchAnnotateImages", object())


def test_outside_of_an_entry_everything_is_allowed() -> None:
    iam.check_rpc(FIRESTORE + "Commit", _commit("users"))
