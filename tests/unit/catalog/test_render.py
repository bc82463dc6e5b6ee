"""Catalog objects have every key that the Web API's published schema has."""

from __future__ import annotations

import pytest
import tekore.model as tk

from shared.catalog import render
from shared.catalog.markets import MARKETS, available_markets, checked_market
from shared.catalog.models import Copyright
from shared.catalog.rendered import rendered
from shared.platform.errors import InvalidInput
from tests.local_settings import PUBLIC_URL
from tests.unit.catalog.samples import a_track, an_album, an_artist

ARTIST = an_artist(images=("b" * 22,), genres=("jazz",))
ALBUM = an_album(ARTIST, total_tracks=2)
TRACK = a_track(ALBUM)

IDENTITY = {"external_urls", "href", "id", "name", "type", "uri"}
SIMPLIFIED_TRACK = IDENTITY | {
    "artists",
    "available_markets",
    "disc_number",
    "duration_ms",
    "explicit",
    "is_local",
    "preview_url",
    "track_number",
}
SIMPLIFIED_ALBUM = IDENTITY | {
    "album_type",
    "artists",
    "available_markets",
    "images",
    "release_date",
    "release_date_precision",
    "total_tracks",
}


def test_a_track_has_every_key_of_the_schema() -> None:
    shown = render.track_object(TRACK)
    assert set(shown) == SIMPLIFIED_TRACK | {"album", "external_ids", "popularity"}
    assert set(shown["album"]) == SIMPLIFIED_ALBUM
    assert set(shown["artists"][0]) == IDENTITY
    assert shown["href"] == f"{PUBLIC_URL}/v1/tracks/{TRACK.id}"
    assert shown["uri"] == f"spotify:track:{TRACK.id}"
    assert shown["external_ids"] == {"isrc": "USPR36501234"}
    assert shown["preview_url"] == f"http://127.0.0.1:8091{TRACK.preview_url}"


def test_an_album_has_every_key_of_the_schema_and_its_tracks() -> None:
    shown = render.album_object(ALBUM, [TRACK, a_track(ALBUM, track_number=2)])
    assert set(shown) == SIMPLIFIED_ALBUM | {
        "copyrights",
        "external_ids",
        "genres",
        "label",
        "popularity",
        "tracks",
    }
    assert shown["tracks"]["total"] == 2
    assert set(shown["tracks"]["items"][0]) == SIMPLIFIED_TRACK


def test_an_artist_has_every_key_of_the_schema() -> None:
    shown = render.artist_object(ARTIST)
    assert set(shown) == IDENTITY | {"followers", "genres", "images", "popularity"}
    assert [image["width"] for image in shown["images"]] == [640, 300, 64]
    assert shown["images"][0]["url"].endswith(f"/images/{'b' * 22}/640.jpg")


def test_without_a_market_nothing_is_said_about_playability() -> None:
    assert "is_playable" not in render.track_object(TRACK)


def test_a_track_outside_its_territories_is_restricted_by_market() -> None:
    track = a_track(ALBUM, territories=("se",))
    assert render.track_object(track, "SE")["is_playable"] is True
    refused = render.track_object(track, "DE")
    assert refused["is_playable"] is False
    assert refused["restrictions"] == {"reason": "market"}
    assert refused["available_markets"] == ["SE"]


def test_no_territories_means_every_market() -> None:
    assert available_markets(()) == list(MARKETS)
    assert len(set(MARKETS)) == len(MARKETS) >= 180


def test_a_market_is_a_known_country_in_any_case_or_the_callers_own() -> None:
    assert checked_market("de", "SE") == "DE"
    assert checked_market("from_token", "SE") == "SE"
    assert checked_market(None, "SE") is None
    for wrong in ("XX", "DEU", "d"):
        with pytest.raises(InvalidInput, match="Invalid market code"):
            checked_market(wrong, "SE")


def test_pages_link_to_their_neighbours_and_keep_the_parameters() -> None:
    page = render.page([], "http://x/y", 45, 20, 20, market="DE", q=None)
    assert page["next"] == "http://x/y?market=DE&offset=40&limit=20"
    assert page["previous"] == "http://x/y?market=DE&offset=0&limit=20"
    last = render.page([], "http://x/y", 45, 20, 40)
    assert last["next"] is None
    assert render.page([], "http://x/y", 45, 20, 0)["previous"] is None


def test_an_answer_is_rendered_again_only_when_its_document_changed() -> None:
    calls = []

    def shape() -> dict[str, int]:
        calls.append(1)
        return {"n": len(calls)}

    first = rendered(("k",), (TRACK,), shape)
    assert rendered(("k",), (TRACK,), shape) is first
    changed = rendered(("k",), (TRACK.model_copy(),), shape)
    assert changed.etag != first.etag


def test_a_page_of_nothing_is_all_there_is_to_know() -> None:
    page = render.page([], "http://x/y", 45, 0, 10)
    assert (page["next"], page["previous"], page["items"], page["total"]) == (None, None, [], 45)


def test_shapes_are_what_a_strict_client_takes() -> None:
    followed = render.artist_object(ARTIST, followers=7)
    assert tk.FullArtist(**followed).followers.total == 7
    album = an_album(
        ARTIST, upc="00602445790920", copyrights=(Copyright(text="1965 Philips", type="P"),)
    )
    shown = tk.FullAlbum(**render.album_object(album, [TRACK], "SE"))
    assert (shown.copyrights[0].type, shown.external_ids) == ("P", {"upc": "00602445790920"})
    assert tk.FullTrack(**render.track_object(TRACK, "SE")).is_playable
    listed = render.discography_album(album, "appears_on")
    assert str(tk.SimpleAlbum(**listed).album_group) == "appears_on"
