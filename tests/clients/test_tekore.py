"""tekore, synchronous and asynchronous, as its users use it: only base URLs are changed.

Its models are strict: a key that is missing or of another type fails the call.
"""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import tekore as tk
import tekore._auth.expiring.client as tekore_auth
import tekore._client.base as tekore_base
from tekore.model import UnknownModelAttributeWarning

from tests.clients import plan as plans
from tests.clients.plan import Plan
from tests.whole_cloud import WholeCloud

pytestmark = [
    # What the Web API has got since tekore's models were written.
    pytest.mark.filterwarnings(
        f"ignore::{UnknownModelAttributeWarning.__module__}.{UnknownModelAttributeWarning.__name__}"
    ),
]

EXCLUDED = dict.fromkeys(
    (
        *("audiobook", "audiobooks", "audiobook_chapters", "chapter", "chapters"),
        "track_audio_analysis",
    ),
    "out of scope: answers 404, checked apart",
)


class Driven:
    """tekore's client, of either kind, called the same way; remembers what was called."""

    def __init__(self, client: tk.Spotify) -> None:
        self.client = client
        self.names: set[str] = set()

    async def __call__(self, name: str, /, *arguments: Any, **options: Any) -> Any:
        self.names.add(name)
        answer = getattr(self.client, name)(*arguments, **options)
        return await answer if inspect.isawaitable(answer) else answer

    async def gather(self, name: str, page: Any) -> list[Any]:
        """What a method that yields, yields."""
        self.names.add(name)
        found = getattr(self.client, name)(page)
        if hasattr(found, "__aiter__"):
            return [one async for one in found]
        return list(found)

    async def refused(self, error: type[Exception], name: str, *arguments: Any) -> None:
        with pytest.raises(error):
            await self(name, *arguments)


@pytest.fixture
def re_pointed(whole_cloud: WholeCloud, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """tekore with our base URLs."""
    plan = plans.make(whole_cloud)
    monkeypatch.setattr(tekore_base, "prefix", f"{plan['url']}/v1/")
    monkeypatch.setattr(tekore_auth, "OAUTH_TOKEN_URL", f"{plan['accounts_url']}/api/token")
    monkeypatch.setattr(tekore_auth, "OAUTH_AUTHORIZE_URL", f"{plan['accounts_url']}/authorize")
    return plan


def _sender(asynchronous: bool) -> tk.Sender:
    return tk.AsyncSender() if asynchronous else tk.SyncSender()


async def _result(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value


async def _sign_in(plan: Plan, asynchronous: bool) -> tk.Token:
    """Authorization code with PKCE, then a refresh; and an app's own token."""
    sender = _sender(asynchronous)
    credentials = tk.Credentials(
        plan["client_id"], redirect_uri=plan["redirect_uri"], sender=sender
    )
    auth = tk.UserAuth(credentials, plan["scope"], pkce=True)
    token = await _result(auth.request_token(url=plans.fill_in_form(auth.url, plan)))
    assert token.uses_pkce
    assert token.expires_in > 3000
    renewed = await _result(credentials.refresh(token))
    assert renewed.access_token != token.access_token

    app = tk.Credentials(plan["app_id"], plan["app_secret"], sender=sender)
    own = await _result(app.request_client_token())
    catalogue = tk.Spotify(own, sender=sender)
    assert (await _result(catalogue.track(plan["tracks"][0]))).id == plan["tracks"][0]
    await _result(sender.close())
    return renewed


def test_a_self_refreshing_token(re_pointed: Plan) -> None:
    plan = re_pointed
    credentials = tk.RefreshingCredentials(plan["client_id"], redirect_uri=plan["redirect_uri"])
    address, verifier = credentials.pkce_user_authorisation(plan["scope"], "a-state")
    location = plans.fill_in_form(address, plan)
    assert tk.parse_state_from_url(location) == "a-state"
    token = credentials.request_pkce_token(tk.parse_code_from_url(location), verifier)
    again = credentials.refresh_pkce_token(token.refresh_token)
    client = tk.Spotify(again)
    assert client.current_user().id == plan["user_id"]
    client.close()
    credentials.credentials.close()


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
async def test_every_method(re_pointed: Plan, asynchronous: bool) -> None:
    plan = re_pointed
    token = await _sign_in(plan, asynchronous)
    call = Driven(tk.Spotify(token, sender=_sender(asynchronous)))
    await _catalogue(call, plan)
    await _podcasts_and_browse(call, plan)
    await _library(call, plan)
    await _people(call, plan)
    await _playlists(call, plan)
    await _player(call, plan)
    await _options(call, plan)
    await call("close")
    offered = {
        name
        for name, member in inspect.getmembers(tk.Spotify, callable)
        if not name.startswith("_")
    }
    assert offered - call.names - set(EXCLUDED) == set()


def _ids(items: Any) -> list[str]:
    return [item.id for item in items]


async def _catalogue(call: Driven, plan: Plan) -> None:
    tracks, albums, artists = plan["tracks"], plan["albums"], plan["artists"]
    assert (await call("track", tracks[0])).id == tracks[0]
    assert (await call("track", tracks[0], market="DE")).is_playable in (True, False)
    assert _ids(await call("tracks", tracks[:3])) == tracks[:3]
    assert _ids(await call("tracks", tracks[:3], market="from_token")) == tracks[:3]
    album = await call("album", albums[0])
    assert album.id == albums[0]
    assert album.tracks.items
    assert _ids(await call("albums", albums[:2], market="DE")) == albums[:2]
    page = await call("album_tracks", albums[0], limit=1)
    assert page.total == album.total_tracks > 1
    following = await call("next", page)
    assert following.offset == 1
    assert _ids((await call("previous", following)).items) == _ids(page.items)
    assert len(await call.gather("all_items", page)) == page.total
    assert len(await call.gather("all_pages", page)) == page.total
    assert (await call("artist", artists[0])).id == artists[0]
    assert _ids(await call("artists", artists[:2])) == artists[:2]
    assert (await call("artist_albums", artists[0], ["album", "single"])).items
    assert await call("artist_top_tracks", artists[0], "DE")
    assert await call("artist_related_artists", artists[0])
    assert "DE" in await call("markets")
    assert (await call("track_audio_features", tracks[0])).tempo > 0
    assert _ids(await call("tracks_audio_features", tracks[:2])) == tracks[:2]
    for kind, word in plan["words"].items():
        (found,) = await call("search", word, types=(kind,))
        assert found.items, kind
    genres = await call("recommendation_genre_seeds")
    recommended = await call(
        "recommendations",
        artists[:1],
        genres[:1],
        tracks[:1],
        limit=5,
        market="DE",
        target_energy=0.5,
        min_tempo=20,
    )
    assert recommended.tracks
    assert len(recommended.seeds) == 3
    for name in ("audiobook", "audiobook_chapters", "chapter", "track_audio_analysis"):
        await call.refused(tk.NotFound, name, tracks[0])
    for name in ("audiobooks", "chapters"):
        await call.refused(tk.NotFound, name, tracks[:1])
    await call.refused(tk.NotFound, "track", "0" * 22)


async def _podcasts_and_browse(call: Driven, plan: Plan) -> None:
    shows, episodes = plan["shows"], plan["episodes"]
    assert (await call("show", shows[0], market="DE")).id == shows[0]
    assert _ids(await call("shows", shows[:2], market="DE")) == shows[:2]
    assert (await call("show_episodes", shows[0], limit=1)).items
    assert (await call("episode", episodes[0], market="DE")).show.id
    assert _ids(await call("episodes", episodes[:2])) == episodes[:2]
    _, featured = await call("featured_playlists", country="DE", locale="de_DE")
    assert featured.items
    assert (await call("new_releases", country="DE")).items
    assert (await call("categories", country="DE", locale="de_DE")).items
    assert (await call("category", plan["category"])).id == plan["category"]
    assert (await call("category_playlists", plan["category"])).items


async def _library(call: Driven, plan: Plan) -> None:
    for kind in ("tracks", "albums", "shows", "episodes"):
        wanted = plan[kind][:2]
        await call(f"saved_{kind}_add", wanted)
        assert await call(f"saved_{kind}_contains", wanted) == [True, True]
        saved = await call(f"saved_{kind}", limit=2)
        assert {getattr(item, kind[:-1]).id for item in saved.items} == set(wanted)
        await call(f"saved_{kind}_delete", wanted)
        assert await call(f"saved_{kind}_contains", wanted) == [False, False]


async def _people(call: Driven, plan: Plan) -> None:
    assert (await call("current_user")).id == plan["user_id"]
    assert (await call("user", plan["other_user_id"])).id == plan["other_user_id"]
    artists, users = plan["artists"][:2], [plan["other_user_id"]]
    await call("artists_follow", artists)
    assert await call("artists_is_following", artists) == [True, True]
    assert set(artists) <= set(_ids((await call("followed_artists", limit=50)).items))
    await call("artists_unfollow", artists)
    assert await call("artists_is_following", artists) == [False, False]
    await call("users_follow", users)
    assert await call("users_is_following", users) == [True]
    await call("users_unfollow", users)
    assert await call("users_is_following", users) == [False]
    assert (await call("current_user_top_artists", limit=3)).items
    assert (await call("current_user_top_tracks", "long_term", limit=3)).items
    assert (await call("playback_recently_played", limit=3)).items


async def _playlists(call: Driven, plan: Plan) -> None:
    me, tracks = plan["user_id"], plan["tracks"]
    uris = [f"spotify:track:{track}" for track in tracks]
    episode = f"spotify:episode:{plan['episodes'][0]}"
    playlist = (await call("playlist_create", me, "From tekore", description="Made")).id

    async def held() -> list[str]:
        return [item.track.uri for item in (await call("playlist_items", playlist)).items]

    await call("playlist_add", playlist, uris[:3])
    await call("playlist_add", playlist, [episode], position=0)
    assert await held() == [episode, *uris[:3]]
    snapshot = await call("playlist_reorder", playlist, 0, 4)
    await call("playlist_remove", playlist, uris[:1], snapshot_id=snapshot)
    assert await held() == [*uris[1:3], episode]
    await call("playlist_replace", playlist, uris[:2])
    assert await held() == uris[:2]
    await call("playlist_change_details", playlist, name="Renamed", public=False)
    whole = await call("playlist", playlist)
    assert (whole.name, whole.public) == ("Renamed", False)
    assert _ids(item.track for item in whole.tracks.items) == tracks[:2]
    assert (await call("playlist", playlist, fields="name"))["name"] == "Renamed"
    await call("playlist_cover_image_upload", playlist, plan["jpeg"])
    assert (await call("playlist_cover_image", playlist))[0].url
    assert playlist in _ids((await call("followed_playlists")).items)
    assert (await call("playlists", plan["other_user_id"])).items
    await call("playlist_clear", playlist)
    assert await held() == []
    await call("playlist_unfollow", playlist)

    other = plan["playlist"]
    await call("playlist_follow", other)
    assert await call("playlist_is_following", other, [me]) == [True]
    await call("playlist_unfollow", other)
    assert await call("playlist_is_following", other, [me]) == [False]


async def _player(call: Driven, plan: Plan) -> None:
    device, tracks = plan["device_id"], plan["tracks"]
    assert device in _ids(await call("playback_devices"))
    await call("playback_transfer", device)
    await call("playback_start_tracks", tracks[:3], offset=1, position_ms=1000, device_id=device)
    state = await call("playback")
    assert state.item.id == tracks[1]
    assert state.device.id == device
    assert (await call("playback_currently_playing")).item.id == tracks[1]
    await call("playback_next")
    assert (await call("playback_currently_playing")).item.id == tracks[2]
    await call("playback_previous")
    await call("playback_seek", 5000)
    await call("playback_repeat", "track")
    await call("playback_volume", 30)
    await call("playback_shuffle", state=True)
    await call("playback_shuffle", state=False)
    state = await call("playback", tracks_only=True)
    assert (state.repeat_state, state.shuffle_state) == ("track", False)
    assert state.device.volume_percent == 30
    assert state.progress_ms >= 5000
    await call("playback_repeat", "off")
    await call("playback_queue_add", f"spotify:track:{tracks[3]}")
    queue = await call("playback_queue")
    assert queue.currently_playing.id == tracks[1]
    assert queue.queue[0].id == tracks[3]
    await call("playback_next")  # or the next run finds it there
    assert (await call("playback_currently_playing")).item.id == tracks[3]
    await call("playback_pause")
    await call("playback_resume")
    assert (await call("playback")).is_playing
    await call("playback_start_context", f"spotify:album:{plan['albums'][0]}", offset=1)
    assert (await call("playback")).context.uri == f"spotify:album:{plan['albums'][0]}"
    await call("playback_start_context", f"spotify:playlist:{plan['playlist']}")
    await call("playback_pause", device)


async def _options(call: Driven, plan: Plan) -> None:
    """The client's own switches: larger pages, lists in chunks, another token."""
    client, names = call.client, {"max_limits", "chunked", "token_as"}
    with client.max_limits(True):
        assert (await call("album_tracks", plan["albums"][0])).limit == 50
        assert (await call("search", plan["words"]["track"]))[0].limit == 50
        assert (await call("artist_albums", plan["artists"][0])).limit == 50
        assert (await call("playlist_items", plan["playlist"])).limit == 100
    with client.chunked(True):
        many = [*plan["tracks"]] * 20
        assert _ids(await call("tracks", many)) == many
    with client.token_as("not-a-token"):
        await call.refused(tk.Unauthorised, "track", plan["tracks"][0])
    link = f"{plan['url']}/docs"
    assert await call("follow_short_link", link) == link
    headers = {"Authorization": f"Bearer {client.token}"}
    answer = await call("send", tk.Request("GET", f"{plan['url']}/v1/me", headers=headers))
    assert answer.status_code == 200
    call.names |= names
