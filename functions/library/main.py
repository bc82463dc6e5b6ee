"""The caller's library: saved tracks, albums, shows and episodes (F155-F157, F163).

Saving names things that exist, or nothing is saved (404). Saving what is saved keeps its place;
removing what is not saved changes nothing.
"""

from __future__ import annotations

from typing import Annotated, Any

import functions_framework.aio
from fastapi import Query, Request, Response, Security

from shared.library import existence, mixed, pages, requests, service, shapes
from shared.library.models import KINDS, LibraryKind
from shared.platform.auth import Principal
from shared.platform.errors import InvalidInput
from shared.platform.hot import HotRoutes, respond_packed
from shared.platform.http import (
    answers,
    authenticate,
    authenticate_any,
    create_app,
    respond,
)
from shared.platform.parameters import Base62Id, MarketParam, Offset
from shared.platform.responses import domain_error_response

app = create_app("library")
hot = HotRoutes(app)
LIBRARY = "/v1/me/library"  # where the published document has a 400 without `error` around it

Reader = Annotated[Principal, Security(authenticate, scopes=["user-library-read"])]
Changer = Annotated[Principal, Security(authenticate, scopes=["user-library-modify"])]
AnyReader = Annotated[Principal, Security(authenticate_any, scopes=mixed.ANY_READ)]
AnyChanger = Annotated[Principal, Security(authenticate_any, scopes=mixed.ANY_MODIFY)]
# The document says 50, the Web API's limit; the form with a cursor takes more.
Limit = Annotated[
    int, Query(ge=1, le=pages.MAX_CURSOR_LIMIT, json_schema_extra={"maximum": pages.MAX_LIMIT})
]
PLAIN_PAGE = r"(?:limit=([1-9]|[1-4]\d|50))?(?:(?:^|&)offset=(\d{1,5}))?"
SHAPES: dict[LibraryKind, Any] = {
    "track": shapes.SavedPageObject[shapes.SavedTrackObject],
    "album": shapes.SavedPageObject[shapes.SavedAlbumObject],
    "show": shapes.SavedPageObject[shapes.SavedShowObject],
    "episode": shapes.SavedPageObject[shapes.SavedEpisodeObject],
}


@app.exception_handler(InvalidInput)
async def on_invalid_input(request: Request, error: InvalidInput) -> Response:
    return domain_error_response(error, bare=request.url.path.startswith(LIBRARY))


def _add_routes(kind: LibraryKind) -> None:
    """The operations that all kinds have in common."""
    path, in_query = f"/v1/me/{kind}s", requests.IDS
    to_save = requests.TRACKS_BODY if kind == "track" else in_query

    async def selected(request: Request) -> requests.Selection:
        return requests.selection(request.query_params.get("ids"), await request.body(), kind)

    @app.get(path, name=f"Get saved {kind}s", responses=answers(SHAPES[kind]))
    async def get_saved(
        request: Request,
        caller: Reader,
        limit: Limit = 20,
        offset: Offset = 0,
        market: MarketParam = None,
    ) -> Response:
        """What is saved, newest first. With `cursor` (empty for the newest) instead of `offset`
        the page carries the next cursor, and `limit` may be up to 100."""
        cursor = request.query_params.get("cursor")
        page = await pages.saved_page(caller, kind, market, limit, offset, cursor)
        return respond_packed(request, page.body, page.packed, etag=page.etag)

    @app.put(path, name=f"Save {kind}s", responses=answers(None, 404), openapi_extra=to_save)
    async def save(request: Request, caller: Changer) -> Response:
        """Saves up to 50 things, all of them or none."""
        user_id, wanted = caller.require_user(), await selected(request)
        await existence.require(user_id, kind, wanted.ids)
        await service.save(user_id, kind, wanted.ids, wanted.added_at, suspected=caller.suspected)
        return Response()

    @app.delete(path, name=f"Remove {kind}s", responses=answers(None), openapi_extra=in_query)
    async def remove(request: Request, caller: Changer) -> Response:
        """Removes up to 50 things; those that are not saved make no difference."""
        user_id, wanted = caller.require_user(), await selected(request)
        await service.remove(user_id, kind, wanted.ids, suspected=caller.suspected)
        return Response()

    @app.get(
        f"{path}/contains",
        name=f"Check saved {kind}s",
        responses=answers(list[bool]),
        openapi_extra=in_query,
    )
    async def contains(request: Request, caller: Reader) -> Response:
        """For each of up to 50 ids, whether it is saved."""
        wanted = requests.selection(request.query_params.get("ids", ""), b"", kind)
        return respond(request, await service.contains(caller.require_user(), kind, wanted.ids))


for _kind in KINDS:
    _add_routes(_kind)


@app.put("/v1/me/tracks/{track_id}", responses=answers(None, 404))
async def save_track(caller: Changer, track_id: Base62Id) -> Response:
    """Saves one track."""
    await existence.require(caller.require_user(), "track", [track_id])
    await service.save(caller.require_user(), "track", [track_id], suspected=caller.suspected)
    return Response()


@app.delete("/v1/me/tracks/{track_id}", responses=answers(None))
async def remove_track(caller: Changer, track_id: Base62Id) -> Response:
    """Removes one track; one that is not saved makes no difference."""
    await service.remove(caller.require_user(), "track", [track_id], suspected=caller.suspected)
    return Response()


@app.put("/v1/me/library", responses=answers(None, 404), openapi_extra=requests.URIS)
async def save_to_library(request: Request, caller: AnyChanger) -> Response:
    """Saves tracks, albums, shows and episodes, follows artists, users and playlists. Each kind
    needs its own scope."""
    await mixed.save(caller, requests.uris(request.query_params.get("uris")))
    return Response()


@app.delete("/v1/me/library", responses=answers(None), openapi_extra=requests.URIS)
async def remove_from_library(request: Request, caller: AnyChanger) -> Response:
    """Removes or unfollows; what is not there makes no difference. Each kind needs its own
    scope."""
    await mixed.remove(caller, requests.uris(request.query_params.get("uris")))
    return Response()


@app.get("/v1/me/library/contains", responses=answers(list[bool]), openapi_extra=requests.URIS)
async def check_library(request: Request, caller: AnyReader) -> Response:
    """For each URI, whether it is saved or followed. Each kind needs its own scope."""
    named = requests.uris(request.query_params.get("uris"))
    return respond(request, await mixed.contains(caller, named))


@hot.get("/v1/me/tracks", path="/v1/me/tracks", query=PLAIN_PAGE, scopes=["user-library-read"])
async def get_plain_page(
    request: Request, caller: Principal, limit: str | None, offset: str | None
) -> Response:
    """The saved tracks, as most apps ask for them."""
    page = await pages.saved_page(caller, "track", None, int(limit or 20), int(offset or 0))
    return respond_packed(request, page.body, page.packed, etag=page.etag)


@functions_framework.aio.http
async def library(request: Request) -> Response:
    """Entry point."""
    return await hot.answer(request)
