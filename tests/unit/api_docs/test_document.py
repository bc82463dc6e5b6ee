"""The generated document: whole, of one piece, and what is committed is what the handlers say."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from emulators import api_document
from shared import topology
from shared.resources import Auth
from tests import contract

OUT_OF_SCOPE = ("audiobooks", "chapters", "audio-analysis")


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return api_document.document()


def _operations(document: dict[str, Any]) -> dict[contract.Key, dict[str, Any]]:
    return contract.Contract(document).operations


def _references(part: Any) -> set[str]:
    if isinstance(part, dict):
        own = {part["$ref"]} if isinstance(part.get("$ref"), str) else set()
        return own.union(*(_references(value) for value in part.values()))
    if isinstance(part, list):
        return set().union(*(_references(value) for value in part))
    return set()


def test_the_committed_document_is_what_the_handlers_say(document: dict[str, Any]) -> None:
    committed = json.loads(api_document.TARGET.read_text())
    assert committed == document, "run `nox -s openapi` and commit the result"


def test_every_route_behind_a_token_is_documented(document: dict[str, Any]) -> None:
    routed = {
        contract.key_of(method, route.path)
        for function in topology.HTTP_FUNCTIONS
        for route in function.routes
        for method in route.methods
        if route.auth is Auth.BEARER
    }
    documented = set(_operations(document))
    behind_a_token = {key for key in documented if key[1].startswith("/v1/")}
    assert routed - documented == set()
    assert behind_a_token - routed == set()


def test_every_published_operation_is_there(document: dict[str, Any]) -> None:
    documented = _operations(document)
    missing = [one for one in contract.operations() if one.key not in documented]
    assert missing == []


def test_what_the_published_document_deprecates_is_deprecated(document: dict[str, Any]) -> None:
    ours = _operations(document)
    differ = [
        one
        for one in contract.operations()
        if ours[one.key].get("deprecated", False) != one.deprecated
    ]
    assert differ == []


def test_an_operation_succeeds_with_the_published_status(document: dict[str, Any]) -> None:
    ours = _operations(document)
    for one in contract.operations():
        if any(part in one.path for part in OUT_OF_SCOPE):
            assert set(ours[one.key]["responses"]) >= {"401", "404"}, one
            continue
        wanted = {str(status) for status in one.statuses if status < 400}
        documented = {status for status in ours[one.key]["responses"] if status < "300"}
        assert documented >= wanted, one


def test_operations_say_what_they_need_and_answer(document: dict[str, Any]) -> None:
    for (method, path), operation in _operations(document).items():
        assert operation["summary"], path
        assert operation["description"], f"{method} {path} has no docstring"
        if path.startswith("/v1/"):
            assert operation["security"], path
            assert {"401", "429"} <= set(operation["responses"]), (method, path)
        assert "422" not in operation["responses"], path


def test_path_parameters_are_declared_and_have_patterns(document: dict[str, Any]) -> None:
    for path, operations in document["paths"].items():
        wanted = set(re.findall(r"\{(\w+)\}", path))
        for operation in operations.values():
            declared = {
                parameter["name"]: parameter["schema"]
                for parameter in operation.get("parameters", ())
                if parameter["in"] == "path"
            }
            assert set(declared) == wanted, path
            for schema in declared.values():
                assert "pattern" in schema or "enum" in schema, path


def test_a_parameter_is_never_null(document: dict[str, Any]) -> None:
    for operation in _operations(document).values():
        for parameter in operation.get("parameters", ()):
            assert {"type": "null"} not in parameter["schema"].get("anyOf", ()), parameter


def test_bounds_are_json_schemas_own_words(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    assert not re.search(r'"(ge|le|gt|lt)": -?\d', text)


def test_our_specifications_row_numbers_stay_with_us(document: dict[str, Any]) -> None:
    assert not re.search(r"\(F\d{3}", json.dumps(document))


def test_references_resolve_and_every_schema_is_used(document: dict[str, Any]) -> None:
    schemas = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert _references(document) == schemas


def test_operation_ids_are_unique(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for operation in _operations(document).values()]
    assert len(ids) == len(set(ids))


def test_one_of_several_scopes_are_alternatives() -> None:
    operation: dict[str, Any] = {
        "responses": {},
        "security": [{api_document.ANY_SCHEME: ["streaming", "user-read-email"]}],
    }
    api_document._finish("GET", "/v1/x", operation)
    assert operation["security"] == [{"segue": ["streaming"]}, {"segue": ["user-read-email"]}]


def test_different_types_of_one_name_are_refused() -> None:
    schemas = {"Image": {"type": "object"}}
    part = {"info": {"title": "b"}, "components": {"schemas": {"Image": {"type": "string"}}}}
    with pytest.raises(ValueError, match="Image"):
        api_document._merge_schemas(schemas, part)
