"""Requests and responses of the package's handlers, over a keep-alive connection.

A body is read from the socket once, in one place, so that whatever a handler leaves unread is
drained before the next request.
"""

from __future__ import annotations

import gzip
import io
import json
import re
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from gcp_storage_emulator.server import Request, Response

DRAIN_AT_MOST_BYTES = 8 << 20  # of a body nobody wanted; beyond it the connection closes

CORS_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Content-Length, Content-Range, Content-Type, ETag, "
    "Location, Range, X-Goog-Generation, X-Goog-Hash, X-Goog-Metageneration, "
    "X-GUploader-UploadID, X-Goog-Stored-Content-Length",
}


class BodyReader:
    """The request body as a stream: `read(n)` gives what has arrived, b"" at the end."""

    def __init__(self, handler: BaseHTTPRequestHandler) -> None:
        self._file: Any = handler.rfile
        length = handler.headers.get("Content-Length")
        self.length = int(length) if length is not None else None
        encoding = handler.headers.get("Transfer-Encoding", "").lower()
        self.chunked = self.length is None and encoding == "chunked"
        self._left = self.length or 0

    def read(self, size: int) -> bytes:
        """At most `size` bytes; raises ConnectionError when it broke before the end."""
        if self.chunked and self._left == 0:
            self._left = self._next_chunk()
        if self._left == 0:
            return b""
        data: bytes = self._file.read1(min(size, self._left))
        self._left -= len(data)
        if not data:
            self._left = 0
            self.chunked = False
            raise ConnectionAbortedError("the request body ended early")
        if self.chunked and self._left == 0:
            self._file.readline()
        return data

    def _next_chunk(self) -> int:
        size = int(self._file.readline().split(b";")[0].strip() or b"0", 16)
        if size == 0:
            self.chunked = False
            while self._file.readline().strip():  # trailers
                pass
        return size

    def read_all(self) -> bytes:
        """Everything that is left."""
        whole = io.BytesIO()
        while data := self.read(1 << 20):
            whole.write(data)
        return whole.getvalue()

    def drain(self) -> bool:
        """Read what is left; False when it is too much to be worth keeping the connection."""
        dropped = 0
        while data := self.read(1 << 16):
            dropped += len(data)
            if dropped > DRAIN_AT_MOST_BYTES:
                return False
        return True


class KeepAliveRequest(Request):
    """The package's request; multipart bodies are cut, not parsed as mail line by line."""

    def __init__(self, handler: BaseHTTPRequestHandler, method: str) -> None:
        super().__init__(handler, method)
        self.body = BodyReader(handler)
        self._parsed: Any = None
        self._was_read = False

    @property
    def data(self) -> Any:
        """As the package's handlers expect it: parsed JSON, `{meta, content, content-type}` of a
        multipart upload, the parts of a batch, else bytes; None when empty."""
        if not self._was_read:
            self._parsed = self._read()
            self._was_read = True
        return self._parsed

    def _read(self) -> Any:
        raw = self.body.read_all()
        content_type = self.get_header("Content-Type") or "application/octet-stream"
        if self.get_header("Content-Encoding") == "gzip" and self.path.startswith("/storage/"):
            raw = gzip.decompress(raw)
        if not raw:
            # an empty object is content all the same
            return b"" if self.query.get("uploadType") == ["media"] else None
        if content_type.startswith("multipart/mixed"):
            from gcp_storage_emulator.server import _read_data

            return _read_data(_Replayed(raw, self._request_handler.headers), self.query)
        if content_type.startswith("multipart/"):
            return multipart_related(raw, content_type)
        if content_type.startswith("application/json") and not self._is_media:
            return json.loads(raw)
        return raw

    @property
    def _is_media(self) -> bool:
        return self.query.get("uploadType") == ["media"] or "upload_id" in self.query


class _Replayed:
    """A request handler whose body was read already."""

    def __init__(self, raw: bytes, headers: Any) -> None:
        self.rfile = io.BytesIO(raw)
        self.headers = {name: headers[name] for name in headers} | {"Content-Length": str(len(raw))}


def multipart_related(raw: bytes, content_type: str) -> dict[str, Any]:
    """The two parts of a multipart upload; raises ValueError when there are not two."""
    match = re.search(r'boundary=(?:"([^"]+)"|([^;]+))', content_type)
    if not match:
        raise ValueError("multipart without a boundary")
    mark = b"--" + (match[1] or match[2]).strip().encode()
    start = raw.index(mark) + len(mark)
    middle = raw.index(b"\r\n" + mark, start)
    end = raw.rindex(b"\r\n" + mark)
    if end <= middle:
        raise ValueError("multipart without its second part")
    _, meta = _part(raw[start:middle])
    headers, content = _part(raw[middle + 2 + len(mark) : end])
    return {
        "meta": json.loads(meta),
        "content": content,
        "content-type": headers.get("content-type", "application/octet-stream"),
    }


def _part(raw: bytes) -> tuple[dict[str, str], bytes]:
    head, _, body = raw.partition(b"\r\n\r\n")
    lines = (line.partition(":") for line in head.decode().split("\r\n") if ":" in line)
    return {name.strip().lower(): value.strip() for name, _, value in lines}, body


class StreamedResponse(Response):
    """The package's response; may send a part of a file, and answers HEAD without a body."""

    def __init__(self, handler: BaseHTTPRequestHandler, method: str) -> None:
        super().__init__(handler)
        self._method = method
        self._file: tuple[Path, int, int] | None = None

    def write(self, content: str) -> None:
        """Append to the body (the package's warns at each call)."""
        self._content += content

    def send_part(self, path: Path, start: int, length: int) -> None:
        """Answer with `length` bytes of a file."""
        self._file = (path, start, length)

    def close(self) -> None:
        """Send everything; the body of a file goes from the kernel to the socket."""
        handler = self._handler
        content = self._content
        raw: bytes = content.encode() if isinstance(content, str) else content
        source = None
        if self._file:
            path, start, length = self._file
            try:
                source = path.open("rb")
            except FileNotFoundError:  # replaced since it was looked up
                self.status, length = HTTPStatus.NOT_FOUND, 0
        else:
            length = len(raw)
        with source or io.BytesIO(raw) as body:
            handler.send_response(int(self.status), self.status.phrase)
            for name, value in (*CORS_HEADERS.items(), *self._headers.items()):
                handler.send_header(name, value)
            if int(self.status) not in (204, 304):
                handler.send_header("Content-Length", str(length))
            handler.end_headers()
            if self._method == "HEAD" or int(self.status) in (204, 304):
                return
            if source is None:
                handler.wfile.write(raw)
                return
            handler.wfile.flush()
            try:
                handler.connection.sendfile(body, start, length)
            except (OSError, ValueError):
                if handler.wfile.closed:
                    raise
                handler.close_connection = True
