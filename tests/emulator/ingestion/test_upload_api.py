"""`POST /v1/uploads` and `GET /v1/uploads/{id}` as the functions framework serves them."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from emulators import music
from shared import topology
from shared.ingestion import publishing, service, validation
from shared.platform.ids import random_id
from tests.emulator.catalog.functions import _served, access_token, function
from tests.emulator.ingestion.conftest import Pipeline, song

SCOPE = "ugc-track-upload"
pytestmark = pytest.mark.usefixtures("pipeline")


@pytest.fixture
async def api() -> AsyncIterator[httpx.AsyncClient]:
    async with function("uploads", user="ada", scope=SCOPE) as client:
        yield client


async def refused(api: httpx.AsyncClient, status: int, **body: Any) -> str:
    answer = await api.post("/v1/uploads", json={"filename": "a.flac", "size_bytes": 10} | body)
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert error["status"] == status
    return str(error["message"])


async def test_an_upload_is_announced_and_can_be_looked_up(api: httpx.AsyncClient) -> None:
    answer = await api.post("/v1/uploads", json={"filename": "a.flac", "size_bytes": 10})
    assert answer.status_code == 201, answer.text
    ticket = answer.json()
    assert ticket["method"] == "POST"
    assert "X-Goog-Signature=" in ticket["upload_url"]
    status = (await api.get(f"/v1/uploads/{ticket['upload_id']}")).json()
    assert (status["state"], status["progress_percent"]) == ("awaiting_upload", 0)
    assert (status["track_id"], status["track_uri"], status["reason"]) == (None, None, None)


async def test_bad_requests_are_told_what_is_wrong(api: httpx.AsyncClient) -> None:
    assert "1 GiB" in await refused(api, 413, size_bytes=2_000_000_000)
    assert "empty" in await refused(api, 400, size_bytes=0)
    assert "filename" in await refused(api, 400, filename="a.exe")
    assert "is not an ISRC" in await refused(api, 400, metadata={"isrc": "nope"})
    assert "check digit" in await refused(api, 400, metadata={"upc": "036000291453"})
    assert "country" in await refused(api, 400, metadata={"territories": ["ZZ"]})
    assert "colour" in await refused(api, 400, metadata={"colour": "red"})
    assert "size_bytes" in await refused(api, 400, size_bytes="ten")
    answer = await api.post(
        "/v1/uploads", content=b"{", headers={"content-type": "application/json"}
    )
    assert (answer.status_code, "JSON" in answer.text) == (400, True)


async def test_only_the_owner_sees_an_upload(api: httpx.AsyncClient) -> None:
    answer = await api.post("/v1/uploads", json={"filename": "a.flac", "size_bytes": 10})
    path = f"/v1/uploads/{answer.json()['upload_id']}"
    async with function("uploads", user="eve", scope=SCOPE) as eve:
        assert (await eve.get(path)).status_code == 404
    assert (await api.get(f"/v1/uploads/{random_id()}")).status_code == 404
    for malformed, status in (("x", 400), ("..%2f..", 404), ("%00", 400)):
        assert (await api.get(f"/v1/uploads/{malformed}")).status_code == status


async def test_the_scope_is_needed() -> None:
    async with function("uploads", user="ada", scope="streaming") as client:
        answer = await client.post("/v1/uploads", json={"filename": "a.flac", "size_bytes": 10})
    assert answer.status_code == 403
    assert SCOPE in answer.json()["error"]["message"]


async def test_a_folder_of_music_goes_in_through_the_api(
    pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = song(tmp_path / "1 good.flac", pitch=1108, title="Good")
    (tmp_path / "1 good.flac.json").write_text('{"territories": ["DE"]}')
    same = tmp_path / "2 same.flac"
    same.write_bytes(good.read_bytes())
    broken = tmp_path / "3 broken.flac"
    broken.write_bytes(b"no music")
    empty = tmp_path / "4 empty.mp3"
    empty.touch()
    (tmp_path / "5 old.wma").write_bytes(b"x")
    found, skipped = music.find(tmp_path)
    assert found == [good, same, broken, empty]
    assert [outcome.path.name for outcome in skipped] == ["5 old.wma"]

    handled: set[str] = set()

    async def deliver() -> None:
        """What storage, Eventarc and Pub/Sub do: passes events on."""
        page = [info async for page in service.objects.masters() for info in page]
        for info in page:
            if info.name not in handled and any(p.name in info.name for p in found):
                handled.add(info.name)
                await validation.validate_master(
                    await pipeline.receive(await pipeline.stored(info.name))
                )
        for body in await pipeline.pull(topology.TRANSCODE_FINISHED, 1):
            await publishing.handle_transcode_finished(
                publishing.TranscodeFinished.model_validate(body)
            )

    class Cloud(httpx.AsyncBaseTransport):
        """The API in process, storage over its socket; events move whenever somebody asks."""

        def __init__(self) -> None:
            self.api, self.network = (
                httpx.ASGITransport(_served("uploads")),
                httpx.AsyncHTTPTransport(),
            )
            self.chunks = itertools.count(1)

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.url.path.startswith("/v1/"):
                if request.method == "GET":
                    await deliver()
                return await self.api.handle_async_request(request)
            answer = await self.network.handle_async_request(request)
            if request.method == "PUT" and next(self.chunks) == 2:
                raise httpx.ReadError("the connection broke after the bytes had gone")
            return answer

        async def aclose(self) -> None:
            await self.network.aclose()

    client, cloud = httpx.AsyncClient, Cloud()
    monkeypatch.setattr(music.httpx, "AsyncClient", lambda **_: client(transport=cloud, timeout=60))
    monkeypatch.setattr(music, "CHUNK_BYTES", 256 * 1024)
    monkeypatch.setattr(music, "IN_FLIGHT", 1)

    async def token() -> str:
        return access_token("ada", SCOPE)

    reached: list[tuple[str, str]] = []

    class Seen:
        def start(self, total: int) -> None:
            assert total == 4

        def reached(self, path: Path, stage: str) -> None:
            reached.append((path.name, stage))

    summary = await music.ingest(found, "http://segue", token, Seen())
    states = [(outcome.path.name[0], outcome.state) for outcome in summary.outcomes]
    assert states == [
        ("1", "published"), ("2", "duplicate"), ("3", "rejected"), ("4", "rejected")
    ], summary  # fmt: skip
    assert summary.exit_code == 1
    assert "not audio" in str(summary.outcomes[2].reason)
    assert "empty" in str(summary.outcomes[3].reason)
    assert summary.outcomes[0].track_id == summary.outcomes[1].track_id
    assert ("1 good.flac", "uploading") in reached
    assert ("1 good.flac", "published") in reached
