"""The HTTP server: the package's routes and handlers, with ours in front."""

from __future__ import annotations

import logging
import re
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from gcp_storage_emulator.exceptions import NotFound
from gcp_storage_emulator.handlers import buckets
from gcp_storage_emulator.handlers import objects as package
from gcp_storage_emulator.server import HANDLERS

from emulators.storage import objects, preconditions
from emulators.storage.messages import KeepAliveRequest, StreamedResponse
from emulators.storage.objects import XmlApi
from emulators.storage.preconditions import PreconditionFailed
from emulators.storage.store import DurableStorage, stated

# Ours for theirs, wherever the package's table names them.
REPLACED = {package.download: objects.download, package.upload_partial: objects.json_session}
SOCKET_TIMEOUT_S = 120
_OBJECT = re.compile(r"(?:/storage/v1|/download/storage/v1)?/b/[^/]+/o/.+")

logger = logging.getLogger(__name__)


def _routes() -> tuple[tuple[re.Pattern[str], dict[str, Any]], ...]:
    routes = []
    for regex, handlers in HANDLERS:
        ours = {method: REPLACED.get(handler, handler) for method, handler in handlers.items()}
        if ours.get("PATCH") is package.patch:
            ours["PUT"] = package.patch  # `Blob.update`
        routes.append((re.compile(regex), ours))
    return tuple(routes)


ROUTES = _routes()
_XML_PATTERN = ROUTES[-1][0]  # `/<bucket>/<object>` is the package's last route


class Router:
    """One request to its handler."""

    def __init__(self, handler: StorageHandler) -> None:
        self._handler = handler

    def handle(self, method: str) -> None:
        """Answer, then leave the connection ready for the next request."""
        handler = self._handler
        method = handler.headers.get("x-http-method-override", method)
        request = KeepAliveRequest(handler, method)
        response = StreamedResponse(handler, method)
        try:
            self._answer(request, response)
        except (ConnectionError, TimeoutError):
            handler.close_connection = True
            return
        except PreconditionFailed as error:
            reading = error.negative and method in ("GET", "HEAD")
            status = HTTPStatus.NOT_MODIFIED if reading else HTTPStatus.PRECONDITION_FAILED
            _json_error(response, status, str(error), "conditionNotMet")
        except NotFound as error:
            _json_error(response, HTTPStatus.NOT_FOUND, str(error) or "Not Found", "notFound")
        except (ValueError, KeyError, TypeError) as error:
            logger.warning("%s %s: %r", method, request.path, error)
            _json_error(response, HTTPStatus.BAD_REQUEST, f"Invalid request: {error}", "invalid")
        if not request.body.drain():
            handler.close_connection = True
            response["Connection"] = "close"
        response.close()

    def _answer(self, request: KeepAliveRequest, response: StreamedResponse) -> None:
        path, method = request.path, request.method
        storage = self._handler.storage
        if method == "OPTIONS":
            _preflight(request, response)
            return
        if path in ("/", "/healthz"):
            response.write("OK")
            return
        for pattern, handlers in ROUTES:
            match = pattern.fullmatch(path)
            if not match:
                continue
            request.set_match(match)
            if pattern is _XML_PATTERN:
                raw_path, _, raw_query = self._handler.path.partition("?")
                headers = {name.lower(): value for name, value in self._handler.headers.items()}
                self._handler.xml.handle(request, response, storage, raw_path, raw_query, headers)
                return
            handle = handlers.get("GET" if method == "HEAD" else method)
            if handle is None and method == "POST" and request.query.get("uploadType"):
                handle = package.insert
            if handle is None:
                break
            if handle is package.insert and "upload_id" in request.query:
                handle = objects.json_session
            self._json(handle, request, response)
            return
        _json_error(response, HTTPStatus.NOT_IMPLEMENTED, f"{method} {path}", "notImplemented")

    def _json(self, handle: Any, request: KeepAliveRequest, response: StreamedResponse) -> None:
        storage = self._handler.storage
        conditions = preconditions.from_query(request.query)
        if handle is objects.json_session:
            with stated(conditions):
                handle(request, response, storage)
            return
        if request.method != "GET":
            _ = request.data  # from the socket, before any lock
        params = request.params or {}
        bucket, name = params.get("bucket_name", ""), params.get("object_id", "")
        source = preconditions.from_query(request.query, source=True)
        if source != preconditions.NONE:
            with storage.lock:
                source.check(storage.get_file_obj(bucket, name))
        changes_in_place = request.method in ("PATCH", "PUT", "DELETE")
        if name and (changes_in_place or request.method == "GET"):
            if changes_in_place:
                with storage.lock:
                    conditions.check(storage.objects.get(bucket, {}).get(name))
                    handle(request, response, storage)
                return
            if conditions != preconditions.NONE:
                with storage.lock:
                    conditions.check(storage.objects.get(bucket, {}).get(name))
            handle(request, response, storage)
        elif handle in (package.ls, buckets.ls):
            with storage.lock:
                handle(request, response, storage)
        else:
            with stated(conditions):
                handle(request, response, storage)
        if int(response.status) == 404 and not response._content:
            where = f"{bucket}/{name}" if name else str(bucket)
            _json_error(response, HTTPStatus.NOT_FOUND, f"No such object: {where}", "notFound")


def _json_error(response: StreamedResponse, status: HTTPStatus, message: str, reason: str) -> None:
    response.status = status
    response.json(
        {
            "error": {
                "code": int(status),
                "message": message,
                "errors": [{"domain": "global", "reason": reason, "message": message}],
            }
        }
    )


def _preflight(request: KeepAliveRequest, response: StreamedResponse) -> None:
    response.status = HTTPStatus.OK
    response["Access-Control-Allow-Methods"] = "GET, HEAD, POST, PUT, DELETE, OPTIONS"
    asked = request.get_header("Access-Control-Request-Headers")
    response["Access-Control-Allow-Headers"] = asked or "*"
    response["Access-Control-Max-Age"] = "3600"


class StorageHandler(BaseHTTPRequestHandler):
    """HTTP/1.1, one thread for each connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each small answer waits for the client's delayed ACK
    wbufsize = 1 << 16
    timeout = SOCKET_TIMEOUT_S
    server_version = "segue-storage"

    def __init__(self, storage: DurableStorage, xml: XmlApi, *args: Any, **kwargs: Any) -> None:
        self.storage = storage
        self.xml = xml
        super().__init__(*args, **kwargs)

    def _handle(self) -> None:
        Router(self).handle(self.command)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _handle

    def handle_one_request(self) -> None:
        """A client that went away is no error."""
        try:
            super().handle_one_request()
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def finish(self) -> None:
        """Likewise when the last answer cannot be sent."""
        try:
            super().finish()
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are logged on demand only."""
        logger.debug(format, *args)


class StorageServer(ThreadingHTTPServer):
    """Serves `storage` until it is shut down."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, host: str, port: int, storage: DurableStorage, xml: XmlApi) -> None:
        super().__init__((host, port), partial(StorageHandler, storage, xml))
