"""True ids of the demo catalogue, and a listener's world to drive every operation in."""

from __future__ import annotations

import base64
import io
import json
import uuid
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey
from PIL import Image

from emulators import demo_world, seed
from emulators.demo_catalogue import IDS
from tests.whole_cloud import ALL_SCOPES, WholeCloud, eventually

DEVICE = "test-world-device"
OTHER_DEVICE = "test-world-device-of-another"
WORDS = {  # what a search for each kind finds something by
    "track": "moorings",
    "album": "harbour",
    "artist": "kora",
    "playlist": "blue",
    "show": "liner",
    "episode": "side",
}
# Of the demo catalogue, chosen so that the listeners of the tests hold none of them beforehand.
TRACKS = ("Glass Elevator", "Lamplight on Water", "All Channels Open", "Tail Lights", "Moorings")
ALBUMS = ("Midnight Arithmetic", "Static Bloom", "Slow Harbour")
ARTISTS = ("The Paper Lanterns", "Neon Cartographers")
SHOWS = ("How a Song Is Built", "Liner Notes After Midnight")
EPISODES = ("Kick, Then Everything Else", "Borrowed Drum Kits")
CATEGORY = "jazz"
GENRE = "jazz"
EDITORS = "segue"  # a person with public playlists, whom the listeners do not follow
PUBLIC_PLAYLIST = "Blue Hour"  # theirs
PRIVATE_PLAYLIST = "Quiet Listener"  # of the free listener
SILENT_TRACK = "Kettle Song"  # nobody uploaded it


def jpeg(colour: str = "teal") -> bytes:
    """A small square cover."""
    image = io.BytesIO()
    Image.new("RGB", (300, 300), colour).save(image, "JPEG", quality=60)
    return image.getvalue()


def ids() -> dict[str, Any]:
    """Ids by kind, in lists, with what a search finds, for the clients' drivers."""
    return {
        "tracks": [IDS.tracks[name] for name in TRACKS],
        "artists": [IDS.artists[name] for name in ARTISTS],
        "albums": [IDS.albums[name] for name in ALBUMS],
        "shows": [IDS.shows[name] for name in SHOWS],
        "episodes": [IDS.episodes[name] for name in EPISODES],
        "category": CATEGORY,
        "genre": GENRE,
        "other_user_id": EDITORS,
        "playlist": IDS.playlists[PUBLIC_PLAYLIST],
        "words": WORDS,
    }


def _get(api: httpx.Client, path: str, **query: Any) -> Any:
    return api.get(path, params=query).raise_for_status().json()


def connect_device(api: httpx.Client, device: str) -> None:
    """Puts a device on line, as a player does."""
    body = {"name": f"Device {device}", "type": "Computer", "volume_percent": 50}
    api.put(f"/v1/me/player/devices/{device}", json=body).raise_for_status()


def playback_session(api: httpx.Client, track: str) -> tuple[str, str]:
    """The token of a new playback session and the id of its key, in base64url."""
    manifest = _get(api, "/v1/playback/manifest", track_id=track, codec="vorbis", br=96)
    kid = base64.urlsafe_b64encode(bytes.fromhex(manifest["files"][0]["kid"]))
    return manifest["license_url"].partition("session=")[2], kid.decode().rstrip("=")


class World:
    """The demo listener with everything in place; `anyone`, who has no token; and `free`, who is
    another person and of the lower tier."""

    def __init__(self, cloud: WholeCloud) -> None:
        self.cloud = cloud
        self.all_scopes = set(ALL_SCOPES.split())
        self.token = cloud.token()
        self.api = cloud.client()
        self.free = cloud.client(seed.FREE_USER)
        self.anyone = cloud.client(None)
        self.app_token = self._app_token()
        self.values = self._values()
        self._has_learned = False  # of recommendations

    def close(self) -> None:
        """Puts back what the demo catalogue says of the listener, and closes its connections."""
        with suppress(httpx.ReadError):  # a connection that lay idle may have been closed
            self.api.get("/v1/me")
        person = next(one for one in demo_world.PEOPLE if one.id == seed.DEMO_USER)
        kept = {playlist.name for playlist in demo_world.PLAYLISTS}
        for playlist in _get(self.api, "/v1/me/playlists", limit=50)["items"]:
            if playlist["name"] not in kept:
                self.api.delete(f"/v1/playlists/{playlist['id']}/followers").raise_for_status()
        for kind in ("tracks", "albums", "shows", "episodes"):
            by_name: dict[str, str] = getattr(IDS, kind)
            held = [by_name[name] for name in getattr(person, f"saved_{kind}")]
            others = set(self.values[kind].split(",")) - set(held)
            self._change("DELETE", f"/v1/me/{kind}", others)
            self._change("PUT", f"/v1/me/{kind}", held)
        followed = {IDS.artists[name] for name in person.follows_artists}
        others = set(self.values["artists"].split(",")) - followed
        self._change("DELETE", "/v1/me/following", others, type="artist")
        self._change("PUT", "/v1/me/following", followed, type="artist")
        self.api.delete(f"/v1/me/player/devices/{DEVICE}")
        self.free.delete(f"/v1/me/player/devices/{OTHER_DEVICE}")
        for client in (self.api, self.free, self.anyone):
            client.close()

    def _change(self, method: str, path: str, ids: Iterable[str], **query: str) -> None:
        if named := ",".join(ids):
            query["ids"] = named
            self.api.request(method, path, params=query).raise_for_status()

    def prepare(self, step: str | None) -> None:
        """Makes what an operation needs to have something true to answer."""
        if step is not None:
            steps: dict[str, Callable[[], None]] = {
                "save": self._save,
                "follow_artists": self._follow_artists,
                "fill": self._fill,
                "cover": self._cover,
                "share": self._share,
                "play": self._play,
                "watch": self._watch,
                "recommend": self._recommend,
            }
            steps[step]()

    def signed(self, key: ECKey | None = None, **changes: Any) -> str:
        """An Authorization header with a token like the listener's, some claims changed, signed by
        our key or another."""
        claims = self._claims() | changes
        own = ECKey.import_key(json.loads(self.cloud.cloud.keys.token_signing_key))
        header = {"alg": "ES256", "kid": own.kid, "typ": "at+jwt"}
        return f"Bearer {jwt.encode(header, claims, key or own)}"

    def unsigned(self) -> str:
        """The same with `alg: none`."""
        header = {"alg": "none", "typ": "at+jwt"}
        parts = (json.dumps(part).encode() for part in (header, self._claims()))
        text = ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
        return f"Bearer {text}."

    def state(self, template: str) -> dict[str, Any]:
        """What people have, as far as operations of that path can change it."""
        seen: dict[str, Any] = {}
        v = self.values
        if "/player" in template or "/playback" in template:
            seen["devices"] = [
                {name: device[name] for name in ("id", "is_active", "volume_percent")}
                for device in _get(self.api, "/v1/me/player/devices")["devices"]
            ]
            seen["queue"] = [item["uri"] for item in _get(self.api, "/v1/me/player/queue")["queue"]]
            playing = _get(self.api, "/v1/me/player")
            seen["player"] = {
                name: playing[name] for name in ("is_playing", "repeat_state", "shuffle_state")
            }
            seen["item"] = playing["item"]["uri"]
            return seen
        if "/playlists" in template:
            for name in ("playlist", "other_playlist"):
                seen[name] = _get(self.api, f"/v1/playlists/{v[name]}")
            seen["private"] = _get(self.free, f"/v1/playlists/{v['other_private']}")
            for api in (self.api, self.free):
                held = _get(api, "/v1/me/playlists", limit=50)
                seen[f"all of {'mine' if api is self.api else 'theirs'}"] = [
                    (one["id"], one["snapshot_id"]) for one in held["items"]
                ]
            return seen
        for kind in ("tracks", "albums", "shows", "episodes"):
            seen[kind] = _get(self.api, f"/v1/me/{kind}", limit=50)
        seen["following"] = _get(self.api, "/v1/me/following", type="artist", limit=50)
        seen["activity"] = _get(self.api, "/v1/me/friends/activity")["enabled"]
        seen["episode"] = _get(self.api, f"/v1/episodes/{v['episode']}")["resume_point"]
        return seen

    def _claims(self) -> dict[str, Any]:
        body = self.token.split(".")[1]
        claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        return claims | {"jti": str(uuid.uuid4())}

    def _app_token(self) -> str:
        answer = httpx.post(
            f"{self.cloud.cloud.accounts_url}/api/token",
            data={"grant_type": "client_credentials"},
            auth=(seed.DEMO_CLIENT, seed.DEMO_CLIENT_SECRET),
            timeout=30,
        )
        return str(answer.raise_for_status().json()["access_token"])

    def _values(self) -> dict[str, str]:
        found = ids()
        connect_device(self.free, OTHER_DEVICE)
        mine = self.api.post("/v1/me/playlists", json={"name": "The world's", "public": False})
        values = {
            "me": seed.DEMO_USER,
            "other": EDITORS,
            "track2": found["tracks"][1],
            "silent_track": IDS.tracks[SILENT_TRACK],
            "lyrics_track": IDS.tracks[demo_world.LYRICS_TRACK],
            "genre": GENRE,
            "word": WORDS["track"],
            "category": CATEGORY,
            "made_list": "discover-weekly",
            "playlist": mine.raise_for_status().json()["id"],
            "other_playlist": found["playlist"],
            "other_private": IDS.playlists[PRIVATE_PLAYLIST],
            "device": DEVICE,
            "other_device": OTHER_DEVICE,
            "jpeg": base64.b64encode(jpeg()).decode(),
            "version": "0",
            "upload": self._upload(self.api),
            "other_upload": self._upload(self.free),
            "now": datetime.now(UTC).isoformat(timespec="milliseconds"),
        }
        for kind in ("tracks", "albums", "artists", "shows", "episodes"):
            values[kind] = ",".join(found[kind][:2])
            values[kind[:-1]] = found[kind][0]
        values["session"], values["kid"] = playback_session(self.api, values["track"])
        values["other_session"], _ = playback_session(self.free, values["track"])
        return values

    @staticmethod
    def _upload(api: httpx.Client) -> str:
        body = {"filename": "never-sent.flac", "size_bytes": 1_000_000}
        return str(api.post("/v1/uploads", json=body).raise_for_status().json()["upload_id"])

    def _save(self) -> None:
        for kind in ("tracks", "albums", "shows", "episodes"):
            query = {"ids": self.values[kind]}
            self.api.put(f"/v1/me/{kind}", params=query).raise_for_status()

    def _follow_artists(self) -> None:
        query = {"type": "artist", "ids": self.values["artists"]}
        self.api.put("/v1/me/following", params=query).raise_for_status()

    def _fill(self) -> None:
        uris = [f"spotify:track:{one}" for one in self.values["tracks"].split(",")]
        uris.append(f"spotify:episode:{self.values['episode']}")
        at = f"/v1/playlists/{self.values['playlist']}/items"
        self.api.put(at, json={"uris": uris}).raise_for_status()

    def _cover(self) -> None:
        headers = {"content-type": "image/jpeg"}
        at = f"/v1/playlists/{self.values['playlist']}/images"
        self.api.put(at, content=self.values["jpeg"], headers=headers).raise_for_status()

    def _share(self) -> None:
        if "share" not in self.values:
            body = {"uri": f"spotify:track:{self.values['track']}"}
            answer = self.api.post("/v1/shares", json=body).raise_for_status()
            self.values["share"] = answer.json()["id"]

    def _play(self) -> None:
        connect_device(self.api, DEVICE)
        uris = [f"spotify:track:{self.values[name]}" for name in ("track2", "track", "track2")]
        self.api.put("/v1/me/player/repeat", params={"state": "off", "device_id": DEVICE})
        self.api.put(
            "/v1/me/player/play",
            params={"device_id": DEVICE},
            json={"uris": uris, "offset": {"position": 1}},
        ).raise_for_status()

    def _recommend(self) -> None:
        """Has recommendations learned, once, from what is there, and the listener's lists made."""
        if self._has_learned:
            return
        for job in ("train_embeddings", "make_recommendations"):
            self.cloud.cloud.run_job(job)
        radio = {"seed": f"spotify:track:{self.values['track']}"}
        # Instances look for a newer bundle every half a minute.
        eventually(lambda: self.api.get("/v1/me/radio", params=radio).is_success, seconds=90)
        self._has_learned = True

    def _watch(self) -> None:
        """Plays, and takes the player's present version from its stream."""
        self._play()
        with self.api.stream("GET", "/v1/me/player/events") as answer:
            for line in answer.iter_lines():
                if line.startswith("data:") and '"version"' in line:
                    state = json.loads(line.removeprefix("data:"))
                    self.values["version"] = str(state["version"])
                    return
