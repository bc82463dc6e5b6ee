"""Playlists, their items, covers and followers (F143-F154, F160)."""

from __future__ import annotations

from typing import Annotated

import functions_framework.aio
from fastapi import Query, Request, Response, Security

from shared.platform.auth import Principal
from shared.platform.errors import Forbidden
from shared.platform.http import (
    Caller,
    answers,
    authenticate,
    authenticate_any,
    bridge,
    create_app,
    once,
    respond,
)
from shared.platform.parameters import Base62Id, Limit50, Offset, UserId
from shared.platform.shapes import Image, Page
from shared.playlists import pages, requests, service, shapes
from shared.playlists.rights import MODIFY_PRIVATE, MODIFY_PUBLIC

app = create_app("playlists")
ONE = "/v1/playlists/{playlist_id}"

# Which of the two it must be depends on the playlist: `shared.playlists.rights`.
Editor = Annotated[Principal, Security(authenticate_any, scopes=[MODIFY_PUBLIC, MODIFY_PRIVATE])]
Illustrator = Annotated[Principal, Security(authenticate, scopes=["ugc-image-upload"])]
Shown = Annotated[requests.Shown, Query()]
ShownPage = Annotated[requests.ShownPage, Query()]
Uris = requests.UrisParam
Adding = Annotated[requests.Adding, Query()]
Added = requests.AddedItems | requests.UriList | None
Put = requests.UpdatedItems | None
A_LIST = answers(Page[shapes.SimplifiedPlaylistObject], 404)
CREATED = answers(shapes.PlaylistObject, status=201)
ITEMS = answers(Page[shapes.PlaylistTrackObject] | shapes.Selection, 404)
EDITED = answers(shapes.SnapshotObject, 404)
ADDED = answers(shapes.SnapshotObject, 404, status=201)
DONE = answers(None, 404)
COVERED = answers(None, 404, 413, status=202)


@app.get(ONE, responses=answers(shapes.PlaylistObject | shapes.Selection, 404))
async def read(request: Request, caller: Caller, playlist_id: Base62Id, shown: Shown) -> Response:
    """A playlist with its first 100 items."""
    return respond(request, await pages.playlist_answer(caller, playlist_id, shown))


@app.put(ONE, responses=DONE)
async def change_details(
    caller: Editor, playlist_id: Base62Id, details: requests.PlaylistDetails | None = None
) -> Response:
    """Changes a playlist's name, description, and whom it is for."""
    changes = details.model_dump(exclude_none=True) if details else {}
    await service.change_details(caller, playlist_id, changes)
    return Response()


async def _create(request: Request, caller: Principal, wanted: requests.NewPlaylist) -> Response:
    async def make(seed: str) -> Response:
        return respond(request, await pages.created(caller, wanted, seed), status=201)

    return await once(request, caller, make)


@app.post("/v1/playlists", status_code=201, responses=CREATED)
async def create(request: Request, caller: Editor, wanted: requests.TitledPlaylist) -> Response:
    """Creates a playlist."""
    return await _create(request, caller, wanted)


@app.post("/v1/me/playlists", status_code=201, responses=CREATED)
async def create_own(request: Request, caller: Editor, wanted: requests.NewPlaylist) -> Response:
    """Creates a playlist."""
    return await _create(request, caller, wanted)


@app.post("/v1/users/{user_id}/playlists", status_code=201, responses=CREATED)
async def create_for_user(
    request: Request, caller: Editor, user_id: UserId, wanted: requests.NewPlaylist
) -> Response:
    """Creates a playlist; `user_id` is the caller's own."""
    if user_id != caller.require_user():
        raise Forbidden("You cannot create a playlist for another user")
    return await _create(request, caller, wanted)


@app.get("/v1/me/playlists", responses=A_LIST)
async def get_own_playlists(
    request: Request, caller: Caller, limit: Limit50 = 20, offset: Offset = 0
) -> Response:
    """The playlists that the caller owns or follows, the last followed first. Private ones need
    the scope `playlist-read-private`, collaborative ones `playlist-read-collaborative`."""
    return respond(request, await pages.own_answer(caller, limit, offset))


@app.get("/v1/users/{user_id}/playlists", responses=A_LIST)
async def get_users_playlists(
    request: Request, caller: Caller, user_id: UserId, limit: Limit50 = 20, offset: Offset = 0
) -> Response:
    """The public playlists that somebody owns or follows."""
    return respond(request, await pages.users_answer(caller, user_id, limit, offset))


def _add_item_routes(path: str) -> None:
    """The operations on items, which have two names each."""
    address = f"{ONE}/{path}"

    @app.get(address, name=f"Get {path}", responses=ITEMS)
    async def get_items(
        request: Request, caller: Caller, playlist_id: Base62Id, shown: ShownPage
    ) -> Response:
        """Items of a playlist, in their order."""
        return respond(request, await pages.items_answer(caller, playlist_id, path, shown))

    @app.post(address, name=f"Add {path}", status_code=201, responses=ADDED)
    async def add_items(
        request: Request, caller: Editor, playlist_id: Base62Id, query: Adding, body: Added = None
    ) -> Response:
        """Adds up to 100 items, named in the query or in the body."""
        wanted, place = requests.added(query.uris, query.position, body)

        async def make(seed: str) -> Response:
            made = await service.add_items(caller, playlist_id, wanted, place, seed)
            return respond(request, {"snapshot_id": made}, status=201)

        return await once(request, caller, make)

    @app.put(address, name=f"Update {path}", responses=EDITED)
    async def update_items(
        request: Request,
        caller: Editor,
        playlist_id: Base62Id,
        uris: Uris = None,
        body: Put = None,
    ) -> Response:
        """Replaces all items by those named (100 at most), or moves some."""
        made = await service.update_items(caller, playlist_id, requests.updated(uris, body))
        return respond(request, {"snapshot_id": made})

    @app.delete(address, name=f"Remove {path}", responses=EDITED)
    async def remove_items(
        request: Request, caller: Editor, playlist_id: Base62Id, body: requests.RemovedItems
    ) -> Response:
        """Removes items, wherever they stand or at the positions named."""
        made = await service.remove_items(caller, playlist_id, requests.removed(body))
        return respond(request, {"snapshot_id": made})


_add_item_routes("tracks")
_add_item_routes("items")


@app.get(f"{ONE}/images", responses=answers(list[Image], 404))
async def get_images(request: Request, caller: Caller, playlist_id: Base62Id) -> Response:
    """The cover, or else the picture of the first item."""
    return respond(request, await pages.images_answer(caller, playlist_id))


@app.put(f"{ONE}/images", status_code=202, responses=COVERED, openapi_extra=requests.JPEG_BODY)
async def put_image(request: Request, caller: Illustrator, playlist_id: Base62Id) -> Response:
    """Makes a JPEG, sent as base64, the cover of the caller's own playlist."""
    await service.set_cover(caller, playlist_id, await request.body())
    return Response(status_code=202)


@app.put(f"{ONE}/followers", responses=DONE)
async def follow(
    caller: Editor, playlist_id: Base62Id, body: requests.Following | None = None
) -> Response:
    """Follows a playlist, for others to see or not."""
    await service.follow(caller, playlist_id, public=body is None or body.public is not False)
    return Response()


@app.delete(f"{ONE}/followers", responses=DONE)
async def unfollow(caller: Editor, playlist_id: Base62Id) -> Response:
    """Unfollows a playlist, which is how an owner deletes one."""
    await service.unfollow(caller, playlist_id)
    return Response()


@app.get(f"{ONE}/followers/contains", responses=answers(list[bool], 404))
async def check_following(
    request: Request, caller: Caller, playlist_id: Base62Id, ids: requests.OwnIdParam = None
) -> Response:
    """Whether the caller follows a playlist. Of others that is not told."""
    return respond(request, [await service.check_following(caller, playlist_id, ids)])


@functions_framework.aio.http
async def playlists(request: Request) -> Response:
    """Entry point."""
    return bridge(app)
