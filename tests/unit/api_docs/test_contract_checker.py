"""The checker that end-to-end tests hold responses with finds what it should."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.contract import Contract, ContractBroken, key_of, to_json_schema

DOCUMENT: dict[str, Any] = {
    "openapi": "3.0.3",
    "paths": {
        "/things/{thing_id}": {
            "get": {
                "responses": {
                    "200": {"$ref": "#/components/responses/One"},
                    "401": {"$ref": "#/components/responses/Failure"},
                }
            },
            "put": {"responses": {"204": {"description": "done"}}},
        }
    },
    "components": {
        "responses": {
            "One": {
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}
            },
            "Failure": {
                "content": {
                    "application/json": {"schema": {"type": "object", "required": ["error"]}}
                }
            },
            "NotFound": {"$ref": "#/components/responses/Failure"},
        },
        "schemas": {
            "Thing": {
                "type": "object",
                "required": ["id", "owner"],
                "properties": {
                    "id": {"type": "string"},
                    "owner": {"type": "string", "nullable": True},
                    "at": {"type": "string", "format": "date-time"},
                    "made_of": {
                        "oneOf": [
                            {"$ref": "#/components/schemas/Thing"},
                            {"type": "object", "required": ["nothing"]},
                        ],
                        "discriminator": {"propertyName": "type"},
                        "nullable": True,
                    },
                },
            }
        },
    },
}
CONTRACT = Contract(DOCUMENT, prefix="/v1")


def _check(body: Any, status: int = 200, method: str = "GET") -> None:
    answer = httpx.Response(status, json=body)
    CONTRACT.check(method, "/v1/things/{id}", answer)


def test_what_the_schema_allows_passes() -> None:
    _check({"id": "1", "owner": None})
    _check({"id": "1", "owner": "me", "made_of": {"id": "2", "owner": None}})
    _check({"id": "1", "owner": "me", "made_of": None})


@pytest.mark.parametrize(
    "body",
    [
        {"id": "1"},
        {"id": 1, "owner": None},
        {"id": "1", "owner": None, "made_of": {"id": "2"}},
        ["id", "owner"],
    ],
)
def test_what_it_forbids_is_found(body: Any) -> None:
    with pytest.raises(ContractBroken):
        _check(body)


def test_the_message_says_where() -> None:
    with pytest.raises(ContractBroken, match="at id: 1 is not of type 'string'"):
        _check({"id": 1, "owner": None})


def test_a_status_that_is_not_listed_is_found() -> None:
    with pytest.raises(ContractBroken, match="204 is not a status"):
        CONTRACT.check("GET", "/v1/things/{id}", httpx.Response(204))


def test_a_404_has_the_shared_shape_where_it_is_not_listed() -> None:
    _check({"error": {}}, status=404)
    with pytest.raises(ContractBroken):
        _check({"fault": {}}, status=404)


def test_a_body_that_is_not_json_is_found() -> None:
    with pytest.raises(ContractBroken, match="text/plain"):
        CONTRACT.check("GET", "/v1/things/{id}", httpx.Response(200, text="hello"))


def test_204_has_no_body() -> None:
    CONTRACT.check("PUT", "/v1/things/{id}", httpx.Response(204))
    with pytest.raises(ContractBroken, match="no body"):
        CONTRACT.check("PUT", "/v1/things/{id}", httpx.Response(204, text="x"))


def test_names_of_path_parameters_do_not_matter() -> None:
    assert key_of("get", "/v1/things/{thing_id}/") == ("GET", "/v1/things/{}")


def test_schemas_of_openapi_3_1_stay_as_they_are() -> None:
    schema = {"anyOf": [{"type": "string"}, {"type": "null"}], "minimum": 1}
    assert to_json_schema(schema) == schema
