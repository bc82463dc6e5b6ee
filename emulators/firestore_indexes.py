"""The index that a Firestore query stands on, and whether the topology declares it.

Firestore refuses a query without an index; its emulator answers any. Here a query is held to what
`infra/` deploys, one composite index for each query: Firestore could merge several, at a price that
grows with what they do not have in common.

https://cloud.google.com/firestore/docs/query-data/indexing
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from shared import topology
from shared.resources import IndexField, IndexMode

# google.firestore.v1.StructuredQuery.FieldFilter.Operator
_ARRAY_OPERATORS = frozenset({"ARRAY_CONTAINS", "ARRAY_CONTAINS_ANY"})
_EQUALITY_OPERATORS = frozenset({"EQUAL", "IN"})
_DOCUMENT_ID = "__name__"  # every index ends with it
_COLLECTIONS = {declared.name: declared for declared in topology.COLLECTIONS}

Index = tuple[str, ...]  # as `Collection.indexes` has it


@dataclass(frozen=True, slots=True)
class Standing:
    """What a query stands on: an index that its collection declares, or one that it lacks."""

    collection: str
    index: Index
    declared: bool


def index_of(query: Any) -> Standing | None:
    """What `query`, the protobuf message StructuredQuery, stands on; None where it needs no index.

    Raises NotImplementedError for a filter that this module does not know (OR).
    """
    collection = str(query.from_[0].collection_id)
    equal, ordered = _needs(query)
    if not equal and not ordered:
        return None
    declared = _COLLECTIONS.get(collection)
    for index in declared.indexes if declared else ():
        if _serves(tuple(map(IndexField.parse, index)), equal, ordered):
            return Standing(collection, index, declared=True)
    lacking = [f"{path}[]" if is_array else path for path, is_array in sorted(equal.items())]
    lacking += [f"-{f.path}" if f.mode is IndexMode.DESCENDING else f.path for f in ordered]
    return Standing(collection, tuple(lacking), declared=False)


def _serves(
    index: tuple[IndexField, ...], equal: dict[str, bool], ordered: tuple[IndexField, ...]
) -> bool:
    return (
        len(index) == len(equal) + len(ordered)
        and {f.path: f.mode is IndexMode.CONTAINS for f in index[: len(equal)]} == equal
        and index[len(equal) :] == ordered
    )


def _needs(query: Any) -> tuple[dict[str, bool], tuple[IndexField, ...]]:
    """The fields that are compared for equality, each with whether it is an array whose elements
    are compared, and those by whose order the index is read."""
    equal: dict[str, bool] = {}
    ranges: list[str] = []
    for path, operator in _comparisons(query.where):
        if operator in _EQUALITY_OPERATORS or operator in _ARRAY_OPERATORS:
            equal[path] = operator in _ARRAY_OPERATORS
        else:
            ranges.append(path)
    # Another mode than ascending only where it is asked for; a range without an order has one.
    orders = {
        order.field.field_path: IndexMode(_name(order, "direction")) for order in query.order_by
    }
    for path in ranges:
        orders.setdefault(path, IndexMode.ASCENDING)
    return equal, tuple(
        IndexField(path, mode)
        for path, mode in orders.items()
        if path != _DOCUMENT_ID and path not in equal
    )


def _comparisons(where: Any) -> Iterator[tuple[str, str]]:
    """Field and operator of every comparison in a filter."""
    kind = where.WhichOneof("filter_type")
    if kind == "field_filter":
        yield where.field_filter.field.field_path, _name(where.field_filter, "op")
    elif kind == "unary_filter":
        is_equality = _name(where.unary_filter, "op") in ("IS_NULL", "IS_NAN")
        yield where.unary_filter.field.field_path, "EQUAL" if is_equality else "NOT_EQUAL"
    elif kind == "composite_filter":
        if _name(where.composite_filter, "op") != "AND":
            raise NotImplementedError("emulators/firestore_indexes.py knows no OR; teach it.")
        for part in where.composite_filter.filters:
            yield from _comparisons(part)


def _name(message: Any, field: str) -> str:
    """Name of the value of an enum field."""
    values = message.DESCRIPTOR.fields_by_name[field].enum_type.values_by_number
    return str(values[getattr(message, field)].name)
