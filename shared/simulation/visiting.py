"""One simulated person at the Web API: reports what they did, keeps what they liked, and looks at
their home page.

Nothing is kept here of what was done before; it is read from the API. Events carry the ids of the
simulation, saving what is saved changes nothing, and playlists get what they lack. So a visit that
was cut off is simply made again, and one that was made before adds nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.signals.models import Signal, SignalKind
from shared.simulation.api import Api
from shared.simulation.listening import GAP_MS
from shared.simulation.reacting import Heard, react
from shared.simulation.sessions import SKIP
from shared.simulation.world import World

BATCH = 100  # events in a request, the API's limit
IDS = 50  # in a request
SEARCHES = 5  # the newest that a person makes again: a search leaves nothing but its event
PLAYLIST = "On repeat"
# Reactions are reported before they have happened, so far as the API takes it for a device's clock
# that is fast (5 minutes): plays count for the shelf that was shown before them.
AHEAD = timedelta(minutes=4, seconds=30)
_TYPES: dict[SignalKind, str] = {
    "play": "play_started",
    "skip": "skipped",
    "complete": "completed",
    "stop": "stopped",
}


@dataclass(slots=True)
class Did:
    """What visits came to, in numbers; `events` are those that were sent."""

    people: int = 0
    events: int = 0
    saved: int = 0
    followed: int = 0
    listed: int = 0  # added to playlists
    searched: int = 0
    told: int = 0  # hidden, reported and shared
    shelves: int = 0  # opened on the home page
    from_shelves: int = 0  # plays

    def add(self, other: Did) -> None:
        """Adds the numbers of `other`."""
        for name, value in asdict(other).items():
            setattr(self, name, getattr(self, name) + value)


async def visit(api: Api, world: World, person: int, signals: Sequence[Signal]) -> Did:
    """Makes what `person` did, by time, so; if any of it was new, they then look at their home
    page. Raises ApiFailed."""
    did = Did(people=1)
    recent = (await api.get("/v1/me/player/recently-played", limit=50))["items"]
    new = signals[_known(recent, signals) :]
    plays = [one for one in new if one.kind in _TYPES]
    for start in range(0, len(plays), BATCH):
        batch = [_event(one) for one in plays[start : start + BATCH]]
        await api.call("POST", "/v1/events", json={"events": batch})
        did.events += len(batch)
    did.saved = await _save(api, _of(signals, "save"))
    did.followed = await _follow(api, _of(signals, "follow"))
    did.listed = await _list(api, world.user_id(person), _of(signals, "playlist_add"))
    name_of = dict(zip(world.catalogue.artist_ids, world.catalogue.artist_names, strict=True))
    for one in [one for one in new if one.kind == "search"][-SEARCHES:]:
        wanted = name_of[str(one.subject_uri).rpartition(":")[2]]
        await api.get("/v1/search", q=wanted, type="artist,track", limit=10)
        did.searched += 1
    did.told = await _tell(api, new)
    is_back = len(new) < len(signals) and sum(one.kind == "play" for one in new) <= 1
    if not is_back:
        await look_at_home(api, world, person, did)
    return did


def _known(recent: Iterable[dict[str, Any]], signals: Sequence[Signal]) -> int:
    """How many of `signals` are known to be stored: all before the newest play that the API tells.
    Events are sent by time and acknowledged when stored, so what is older is there as well."""
    told = {(play["track"]["id"], _ms(play["played_at"])) for play in recent}
    for place in range(len(signals) - 1, -1, -1):
        one = signals[place]
        if one.kind == "play" and (one.track_id, one.ts_ms) in told:
            # How that play ended may not have been in the same batch.
            return place
    return 0


def _ms(moment: str) -> int:
    read = datetime.fromisoformat(moment)
    return round(read.timestamp() * 1000)


def _event(signal: Signal) -> dict[str, Any]:
    return {
        "event_id": signal.event_id,
        "type": _TYPES[signal.kind],
        "track_id": signal.track_id,
        "session_id": signal.session_id,
        "device_id": signal.device_id,
        "position_ms": signal.position_ms or 0,
        "ts": signal.ts_ms,
        **({"context_uri": signal.context_uri} if signal.context_uri else {}),
    }


def _of(signals: Sequence[Signal], kind: SignalKind) -> list[str]:
    """The ids that were the subject of that, oldest first."""
    uris = [str(one.subject_uri) for one in signals if one.kind == kind]
    return [uri.rpartition(":")[2] for uri in dict.fromkeys(uris)]


async def _lacking(api: Api, path: str, ids: Sequence[str], **query: str) -> list[str]:
    """Those of `ids` of which `path` says that they are not there."""
    found: list[str] = []
    for start in range(0, len(ids), IDS):
        part = ids[start : start + IDS]
        held = await api.get(path, ids=",".join(part), **query)
        found += [one for one, is_held in zip(part, held, strict=True) if not is_held]
    return found


async def _save(api: Api, ids: Sequence[str]) -> int:
    lacking = await _lacking(api, "/v1/me/tracks/contains", ids)
    for start in range(0, len(lacking), IDS):
        await api.call("PUT", "/v1/me/tracks", json={"ids": lacking[start : start + IDS]})
    return len(lacking)


async def _follow(api: Api, ids: Sequence[str]) -> int:
    lacking = await _lacking(api, "/v1/me/following/contains", ids, type="artist")
    for start in range(0, len(lacking), IDS):
        part = {"ids": lacking[start : start + IDS]}
        await api.call("PUT", "/v1/me/following", query={"type": "artist"}, json=part)
    return len(lacking)


async def _list(api: Api, name: str, ids: Sequence[str]) -> int:
    """Adds to the person's one playlist what it lacks."""
    if not ids:
        return 0
    own = (await api.get("/v1/me/playlists", limit=50))["items"]
    playlist = next((one for one in own if one["name"] == PLAYLIST), None)
    if playlist is None:
        playlist = await api.call(
            "POST", "/v1/me/playlists", json={"name": PLAYLIST}, key=f"{name}-playlist"
        )
    path = f"/v1/playlists/{playlist['id']}/tracks"
    held: set[str] = set()
    offset: int | None = 0
    while offset is not None:
        page = await api.get(path, limit=50, offset=offset)
        held |= {one["track"]["id"] for one in page["items"] if one["track"]}
        offset = offset + 50 if page["next"] else None
    lacking = [one for one in ids if one not in held]
    for start in range(0, len(lacking), IDS):
        part = lacking[start : start + IDS]
        uris = [f"spotify:track:{one}" for one in part]
        await api.call("POST", path, json={"uris": uris}, key=f"{name}-{part[0]}-{len(part)}")
    return len(lacking)


async def _tell(api: Api, signals: Iterable[Signal]) -> int:
    told = 0
    for one in signals:
        if one.kind in ("hide", "report"):
            said = {"uri": one.subject_uri, "kind": one.kind}
            await api.call("POST", "/v1/me/feedback", json=said)
        elif one.kind == "share":
            said = {"uri": one.subject_uri}
            await api.call("POST", "/v1/shares", json=said, key=one.event_id)
        else:
            continue
        told += 1
    return told


async def look_at_home(api: Api, world: World, person: int, did: Did) -> None:
    """Opens a shelf of the home page, perhaps, and plays from it; but not who has played something
    in this hour (UTC). Adds to `did`. Raises ApiFailed."""
    now = datetime.now(UTC)
    recent = (await api.get("/v1/me/player/recently-played", limit=1))["items"]
    if any(_hour(datetime.fromisoformat(play["played_at"])) == _hour(now) for play in recent):
        return
    home = await api.call("GET", "/v1/me/home", absent=None)
    shelves = [await _tracks_of(api, one) for one in (home or {}).get("shelves", [])]
    row_of = {track_id: row for row, track_id in enumerate(world.catalogue.track_ids)}
    rows = [[row_of[one] for one in ids if one in row_of] for _, ids in shelves]
    reaction = react(world, person, rows, now.date(), now.hour)
    if reaction.shelf is None:
        return
    context, seen_at = shelves[reaction.shelf][0], datetime.now(UTC)  # after the page was shown
    played = _as_signals(world, person, reaction.heard, context, seen_at)
    await api.call("POST", "/v1/events", json={"events": [_event(one) for one in played]})
    did.shelves += 1
    did.from_shelves += sum(one.kind == "play" for one in played)
    did.events += len(played)


def _hour(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%d%H}"


async def _tracks_of(api: Api, shelf: dict[str, Any]) -> tuple[str, list[str]]:
    """The context of plays from a shelf, and its tracks: of one that holds lists, the first one's.
    Albums, artists and playlists are passed over."""
    for item in shelf["items"]:
        if item["type"] == "made-for-you":
            made = await api.get(f"/v1/me/made-for-you/{item['id']}")
            return made["uri"], [track["id"] for track in made["tracks"]]
    return shelf["uri"], [item["id"] for item in shelf["items"] if item["type"] == "track"]


def _as_signals(
    world: World, person: int, heard: Iterable[Heard], context_uri: str, start: datetime
) -> list[Signal]:
    """What was heard from `start` on, as far as it can be reported already."""
    name, session = world.user_id(person), f"{world.catalogue.digest}-{_hour(start)}-home"
    found: list[Signal] = []
    starts = start
    for number, one in enumerate(heard):
        ends = starts + timedelta(milliseconds=one.position_ms)
        how: SignalKind = "skip" if one.outcome == SKIP else "complete"
        moments: tuple[tuple[SignalKind, datetime, int], ...] = (
            ("play", starts, 0),
            (how, ends, one.position_ms),
        )
        found += [
            Signal(
                event_id=f"{session}-{number}-{kind}",
                user_id=name,
                kind=kind,
                ts=at,
                track_id=world.catalogue.track_ids[one.track],
                session_id=session,
                device_id=f"{name}-phone",
                position_ms=position_ms,
                context_uri=context_uri,
            )
            for kind, at, position_ms in moments
            if at - start < AHEAD
        ]
        starts = ends + timedelta(milliseconds=GAP_MS)
    return found
