"""Drives spotipy as its users do, and prints what was driven.

Run by `test_spotipy.py` under two versions of spotipy, each in an environment of its own, so it
imports nothing of ours. Reads its plan (`tests/clients/plan.py`) from stdin; only base URLs differ
from a program written for Spotify.
"""

from __future__ import annotations

import html
import json
import re
import sys
import time
import warnings
from importlib.metadata import version
from typing import Any
from urllib.parse import urljoin

import requests
import spotipy
from spotipy.cache_handler import MemoryCacheHandler
from spotipy.oauth2 import SpotifyClientCredentials, SpotifyOauthError, SpotifyPKCE

warnings.simplefilter("ignore")  # most of what Spotify deprecated, spotipy warns of; all is served
LATEST = version("spotipy") >= "2.26"

# Public methods that are not driven, with why.
EXCLUDED = {
    "audio_analysis": "out of scope: answers 404, checked apart",
    "get_audiobook": "out of scope: answers 404, checked apart",
    "get_audiobooks": "out of scope: answers 404, checked apart",
    "get_audiobook_chapters": "out of scope: answers 404, checked apart",
    "user_playlist_remove_specific_occurrences_of_tracks": (
        "calls DELETE /users/{user}/playlists/{id}/tracks, which the Web API no longer has"
    ),
}
if LATEST:
    EXCLUDED |= dict.fromkeys(
        ("playlist_is_following", "user_playlist_is_following"),
        "2.26 raises a TypeError of its own (a comma in its warning) before it sends anything",
    )


class Recorder:
    """spotipy's client; remembers the names of the methods called on it."""

    def __init__(self, client: spotipy.Spotify) -> None:
        self._client = client
        self.driven: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        self.driven.add(name)
        return getattr(self._client, name)


def sign_in(plan: dict[str, Any]) -> SpotifyPKCE:
    """Authorization code with PKCE: spotipy makes the address, a person fills in the form."""
    SpotifyPKCE.OAUTH_AUTHORIZE_URL = plan["accounts_url"] + "/authorize"
    SpotifyPKCE.OAUTH_TOKEN_URL = plan["accounts_url"] + "/api/token"
    manager = SpotifyPKCE(
        client_id=plan["client_id"],
        redirect_uri=plan["redirect_uri"],
        scope=plan["scope"],
        cache_handler=MemoryCacheHandler(),
        open_browser=False,
    )
    location = fill_in_form(manager.get_authorize_url(state="a-state"), plan)
    state, code = manager.parse_auth_response_url(location)
    assert state == "a-state", location
    manager.get_access_token(code, check_cache=False)
    first = manager.cache_handler.get_cached_token()
    renewed = manager.refresh_access_token(first["refresh_token"])
    assert renewed["access_token"] != first["access_token"]
    assert manager.validate_token(renewed) == renewed
    return manager


def fill_in_form(address: str, plan: dict[str, Any]) -> str:
    """Signs in on our page, agrees where it asks, and returns where it sends the browser."""
    identity = {"username": plan["username"], "password": plan["password"]}
    with requests.Session() as browser:
        page = browser.get(address, timeout=30)
        for _ in range(3):  # sign-in, consent
            hidden = re.search(r'name="form_token" value="([^"]*)"', page.text)
            assert hidden, page.text[:2000]
            said = identity if 'name="username"' in page.text else {"decision": "allow"}
            fields = {"form_token": html.unescape(hidden[1]), **said}
            page = browser.post(page.url, data=fields, timeout=30, allow_redirects=False)
            location = page.headers.get("location", "")
            if location.startswith(plan["redirect_uri"]):
                return location
            if location:
                page = browser.get(urljoin(page.url, location), timeout=30)
    raise AssertionError(f"no way back to the app: {page.status_code} {page.text[:2000]}")


def client_credentials(plan: dict[str, Any]) -> None:
    """An app's own token reads the catalogue; a wrong secret is refused."""
    SpotifyClientCredentials.OAUTH_TOKEN_URL = plan["accounts_url"] + "/api/token"

    def manager(secret: str) -> SpotifyClientCredentials:
        return SpotifyClientCredentials(
            client_id=plan["app_id"], client_secret=secret, cache_handler=MemoryCacheHandler()
        )

    app = spotipy.Spotify(auth_manager=manager(plan["app_secret"]))
    app.prefix = plan["url"] + "/v1/"
    assert app.track(plan["tracks"][0])["id"] == plan["tracks"][0]
    assert error_of(app.current_user).http_status in (401, 403)
    assert error_of(manager("not-the-secret").get_access_token, False).error == "invalid_client"


def ids(items: Any) -> list[str]:
    return [item["id"] for item in items]


def error_of(call: Any, *arguments: Any) -> Any:
    """What `call` raises; it has to."""
    try:
        call(*arguments)
    except (spotipy.SpotifyException, SpotifyOauthError) as error:
        return error
    raise AssertionError(f"{call.__name__} was not refused")


def refused(status: int, call: Any, *arguments: Any) -> None:
    error = error_of(call, *arguments)
    assert error.http_status == status, error
    assert error.msg, error


def catalogue(sp: Any, plan: dict[str, Any]) -> None:
    tracks, albums, artists = plan["tracks"], plan["albums"], plan["artists"]
    assert sp.track(tracks[0])["id"] == tracks[0]
    assert sp.track(f"spotify:track:{tracks[0]}", market="DE")["is_playable"] in (True, False)
    assert ids(sp.tracks(tracks[:3])["tracks"]) == tracks[:3]
    assert sp.tracks(tracks[:1], market="US")["tracks"][0]["id"] == tracks[0]
    album = sp.album(albums[0])
    assert album["id"] == albums[0]
    assert album["tracks"]["items"]
    assert ids(sp.albums(albums[:2])["albums"]) == albums[:2]
    assert ids(sp.albums(albums[:2], market="DE")["albums"]) == albums[:2]
    page = sp.album_tracks(albums[0], limit=1)
    assert page["total"] == album["total_tracks"] > 1
    following = sp.next(page)
    assert following["offset"] == 1
    assert ids(sp.previous(following)["items"]) == ids(page["items"])
    assert sp.artist(artists[0])["id"] == artists[0]
    assert ids(sp.artists(artists[:2])["artists"]) == artists[:2]
    assert sp.artist_albums(artists[0], include_groups="album,single", limit=5)["items"]
    assert sp.artist_albums(artists[0], album_type="album", country="DE")["total"] >= 0
    assert sp.artist_top_tracks(artists[0], country="DE")["tracks"]
    assert sp.artist_related_artists(artists[0])["artists"]
    assert "DE" in sp.available_markets()["markets"]
    features = sp.audio_features(tracks[:2])
    assert ids(features) == tracks[:2]
    assert sp.audio_features(tracks[0])[0]["tempo"] > 0
    word = plan["words"]["track"]
    found = sp.search(q=word, limit=5, type="track,album,artist,playlist,show,episode")
    assert found["tracks"]["items"], found
    per_market = sp.search_markets(word, limit=2, type="track", markets=["DE", "US"])
    assert set(per_market) == {"DE", "US"}
    genres = sp.recommendation_genre_seeds()["genres"]
    assert genres
    recommended = sp.recommendations(
        seed_tracks=tracks[:1],
        seed_artists=artists[:1],
        seed_genres=genres[:1],
        limit=5,
        country="DE",
        target_energy=0.5,
        min_tempo=20,
        max_duration_ms=3_600_000,
    )
    assert recommended["tracks"]
    assert len(recommended["seeds"]) == 3
    for call in (sp.audio_analysis, sp.get_audiobook, sp.get_audiobook_chapters):
        refused(404, call, tracks[0])
    refused(404, sp.get_audiobooks, tracks[:1])
    sp.driven -= set(EXCLUDED)
    refused(404, sp.track, "0" * 22)


def podcasts(sp: Any, plan: dict[str, Any]) -> None:
    shows, episodes = plan["shows"], plan["episodes"]
    assert sp.show(shows[0], market="DE")["id"] == shows[0]
    assert ids(sp.shows(shows[:2], market="DE")["shows"]) == shows[:2]
    assert sp.show_episodes(shows[0], limit=1)["items"][0]["resume_point"] is not None
    assert sp.episode(episodes[0], market="DE")["show"]["id"]
    assert ids(sp.episodes(episodes[:2])["episodes"]) == episodes[:2]


def browse(sp: Any, plan: dict[str, Any]) -> None:
    assert sp.featured_playlists(locale="de_DE", country="DE", limit=2)["playlists"]["items"]
    assert sp.new_releases(country="DE", limit=2)["albums"]["items"]
    assert sp.categories(country="DE", locale="de_DE", limit=2)["categories"]["items"]
    assert sp.category(plan["category"])["id"] == plan["category"]
    assert sp.category_playlists(plan["category"], limit=2)["playlists"]["items"]


def library(sp: Any, plan: dict[str, Any]) -> None:
    for kind, wanted in (
        ("tracks", plan["tracks"][:2]),
        ("albums", plan["albums"][:2]),
        ("shows", plan["shows"][:2]),
        ("episodes", plan["episodes"][:2]),
    ):
        contains = getattr(sp, f"current_user_saved_{kind}_contains")
        getattr(sp, f"current_user_saved_{kind}_add")(wanted)
        assert contains(wanted) == [True, True], kind
        saved = getattr(sp, f"current_user_saved_{kind}")(limit=2)
        assert {item[kind[:-1]]["id"] for item in saved["items"]} == set(wanted), kind
        getattr(sp, f"current_user_saved_{kind}_delete")(wanted)
        assert contains(wanted) == [False, False], kind
    if LATEST:
        uris = [f"spotify:track:{plan['tracks'][0]}", f"spotify:album:{plan['albums'][0]}"]
        assert sp.current_user_saved_items(uris) == [False, False]


def people(sp: Any, plan: dict[str, Any]) -> None:
    assert sp.me()["id"] == sp.current_user()["id"] == plan["user_id"]
    assert sp.user(plan["other_user_id"])["id"] == plan["other_user_id"]
    artists, users = plan["artists"][:2], [plan["other_user_id"]]
    sp.user_follow_artists(artists)
    assert sp.current_user_following_artists(artists) == [True, True]
    assert set(artists) <= set(ids(sp.current_user_followed_artists(limit=50)["artists"]["items"]))
    sp.user_unfollow_artists(artists)
    assert sp.current_user_following_artists(artists) == [False, False]
    sp.user_follow_users(users)
    assert sp.current_user_following_users(users) == [True]
    sp.user_unfollow_users(users)
    assert sp.current_user_following_users(users) == [False]
    assert sp.current_user_top_artists(limit=3, time_range="short_term")["items"]
    assert sp.current_user_top_tracks(limit=3, time_range="long_term")["items"]
    assert sp.current_user_recently_played(limit=3)["items"]


def playlists(sp: Any, plan: dict[str, Any]) -> None:
    me, tracks, episode = plan["user_id"], plan["tracks"], plan["episodes"][0]
    if LATEST:
        made = sp.current_user_playlist_create("Newer form", public=False, description="Made")
        sp.current_user_unfollow_playlist(made["id"])
    made = sp.user_playlist_create(me, "From spotipy", public=True, description="Made")
    playlist = made["id"]
    assert made["name"] == "From spotipy"
    assert made["owner"]["id"] == me
    sp.playlist_add_items(playlist, tracks[:3])
    sp.playlist_add_items(playlist, [f"spotify:episode:{episode}"], position=0)
    assert item_ids(sp, playlist) == [episode, *tracks[:3]]
    snapshot = sp.playlist_reorder_items(playlist, 0, 4, range_length=1)["snapshot_id"]
    assert item_ids(sp, playlist) == [*tracks[:3], episode]
    sp.playlist_remove_all_occurrences_of_items(playlist, tracks[:1], snapshot_id=snapshot)
    sp.playlist_remove_specific_occurrences_of_items(
        playlist, [{"uri": tracks[1], "positions": [0]}]
    )
    assert item_ids(sp, playlist) == [tracks[2], episode]
    sp.playlist_replace_items(playlist, tracks[:2])
    assert ids(item["track"] for item in sp.playlist_tracks(playlist)["items"]) == tracks[:2]
    sp.playlist_change_details(playlist, name="Renamed", public=False, description="New words")
    whole = sp.playlist(playlist, additional_types=("track", "episode"))
    assert (whole["name"], whole["public"], whole["description"]) == ("Renamed", False, "New words")
    assert sp.playlist(playlist, fields="name,tracks.total")["name"] == "Renamed"
    sp.playlist_upload_cover_image(playlist, plan["jpeg"])
    cover = requests.get(sp.playlist_cover_image(playlist)[0]["url"], timeout=30)
    assert cover.status_code == 200
    assert cover.headers["content-type"] == "image/jpeg"
    assert cover.content.startswith(b"\xff\xd8")  # a JPEG
    assert playlist in ids(sp.current_user_playlists()["items"])
    assert sp.user_playlists(plan["other_user_id"])["items"]

    # The forms that name the owner.
    assert sp.user_playlist(me, playlist)["id"] == playlist
    sp.user_playlist_add_tracks(me, playlist, tracks[2:3])
    sp.user_playlist_add_episodes(me, playlist, [episode])
    sp.user_playlist_change_details(me, playlist, name="Renamed again")
    sp.user_playlist_reorder_tracks(me, playlist, 0, 2)
    assert item_ids(sp, playlist) == [tracks[1], tracks[0], tracks[2], episode]
    sp.user_playlist_remove_all_occurrences_of_tracks(me, playlist, tracks[1:2])
    assert sp.user_playlist_tracks(me, playlist)["total"] == 3
    sp.user_playlist_replace_tracks(me, playlist, tracks[:1])
    sp.user_playlist_unfollow(me, playlist)
    assert playlist not in ids(sp.current_user_playlists()["items"])

    other = plan["playlist"]
    sp.current_user_follow_playlist(other)
    assert other in ids(sp.current_user_playlists()["items"])
    if not LATEST:
        assert sp.playlist_is_following(other, [me]) == [True]
        assert sp.user_playlist_is_following(plan["other_user_id"], other, [me]) == [True]
    sp.current_user_unfollow_playlist(other)
    sp.user_playlist_follow_playlist(plan["other_user_id"], other)
    assert other in ids(sp.current_user_playlists()["items"])
    sp.user_playlist_unfollow(plan["other_user_id"], other)
    assert other not in ids(sp.current_user_playlists()["items"])


def item_ids(sp: Any, playlist: str) -> list[str]:
    """Ids of a playlist's items, by either name that they have in an answer."""
    items = sp.playlist_items(playlist)["items"]
    return [(item.get("item") or item["track"])["id"] for item in items]


def player(sp: Any, plan: dict[str, Any]) -> None:
    device, tracks = plan["device_id"], plan["tracks"]
    assert device in ids(sp.devices()["devices"])
    sp.transfer_playback(device, force_play=False)
    uris = [f"spotify:track:{track}" for track in tracks[:3]]
    sp.start_playback(device_id=device, uris=uris, offset={"position": 1}, position_ms=1000)
    playing = eventually(
        lambda: sp.current_playback(additional_types="track,episode"), "is_playing"
    )
    assert playing["item"]["id"] == tracks[1]
    assert playing["device"]["id"] == device
    assert sp.current_user_playing_track()["item"]["id"] == tracks[1]
    assert sp.currently_playing()["item"]["id"] == tracks[1]
    sp.next_track()
    assert sp.currently_playing()["item"]["id"] == tracks[2]
    sp.previous_track(device_id=device)
    sp.seek_track(5000)
    sp.repeat("context")
    sp.volume(30, device_id=device)
    sp.shuffle(True)
    sp.shuffle(False)
    state = sp.current_playback()
    assert state["repeat_state"] == "context"
    assert state["shuffle_state"] is False
    assert state["device"]["volume_percent"] == 30
    assert state["progress_ms"] >= 5000
    sp.add_to_queue(f"spotify:track:{tracks[3]}")
    queue = sp.queue()
    assert queue["currently_playing"]["id"] == tracks[1]
    assert queue["queue"][0]["id"] == tracks[3]
    sp.next_track()  # or the next run finds it there
    assert sp.currently_playing()["item"]["id"] == tracks[3]
    sp.start_playback(context_uri=f"spotify:album:{plan['albums'][0]}")
    sp.pause_playback()
    assert sp.current_playback()["is_playing"] is False
    sp.repeat("off")


def eventually(ask: Any, key: str) -> Any:
    deadline = time.monotonic() + 10
    while True:
        answer = ask()
        if answer and answer[key]:
            return answer
        assert time.monotonic() < deadline, answer
        time.sleep(0.1)


def main() -> None:
    plan = json.load(sys.stdin)
    client = spotipy.Spotify(auth_manager=sign_in(plan), retries=0, status_retries=0)
    client.prefix = plan["url"] + "/v1/"
    sp = Recorder(client)
    client_credentials(plan)
    for part in (catalogue, podcasts, browse, library, people, playlists, player):
        part(sp, plan)
    sp.set_auth(client.auth_manager.get_access_token())
    offered = {
        name
        for name in vars(spotipy.Spotify)
        if not name.startswith("_") and callable(getattr(spotipy.Spotify, name))
    }
    answer = {
        "version": version("spotipy"),
        "driven": sorted(sp.driven & offered),
        "not_driven": sorted(offered - sp.driven - set(EXCLUDED)),
        "excluded": sorted(offered & set(EXCLUDED)),
    }
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
