"""Operations on what this catalogue has none of: audiobooks, chapters and audio analysis.

They are routes like any other, so they ask for a token, count as requests and stand in the
document; their one answer is 404.
"""

from __future__ import annotations

from fastapi import FastAPI, Response

from shared.platform.errors import NotFound
from shared.platform.http import Caller, answers
from shared.platform.parameters import Base62Id
from shared.platform.shapes import ErrorBody

OPERATIONS = (
    ("GET", "/v1/audio-analysis/{id}"),
    ("GET", "/v1/audiobooks"),
    ("GET", "/v1/audiobooks/{id}"),
    ("GET", "/v1/audiobooks/{id}/chapters"),
    ("GET", "/v1/chapters"),
    ("GET", "/v1/chapters/{id}"),
    ("GET", "/v1/me/audiobooks"),
    ("PUT", "/v1/me/audiobooks"),
    ("DELETE", "/v1/me/audiobooks"),
    ("GET", "/v1/me/audiobooks/contains"),
)


def add_to(app: FastAPI) -> None:
    """Makes `app` answer them."""
    for method, path in OPERATIONS:
        app.add_api_route(
            path,
            _nothing_by_id if "{id}" in path else _nothing,
            methods=[method],
            status_code=404,
            responses=answers(ErrorBody, status=404),
            summary="Not offered: there are no audiobooks and no audio analysis here",
        )


async def _nothing(caller: Caller) -> Response:
    """Always 404."""
    raise NotFound("This catalogue has no audiobooks and no audio analysis.")


async def _nothing_by_id(caller: Caller, id: Base62Id) -> Response:
    """Always 404."""
    raise NotFound(f"Non existing id: {id!r}")
