"""A true request for every operation, as data: what the contract, the authorization matrix and
the rate limits are tested with.

`{name}` in a path, query or body stands for a value of `tests.sample`. A new route without a row
here fails `tests/e2e/test_contract.py`.
"""

from __future__ import annotations

import json as jsonlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests import contract

Values = Mapping[str, str]
Truth = Callable[[Any, Values], object]  # whether a body is the true answer

PUBLIC = "the same for everybody: it belongs to nobody"
ONES_OWN = "names nobody: it is always the caller's own"
EVERY_TIER = "for every tier"


@dataclass(frozen=True, slots=True)
class Foreign:
    """What meets one who asks for another's: the request's own values are replaced."""

    status: int
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One operation: the request that succeeds, and who is refused what."""

    method: str
    path: str  # the concrete one, with values' names
    template: str  # as the topology and the documents have it, up to parameter names
    query: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    content: str | None = None  # a body that is not JSON
    content_type: str = "application/json"
    status: int = 200
    truth: Truth | None = None
    before: str | None = None  # a step of tests.sample.World that makes what this one needs
    foreign: Foreign | str = PUBLIC
    premium: bool | str = EVERY_TIER  # True: refused to the free tier
    unknown: int = 404  # what an id that nothing has meets
    streams: bool = False  # its answer does not end: the beginning will do

    @property
    def key(self) -> contract.Key:
        return contract.key_of(self.method, self.template)

    @property
    def name(self) -> str:
        return f"{self.method} {self.template}"

    def check(
        self, api: httpx.Client, values: Values, *, patience_s: float = 0.0
    ) -> httpx.Response:
        """Sends it; the answer has its status, and is the true one, or one in `patience_s` is."""
        asked_until = time.monotonic() + patience_s
        while True:
            answer = self.send(api, values)
            assert answer.status_code == self.status, f"{self.name}: {answer.text[:2000]}"
            if self.truth is None or self.truth(answer.json(), values):
                return answer
            assert time.monotonic() < asked_until, f"{self.name}: {answer.text[:2000]}"
            time.sleep(0.5)

    def send(
        self,
        api: httpx.Client,
        values: Values,
        *,
        slash: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Sends it; `slash` is put behind the path."""
        body: bytes | None = None
        sent = {"content-type": self.content_type, **(headers or {})}
        if self.json is not None:
            body = jsonlib.dumps(_filled(self.json, values)).encode()
        elif self.content is not None:
            body = self.content.format_map(values).encode()
        request = api.build_request(
            self.method,
            self.path.format_map(values) + slash,
            params=_filled(dict(self.query), values),
            content=body,
            headers=sent,
        )
        answer = api.send(request, stream=self.streams)
        if self.streams:
            answer = _beginning(answer)
        return answer


def _beginning(answer: httpx.Response) -> httpx.Response:
    """The first piece of an endless answer, as an answer."""
    first = next(answer.iter_raw(), b"")
    answer.close()
    return httpx.Response(answer.status_code, headers=answer.headers, content=first)


def _filled(part: Any, values: Values) -> Any:
    if isinstance(part, str):
        filled = part.format_map(values)
        return int(filled[1:]) if part.startswith("#") else filled  # "#{n}" is a number
    if isinstance(part, dict):
        return {name: _filled(value, values) for name, value in part.items()}
    if isinstance(part, list):
        return [_filled(value, values) for value in part]
    return part


def _row(method: str, path: str, template: str = "", **more: Any) -> Row:
    return Row(method=method, path=f"/v1{path}", template=f"/v1{template or path}", **more)


def _ids(items: Any) -> list[str]:
    return [item["id"] for item in items]


def _is(name: str) -> Truth:
    return lambda body, values: body["id"] == values[name]


def _are(key: str, name: str) -> Truth:
    return lambda body, values: _ids(body[key]) == values[name].split(",")


def _page(*path: str) -> Truth:
    """The page at `path` has items, and says of itself what it was asked for."""

    def check(body: Any, _: Values) -> bool:
        for step in path:
            body = body[step]
        return bool(body["items"]) and body["limit"] == 2 and body["total"] >= len(body["items"])

    return check


TWO = {"limit": "2"}


def _catalogue() -> list[Row]:
    rows = []
    for kind, market in (("track", "DE"), ("album", "DE"), ("artist", None)):
        query = {"market": market} if market else {}
        rows += [
            _row("GET", f"/{kind}s/{{{kind}}}", f"/{kind}s/{{id}}", query=query, truth=_is(kind)),
            _row(
                *("GET", f"/{kind}s"),
                query={"ids": f"{{{kind}s}}", **query},
                truth=_are(f"{kind}s", f"{kind}s"),
            ),
        ]
    return [
        *rows,
        _row("GET", "/albums/{album}/tracks", "/albums/{id}/tracks", query=TWO, truth=_page()),
        _row(
            *("GET", "/artists/{artist}/albums", "/artists/{id}/albums"),
            query={"include_groups": "album,single,compilation,appears_on", "limit": "2"},
            truth=_page(),
        ),
        _row(
            *("GET", "/artists/{artist}/top-tracks", "/artists/{id}/top-tracks"),
            query={"market": "DE"},
            truth=lambda body, values: (
                all(values["artist"] in _ids(track["artists"]) for track in body["tracks"])
                and body["tracks"]
            ),
        ),
        _row(
            *("GET", "/artists/{artist}/related-artists", "/artists/{id}/related-artists"),
            truth=lambda body, values: (
                body["artists"] and values["artist"] not in _ids(body["artists"])
            ),
        ),
        _row(
            *("GET", "/markets"),
            truth=lambda body, _: "DE" in body["markets"],
        ),
        _row("GET", "/audio-features/{track}", "/audio-features/{id}", truth=_is("track")),
        _row(
            *("GET", "/audio-features"),
            query={"ids": "{tracks}"},
            truth=_are("audio_features", "tracks"),
        ),
        _row(
            *("GET", "/recommendations"),
            query={
                "seed_artists": "{artist}",
                "seed_tracks": "{track}",
                "seed_genres": "{genre}",
                "limit": "5",
                "target_energy": "0.7",
                "min_tempo": "20",
                "max_duration_ms": "3600000",
            },
            truth=lambda body, _: body["tracks"] and len(body["seeds"]) == 3,
        ),
        _row(
            *("GET", "/recommendations/available-genre-seeds"),
            truth=lambda body, values: values["genre"] in body["genres"],
        ),
        _row(
            *("GET", "/search"),
            query={"q": "{word}", "type": "track,album,artist,playlist,show,episode", "limit": "2"},
            truth=lambda body, _: body["tracks"]["items"] and set(body) >= {"shows", "playlists"},
        ),
        _row(
            *("GET", "/search/suggest"),
            query={"q": "{word}", "type": "track", "limit": "2"},
            truth=lambda body, _: body["suggestions"][0]["type"] == "track",
        ),
        *_recommendations(),
        *_out_of_scope(),
    ]


def _recommendations() -> list[Row]:
    own: dict[str, Any] = {"foreign": ONES_OWN, "before": "recommend"}

    def says_why(track: Any) -> bool:
        return bool(track["reason"]["text"])

    return [
        _row(
            *("GET", "/me/home"),
            truth=lambda body, _: body["shelves"] and body["shelves"][0]["items"],
            **own,
        ),
        _row(
            *("GET", "/me/made-for-you"),
            truth=lambda body, values: values["made_list"] in _ids(body["items"]),
            **own,
        ),
        _row(
            *("GET", "/me/made-for-you/{made_list}", "/me/made-for-you/{id}"),
            truth=lambda body, _: body["tracks"] and all(map(says_why, body["tracks"])),
            **own,
        ),
        _row(
            *("GET", "/me/radio"),
            query={"seed": "spotify:track:{track}", **TWO},
            truth=lambda body, _: body["items"] and all(map(says_why, body["items"])),
            **own,
        ),
        _row(
            *("GET", "/me/autoplay"),
            query={"context_uri": "spotify:album:{album}"},
            truth=lambda body, values: (
                body["tracks"] and values["album"] not in {t["album"]["id"] for t in body["tracks"]}
            ),
            **own,
        ),
        _row(
            *("POST", "/me/feedback"),
            json={"uri": "spotify:track:{track2}", "kind": "report"},
            status=204,
            foreign=ONES_OWN,
        ),
        _row("GET", "/me/flags", truth=lambda body, _: body["flags"] == {}, foreign=ONES_OWN),
    ]


def _out_of_scope() -> list[Row]:
    """Audiobooks, chapters and audio analysis: 404 in the API's error shape."""
    paths = (
        ("GET", "/audiobooks/{track}", "/audiobooks/{id}"),
        ("GET", "/audiobooks", ""),
        ("GET", "/audiobooks/{track}/chapters", "/audiobooks/{id}/chapters"),
        ("GET", "/chapters/{track}", "/chapters/{id}"),
        ("GET", "/chapters", ""),
        ("GET", "/me/audiobooks", ""),
        ("PUT", "/me/audiobooks", ""),
        ("DELETE", "/me/audiobooks", ""),
        ("GET", "/me/audiobooks/contains", ""),
        ("GET", "/audio-analysis/{track}", "/audio-analysis/{id}"),
    )
    return [
        _row(
            method,
            path,
            template,
            query={} if "{" in path else {"ids": "{track}"},
            status=404,
            truth=lambda body, _: body["error"]["status"] == 404,
        )
        for method, path, template in paths
    ]


def _podcasts() -> list[Row]:
    return [
        _row("GET", "/shows/{show}", "/shows/{id}", query={"market": "DE"}, truth=_is("show")),
        _row("GET", "/shows", query={"ids": "{shows}"}, truth=_are("shows", "shows")),
        _row("GET", "/shows/{show}/episodes", "/shows/{id}/episodes", query=TWO, truth=_page()),
        _row("GET", "/episodes/{episode}", "/episodes/{id}", truth=_is("episode")),
        _row("GET", "/episodes", query={"ids": "{episodes}"}, truth=_are("episodes", "episodes")),
        _row(
            *("PUT", "/me/episodes/{episode}/resume-point", "/me/episodes/{id}/resume-point"),
            json={"position_ms": 60_000},
            status=204,
            foreign=ONES_OWN,
        ),
    ]


def _browse() -> list[Row]:
    category = "/browse/categories/{category}"
    return [
        _row(
            *("GET", "/browse/featured-playlists"),
            query={"locale": "de_DE", **TWO},
            truth=_page("playlists"),
        ),
        _row("GET", "/browse/new-releases", query=TWO, truth=_page("albums")),
        _row("GET", "/browse/categories", query=TWO, truth=_page("categories")),
        _row("GET", category, "/browse/categories/{id}", truth=_is("category")),
        _row(
            *("GET", f"{category}/playlists", "/browse/categories/{id}/playlists"),
            query=TWO,
            truth=_page("playlists"),
        ),
    ]


def _people() -> list[Row]:
    own: dict[str, Any] = {"foreign": ONES_OWN}
    artists = {"type": "artist", "ids": "{artists}"}
    return [
        _row("GET", "/me", truth=_is("me"), **own),
        _row("GET", "/users/{other}", "/users/{id}", truth=_is("other")),
        _row(
            *("GET", "/me/following"),
            query={"type": "artist", **TWO},
            before="follow_artists",
            truth=lambda body, _: body["artists"]["items"] and body["artists"]["cursors"],
            **own,
        ),
        _row("PUT", "/me/following", query=artists, status=204, **own),
        _row("DELETE", "/me/following", query=artists, status=204, **own),
        _row(
            *("GET", "/me/following/contains"),
            query=artists,
            before="follow_artists",
            truth=lambda body, values: body == [True] * len(values["artists"].split(",")),
            **own,
        ),
        _row("GET", "/me/friends/activity", truth=lambda body, _: body is not None, **own),
        _row("PUT", "/me/friends/activity", json={"enabled": True}, status=204, **own),
        _row("POST", "/shares", json={"uri": "spotify:track:{track}"}, status=201, **own),
        _row("GET", "/shares/{share}", "/shares/{id}", before="share"),
        _row("GET", "/me/top/artists", query=TWO, truth=_page(), **own),
        _row(
            *("GET", "/me/top/tracks"),
            query={"time_range": "short_term", **TWO},
            truth=_page(),
            **own,
        ),
    ]


def _library() -> list[Row]:
    own: dict[str, Any] = {"foreign": ONES_OWN}
    rows = []
    for kind in ("tracks", "albums", "shows", "episodes"):
        wanted = {"ids": f"{{{kind}}}"}
        rows += [
            _row("GET", f"/me/{kind}", query=TWO, before="save", truth=_page(), **own),
            _row("PUT", f"/me/{kind}", query=wanted, **own),
            _row("DELETE", f"/me/{kind}", query=wanted, **own),
            _row(
                *("GET", f"/me/{kind}/contains"),
                query=wanted,
                before="save",
                truth=lambda body, _: body and all(one is True for one in body),
                **own,
            ),
        ]
    uris = {"uris": "spotify:track:{track},spotify:album:{album},spotify:artist:{artist}"}
    return [
        *rows,
        _row("PUT", "/me/tracks/{track}", "/me/tracks/{id}", **own),
        _row("DELETE", "/me/tracks/{track}", "/me/tracks/{id}", unknown=200, **own),
        _row("PUT", "/me/library", query=uris, **own),
        _row("DELETE", "/me/library", query=uris, **own),
        _row(
            *("GET", "/me/library/contains"),
            query={"uris": "spotify:track:{track},spotify:show:{show}"},
            before="save",
            truth=lambda body, _: body == [True, True],
            **own,
        ),
    ]


SNAPSHOT: Truth = lambda body, _: body["snapshot_id"]  # noqa: E731


def _playlists() -> list[Row]:
    at, template = "/playlists/{playlist}", "/playlists/{id}"
    # What others may not see is not there for them; what they see and may not change is refused.
    unseen: dict[str, Any] = {"foreign": Foreign(404, {"playlist": "{other_private}"})}
    kept: dict[str, Any] = {"foreign": Foreign(403, {"playlist": "{other_playlist}"})}
    made = {"name": "Made by a test", "description": "It says so.", "public": False}
    rows = []
    for items, listed in (("tracks", "tracks"), ("items", "items")):
        where = (f"{at}/{items}", f"{template}/{items}")
        rows += [
            _row("GET", *where, query=TWO, before="fill", truth=_page(), **unseen),
            _row(
                *("POST", *where),
                json={"uris": ["spotify:track:{track}", "spotify:episode:{episode}"]},
                status=201,
                truth=SNAPSHOT,
                **kept,
            ),
            _row(
                *("PUT", *where),
                json={"range_start": 0, "insert_before": 2},
                before="fill",
                truth=SNAPSHOT,
                **kept,
            ),
            _row(
                *("DELETE", *where),
                json={listed: [{"uri": "spotify:track:{track}"}]},
                before="fill",
                truth=SNAPSHOT,
                **kept,
            ),
        ]
    return [
        *rows,
        _row("GET", at, template, before="fill", truth=_is("playlist"), **unseen),
        _row("PUT", at, template, json={"description": "Other words."}, **kept),
        _row(
            *("GET", "/me/playlists"),
            query=TWO,
            before="fill",
            truth=_page(),
            foreign=ONES_OWN,
        ),
        _row(
            *("POST", "/me/playlists"),
            json=made,
            status=201,
            truth=lambda body, values: body["owner"]["id"] == values["me"],
            foreign=ONES_OWN,
        ),
        _row(
            *("POST", "/playlists"),
            json={"title": "By its other name", "public": False},
            status=201,
            truth=lambda body, _: body["name"] == "By its other name",
            foreign=ONES_OWN,
        ),
        _row("GET", "/users/{other}/playlists", "/users/{id}/playlists", query=TWO, truth=_page()),
        _row(
            *("POST", "/users/{me}/playlists", "/users/{id}/playlists"),
            json=made,
            status=201,
            truth=lambda body, values: body["owner"]["id"] == values["me"],
            foreign=Foreign(403, {"me": "{other}"}),
            unknown=403,
        ),
        _row(
            *("GET", f"{at}/images", f"{template}/images"),
            before="cover",
            truth=lambda body, _: body[0]["url"],
            **unseen,
        ),
        _row(
            *("PUT", f"{at}/images", f"{template}/images"),
            content="{jpeg}",
            content_type="image/jpeg",
            status=202,
            **kept,
        ),
        _row(
            *("PUT", "/playlists/{other_playlist}/followers", f"{template}/followers"),
            json={"public": False},
            foreign=Foreign(404, {"other_playlist": "{other_private}"}),
        ),
        _row(
            *("DELETE", "/playlists/{other_playlist}/followers", f"{template}/followers"),
            foreign=Foreign(404, {"other_playlist": "{other_private}"}),
        ),
        _row(
            *("GET", f"{at}/followers/contains", f"{template}/followers/contains"),
            query={"ids": "{me}"},
            truth=lambda body, _: len(body) == 1,
            **unseen,
        ),
    ]


def _player() -> list[Row]:
    own: dict[str, Any] = {"foreign": ONES_OWN}
    paid: dict[str, Any] = {"foreign": ONES_OWN, "premium": True, "status": 204, "before": "play"}
    theirs: dict[str, Any] = {**paid, "foreign": Foreign(404, {"device": "{other_device}"})}
    on_device = {"device_id": "{device}"}
    play = {"uris": ["spotify:track:{track}", "spotify:track:{track2}"], "position_ms": 1000}
    return [
        _row(
            *("GET", "/me/player"),
            before="play",
            truth=lambda body, values: (
                body["device"]["id"] == values["device"] and body["item"]["id"] == values["track"]
            ),
            **own,
        ),
        _row(
            *("GET", "/me/player/currently-playing"),
            before="play",
            truth=lambda body, values: body["item"]["id"] == values["track"],
            **own,
        ),
        _row(
            *("GET", "/me/player/queue"),
            before="play",
            truth=lambda body, values: body["currently_playing"]["id"] == values["track"],
            **own,
        ),
        _row(
            *("GET", "/me/player/devices"),
            before="play",
            truth=lambda body, values: values["device"] in _ids(body["devices"]),
            **own,
        ),
        _row(
            *("GET", "/me/player/recently-played"),
            query=TWO,
            truth=lambda body, _: body["items"] and body["cursors"],
            **own,
        ),
        _row("PUT", "/me/player", json={"device_ids": ["{device}"], "play": True}, **theirs),
        _row("PUT", "/me/player/play", query=on_device, json=play, **theirs),
        _row("POST", "/me/player/play", query=on_device, json=play, **theirs),
        _row("PUT", "/me/player/pause", query=on_device, **theirs),
        _row("POST", "/me/player/next", query=on_device, **theirs),
        _row("POST", "/me/player/previous", query=on_device, **theirs),
        _row("PUT", "/me/player/seek", query={"position_ms": "5000", **on_device}, **theirs),
        _row("PUT", "/me/player/repeat", query={"state": "context", **on_device}, **theirs),
        _row("PUT", "/me/player/volume", query={"volume_percent": "40", **on_device}, **theirs),
        _row("PUT", "/me/player/shuffle", query={"state": "false", **on_device}, **theirs),
        _row(
            *("POST", "/me/player/queue"),
            query={"uri": "spotify:track:{track2}", **on_device},
            **theirs,
        ),
    ]


def _connect() -> list[Row]:
    """What devices say (ours)."""
    own: dict[str, Any] = {"foreign": ONES_OWN}
    device = ("/me/player/devices/{device}", "/me/player/devices/{id}")
    state = {"version": "#{version}", "position_ms": 2000, "is_playing": True}
    return [
        _row(
            *("PUT", *device),
            json={"name": "A device", "type": "Computer"},
            truth=_is("device"),
            unknown=200,  # devices choose their ids
            **own,
        ),
        _row("DELETE", *device, status=204, unknown=204, **own),
        _row(
            *("PUT", "/me/player/state"),
            query={"device_id": "{device}"},
            json=state,
            before="watch",
            foreign=Foreign(404, {"device": "{other_device}"}),
        ),
        _row("GET", "/me/player/events", before="play", streams=True, **own),
    ]


def _playback() -> list[Row]:
    return [
        _row(
            *("GET", "/playback/manifest"),
            query={"track_id": "{track}", "codec": "vorbis", "br": "320"},
            truth=lambda body, values: body["track_id"] == values["track"] and body["files"],
            premium=True,
        ),
        _row(
            *("POST", "/playback/license"),
            query={"session": "{session}"},
            json={"kids": ["{kid}"], "type": "temporary"},
            truth=lambda body, values: body["keys"][0]["kid"] == values["kid"],
            foreign=Foreign(403, {"session": "{other_session}"}),
        ),
        _row(
            *("POST", "/playback/heartbeat"),
            json={"session": "{session}"},
            truth=lambda body, _: body["streams"] <= body["limit"],
            foreign=Foreign(403, {"session": "{other_session}"}),
        ),
    ]


def _ingestion() -> list[Row]:
    event = {
        "event_id": "of-a-test",
        "type": "progress",
        "track_id": "{track}",
        "session_id": "of-a-test",
        "position_ms": 1000,
        "ts": "{now}",
    }
    lyrics = ("/tracks/{track}/lyrics", "/tracks/{id}/lyrics")
    return [
        _row(
            *("POST", "/events"),
            json={"events": [event]},
            status=202,
            truth=lambda body, _: body == {"accepted": 1},
            foreign=ONES_OWN,
        ),
        _row(
            *("POST", "/uploads"),
            json={"filename": "a.flac", "size_bytes": 2_000_000},
            status=201,
            truth=lambda body, _: body["upload_url"],
            foreign=ONES_OWN,
        ),
        _row(
            *("GET", "/uploads/{upload}", "/uploads/{id}"),
            truth=lambda body, values: body["upload_id"] == values["upload"],
            foreign=Foreign(404, {"upload": "{other_upload}"}),
        ),
        _row(
            *("GET", "/tracks/{lyrics_track}/lyrics", "/tracks/{id}/lyrics"),
            truth=lambda body, _: body["lines"],
        ),
        _row(
            *("PUT", *lyrics),
            content="[00:01.00]A line\n[00:02.50]And another\n",
            content_type="text/plain",
            truth=lambda body, _: len(body["lines"]) == 2,
            foreign=Foreign(403, {"track": "{silent_track}"}),
        ),
        _row(
            *("GET", "/tracks/{track}/plays", "/tracks/{id}/plays"),
            truth=lambda body, values: body["track_id"] == values["track"] and body["plays"] >= 0,
        ),
    ]


ROWS: tuple[Row, ...] = (
    *_catalogue(),
    *_podcasts(),
    *_browse(),
    *_people(),
    *_library(),
    *_playlists(),
    *_player(),
    *_connect(),
    *_playback(),
    *_ingestion(),
)
