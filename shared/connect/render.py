"""The player in the Web API's shapes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shared.catalog import service as catalog
from shared.catalog.render import track_object
from shared.connect.models import Device, Item, Player
from shared.connect.ordering import neighbour, upcoming
from shared.connect.service import View
from shared.connect.shapes import (
    ActionsObject,
    CurrentlyPlayingContextObject,
    CurrentlyPlayingObject,
    DeviceObject,
    DevicesObject,
    Disallows,
    Playable,
    QueueObject,
    StateObject,
)
from shared.history.render import context_object
from shared.history.shapes import ContextObject

QUEUE_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom it is: with `market`, items say whether they can be played there; episodes are
    shown where the client knows them, with the position where the token allows that."""

    user_id: str
    market: str | None = None
    knows_episodes: bool = True
    sees_positions: bool = False


async def playback(view: View, reader: Reader) -> CurrentlyPlayingContextObject | None:
    """CurrentlyPlayingContextObject, None while no device is active or nothing is loaded."""
    playing = await currently_playing(view, reader)
    if playing is None or view.device is None:
        return None
    return {
        **playing,
        "device": device_object(view.device, is_active=True),
        "repeat_state": view.player.repeat,
        "shuffle_state": view.player.shuffle is not None,
        "smart_shuffle": False,
    }


async def currently_playing(view: View, reader: Reader) -> CurrentlyPlayingObject | None:
    """CurrentlyPlayingObject, None while no device is active or nothing is loaded."""
    player = view.player
    if view.device is None or player.current is None:
        return None
    is_shown = reader.knows_episodes or player.current.kind == "track"
    current = (await _objects([player.current], reader)).get(player.current.uri)
    return {
        "timestamp": player.changed_at_ms,
        "context": _context(player, current),
        "progress_ms": min(player.position_ms, player.current.duration_ms),
        "item": current if is_shown else None,
        "currently_playing_type": "track" if player.current.kind == "track" else "episode",
        "actions": _actions(player),
        "is_playing": player.is_playing,
    }


def _context(player: Player, current: Playable | None) -> ContextObject | None:
    """What it plays from. What was started by itself plays from its album or show: the published
    document knows no player without a context."""
    found = context_object(player.context_uri) if player.context_uri else None
    if found is None and current is not None:
        home = current["album"] if current["type"] == "track" else current["show"]
        found = context_object(home["uri"])
    return found


async def queue(view: View, reader: Reader) -> QueueObject:
    """QueueObject."""
    player = view.player
    current = player.current if view.device is not None else None
    ahead = next_items(player) if view.device is not None else []
    wanted = [*([current] if current else []), *ahead]
    objects = await _objects(wanted, reader)
    return {
        "currently_playing": objects.get(current.uri) if current else None,
        "queue": [objects[item.uri] for item in ahead if item.uri in objects],
    }


async def state(view: View, reader: Reader) -> StateObject:
    """The player for its devices."""
    return {
        "version": view.player.version,
        "playback": await playback(view, reader),
        "queue": [item.uri for item in next_items(view.player)],
        "server_time_ms": view.now_ms,
    }


def devices(view: View) -> DevicesObject:
    """The devices that are there."""
    active = view.device.id if view.device else None
    return {"devices": [device_object(one, is_active=one.id == active) for one in view.devices]}


def found(view: View, device_id: str) -> Device:
    """The device of that id, which is there."""
    return next(one for one in view.devices if one.id == device_id)


def registered(view: View, device_id: str) -> DeviceObject:
    """DeviceObject of a device that is there."""
    is_active = view.device is not None and view.device.id == device_id
    return device_object(found(view, device_id), is_active=is_active)


def device_object(device: Device, *, is_active: bool) -> DeviceObject:
    """DeviceObject."""
    return {
        "id": device.id,
        "is_active": is_active,
        "is_private_session": device.is_private_session,
        "is_restricted": device.is_restricted,
        "name": device.name,
        "type": device.type,
        "volume_percent": device.volume_percent if device.supports_volume else None,
        "supports_volume": device.supports_volume,
    }


def next_items(player: Player) -> list[Item]:
    """What plays next, `QUEUE_SHOWN` at most."""
    ahead = [entry.item for entry in player.queue[:QUEUE_SHOWN]]
    ahead += [player.items[index] for index in upcoming(player, QUEUE_SHOWN - len(ahead))]
    if player.repeat == "off" and player.items:
        ahead += player.autoplay[: QUEUE_SHOWN - len(ahead)]
    return ahead


def _actions(player: Player) -> ActionsObject:
    disallows: Disallows = {"resuming": True} if player.is_playing else {"pausing": True}
    if not player.from_queue and neighbour(player, -1) is None:
        disallows["skipping_prev"] = True
    return {"disallows": disallows}


async def _objects(items: Sequence[Item], reader: Reader) -> dict[str, Playable]:
    """The objects of those items that still are in the catalog, by URI."""
    tracks = list(dict.fromkeys(item.id for item in items if item.kind == "track"))
    episodes = list(dict.fromkeys(item.id for item in items if item.kind == "episode"))
    found: dict[str, Playable] = {
        f"spotify:track:{track.id}": track_object(track, reader.market)
        for track in await catalog.get_tracks(tracks)
        if track is not None
    }
    if episodes:
        found.update(await _episodes(episodes, reader))
    return found


async def _episodes(episode_ids: list[str], reader: Reader) -> dict[str, Playable]:
    from shared.podcasts import render as podcasts_render
    from shared.podcasts import service as podcasts

    found = await podcasts.with_shows(await podcasts.get_episodes(episode_ids))
    heard = {}
    if reader.sees_positions:
        heard = await podcasts.resume_points(reader.user_id, episode_ids)
    return {
        f"spotify:episode:{episode.id}": podcasts_render.episode_object(
            episode, show, reader.market, heard.get(episode.id)
        )
        for episode, show in filter(None, found)
    }
