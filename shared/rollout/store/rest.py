"""One call of a Google API that speaks JSON, with its refusals as this product's errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.platform.errors import Conflict, NotFound, Unavailable

if TYPE_CHECKING:
    import httpx


async def call(client: httpx.AsyncClient, method: str, path: str, **request: Any) -> dict[str, Any]:
    """The answer's JSON. Raises NotFound, Conflict for a version that is not the present one, and
    Unavailable for everything else, with what Google said."""
    import httpx

    try:
        answer = await client.request(method, path, **request)
    except httpx.HTTPError as error:
        raise Unavailable(f"{method} {path}: {error!r}") from error
    if answer.is_success:
        body: dict[str, Any] = answer.json()
        return body
    told = f"{method} {path} answered {answer.status_code}: {answer.text[:500]}"
    if answer.status_code == httpx.codes.NOT_FOUND:
        raise NotFound(told)
    # An outdated etag is ABORTED, which is 409 over HTTP (google.aip.dev/154).
    if answer.status_code in (httpx.codes.CONFLICT, httpx.codes.PRECONDITION_FAILED):
        raise Conflict(told)
    raise Unavailable(told)
