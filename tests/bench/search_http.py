"""`GET /v1/search` and `/v1/search/suggest` over the index of the bench, one request at a time.

The index is stored in the models bucket and the pointer set as the build job does it, so one
process of the function fetches it and opens it as any instance would. Suggestions need nothing
else. Full searches render items from the catalogue, so those that the first `SEARCHES` queries of
each kind show are loaded beforehand (`load_catalogue`). Rate limits are off; the person who asks
has no history, and no filter of explicit titles.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from http.client import HTTPConnection
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlencode

from emulators.cloud import ROOT, LocalCloud
from tests.bench.manifest_throughput import _serve
from tests.bench.search_catalogue import Catalogue
from tests.bench.search_queries import Asked, Made
from tests.bench.search_subjects import BUILT_AT, VERSION, Answers
from tests.bench.web_api import Deployment

SEARCHES = 500  # of each kind of full search
OPENING_S = 900  # for the first request, which waits for the index


def measure(
    cloud: LocalCloud,
    catalogue: Catalogue,
    index: Path,
    asked: Mapping[str, Sequence[Asked]],
    warming: int,
) -> dict[str, Answers]:
    """How long each request took by kind of query, after `warming` queries of each kind."""
    asked = {
        kind: some if kind == "suggest" else some[: warming + SEARCHES]
        for kind, some in asked.items()
    }
    with TemporaryDirectory(prefix="segue-search-http-") as temporary:
        environment = {
            **os.environ,
            **cloud.environment(),
            "SEGUE_RATE_LIMIT_SCALE": "0",
            "TMPDIR": temporary,  # where an instance keeps its index
        }
        with ProcessPoolExecutor(
            1, get_context("spawn"), initializer=_settle, initargs=(environment,)
        ) as beside:
            beside.submit(_publish, index).result()
            searches = [one for kind, some in asked.items() if kind != "suggest" for one in some]
            shown = beside.submit(_shown, index, searches).result()
        _load(catalogue, shown, Path(temporary), environment)
        deployment = Deployment(
            environment, cloud.keys.token_signing_key, cloud.accounts_url, track_ids=()
        )
        headers = deployment.headers("bench-searcher")
        process, port = _serve("search", ROOT / "functions" / "search" / "main.py", environment)
        try:
            connection = HTTPConnection("127.0.0.1", port, timeout=OPENING_S)
            answers = {kind: Answers() for kind in asked}
            for kind, some in asked.items():
                for number, one in enumerate(some):
                    seconds, page = _answered(connection, kind, one, headers)
                    if number >= warming:
                        answers[kind].whole.seconds.append(seconds)
                        answers[kind].found += one.is_answered_by(page)
            return answers
        finally:
            process.kill()
            process.wait()


def _answered(
    connection: HTTPConnection, kind: str, asked: Asked, headers: dict[str, str]
) -> tuple[float, list[Made]]:
    """How long an answer took, whole, and what is in it."""
    request = asked.request()
    path = "/v1/search/suggest" if kind == "suggest" else "/v1/search"
    query = {"q": asked.text, "type": ",".join(asked.types), "limit": request.limit}
    started = time.perf_counter()
    connection.request("GET", f"{path}?{urlencode(query)}", headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    seconds = time.perf_counter() - started
    if answer.status != 200:
        raise RuntimeError(f"{path} answered {answer.status} to {asked.text!r}: {body[:200]!r}")
    if answer.headers["Content-Encoding"] == "gzip":
        body = gzip.decompress(body)
    found = json.loads(body)
    if kind == "suggest":
        named = [(one["name"], one["detail"]) for one in found["suggestions"]]
        return seconds, [(name, tuple(by.split(", ")) if by else ()) for name, by in named]
    items = found["tracks"]["items"]
    return seconds, [(one["name"], tuple(by["name"] for by in one["artists"])) for one in items]


def _settle(environment: Mapping[str, str]) -> None:
    os.environ.update(environment)


def _publish(folder: Path) -> None:
    """Stores the index and points to it."""
    from shared.artifacts import store
    from shared.artifacts.versions import File, Manifest, Pointer
    from shared.search.artifact import INDEX
    from shared.search.local.building import DESCRIPTION

    described = json.loads((folder / DESCRIPTION).read_text())
    manifest = Manifest(
        version=VERSION,
        format=described["format"],
        built_at=BUILT_AT,
        counts=described["documents"],
        files=tuple(
            File(
                name=str(path.relative_to(folder)),
                size_bytes=path.stat().st_size,
                sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
            )
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        ),
    )

    async def publish() -> None:
        await store.upload(INDEX.folder, VERSION, folder, manifest.files)
        await store.write_manifest(INDEX.folder, manifest)
        held = await store.read_pointer(INDEX.folder)
        await store.write_pointer(INDEX.folder, Pointer(current=VERSION), held.generation)

    asyncio.run(publish())


def _shown(folder: Path, asked: Iterable[Asked]) -> list[str]:
    """Ids of the tracks on the first pages."""
    from shared.search import pipeline
    from shared.search.local.engine import LocalEngine

    async def found() -> dict[str, None]:
        engine = LocalEngine.open(folder)
        ids: dict[str, None] = {}
        for one in asked:
            results = await pipeline.search(engine, one.request(), VERSION)
            ids.update(dict.fromkeys(results.pages["track"].ids))
        return ids

    return list(asyncio.run(found()))


def _load(
    catalogue: Catalogue, track_ids: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> None:
    file = folder / "catalogue.jsonl"
    with file.open("w") as out:
        for line in _lines(catalogue, track_ids):
            out.write(json.dumps(line, ensure_ascii=False) + "\n")
    subprocess.run(
        [sys.executable, "-m", "emulators.job_host", "load_catalogue", str(file)],
        env=environment,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        check=True,
    )


def _lines(catalogue: Catalogue, track_ids: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Tracks with their albums and artists, as `load_catalogue` reads them."""
    numbers = catalogue.numbers("track", track_ids)
    tracks = {number: catalogue.document("track", number) for number in numbers}
    albums = {number: catalogue.album_of(number) for number in numbers}
    of_albums = {number: catalogue.document("album", number) for number in set(albums.values())}
    names = {
        artist_id: name
        for one in (*tracks.values(), *of_albums.values())
        for artist_id, name in zip(one.artist_ids, one.artists, strict=True)
    }
    for artist_id, name in names.items():
        yield {"type": "artist", "id": artist_id, "name": name}
    for one in of_albums.values():
        yield {
            "type": "album",
            "id": one.id,
            "name": one.name,
            "artists": one.artist_ids,
            "release_date": one.release_date,
            "upc": one.upc,
            "genres": one.genres,
            "popularity": one.popularity,
        }
    for number, one in tracks.items():
        yield {
            "type": "track",
            "id": one.id,
            "name": one.name,
            "album": of_albums[albums[number]].id,
            "artists": one.artist_ids,
            "track_number": number % 100 + 1,
            "duration_ms": 200_000,
            "explicit": one.explicit,
            "isrc": one.isrc,
            "popularity": one.popularity,
            "territories": one.territories,
        }
