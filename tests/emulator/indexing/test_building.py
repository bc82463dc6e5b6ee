"""The job reads the whole catalogue, whatever became of single changes, and releases an index of
it; killed anywhere, it leaves the one before."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from emulators.processes import accepts, free_port
from shared.accounts import service as accounts
from shared.artifacts import store
from shared.artifacts.releases import Refused
from shared.catalog import service as catalog
from shared.indexing import reading
from shared.indexing import service as indexing
from shared.platform.auth import Principal
from shared.platform.errors import Unavailable
from shared.platform.ids import random_id
from shared.playlists import service as playlists
from shared.playlists.models import LoadedPlaylist
from shared.podcasts import service as podcasts
from shared.podcasts.models import Episode, Show
from shared.search import popularity, service
from shared.search.artifact import INDEX
from shared.search.models import Hits, ItemType, SearchDocument, SearchRequest
from shared.search.serving import Serving
from tests import local_settings
from tests.emulator.conftest import process
from tests.unit.catalog.samples import a_track, an_album, an_artist

ROOT = Path(__file__).resolve().parents[3]
JOB = [sys.executable, "-m", "emulators.job_host", "build_search_index"]


@pytest.fixture(scope="module", autouse=True)
def _stores(
    firestore: str, bigtable: str, pubsub: str, settings_env: pytest.MonkeyPatch, logs: Path
) -> Iterator[None]:
    port = free_port()
    command: list[str | Path] = [sys.executable, "-m", "emulators.storage", "--port", str(port)]
    command += ["--data-dir", logs / "indexing"]
    url = f"http://127.0.0.1:{port}"
    with (
        process(command, accepts(port), logs / "indexing.log"),
        pytest.MonkeyPatch.context() as patch,
    ):
        for variable, value in {
            "STORAGE_EMULATOR_HOST": url,
            "SEGUE_STORAGE_URL": url,
            "SEGUE_ANONYMOUS": "true",
        }.items():
            patch.setitem(os.environ, variable, value)
        local_settings.forget_settings()
        yield
    local_settings.forget_settings()


@pytest.fixture(autouse=True)
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Serving:
    """A new instance of search, behind its service, with a temporary folder of its own. There is
    no warehouse here: nothing was played from searches."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(popularity, "plays_from_search", _no_plays)
    serving = Serving(pointer_s=0.01, follow_s=0.01)
    monkeypatch.setattr(service, "serving", serving)
    return serving


async def _no_plays() -> dict[str, int]:
    return {}


@pytest.fixture
def no_warehouse() -> Iterator[str]:
    """Address of a BigQuery that has nothing at all."""

    class Nothing(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.send_error(404)

        def log_message(self, *_: Any) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Nothing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


async def _find(query: str, kind: ItemType = "track", **asked: Any) -> Hits:
    await service.serving._pointer.now()
    request = SearchRequest(query, (kind,), limit=50, **asked)
    return (await service.search(request)).pages[kind]


async def _documents() -> dict[str, SearchDocument]:
    return {one.key: one async for page in reading.every_document() for one in page}


class Shelf:
    """A catalogue whose names all have a word of their own."""

    def __init__(self) -> None:
        self.word = f"zq{random_id()[:8].lower()}"
        self.owner = f"owner-{random_id()}"
        self.artist = an_artist(f"Ann {self.word}", aliases=("Anna the Great",), genres=("folk",))
        self.album = an_album(self.artist, f"Blue {self.word}")
        self.track = a_track(self.album, f"Cyan {self.word}", popularity=40, isrc=None)
        self.show = Show(id=random_id(), name=f"Dusk {self.word}", publisher="We")
        self.episode = Episode(
            id=random_id(), show_id=self.show.id, name=f"Eve {self.word}", duration_ms=1000
        )

    async def load(self) -> None:
        await catalog.load([self.track], [self.album], [self.artist])
        await podcasts.load([self.show], [self.episode])
        await accounts.create_user(
            self.owner, "a long password", f"{self.owner}@x.org", "DE", "free", "Olga",
            user_id=self.owner,
        )  # fmt: skip

    async def load_playlist(self, name: str, *, public: bool = True) -> str:
        playlist = LoadedPlaylist(
            id=random_id(),
            owner_id=self.owner,
            name=f"{name} {self.word}",
            items=(),
            created_at=datetime.now(UTC),
            public=public,
        )
        await playlists.load([playlist])
        return playlist.id

    def caller(self) -> Principal:
        return Principal(
            user_id=self.owner,
            client_id="app",
            scopes=frozenset({"playlist-modify-public", "playlist-modify-private"}),
            tier="free",
            country="DE",
            expires_at_s=2**31,
        )


@pytest.fixture
async def shelf() -> Shelf:
    made = Shelf()
    await made.load()
    return made


async def test_every_type_is_found_and_what_belongs_together_is_joined(shelf: Shelf) -> None:
    public = await shelf.load_playlist("Fern")
    private = await shelf.load_playlist("Fern", public=False)
    indexed = await indexing.build()
    assert indexed.serves
    for kind, found in {
        "track": shelf.track.id,
        "album": shelf.album.id,
        "artist": shelf.artist.id,
        "show": shelf.show.id,
        "episode": shelf.episode.id,
        "playlist": public,
    }.items():
        assert indexed.documents[kind] >= 1
        assert (await _find(shelf.word, kind)).ids == (found,)  # type: ignore[arg-type]
    assert shelf.track.id in (await _find(f"anna the great {shelf.word}")).ids
    documents = await _documents()
    assert documents[f"track:{shelf.track.id}"].genres == ("folk",)
    assert documents[f"episode:{shelf.episode.id}"].album == shelf.show.name
    assert documents[f"playlist:{public}"].artists == ("Olga",)
    assert f"playlist:{private}" not in documents


async def test_what_was_published_taken_away_or_told_wrongly_is_right_after_a_build(
    shelf: Shelf,
) -> None:
    await indexing.build()
    ghost = SearchDocument(type="track", id=random_id(), name=f"Ghost {shelf.word}")
    await service.index_many([ghost])  # of what is not in the catalogue
    await service.remove("album", shelf.album.id)  # which is
    lost = a_track(shelf.album, f"Lost {shelf.word}", isrc=None)
    await catalog.load([lost], [], [])  # and nobody told
    assert ghost.id in (await _find(f"ghost {shelf.word}")).ids
    assert shelf.album.id not in (await _find(f"blue {shelf.word}", "album")).ids
    await _rebuilt_later()
    assert ghost.id not in (await _find(f"ghost {shelf.word}")).ids
    assert (await _find(f"blue {shelf.word}", "album")).ids == (shelf.album.id,)
    assert (await _find(f"lost {shelf.word}")).ids == (lost.id,)


async def _rebuilt_later() -> None:
    """A build that begins so long after all changes that none of them is followed over it."""
    margin, indexing.MARGIN = indexing.MARGIN, -indexing.MARGIN / 60_000  # a millisecond
    try:
        await asyncio.sleep(0.05)
        assert (await indexing.build()).serves
    finally:
        indexing.MARGIN = margin


async def test_a_playlist_that_its_owner_deleted_does_not_come_back(shelf: Shelf) -> None:
    playlist = await shelf.load_playlist("Gone")
    owner = shelf.caller()
    assert f"playlist:{playlist}" in await _documents()
    await playlists.unfollow(owner, playlist)
    assert f"playlist:{playlist}" not in await _documents()
    await _rebuilt_later()
    assert (await _find(f"gone {shelf.word}", "playlist")).ids == ()


async def test_the_same_catalogue_again_gives_the_same_answers(shelf: Shelf) -> None:
    first = await indexing.build()
    before = await _find(shelf.word)
    second = await indexing.build()
    assert second.version > first.version
    assert second.documents == first.documents
    after = await _find(shelf.word)
    assert (after.ids, after.total) == (before.ids, before.total)


async def test_a_collection_of_several_pages_is_read_whole(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    from shared.platform import scanning

    tracks = [a_track(shelf.album, f"Many {shelf.word} {n}") for n in range(45)]
    await catalog.load(tracks, [], [])
    monkeypatch.setattr(scanning, "PAGE", 7)
    pages = [page async for page in catalog.every_track()]
    read = [track.id for page in pages for track in page]
    assert all(len(page) <= 7 for page in pages)
    assert len(read) == len(set(read))
    assert {track.id for track in tracks} <= set(read)


async def test_one_document_that_cannot_be_read_does_not_stop_the_build(
    shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    from shared import topology
    from shared.platform import clients

    broken = clients.collection(topology.TRACKS).document(random_id())
    await broken.set({"id": broken.id, "name": "no more than a name"})
    try:
        assert f"track:{shelf.track.id}" in await _documents()
        assert f"tracks/{broken.id} is left out" in caplog.text
    finally:
        await broken.delete()


async def test_plays_from_searches_make_popular(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    twin = a_track(shelf.album, f"Cyan {shelf.word}", popularity=42, isrc=None)
    await catalog.load([twin], [], [])
    await indexing.build()
    assert (await _find(f"cyan {shelf.word}")).ids[0] == twin.id

    async def plays() -> dict[str, int]:
        return {f"track:{shelf.track.id}": 50_000}

    monkeypatch.setattr(popularity, "plays_from_search", plays)
    await indexing.build()
    assert (await _find(f"cyan {shelf.word}")).ids[0] == shelf.track.id


async def test_a_warehouse_that_does_not_answer_does_not_stop_the_build(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fails() -> dict[str, int]:
        raise Unavailable("The warehouse does not answer")

    monkeypatch.setattr(popularity, "plays_from_search", fails)
    assert (await indexing.build()).serves
    assert "plays do not count this time" in caplog.text


async def test_an_index_that_lost_most_of_its_documents_is_refused_unless_it_is_meant(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await indexing.build()

    last = SearchDocument(type="track", id=random_id(), name=f"Last {shelf.word}")

    async def few() -> Any:
        yield [last]

    monkeypatch.setattr(reading, "every_document", few)
    with pytest.raises(Refused, match="--force"):
        await indexing.build()
    held = await store.read_pointer(INDEX.folder)
    assert held.pointer is not None
    assert held.pointer.current == before.version
    assert last.id not in (await _find(f"last {shelf.word}")).ids
    forced = await indexing.build(force=True)
    assert forced.documents["track"] == 1
    assert (await _find(f"last {shelf.word}")).ids == (last.id,)


async def test_a_catalogue_that_stops_coming_leaves_the_index_as_it_was(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = await indexing.build()

    async def breaks() -> Any:
        yield [SearchDocument(type="track", id=random_id(), name="First")]
        raise Unavailable("Firestore does not answer")

    monkeypatch.setattr(reading, "every_document", breaks)
    with pytest.raises(Unavailable, match="does not answer"):
        await indexing.build()
    held = await store.read_pointer(INDEX.folder)
    assert held.pointer is not None
    assert held.pointer.current == before.version
    assert _below(tmp_path, "search-index-*") == []


def _environment(warehouse: str, folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONWARNINGS": "ignore",
        "BIGQUERY_EMULATOR_HOST": warehouse,
        "TMPDIR": str(folder),
    }


async def test_the_job_touches_only_what_it_declares_and_says_what_it_built(
    shelf: Shelf, no_warehouse: str, tmp_path: Path
) -> None:
    await shelf.load_playlist("Heath")
    done = await asyncio.to_thread(
        subprocess.run,
        [*JOB, "--force"],
        env=_environment(no_warehouse, tmp_path),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    held = await store.read_pointer(INDEX.folder)
    assert held.pointer is not None
    assert said["version"] == held.pointer.current
    assert said["serves"] is True
    assert (await _find(f"heath {shelf.word}", "playlist")).total == 1


async def test_a_job_that_is_killed_leaves_the_index_before_and_the_next_run_succeeds(
    shelf: Shelf, no_warehouse: str, tmp_path: Path
) -> None:
    before = await indexing.build(force=True)
    known = set(await store.list_versions(INDEX.folder))
    for stage in ("reading", "storing"):
        await asyncio.to_thread((tmp_path / stage).mkdir)
        running = await asyncio.to_thread(
            subprocess.Popen,
            [*JOB, "--force"],
            env=_environment(no_warehouse, tmp_path / stage),
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            while running.poll() is None:
                reading_now = any(_below(tmp_path / stage, "search-index-*"))
                storing_now = bool(set(await store.list_versions(INDEX.folder)) - known)
                if reading_now if stage == "reading" else storing_now:
                    break
                await asyncio.sleep(0.01)
        finally:
            running.send_signal(signal.SIGKILL)
            code = await asyncio.to_thread(running.wait)
        assert code == -signal.SIGKILL, "it was over before it could be killed"
        known = set(await store.list_versions(INDEX.folder))
        held = await store.read_pointer(INDEX.folder)
        assert held.pointer is not None
        assert held.pointer.current == before.version
        assert (await _find(f"cyan {shelf.word}")).ids == (shelf.track.id,)
    after = await indexing.build(force=True)
    assert after.serves
    assert (await _find(f"cyan {shelf.word}")).ids == (shelf.track.id,)


def _below(folder: Path, pattern: str) -> list[Path]:
    return list(folder.glob(pattern))


async def test_two_jobs_at_once_leave_one_whole_index(shelf: Shelf) -> None:
    done = await asyncio.gather(indexing.build(force=True), indexing.build(force=True))
    held = await store.read_pointer(INDEX.folder)
    assert held.pointer is not None
    assert held.pointer.current == max(one.version for one in done)
    assert (await _find(f"cyan {shelf.word}")).ids == (shelf.track.id,)
