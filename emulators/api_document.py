"""Our OpenAPI document, generated from the handlers: `nox -s openapi`.

Each function has a FastAPI app of its own, so each describes its own operations; here they become
one document, which `functions/api_docs` serves. It holds what stands behind an access token: pages,
the addresses that only tasks and stock players use, and the OAuth endpoints, which describe
themselves (RFC 8414), are left out.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from emulators.demo_catalogue import IDS
from shared import topology
from shared.resources import Auth

if TYPE_CHECKING:
    from fastapi import FastAPI

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "functions" / "api_docs" / "openapi.json"
METHODS = ("get", "put", "post", "delete", "patch")
SCHEME, ANY_SCHEME = "segue", "segue_any"  # shared/platform/http.py
ACCOUNTS = "/accounts"
LONG_ENUM = 30
BOUNDS = {"ge": "minimum", "le": "maximum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum"}

SCOPES = {
    "app-remote-control": "Control the player app on your device",
    "playlist-modify-private": "Change your private playlists",
    "playlist-modify-public": "Change your public playlists",
    "playlist-read-collaborative": "See the collaborative playlists that you take part in",
    "playlist-read-private": "See your private playlists",
    "streaming": "Play music on this device",
    "ugc-image-upload": "Upload covers for your playlists",
    "ugc-track-upload": "Upload recordings to the catalogue",
    "user-follow-modify": "Follow and unfollow for you",
    "user-follow-read": "See whom and what you follow",
    "user-library-modify": "Change your library",
    "user-library-read": "See your library",
    "user-modify-playback-state": "Control what your devices play",
    "user-read-currently-playing": "See what you are playing",
    "user-read-email": "See your e-mail address",
    "user-read-playback-position": "See how far you have listened into episodes",
    "user-read-playback-state": "See your devices and what they play",
    "user-read-private": "See your country and subscription",
    "user-read-recently-played": "See what you played lately",
    "user-top-read": "See what you listen to most",
}

# What the published Web API marks as deprecated; new clients find another operation for each.
DEPRECATED = {
    "GET": (
        *("albums", "artists", "shows", "episodes", "tracks", "audiobooks", "chapters"),
        *("artists/{}/top-tracks", "artists/{}/related-artists", "users/{}", "users/{}/playlists"),
        *("playlists/{}/tracks", "playlists/{}/followers/contains", "me/following/contains"),
        *(f"me/{kind}/contains" for kind in ("albums", "tracks", "episodes", "shows")),
        *("browse/featured-playlists", "browse/categories", "browse/categories/{}"),
        *("browse/categories/{}/playlists", "browse/new-releases", "markets"),
        *("audio-features", "audio-features/{}", "audio-analysis/{}", "me/audiobooks/contains"),
        *("recommendations", "recommendations/available-genre-seeds"),
    ),
    "PUT": (
        *(f"me/{kind}" for kind in ("albums", "tracks", "episodes", "shows", "audiobooks")),
        *("playlists/{}/tracks", "playlists/{}/followers", "me/following"),
    ),
    "DELETE": (
        *(f"me/{kind}" for kind in ("albums", "tracks", "episodes", "shows", "audiobooks")),
        *("playlists/{}/tracks", "playlists/{}/followers", "me/following"),
    ),
    "POST": ("playlists/{}/tracks", "users/{}/playlists"),
}

# Values to try an operation with: what the demo catalogue has under the path's noun.
EXAMPLES = {
    "tracks": [*IDS.tracks.values()],
    "audio-features": [*IDS.tracks.values()],
    "albums": [*IDS.albums.values()],
    "artists": [*IDS.artists.values()],
    "following": [*IDS.artists.values()],
    "shows": [*IDS.shows.values()],
    "episodes": [*IDS.episodes.values()],
    "playlists": [IDS.playlists["Night Drive"]],
    "followers": ["demo"],
    "users": ["demo"],
    "categories": ["jazz"],
    "seed_artists": [*IDS.artists.values()],
    "seed_tracks": [*IDS.tracks.values()],
    "seed_genres": ["jazz"],
    "track_id": [*IDS.tracks.values()],
    "uris": [f"spotify:track:{track}" for track in IDS.tracks.values()],
    "uri": [f"spotify:track:{track}" for track in IDS.tracks.values()],
    "q": ["neon"],
}

_PARAMETER = re.compile(r"\{[^}]*\}")
_WORD_BREAK = re.compile(r"\W+")
_ROWS = re.compile(r"\s*\((?:F\d|decision)[^)]*\)")  # where our specification asks for it
_VALIDATION = ("HTTPValidationError", "ValidationError")  # FastAPI's 422, which we do not answer
_DESCRIPTION = """\
Music, podcasts and your library: the Spotify Web API's contract, so its client libraries work here
by changing a base URL, and some operations of our own beside it.

Every operation wants an access token (OAuth 2.1, authorization code with PKCE). Requests are
counted per user in rolling windows of 30 s; past the limit the answer is 429 with `Retry-After`.
Creating requests take an `Idempotency-Key`."""


def document() -> dict[str, Any]:
    """The whole document. Raises ValueError where two functions disagree or a scope is unknown."""
    paths: dict[str, dict[str, Any]] = {}
    schemas: dict[str, Any] = {}
    tags = []
    for function in topology.HTTP_FUNCTIONS:
        part = _part(function)
        if not part["paths"]:
            continue
        tag = function.name.replace("_", " ").capitalize()
        tags.append({"name": tag, "description": part["info"]["description"]})
        _merge_schemas(schemas, part)
        for path, operations in part["paths"].items():
            for operation in operations.values():
                operation["tags"] = [tag]
            paths.setdefault(path, {}).update(operations)
    for method, path, operation in _operations(paths):
        _finish(method, path, operation)
    _name(paths)
    whole = {
        "openapi": "3.1.0",
        "info": {"title": "Segue Web API", "version": "1", "description": _DESCRIPTION},
        "servers": [{"url": "/"}],
        "tags": tags,
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted(_used(paths, schemas).items())),
            "securitySchemes": {SCHEME: _scheme(paths)},
        },
    }
    _tidy(whole)
    return whole


def load(function: topology.HttpFunction) -> ModuleType:
    """The function's `main.py` as a module of its own name."""
    source = ROOT / "functions" / function.name / "main.py"
    name = f"segue_function_{function.name}"
    spec = spec_from_file_location(name, source)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module  # annotations and dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def is_documented(function: topology.HttpFunction, method: str, path: str) -> bool:
    """Whether clients call this route themselves: those behind a token."""
    wanted = _PARAMETER.sub("{}", path)
    return any(
        route.auth is Auth.BEARER
        and method in route.methods
        and _PARAMETER.sub("{}", route.path) == wanted
        for route in function.routes
    )


def _part(function: topology.HttpFunction) -> dict[str, Any]:
    """What the function's own app says of the operations that belong into the document."""
    from fastapi.openapi.utils import get_openapi

    module = load(function)
    app: FastAPI | None = getattr(module, "app", None)
    if app is None:  # it answers without FastAPI: assets and pages
        return {"paths": {}}
    words = (module.__doc__ or "").strip().partition("\n\n")[0]
    part = get_openapi(
        title=function.name,
        version="1",
        description=" ".join(words.split()),
        routes=app.routes,
    )
    part["paths"] = {
        path: kept
        for path, operations in part["paths"].items()
        if (
            kept := {
                method: operation
                for method, operation in operations.items()
                if is_documented(function, method.upper(), path)
            }
        )
    }
    return part


def _merge_schemas(schemas: dict[str, Any], part: dict[str, Any]) -> None:
    for name, schema in part.get("components", {}).get("schemas", {}).items():
        if name in _VALIDATION:
            continue
        if schemas.setdefault(name, schema) != schema:
            raise ValueError(
                f"{part['info']['title']} and another function have different types {name!r}; "
                "rename one"
            )


def _operations(paths: dict[str, dict[str, Any]]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, operations in paths.items():
        for method, operation in operations.items():
            yield method.upper(), path, operation


def _finish(method: str, path: str, operation: dict[str, Any]) -> None:
    """What FastAPI cannot know, or says for its own defaults."""
    operation["responses"].pop("422", None)
    for answer in operation["responses"].values():
        if answer.get("content") == {"application/json": {"schema": {}}}:
            del answer["content"]  # no model: no body
    for parameter in operation.get("parameters", ()):
        _plain(parameter["schema"])
        if (value := _example(path, parameter)) is not None:
            parameter["example"] = value
    if _PARAMETER.sub("{}", path).removeprefix("/v1/") in DEPRECATED.get(method, ()):
        operation["deprecated"] = True
    needed = operation.get("security", [])
    operation["security"] = [
        {SCHEME: scopes}
        for scheme in needed
        for scopes in (
            [[one] for one in scheme[ANY_SCHEME]] if ANY_SCHEME in scheme else [scheme[SCHEME]]
        )
    ]


def _example(path: str, parameter: dict[str, Any]) -> str | None:
    name = parameter["name"]
    if parameter["in"] == "path":
        return next(
            iter(EXAMPLES.get(path.partition(f"/{{{name}}}")[0].rpartition("/")[2], ())), None
        )
    if name == "ids":  # of what the path's last noun names
        nouns = [part for part in path.split("/") if part in EXAMPLES]
        return ",".join(EXAMPLES[nouns[-1]][:2]) if nouns else None
    found = EXAMPLES.get(name, ())
    return ",".join(found[:2]) if name == "uris" else next(iter(found), None)


def _plain(schema: dict[str, Any]) -> None:
    """A parameter is there or not: `null` is what Python calls its absence. Long lists of values,
    such as all countries, become one pattern, which tools go through faster than value by value."""
    kept = [option for option in schema.get("anyOf", ()) if option != {"type": "null"}]
    if len(kept) == 1:
        del schema["anyOf"]
        schema.update({name: value for name, value in kept[0].items() if name != "title"})
    if schema.get("default", ...) is None:
        del schema["default"]
    if len(schema.get("enum", ())) > LONG_ENUM:
        schema["pattern"] = f"^({'|'.join(schema.pop('enum'))})$"


def _tidy(part: Any) -> None:
    """Says bounds as JSON Schema does where Pydantic leaves its own words (behind a validator, in a
    union), and leaves our specification's row numbers out of the descriptions."""
    if isinstance(part, list):
        for one in part:
            _tidy(one)
    if not isinstance(part, dict):
        return
    if part.get("type") in ("integer", "number"):
        for word, standard in BOUNDS.items():
            if word in part:
                part[standard] = part.pop(word)
    for name, value in part.items():
        if name == "description" and isinstance(value, str):
            part[name] = _ROWS.sub("", value)
        else:
            _tidy(value)


def _name(paths: dict[str, dict[str, Any]]) -> None:
    """Operation ids: the handler's name, with the path and method where several share it."""
    for method, path, operation in _operations(paths):
        appended = re.sub(r"\W", "_", f"{path}_{method.lower()}")  # by FastAPI
        name = operation["operationId"].removesuffix(appended)
        operation["operationId"] = name.strip("_").lower()
        operation["summary"] = operation["summary"].capitalize()
    shared = _repeated(paths)
    for method, path, operation in _operations(paths):
        if operation["operationId"] in shared:
            words = _WORD_BREAK.sub("_", path.removeprefix("/v1")).strip("_")
            operation["operationId"] += f"_{words}_{method.lower()}"
    if repeated := _repeated(paths):
        raise ValueError(f"operations share an id: {', '.join(sorted(repeated))}")


def _repeated(paths: dict[str, dict[str, Any]]) -> set[str]:
    counts = Counter(operation["operationId"] for *_, operation in _operations(paths))
    return {name for name, count in counts.items() if count > 1}


def _scheme(paths: dict[str, dict[str, Any]]) -> dict[str, Any]:
    used = {
        scope
        for *_, operation in _operations(paths)
        for requirement in operation["security"]
        for scope in requirement[SCHEME]
    }
    if unknown := used - set(SCOPES):
        raise ValueError(f"describe these scopes in SCOPES: {', '.join(sorted(unknown))}")
    return {
        "type": "oauth2",
        "description": "OAuth 2.1: authorization code with PKCE (S256).",
        "flows": {
            "authorizationCode": {
                "authorizationUrl": f"{ACCOUNTS}/authorize",
                "tokenUrl": f"{ACCOUNTS}/api/token",
                "refreshUrl": f"{ACCOUNTS}/api/token",
                "scopes": {scope: words for scope, words in SCOPES.items() if scope in used},
            }
        },
    }


def _used(paths: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """The schemas that something refers to, from an operation or from one another."""
    found: dict[str, Any] = {}
    waiting: list[Any] = [paths]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            waiting += part.values()
            name = str(part.get("$ref", "")).removeprefix("#/components/schemas/")
            if name in schemas and name not in found:
                found[name] = schemas[name]
                waiting.append(schemas[name])
        elif isinstance(part, list):
            waiting += part
    return found


def text() -> str:
    """The document as the file holds it."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Writes the document into the function that serves it."""
    TARGET.write_text(text())
    print(f"wrote {TARGET.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
