"""Holds responses to an OpenAPI document: the published Web API's, or our own generated one.

    contract.published().check("GET", "/v1/tracks/{id}", response)

Templates are ours, with `/v1`; the names of path parameters do not matter.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import pytest
import yaml
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import best_match

ROOT = Path(__file__).resolve().parents[1]
PUBLISHED = ROOT.parent / "shared" / "openapi" / "spotify-web-api.yml"
OPERATIONS = PUBLISHED.with_name("operations.tsv")
OWN = ROOT / "functions" / "api_docs" / "openapi.json"
METHODS = frozenset({"get", "put", "post", "delete", "patch"})
# What an operation may answer though the published document does not list it: the same shape.
SHARED_ERRORS = {400: "BadRequest", 404: "NotFound", 409: "BadRequest", 413: "BadRequest"}

Key = tuple[str, str]  # method in capitals and path template without its parameters' names
_PARAMETER = re.compile(r"\{[^}]*\}")


class Answer(Protocol):
    """What httpx, requests and Starlette's clients have in common."""

    @property
    def status_code(self) -> int: ...
    @property
    def content(self) -> bytes: ...
    @property
    def headers(self) -> Any: ...


class ContractBroken(AssertionError):
    """A response is not what the document says."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A row of `operations.tsv`."""

    method: str
    path: str  # with /v1
    name: str
    deprecated: bool
    statuses: tuple[int, ...]

    @property
    def key(self) -> Key:
        return key_of(self.method, self.path)


def key_of(method: str, template: str) -> Key:
    """The operation's key, by which documents with other parameter names agree."""
    return method.upper(), _PARAMETER.sub("{}", template.rstrip("/"))


def to_json_schema(schema: Any) -> Any:
    """An OpenAPI 3.0 schema as JSON Schema: `nullable` spelled out, bare `discriminator`s
    removed. Schemas of OpenAPI 3.1 come back as they are."""
    if isinstance(schema, list):
        return [to_json_schema(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {
        name: to_json_schema(part)
        for name, part in schema.items()
        if name not in ("nullable", "discriminator", "example")
    }
    if schema.get("nullable") is True:
        return {"anyOf": [kept, {"type": "null"}]}
    return kept


class Contract:
    """A document whose operations responses are checked against; each schema is compiled once."""

    def __init__(self, document: dict[str, Any], prefix: str = "") -> None:
        self._schemas = to_json_schema(document.get("components", {}).get("schemas", {}))
        self._responses: dict[str, Any] = document.get("components", {}).get("responses", {})
        self._compiled: dict[tuple[Key, int], Draft202012Validator] = {}
        self.operations: dict[Key, dict[str, Any]] = {
            key_of(method, prefix + template): operation
            for template, operations in document["paths"].items()
            for method, operation in operations.items()
            if method in METHODS
        }

    def check(self, method: str, template: str, answer: Answer) -> None:
        """Raises ContractBroken unless the status is one that the document knows for this
        operation and the body is of its schema."""
        key = key_of(method, template)
        where = f"{' '.join(key)}: {answer.status_code}"
        declared = self._declared(key, answer.status_code)
        if declared is None:
            raise ContractBroken(f"{where} is not a status of this operation: {_said(answer)}")
        content = declared.get("content")
        if not content:
            if answer.content and answer.status_code == 204:
                raise ContractBroken(f"{where} should have no body: {_said(answer)}")
            return
        media_type = answer.headers.get("content-type", "").partition(";")[0]
        if media_type not in content:
            raise ContractBroken(f"{where} is {media_type!r} and not one of {list(content)}")
        if media_type != "application/json":
            return
        validator = self._validator(key, answer.status_code, content[media_type]["schema"])
        fault = best_match(validator.iter_errors(json.loads(answer.content)))
        if fault is not None:
            place = "/".join(map(str, fault.absolute_path)) or "the whole"
            raise ContractBroken(f"{where}: at {place}: {fault.message[:600]}")

    def _declared(self, key: Key, status: int) -> dict[str, Any] | None:
        responses = self.operations[key]["responses"]
        declared = responses.get(str(status))
        if declared is None and status in SHARED_ERRORS:
            declared = self._responses.get(SHARED_ERRORS[status])
        if declared is not None and "$ref" in declared:
            declared = self._responses[declared["$ref"].rpartition("/")[2]]
        return declared

    def _validator(self, key: Key, status: int, schema: Any) -> Draft202012Validator:
        compiled = self._compiled.get((key, status))
        if compiled is None:
            whole = {
                "allOf": [to_json_schema(schema)],
                "components": {"schemas": self._schemas},
            }
            compiled = Draft202012Validator(whole, format_checker=FormatChecker())
            self._compiled[key, status] = compiled
        return compiled


@cache
def published() -> Contract:
    """The published Web API. Skips the test where the document is not beside the checkout."""
    if not PUBLISHED.exists():
        pytest.skip(f"the published contract is not there: {PUBLISHED}")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return Contract(yaml.load(PUBLISHED.read_text(), loader), prefix="/v1")


@cache
def own() -> Contract:
    """Our document, as `nox -s openapi` generated it."""
    return Contract(json.loads(OWN.read_text()))


def check(method: str, template: str, answer: Answer) -> None:
    """Holds `answer` to both documents, as far as they have the operation; one must."""
    documents: Iterable[Contract] = (own(), published()) if PUBLISHED.exists() else (own(),)
    knowing = [one for one in documents if key_of(method, template) in one.operations]
    assert knowing, f"no document has {method} {template}"
    for one in knowing:
        one.check(method, template, answer)


@cache
def operations() -> tuple[Operation, ...]:
    """The published operations; none where the list is not beside the checkout."""
    if not OPERATIONS.exists():
        return ()
    found = []
    for line in OPERATIONS.read_text().splitlines():
        method, path, name, deprecated, statuses = line.split("\t")
        numbers = tuple(sorted(int(status) for status in statuses.split(",")))
        found.append(Operation(method, f"/v1{path}", name, deprecated == "DEPR", numbers))
    return tuple(found)


def _said(answer: Answer) -> str:
    return answer.content[:300].decode(errors="replace")
