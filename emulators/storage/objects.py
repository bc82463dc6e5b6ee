"""Handlers that replace the package's: downloads by range, sessions of both upload APIs, and the
XML API behind its signature."""

from __future__ import annotations

import gzip
import logging
import re
import urllib.parse
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any

from gcp_storage_emulator.exceptions import NotFound

from emulators.storage import preconditions, signing, uploads
from emulators.storage.messages import KeepAliveRequest, StreamedResponse
from emulators.storage.signing import Verify, XmlError
from emulators.storage.store import LIMITS, DurableStorage, stated

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_META = "x-goog-meta-"
PUBLIC_READERS = ("roles/storage.objectViewer", "roles/storage.legacyObjectReader")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Span:
    """A range of an object: bytes `start` to before `start + length`."""

    start: int
    length: int


def requested_span(header: str | None, size: int) -> Span | None:
    """The range to send; None for the whole. Raises ValueError when it cannot be satisfied."""
    match = _RANGE.fullmatch((header or "").strip())
    if not match or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        length = min(int(last), size)
        if length == 0:
            raise ValueError("empty suffix")
        return Span(size - length, length)
    start = int(first)
    end = min(int(last), size - 1) if last else size - 1
    if start >= size or end < start:
        raise ValueError(f"range {header} of {size} bytes")
    return Span(start, end - start + 1)


def download(request: Any, response: StreamedResponse, storage: DurableStorage) -> None:
    """Content of an object, whole or a range of it."""
    try:
        resource, path = storage.content(request.params["bucket_name"], request.params["object_id"])
    except NotFound:
        response.status = HTTPStatus.NOT_FOUND
        if request.get_header("range") is None and not request.path.startswith("/storage/"):
            response["Content-Type"] = "application/xml; charset=UTF-8"
        response.write("No such object: {bucket_name}/{object_id}".format(**request.params))
        return
    generation = request.query.get("generation")
    if generation and generation[0] != resource["generation"]:
        response.status = HTTPStatus.NOT_FOUND
        return
    size = int(resource["size"])
    _describe(response, resource, size)
    if "response-content-disposition" in request.query:
        response["Content-Disposition"] = request.query["response-content-disposition"][0]
    if f'"{resource["etag"]}"' in (request.get_header("if-none-match") or ""):
        response.status = HTTPStatus.NOT_MODIFIED
        return
    if resource.get("contentEncoding") == "gzip":
        if "gzip" not in (request.get_header("accept-encoding") or ""):
            response.write_file(gzip.decompress(path.read_bytes()), resource.get("contentType"))
            return
        response["Content-Encoding"] = "gzip"
    try:
        span = requested_span(request.get_header("range"), size)
    except ValueError:
        response.status = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
        response["Content-Range"] = f"bytes */{size}"
        return
    if span is None:
        response["X-Goog-Hash"] = f"crc32c={resource['crc32c']},md5={resource['md5Hash']}"
        span = Span(0, size)
    else:
        response.status = HTTPStatus.PARTIAL_CONTENT
        response["Content-Range"] = f"bytes {span.start}-{span.start + span.length - 1}/{size}"
    response.send_part(path, span.start, span.length)


def _describe(response: StreamedResponse, resource: dict[str, Any], size: int) -> None:
    updated = datetime.fromisoformat(resource["updated"]).astimezone(UTC)
    response["Content-Type"] = resource.get("contentType") or "application/octet-stream"
    response["Accept-Ranges"] = "bytes"
    response["ETag"] = f'"{resource["etag"]}"'
    response["Last-Modified"] = format_datetime(updated, usegmt=True)
    response["X-Goog-Generation"] = resource["generation"]
    response["X-Goog-Metageneration"] = resource["metageneration"]
    response["X-Goog-Stored-Content-Length"] = str(size)
    for header, field in (
        ("Cache-Control", "cacheControl"),
        ("Content-Disposition", "contentDisposition"),
        ("Content-Language", "contentLanguage"),
    ):
        if resource.get(field):
            response[header] = resource[field]
    for name, value in (resource.get("metadata") or {}).items():
        if value is not None:
            response[_META + name] = str(value)


# --- upload sessions ------------------------------------------------------------------------


def session_request(
    request: KeepAliveRequest, response: StreamedResponse, storage: DurableStorage, xml: bool
) -> None:
    """PUT (or POST) to a session URI: bytes, or a question how many arrived."""
    session = request.query["upload_id"][0]
    if request.method == "DELETE":
        storage.end_session(session)
        response.status = HTTPStatus.NO_CONTENT
        return
    length = None if request.body.chunked else request.body.length or 0
    try:
        progress = uploads.receive(
            storage, session, request.get_header("Content-Range"), length, request.body.read
        )
    except preconditions.PreconditionFailed:
        storage.end_session(session)
        raise
    except uploads.UploadRefused as refusal:
        response.status = HTTPStatus.BAD_REQUEST
        if xml:
            send_xml_error(response, XmlError(400, refusal.code, str(refusal)))
        else:
            response.json({"error": {"code": 400, "message": str(refusal)}})
        return
    if progress.resource is None:
        response.status = HTTPStatus.PERMANENT_REDIRECT  # 308, here "Resume Incomplete"
        if progress.received:
            response["Range"] = f"bytes=0-{progress.received - 1}"
    elif xml:
        _xml_created(response, progress.resource)
    else:
        response.json(progress.resource)


def json_session(
    request: KeepAliveRequest, response: StreamedResponse, storage: DurableStorage
) -> None:
    """A session of the JSON API."""
    try:
        session_request(request, response, storage, xml=False)
    except NotFound:
        response.status = HTTPStatus.NOT_FOUND


# --- XML API --------------------------------------------------------------------------------


class XmlApi:
    """`/<bucket>/<object>` for whoever holds a signed URL; public objects for everyone."""

    def __init__(self, verify: Verify | None) -> None:
        self._verify = verify

    def handle(
        self,
        request: KeepAliveRequest,
        response: StreamedResponse,
        storage: DurableStorage,
        raw_path: str,
        raw_query: str,
        headers: dict[str, str],
    ) -> None:
        """Answer one request, errors as the XML API words them."""
        try:
            # A session URI is itself the permission, as long as it lives.
            if "upload_id" in request.query and request.method in ("PUT", "DELETE"):
                with stated(preconditions.from_headers(headers)):
                    session_request(request, response, storage, xml=True)
                return
            self._authorise(request, storage, raw_path, raw_query, headers)
            with stated(preconditions.from_headers(headers)):
                self._act(request, response, storage, headers)
        except XmlError as error:
            send_xml_error(response, error)
        except NotFound:
            send_xml_error(
                response, XmlError(404, "NoSuchKey", "The specified key does not exist.")
            )
        except preconditions.PreconditionFailed as error:
            send_xml_error(response, XmlError(412, "PreconditionFailed", str(error)))

    def _authorise(
        self,
        request: KeepAliveRequest,
        storage: DurableStorage,
        raw_path: str,
        raw_query: str,
        headers: dict[str, str],
    ) -> None:
        if signing.is_signed(raw_query):
            verify = self._verify or (lambda _message, _signature: False)
            signing.check(request.method, raw_path, raw_query, headers, verify)
            return
        if request.method in ("GET", "HEAD") and _is_public(storage, request.params):
            return
        verb = "get" if request.method in ("GET", "HEAD") else "create"
        raise XmlError(
            403,
            "AccessDenied",
            "Access denied.",
            f"Anonymous caller does not have storage.objects.{verb} access to the Google Cloud "
            "Storage object. Permission 'storage.objects."
            f"{verb}' denied on resource (or it may not exist).",
        )

    def _act(
        self,
        request: KeepAliveRequest,
        response: StreamedResponse,
        storage: DurableStorage,
        headers: dict[str, str],
    ) -> None:
        bucket, name = request.params["bucket_name"], request.params["object_id"]
        if request.method in ("GET", "HEAD"):
            storage.get_file_obj(bucket, name)
            download(request, response, storage)
        elif request.method == "PUT":
            resource = _resource(headers, bucket, name)
            session = storage.create_resumable_upload(
                bucket, name, resource | {LIMITS: _limits(headers)}
            )
            request.query["upload_id"] = [session]
            session_request(request, response, storage, xml=True)
        elif request.method == "POST" and headers.get("x-goog-resumable") == "start":
            limits = _limits(headers)
            _check_declared(limits)
            resource = _resource(headers, bucket, name)
            session = storage.create_resumable_upload(bucket, name, resource | {LIMITS: limits})
            response.status = HTTPStatus.CREATED
            path = urllib.parse.quote(f"/{bucket}/{name}")
            response["Location"] = f"{request.base_url}{path}?upload_id={session}"
            response["X-GUploader-UploadID"] = session
        elif request.method == "DELETE":
            storage.delete_file(bucket, name)
            response.status = HTTPStatus.NO_CONTENT
        else:
            raise XmlError(
                405, "MethodNotAllowed", "The specified method is not allowed on this resource."
            )


def send_xml_error(response: StreamedResponse, error: XmlError) -> None:
    """Answer with the `<Error>` document."""
    response.status = HTTPStatus(error.status)
    response.write_file(error.body(), "application/xml; charset=UTF-8")


def _xml_created(response: StreamedResponse, resource: dict[str, Any]) -> None:
    response["ETag"] = f'"{resource["etag"]}"'
    response["X-Goog-Generation"] = resource["generation"]
    response["X-Goog-Metageneration"] = resource["metageneration"]
    response["X-Goog-Stored-Content-Length"] = resource["size"]
    response["X-Goog-Hash"] = f"crc32c={resource['crc32c']},md5={resource['md5Hash']}"


def _is_public(storage: DurableStorage, params: dict[str, str]) -> bool:
    policy = storage.get_bucket_iam_policy(params["bucket_name"]) or {}
    if any(
        "allUsers" in binding.get("members", ()) and binding.get("role") in PUBLIC_READERS
        for binding in policy.get("bindings", ())
    ):
        return True
    try:
        resource = storage.get_file_obj(params["bucket_name"], params["object_id"])
    except NotFound:
        return False
    return any(entry.get("entity") == "allUsers" for entry in resource.get("acl") or ())


def _resource(headers: dict[str, str], bucket: str, name: str) -> dict[str, Any]:
    """The object that an XML upload describes by its headers."""
    quoted = urllib.parse.quote(name, safe="")
    resource: dict[str, Any] = {
        "kind": "storage#object",
        "selfLink": f"/storage/v1/b/{bucket}/o/{quoted}",
        "bucket": bucket,
        "name": name,
        "metageneration": "1",
        "contentType": headers.get("content-type", "application/octet-stream"),
        "storageClass": "STANDARD",
        "acl": [],
    }
    metadata = {
        header.removeprefix(_META): value
        for header, value in headers.items()
        if header.startswith(_META)
    }
    if metadata:
        resource["metadata"] = metadata
    for header, field in (
        ("cache-control", "cacheControl"),
        ("content-disposition", "contentDisposition"),
        ("content-encoding", "contentEncoding"),
        ("content-language", "contentLanguage"),
    ):
        if header in headers:
            resource[field] = headers[header]
    return resource


def _limits(headers: dict[str, str]) -> dict[str, int]:
    limits = {}
    if "x-upload-content-length" in headers:
        limits["length"] = int(headers["x-upload-content-length"])
    if "x-goog-content-length-range" in headers:
        least, _, most = headers["x-goog-content-length-range"].partition(",")
        limits["min"], limits["max"] = int(least), int(most)
    return limits


def _check_declared(limits: dict[str, int]) -> None:
    length = limits.get("length")
    if length is None:
        return
    if length > limits.get("max", length):
        raise XmlError(
            400, "EntityTooLarge", "Your proposed upload exceeds the maximum object size specified."
        )
    if length < limits.get("min", length):
        raise XmlError(
            400, "EntityTooSmall", "Your proposed upload is smaller than the minimum object size."
        )
