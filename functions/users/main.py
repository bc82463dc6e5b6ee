"""People: profiles, whom and what they follow, what friends play, links they share (F154, F158,
F236-F240)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import functions_framework.aio
from fastapi import Body, Query, Request, Response, Security
from pydantic import BaseModel, ConfigDict, Field

from shared.accounts import render as accounts_render
from shared.accounts import service as accounts
from shared.accounts.shapes import PrivateUserObject, PublicUserObject
from shared.library import existence, requests
from shared.platform.auth import Principal
from shared.platform.caching import NO_STORE
from shared.platform.errors import NotFound
from shared.platform.http import Caller, answers, authenticate, bridge, create_app, once, respond
from shared.platform.parameters import ID_PATTERN, Base62Id, Limit50, UserId
from shared.platform.settings import settings
from shared.social import activity, render, shapes, shares, views
from shared.social import service as social

app = create_app("users")

FollowReader = Annotated[Principal, Security(authenticate, scopes=["user-follow-read"])]
FollowChanger = Annotated[Principal, Security(authenticate, scopes=["user-follow-modify"])]
Followable = Annotated[Literal["artist", "user"], Query(alias="type")]
Artists = Annotated[Literal["artist"], Query(alias="type")]
CHANGE: dict[str, Any] = {
    "status_code": 204,
    "responses": answers(None, 404, status=204),
    "openapi_extra": requests.ANY_IDS,
}
After = Annotated[str | None, Query(pattern=ID_PATTERN, description="the last artist id seen")]


class Sharing(BaseModel):
    """Whether the caller's followers may see what they played last."""

    model_config = ConfigDict(extra="forbid", strict=True)
    enabled: bool


class ShareRequest(BaseModel):
    """What to make a link to."""

    model_config = ConfigDict(extra="forbid")
    uri: str = Field(pattern=requests.SHAREABLE_URI)


@app.get("/v1/me", responses=answers(PrivateUserObject, 404))
async def get_current_user(request: Request, caller: Caller) -> Response:
    """The caller's profile. `email` needs the scope `user-read-email`; `country`, `product` and
    `explicit_content` need `user-read-private`."""
    user = await accounts.get_user(caller.require_user())
    followers = await social.follower_count("user", user.id)
    shown = accounts_render.profile(user, caller.scopes, settings().public_url, followers)
    return respond(request, shown)


@app.get("/v1/users/{user_id}", responses=answers(PublicUserObject, 404))
async def get_user(request: Request, caller: Caller, user_id: UserId) -> Response:
    """What anybody may see of a person."""
    (user,) = await accounts.get_users([user_id])
    if user is None:
        raise NotFound("User not found")
    followers = await social.follower_count("user", user_id)
    return respond(request, accounts_render.public_profile(user, settings().public_url, followers))


@app.get("/v1/me/following", responses=answers(shapes.FollowedArtistsObject))
async def get_followed_artists(
    request: Request, caller: FollowReader, kind: Artists, after: After = None, limit: Limit50 = 20
) -> Response:
    """The artists that the caller follows, newest first. An `after` that is not followed any
    longer starts again at the newest."""
    return respond(request, await views.followed_artists(caller.require_user(), limit, after))


async def _named(request: Request, kind: Literal["artist", "user"]) -> tuple[str, ...]:
    return requests.followed(request.query_params.get("ids"), await request.body(), kind)


@app.put("/v1/me/following", **CHANGE)
async def follow(request: Request, caller: FollowChanger, kind: Followable) -> Response:
    """Follows up to 50 artists or users: all of them or, where one is unknown, none."""
    user_id, ids = caller.require_user(), await _named(request, kind)
    await existence.require(user_id, kind, ids)
    await social.follow(user_id, kind, ids, suspected=caller.suspected)
    return Response(status_code=204)


@app.delete("/v1/me/following", **CHANGE)
async def unfollow(request: Request, caller: FollowChanger, kind: Followable) -> Response:
    """Unfollows up to 50 artists or users; those that are not followed make no difference."""
    user_id, ids = caller.require_user(), await _named(request, kind)
    await social.unfollow(user_id, kind, ids, suspected=caller.suspected)
    return Response(status_code=204)


@app.get(
    "/v1/me/following/contains",
    responses=answers(list[bool], 404),
    openapi_extra=requests.ANY_IDS,
)
async def check_following(request: Request, caller: FollowReader, kind: Followable) -> Response:
    """For each of up to 50 ids, whether the caller follows it."""
    ids = requests.followed(request.query_params.get("ids", ""), b"", kind)
    return respond(request, await social.is_following(caller.require_user(), kind, ids))


@app.get("/v1/me/friends/activity", responses=answers(shapes.FriendActivityObject))
async def get_friend_activity(
    request: Request, caller: FollowReader, limit: Limit50 = 20
) -> Response:
    """What the people whom the caller follows played last, newest first, one play each. Shown are
    those who opted in, what they played since, for 30 days."""
    market = caller.country or None
    return respond(request, await views.friend_activity(caller.require_user(), limit, market))


@app.put("/v1/me/friends/activity", status_code=204, responses=answers(None, status=204))
async def set_friend_activity(caller: FollowChanger, sharing: Sharing) -> Response:
    """Opts the caller in or out of being shown to followers. To opt out forgets the last play."""
    await activity.set_sharing(caller.require_user(), sharing.enabled)
    return Response(status_code=204)


@app.post("/v1/shares", status_code=201, responses=answers(shapes.ShareObject, 404, status=201))
async def create_share(
    request: Request, caller: Caller, wanted: Annotated[ShareRequest, Body()]
) -> Response:
    """A link to something that the caller may see."""
    user_id = caller.require_user()

    async def make(seed: str) -> Response:
        kind, item_id = requests.shareable(wanted.uri)
        await existence.require(user_id, kind, [item_id])
        share = await shares.create_share(user_id, wanted.uri, seed, suspected=caller.suspected)
        return respond(request, render.share_object(share), cache=NO_STORE, status=201)

    return await once(request, caller, make)


@app.get("/v1/shares/{share_id}", responses=answers(shapes.ShareObject, 404, 410))
async def get_share(request: Request, caller: Caller, share_id: Base62Id) -> Response:
    """What a link is to; whether the caller may see that is another question."""
    return respond(request, render.share_object(await shares.get_share(share_id)))


@functions_framework.aio.http
async def users(request: Request) -> Response:
    """Entry point."""
    return bridge(app)
