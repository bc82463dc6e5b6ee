"""Where something is blocked, and what that means to whoever asks for it."""

from __future__ import annotations

import pytest

from shared.catalog import render
from shared.catalog.markets import MARKETS, available_markets
from shared.catalog.merging import merged_album, merged_artist, merged_track, stated_track, united
from shared.catalog.models import Album, AlbumRef, Artist, Track
from shared.catalog.withdrawals import restored, withdrawn
from shared.platform.errors import InvalidInput
from tests.unit.catalog.samples import a_track, an_album, an_artist

ARTIST = an_artist()
ALBUM = an_album(ARTIST)


@pytest.mark.parametrize(
    ("held", "markets", "blocked"),
    [
        ((), ("DE", "at"), ("AT", "DE")),
        (("DE",), ("DE",), ("DE",)),
        (("DE",), (), ("*",)),
        ((), (), ("*",)),
        (("*",), ("DE",), ("*",)),
    ],
)
def test_a_withdrawal_adds_to_what_is_blocked(
    held: tuple[str, ...], markets: tuple[str, ...], blocked: tuple[str, ...]
) -> None:
    assert withdrawn(held, markets) == blocked
    assert withdrawn(blocked, markets) == blocked


@pytest.mark.parametrize(
    ("held", "markets", "blocked"),
    [
        (("AT", "DE"), ("DE",), ("AT",)),
        (("AT", "DE"), (), ()),
        (("*",), (), ()),
        ((), ("DE",), ()),
    ],
)
def test_restoring_takes_away_from_what_is_blocked(
    held: tuple[str, ...], markets: tuple[str, ...], blocked: tuple[str, ...]
) -> None:
    assert restored(held, markets) == blocked
    assert restored(blocked, markets) == blocked


def test_what_is_blocked_everywhere_is_not_restored_in_one_market() -> None:
    with pytest.raises(InvalidInput, match="restore it without naming a market"):
        restored(("*",), ("DE",))


@pytest.mark.parametrize("code", ["ZZ", "*", "Germany"])
def test_a_market_that_is_none_is_refused(code: str) -> None:
    with pytest.raises(InvalidInput, match="Invalid market code"):
        withdrawn((), (code,))


def test_a_block_takes_away_from_the_licence() -> None:
    track = a_track(ALBUM, territories=("DE", "SE"), blocked_in=("DE",))
    assert [track.is_released_in(one) for one in ("DE", "SE", "US", None)] == [
        False,
        True,
        False,
        True,
    ]
    shown = render.track_object(track, "DE")
    assert shown["available_markets"] == ["SE"]
    assert (shown["is_playable"], shown["restrictions"]) == (False, {"reason": "market"})


def test_a_block_everywhere_leaves_no_market() -> None:
    track = a_track(ALBUM, blocked_in=("*",))
    assert not any(track.is_released_in(one) for one in (*MARKETS, None))
    assert available_markets((), ("*",)) == []
    assert available_markets((), ("DE",)) == [one for one in MARKETS if one != "DE"]


def test_a_track_is_blocked_with_its_album() -> None:
    album = ALBUM.model_copy(update={"blocked_in": ("DE",)})
    track = a_track(album, blocked_in=("AT",))
    assert track.withheld_in == ("AT", "DE")
    assert not track.is_released_in("DE")
    assert "DE" not in render.simplified_album(track.album, "DE")["available_markets"]


def test_an_artist_is_blocked_for_those_whose_market_is_named() -> None:
    artist = an_artist(blocked_in=("DE",))
    assert artist.is_blocked_in("DE")
    assert not artist.is_blocked_in("SE")
    assert not artist.is_blocked_in(None)
    assert an_artist(blocked_in=("*",)).is_blocked_in(None)


@pytest.mark.parametrize("model", [Track, Album, Artist])
def test_documents_of_before_blocks_have_none(model: type[Track | Album | Artist]) -> None:
    held = {Track: a_track(ALBUM), Album: ALBUM, Artist: ARTIST}[model].to_document()
    del held["blocked_in"]
    held.get("album", {}).pop("blocked_in", None)
    assert model.model_validate(held).withheld_in == ()


def test_no_publish_lifts_a_block() -> None:
    blocked = {"blocked_in": ("DE",)}
    album = ALBUM.model_copy(update=blocked)
    track = a_track(ALBUM)
    held = track.model_copy(update=blocked)
    again = merged_album(ALBUM, album, track, 0)
    assert again.blocked_in == ("DE",)
    assert merged_track(track, held, again).blocked_in == ("DE",)
    assert merged_track(a_track(ALBUM), None, again).album.blocked_in == ("DE",)
    assert merged_artist(ARTIST, ARTIST.model_copy(update=blocked)).blocked_in == ("DE",)
    for silent in (held, held.model_copy(update={"asset_version": ""})):
        assert stated_track(track, silent).blocked_in == ("DE",)


def test_a_load_says_of_tracks_what_their_albums_blocks_are() -> None:
    elsewhere = an_album(ARTIST)
    tracks = [a_track(ALBUM), a_track(elsewhere), a_track(an_album(ARTIST))]
    agreed, (album,) = united(tracks, [ALBUM], {ALBUM.id: ("DE",), elsewhere.id: ("*",)})
    assert album.blocked_in == ("DE",)
    assert [one.album.blocked_in for one in agreed] == [("DE",), ("*",), ()]


def test_the_copy_of_an_album_knows_its_blocks() -> None:
    assert ALBUM.model_copy(update={"blocked_in": ("DE",)}).ref().blocked_in == ("DE",)
    assert AlbumRef(id="a" * 22, name="Old").blocked_in == ()
