"""A track was published: queues its fetching through every CDN (F098)."""

from __future__ import annotations

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from shared.catalog import service as catalog
from shared.catalog.models import Track, TrackPublished
from shared.delivery import service as delivery
from shared.delivery.models import audio_prefix
from shared.platform.events import on_event

MASTER_PLAYLIST = "master.m3u8"  # leads to the first segments of every segmented rendition


def first_files(track: Track, event: TrackPublished) -> tuple[str, ...]:
    """What listeners of the published asset ask for first, below its prefix."""
    paths = [MASTER_PLAYLIST]
    # Of a track republished since, the newer event brings the files.
    if track.asset_version == event.asset_version:
        below = f"{track.asset_prefix}/"
        paths += [
            encoding.path.removeprefix(below)
            for encoding in track.encodings
            if encoding.codec == "vorbis" and encoding.path.startswith(below)
        ]
    return tuple(paths)


async def queue(event: TrackPublished) -> None:
    """One task per CDN; an event that arrives twice queues nothing new."""
    track = await catalog.get_track(event.track_id)
    prefix = audio_prefix(event.track_id, event.asset_version)
    await delivery.queue_priming(prefix, first_files(track, event))


_receive = on_event(TrackPublished, queue)


@functions_framework.aio.http
async def queue_cdn_priming(request: Request) -> Response:
    """Entry point."""
    return await _receive(request)
