"""Tracks, albums, artists and audio features (F133-F136).

A warm request reads no store and renders nothing: documents are cached, and so are the bytes
that they became.
"""

from __future__ import annotations

from collections.abc import Sequence

import functions_framework.aio
from fastapi import Request, Response

from shared.analysis import render as analysis_render
from shared.analysis import service as analysis
from shared.analysis.shapes import AudioFeaturesObject, SeveralAudioFeaturesObject
from shared.catalog import absent, render, service, shapes, views
from shared.catalog.caches import ALBUM_TTL_S
from shared.catalog.markets import checked_market
from shared.catalog.models import Artist
from shared.catalog.parameters import DiscographyLimit, Ids20, Ids50, Ids100, IncludeGroups
from shared.history import service as history
from shared.platform.auth import Principal
from shared.platform.caching import BROWSE, CATALOG
from shared.platform.errors import NotFound
from shared.platform.hot import HotRoutes
from shared.platform.http import Caller, answers, create_app, respond
from shared.platform.markets import MARKETS
from shared.platform.parameters import Base62Id, Limit50, MarketParam, Offset, split_ids
from shared.platform.shapes import Page
from shared.social import service as social

app = create_app("catalog")
hot = HotRoutes(app)
ALBUM = f"private, max-age={ALBUM_TTL_S}"


@app.get("/v1/tracks/{id}", responses=answers(shapes.TrackObject, 404))
async def get_track(
    request: Request, caller: Caller, id: Base62Id, market: MarketParam = None
) -> Response:
    """One track."""
    shown = await views.track(id, checked_market(market, caller.country))
    return respond(request, shown.body, cache=CATALOG, etag=shown.etag)


@hot.get("/v1/tracks/{id}", path=r"/v1/tracks/([0-9A-Za-z]{22})")
async def get_track_anywhere(request: Request, caller: Principal, id: str) -> Response:
    """One track, no market being asked for."""
    shown = await views.track(id, None)
    return respond(request, shown.body, cache=CATALOG, etag=shown.etag)


@app.get("/v1/tracks", responses=answers(shapes.TracksObject))
async def get_tracks(
    request: Request, caller: Caller, ids: Ids50, market: MarketParam = None
) -> Response:
    """Several tracks, null where an id is unknown."""
    country = checked_market(market, caller.country)
    return respond(request, await views.tracks(split_ids(ids, 50), country), cache=CATALOG)


@app.get("/v1/tracks/{id}/plays", responses=answers(shapes.PlaysObject, 404))
async def get_plays(request: Request, caller: Caller, id: Base62Id) -> Response:
    """How often a track was played, in all; it may lag (ours)."""
    await service.get_track(id)
    plays = await history.play_count(id)
    return respond(request, {"track_id": id, "plays": plays}, cache=BROWSE)


@app.get("/v1/albums", responses=answers(shapes.AlbumsObject))
async def get_albums(
    request: Request, caller: Caller, ids: Ids20, market: MarketParam = None
) -> Response:
    """Several albums with the first page of their tracks, null where an id is unknown."""
    country = checked_market(market, caller.country)
    return respond(request, await views.albums(split_ids(ids, 20), country), cache=ALBUM)


@app.get("/v1/albums/{id}", responses=answers(shapes.AlbumObject, 404))
async def get_album(
    request: Request, caller: Caller, id: Base62Id, market: MarketParam = None
) -> Response:
    """One album with the first page of its tracks."""
    shown = await views.album(id, checked_market(market, caller.country))
    return respond(request, shown.body, cache=ALBUM, etag=shown.etag)


@app.get("/v1/albums/{id}/tracks", responses=answers(Page[shapes.SimplifiedTrackObject], 404))
async def get_album_tracks(
    request: Request,
    caller: Caller,
    id: Base62Id,
    market: MarketParam = None,
    limit: Limit50 = 20,
    offset: Offset = 0,
) -> Response:
    """A page of an album's tracks, by disc and track number."""
    country = checked_market(market, caller.country)
    shown = await views.album_tracks(id, country, limit, offset)
    return respond(request, shown.body, cache=ALBUM, etag=shown.etag)


@app.get("/v1/artists", responses=answers(shapes.ArtistsObject))
async def get_artists(request: Request, caller: Caller, ids: Ids50) -> Response:
    """Several artists, null where an id is unknown."""
    artists = await _with_followers(await service.get_artists(split_ids(ids, 50)))
    return respond(request, {"artists": artists}, cache=ALBUM)


@app.get("/v1/artists/{id}", responses=answers(shapes.ArtistObject, 404))
async def get_artist(request: Request, caller: Caller, id: Base62Id) -> Response:
    """One artist."""
    await service.get_artist(id)
    shown = await views.artist(id, await social.follower_count("artist", id))
    return respond(request, shown.body, cache=ALBUM, etag=shown.etag)


@app.get(
    "/v1/artists/{id}/albums", responses=answers(Page[shapes.ArtistDiscographyAlbumObject], 404)
)
async def get_artist_albums(
    request: Request,
    caller: Caller,
    id: Base62Id,
    include_groups: IncludeGroups = None,
    market: MarketParam = None,
    limit: DiscographyLimit = 5,
    offset: Offset = 0,
) -> Response:
    """A page of the albums that an artist made or is on; with a market those released there."""
    country = checked_market(market, caller.country)
    groups = include_groups.split(",") if include_groups else []
    page = await views.artist_albums(id, groups, country, limit, offset)
    return respond(request, page, cache=ALBUM)


@app.get("/v1/artists/{id}/top-tracks", responses=answers(shapes.TopTracksObject, 404))
async def get_top_tracks(
    request: Request,
    caller: Caller,
    id: Base62Id,
    market: MarketParam = None,
    country: MarketParam = None,
) -> Response:
    """An artist's ten most popular tracks in the market (`country` is its older name), by default
    the caller's own."""
    asked = checked_market(market or country, caller.country)
    return respond(request, await views.top_tracks(id, asked, caller.country), cache=ALBUM)


@app.get("/v1/artists/{id}/related-artists", responses=answers(shapes.RelatedArtistsObject, 404))
async def get_related_artists(request: Request, caller: Caller, id: Base62Id) -> Response:
    """Artists like this one, by shared genres and tracks together, at most 20."""
    await service.get_artist(id)
    artists = await _with_followers(await service.get_related_artists(id))
    return respond(request, {"artists": artists}, cache=CATALOG)


@app.get("/v1/markets", responses=answers(shapes.MarketsObject))
async def get_markets(request: Request, caller: Caller) -> Response:
    """Every market in which anything is offered."""
    return respond(request, {"markets": MARKETS}, cache=CATALOG)


@app.get("/v1/audio-features", responses=answers(SeveralAudioFeaturesObject))
async def get_several_audio_features(request: Request, caller: Caller, ids: Ids100) -> Response:
    """Audio features of several tracks, null where there are none."""
    found = await analysis.get_features(split_ids(ids, 100))
    shown = [analysis_render.audio_features_object(one) if one else None for one in found]
    return respond(request, {"audio_features": shown}, cache=CATALOG)


@app.get("/v1/audio-features/{id}", responses=answers(AudioFeaturesObject, 404))
async def get_audio_features(request: Request, caller: Caller, id: Base62Id) -> Response:
    """Audio features of one track."""
    (found,) = await analysis.get_features([id])
    if found is None:
        raise NotFound("analysis not found")
    return respond(request, analysis_render.audio_features_object(found), cache=CATALOG)


async def _with_followers(
    artists: Sequence[Artist | None],
) -> list[shapes.ArtistObject | None]:
    followers = await social.follower_counts("artist", [one.id for one in artists if one])
    return [render.artist_object(one, followers[one.id]) if one else None for one in artists]


absent.add_to(app)  # last: a router tries its routes in order


@functions_framework.aio.http
async def catalog(request: Request) -> Response:
    """Entry point."""
    return await hot.answer(request)
