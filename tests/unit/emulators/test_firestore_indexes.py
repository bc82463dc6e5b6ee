"""Which index a query stands on, told from the queries that Google's own client builds."""

from __future__ import annotations

from typing import Any

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud.firestore import AsyncClient, FieldFilter, Or, Query
from google.cloud.firestore_v1.types import RunAggregationQueryRequest, RunQueryRequest
from google.cloud.firestore_v1.types.query import StructuredAggregationQuery

from emulators import iam
from emulators.firestore_indexes import Standing, index_of
from shared import topology
from shared.resources import IndexField, IndexMode

DATABASE = AsyncClient(project="p", credentials=AnonymousCredentials())  # type: ignore[no-untyped-call]


def where(query: Any, *comparisons: tuple[str, str, Any]) -> Any:
    for comparison in comparisons:
        query = query.where(filter=FieldFilter(*comparison))
    return query


def standing(query: Any) -> Standing | None:
    return index_of(query._to_protobuf()._pb)


@pytest.mark.parametrize(
    ("comparisons", "order", "index"),
    [
        ([("isrc", "==", "x")], None, ("isrc",)),
        ([("artist_ids", "array_contains", "x")], "popularity", ("artist_ids[]", "-popularity")),
        (
            [("artist_ids", "array_contains_any", ["x", "y"])],
            "popularity",
            ("artist_ids[]", "-popularity"),
        ),
    ],
)
def test_a_query_stands_on_the_declared_index(
    comparisons: list[tuple[str, str, Any]], order: str | None, index: tuple[str, ...]
) -> None:
    query = where(DATABASE.collection("tracks"), *comparisons)
    if order:
        query = query.order_by(order, direction=Query.DESCENDING)
    assert standing(query.limit(5)) == Standing("tracks", index, declared=True)


@pytest.mark.parametrize(
    ("query", "lacking"),
    [
        # Another field, another direction, an array taken for a plain value, a field too many.
        (where(DATABASE.collection("tracks"), ("name", "==", "x")), ("name",)),
        (DATABASE.collection("artists").order_by("popularity"), ("popularity",)),
        (
            where(DATABASE.collection("artists"), ("genres", "==", "x")).order_by(
                "popularity", direction=Query.DESCENDING
            ),
            ("genres", "-popularity"),
        ),
        (
            where(DATABASE.collection("follows"), ("follower_id", "==", "x")).order_by(
                "followed_at", direction=Query.DESCENDING
            ),
            ("follower_id", "-followed_at"),
        ),
        (where(DATABASE.collection("tracks"), ("isrc", ">", "x"), ("name", "==", "y")), None),
        (where(DATABASE.collection("nowhere"), ("a", "!=", 1)), ("a",)),
    ],
)
def test_a_query_without_its_index_names_it(query: Any, lacking: tuple[str, ...] | None) -> None:
    found = standing(query)
    assert found is not None
    assert not found.declared
    assert found.index == (lacking or ("name", "isrc"))


def test_a_range_is_an_order_and_equality_comes_before_it() -> None:
    keys = ("bucket_keys", "array_contains_any", [1, 2])
    lengths = (("duration_ms", ">=", 1), ("duration_ms", "<=", 9))
    for comparisons in ((keys, *lengths), (*lengths, keys)):
        found = standing(where(DATABASE.collection("fingerprints"), *comparisons))
        assert found == Standing("fingerprints", ("bucket_keys[]", "duration_ms"), declared=True)


def test_the_order_of_equalities_does_not_matter() -> None:
    query = where(DATABASE.collection("follows"), ("kind", "==", "x"), ("follower_id", "==", "y"))
    assert standing(query) == Standing("follows", ("follower_id", "kind"), declared=True)


def test_documents_by_their_ids_need_no_index() -> None:
    assert standing(DATABASE.collection("tracks").limit(3)) is None
    assert standing(DATABASE.collection("tracks").order_by("__name__")) is None


def test_an_or_is_not_guessed() -> None:
    either = Or([FieldFilter("isrc", "==", "x"), FieldFilter("album_id", "==", "y")])
    with pytest.raises(NotImplementedError):
        standing(DATABASE.collection("tracks").where(filter=either))


def test_every_declared_index_can_be_read() -> None:
    for declared in topology.COLLECTIONS:
        for index in declared.parsed_indexes:
            assert all(field.path.isidentifier() for field in index), declared.name
            assert len({field.path for field in index}) == len(index)


@pytest.mark.parametrize("kind", ["query", "aggregation"])
def test_the_local_cloud_refuses_a_query_without_an_index(kind: str) -> None:
    query = where(DATABASE.collection("tracks"), ("name", "==", "x"))._to_protobuf()
    parent = "projects/p/databases/(default)/documents"
    path, request = "RunQuery", RunQueryRequest(parent=parent, structured_query=query)
    if kind == "aggregation":
        count = StructuredAggregationQuery(structured_query=query)
        path = "RunAggregationQuery"
        request = RunAggregationQueryRequest(parent=parent, structured_aggregation_query=count)
    running = iam.Caller(topology.ENTRIES["catalog"])
    before = iam.caller.set(running)
    try:
        with pytest.raises(iam.UndeclaredAccess, match=r"add \('name',\) to its `indexes`"):
            iam.check_rpc(f"/google.firestore.v1.Firestore/{path}", request)
    finally:
        iam.caller.reset(before)
    assert len(running.refused) == 1


def test_fields_of_every_mode_are_known() -> None:
    assert IndexField.parse("a[]") == IndexField("a", IndexMode.CONTAINS)
    assert IndexField.parse("-a") == IndexField("a", IndexMode.DESCENDING)
    assert IndexField.parse("a") == IndexField("a", IndexMode.ASCENDING)
