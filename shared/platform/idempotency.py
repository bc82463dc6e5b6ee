"""Idempotency keys on creating requests: the same key and body have one effect and one answer.

    return await once(request, caller, lambda seed: create(seed))

The first request claims the key and, when it is done, leaves its answer there; the others of the
same key and body are given that answer, errors of the request included. A holder that dies leaves
its claim to the next request, after a lease; what it had made already is not made twice, because
`make` derives the ids of what it creates from `seed`.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response

from shared import topology
from shared.platform import clients
from shared.platform.auth import Principal
from shared.platform.contention import retried
from shared.platform.errors import Conflict, DomainError, InvalidInput
from shared.platform.ids import content_id, random_id
from shared.platform.responses import domain_error_response

if TYPE_CHECKING:
    from google.cloud.firestore import AsyncDocumentReference, DocumentSnapshot

HEADER = "idempotency-key"
MAX_KEY_CHARS = 255
KEPT = timedelta(hours=48)  # at least 24 h; the TTL deletes within a day more
LEASE = timedelta(seconds=30)  # a claim whose holder gives no answer
PATIENCE_S = 20.0  # how long a request waits for the one that holds its key
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.02, 0.5
REPLAYED = "idempotent-replayed"
_KEPT_HEADERS = ("content-type", "location", "cache-control")

Make = Callable[[str], Awaitable[Response]]


async def once(request: Request, caller: Principal, make: Make) -> Response:
    """What `make(seed)` answers, or answered before to the same `Idempotency-Key`.

    Without the header `make` runs each time, with a random seed. Raises InvalidInput for a bad
    key and for a key that came with another request, Conflict while the first is still at work.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return await make(random_id())
    if not 1 <= len(key) <= MAX_KEY_CHARS or not key.isprintable():
        raise InvalidInput(f"Idempotency-Key: 1 to {MAX_KEY_CHARS} printable characters")
    seed = content_id("idempotency", caller.user_id or "", caller.client_id, key)
    reference = clients.collection(topology.IDEMPOTENCY_KEYS).document(seed)
    fingerprint = await _fingerprint(request)
    deadline, pause_s = time.monotonic() + PATIENCE_S, FIRST_PAUSE_S
    while True:
        answer = await _claim_or_answer(reference, fingerprint)
        if answer is None:
            return await _make_and_keep(reference, seed, make)
        if answer.get("status") is not None:
            return _replayed(answer)
        if time.monotonic() > deadline:
            raise Conflict("A request with this Idempotency-Key is still at work; ask again later.")
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 2, LONGEST_PAUSE_S)


async def _fingerprint(request: Request) -> str:
    digest = hashlib.sha256()
    for part in (request.method, request.url.path, request.url.query):
        digest.update(part.encode("utf-8", "replace") + b"\0")
    digest.update(await request.body())
    return digest.hexdigest()


async def _claim_or_answer(
    reference: AsyncDocumentReference, fingerprint: str
) -> dict[str, Any] | None:
    """None when the key is ours now, else what it holds. Raises InvalidInput for another request's
    key."""
    from google.api_core.exceptions import AlreadyExists, FailedPrecondition

    now = datetime.now(UTC)
    claim = {"fingerprint": fingerprint, "claimed_at": now, "expires_at": now + KEPT}
    try:
        await retried(lambda: reference.create(claim))
        return None
    except AlreadyExists:
        held: DocumentSnapshot[Any] = await reference.get()
    found = held.to_dict()
    if found is None:  # it was given up just now
        return {}
    if found["fingerprint"] != fingerprint:
        raise InvalidInput(
            "This Idempotency-Key was used with another request; use a fresh key for this one."
        )
    if "status" in found or found["claimed_at"] > now - LEASE:
        return found
    unchanged = clients.firestore().write_option(last_update_time=held.update_time)
    try:
        await reference.update({"claimed_at": now}, option=unchanged)
        return None
    except FailedPrecondition:  # another request took it over
        return {}


async def _make_and_keep(reference: AsyncDocumentReference, seed: str, make: Make) -> Response:
    try:
        response = await make(seed)
    except DomainError as error:
        response = domain_error_response(error)
    except BaseException:
        await retried(reference.delete)
        raise
    if response.status_code >= 500 or response.status_code == 429:
        await retried(reference.delete)  # worth another try with the same key
        return response
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    answer = {"status": response.status_code, "body": response.body, "headers": headers}
    await retried(lambda: reference.update(answer))
    return response


def _replayed(answer: dict[str, Any]) -> Response:
    headers = {**answer["headers"], REPLAYED: "true"}
    return Response(answer["body"], answer["status"], headers)
