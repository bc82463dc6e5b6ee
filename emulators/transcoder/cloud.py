"""The two services around a job: Cloud Storage by its JSON API, Pub/Sub by REST."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from .errors import Code, JobFailed
from .plan import ObjectUri

if TYPE_CHECKING:
    import httpx
    import tenacity

log = logging.getLogger(__name__)

_CHUNK_BYTES = 1 << 20
_PARALLEL_UPLOADS = 8
_STORAGE_ATTEMPTS = 5
_TIMEOUT_S = 60.0
_PUBLISH_PAUSE_MAX_S = 10.0
_CONTENT_TYPES = {
    ".m4s": "audio/mp4",  # audio only: players go by it
    ".mp4": "audio/mp4",
    ".ts": "video/mp2t",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".m3u8": "application/vnd.apple.mpegurl",
    ".mpd": "application/dash+xml",
}
_MANIFESTS = frozenset({".m3u8", ".mpd"})


class Cloud:
    """Connections to storage and Pub/Sub, kept alive between jobs."""

    def __init__(self, storage_url: str, pubsub: str) -> None:
        self._storage_url = storage_url.rstrip("/")
        self._pubsub_url = pubsub if "://" in pubsub else f"http://{pubsub}"
        self._http: httpx.AsyncClient | None = None

    async def _client(self) -> httpx.AsyncClient:
        if self._http is None:
            httpx = await asyncio.to_thread(_import_httpx)  # not on the way to the first answer
            limits = httpx.Limits(max_keepalive_connections=_PARALLEL_UPLOADS)
            self._http = httpx.AsyncClient(timeout=_TIMEOUT_S, limits=limits, trust_env=False)
        return self._http

    async def close(self) -> None:
        """Closes the connections."""
        if self._http is not None:
            await self._http.aclose()

    async def download(self, source: ObjectUri, target: Path) -> str:
        """Streams an object to `target`; returns the SHA-256 of its bytes in hex.

        Raises JobFailed when it does not exist or cannot be read.
        """
        client = await self._client()
        url = (
            f"{self._storage_url}/download/storage/v1/b/{source.bucket}"
            f"/o/{quote(source.name, safe='')}?alt=media"
        )
        async for attempt in _attempts():
            with attempt:
                digest = hashlib.sha256()
                async with client.stream("GET", url) as response:
                    _check(response, f"reading {source}")
                    with target.open("wb") as file:
                        async for chunk in response.aiter_bytes(_CHUNK_BYTES):
                            digest.update(chunk)
                            file.write(chunk)
        return digest.hexdigest()

    async def upload_directory(self, directory: Path, output: ObjectUri) -> int:
        """Uploads all files below `directory` under `output`, manifests last, so that none is
        seen before what it lists. Returns their number; raises JobFailed."""
        media, manifests = _files(directory)
        gate = asyncio.Semaphore(_PARALLEL_UPLOADS)

        async def upload(path: Path) -> None:
            name = output.name + path.relative_to(directory).as_posix()
            async with gate:
                await self._upload(path, ObjectUri(output.bucket, name))

        for group in (media, manifests):
            async with asyncio.TaskGroup() as tasks:
                for path in group:
                    tasks.create_task(upload(path))
        return len(media) + len(manifests)

    async def _upload(self, path: Path, target: ObjectUri) -> None:
        client = await self._client()
        url = (
            f"{self._storage_url}/upload/storage/v1/b/{target.bucket}"
            f"/o?uploadType=media&name={quote(target.name, safe='')}"
        )
        headers = {
            "content-type": _CONTENT_TYPES.get(path.suffix, "application/octet-stream"),
            "content-length": str(_size(path)),
        }
        async for attempt in _attempts():
            with attempt:
                response = await client.post(url, content=_chunks(path), headers=headers)
                _check(response, f"writing {target}")

    async def publish(self, topic: str, message: Any) -> None:
        """Publishes a JSON message; tries until it is accepted or this task is cancelled."""
        import tenacity

        client = await self._client()
        data = base64.b64encode(json.dumps(message).encode()).decode()

        async def send() -> None:
            response = await client.post(
                f"{self._pubsub_url}/v1/{topic}:publish", json={"messages": [{"data": data}]}
            )
            response.raise_for_status()

        await tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception(_is_transport_error),
            wait=tenacity.wait_exponential_jitter(initial=0.2, max=_PUBLISH_PAUSE_MAX_S),
            before_sleep=_warn(f"publishing to {topic}"),
        )(send)


def _import_httpx() -> Any:
    import httpx

    return httpx


def _files(directory: Path) -> tuple[list[Path], list[Path]]:
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    return (
        [path for path in files if path.suffix not in _MANIFESTS],
        [path for path in files if path.suffix in _MANIFESTS],
    )


def _size(path: Path) -> int:
    return path.stat().st_size


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk


class _Transient(Exception):
    """Storage answered that it might work later."""


def _check(response: httpx.Response, doing: str) -> None:
    status = response.status_code
    if status < 400:
        return
    if status == 429 or status >= 500:
        raise _Transient(f"{doing}: status {status}")
    if status in (401, 403):
        raise JobFailed(
            Code.PERMISSION_DENIED,
            "GCSPermissionDenied",
            f"Permission denied for Google Cloud Storage: {doing}",
        )
    if status == 404:
        raise JobFailed(Code.NOT_FOUND, "GCSNotFound", f"Not found: {doing}")
    raise JobFailed(Code.INTERNAL, "GCSError", f"Cloud Storage answered {status}: {doing}")


def _is_transport_error(error: BaseException) -> bool:
    import httpx

    return isinstance(error, (httpx.HTTPError, _Transient))


def _warn(doing: str) -> Callable[[tenacity.RetryCallState], None]:
    def warn(state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        log.warning("%s failed (attempt %d): %s", doing, state.attempt_number, error)

    return warn


async def _attempts() -> AsyncIterator[tenacity.AttemptManager]:
    """Attempts at a storage request; the last failure becomes the job's error."""
    import tenacity

    retrying = tenacity.AsyncRetrying(
        retry=tenacity.retry_if_exception(_is_transport_error),
        wait=tenacity.wait_exponential_jitter(initial=0.2, max=3),
        stop=tenacity.stop_after_attempt(_STORAGE_ATTEMPTS),
        before_sleep=_warn("Cloud Storage"),
    )
    try:
        async for attempt in retrying:
            yield attempt
    except tenacity.RetryError as error:
        cause = error.last_attempt.exception()
        raise JobFailed(
            Code.UNAVAILABLE, "GCSUnavailable", f"Cloud Storage is unavailable: {cause}"
        ) from None
