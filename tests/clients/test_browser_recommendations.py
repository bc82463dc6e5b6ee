"""What the web player recommends: home, radio, and what goes on when an album has ended."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Request, Route

from tests.clients.browsing import ALBUM, ALBUM_TRACKS, Tab
from tests.clients.listening import Listener
from tests.whole_cloud import WholeCloud

SILENT = "Kettle Song"  # of the catalogue, and never rendered
TO_THE_END = "() => { const a = document.querySelector('audio'); a.currentTime = a.duration - 1; }"


def show(tab: Tab, **shelves: list[dict[str, Any]]) -> None:
    """Opens a home that has these tracks on these shelves."""
    shown = [
        {"id": name, "title": name, "uri": f"segue:shelf:{name}", "items": tracks}
        for name, tracks in ((one.replace("_", "-"), each) for one, each in shelves.items())
    ]
    home = {"made_at": "2026-11-22T12:00:00Z", "is_last_good": False, "shelves": shown}
    tab.page.route("**/v1/me/home", lambda route: route.fulfill(json=home))
    tab.page.goto(tab.url)
    tab.by("shelf").nth(len(shown) - 1).wait_for()


def some(listener: Listener, count: int) -> list[dict[str, Any]]:
    """So many tracks, each with a reason."""
    asked = {"q": "a", "type": "track", "limit": count}
    answer = listener.api.get("/v1/search", params=asked).raise_for_status().json()
    reason = {"kind": "popular_here", "text": "Popular in your country", "uri": None}
    return [{**one, "reason": reason} for one in answer["tracks"]["items"]]


# --- home ---------------------------------------------------------------------------------------


@pytest.fixture
def shelved(tab: Tab, listener: Listener) -> list[str]:
    """The ids of tracks that stand on the only shelf of home."""
    tracks = some(listener, 3)
    show(tab, for_you=tracks)
    return [one["id"] for one in tracks]


def card(tab: Tab, track_id: str) -> Locator:
    """A track's card on a shelf, or its cards on several."""
    return tab.page.locator(f'.card[data-track-id="{track_id}"]')


def say(tab: Tab, track_id: str, kind: str) -> None:
    """Says of a track on a shelf what its menu offers (`hide`, `report`)."""
    tab.page.locator("li", has=card(tab, track_id)).get_by_test_id("feedback").first.click()
    tab.by(f"feedback-{kind}").locator("visible=true").click()
    card(tab, track_id).first.wait_for(state="hidden")


def focused(tab: Tab) -> str:
    """The track that a key would play now."""
    return str(tab.page.evaluate("() => document.activeElement.dataset.trackId"))


def test_home_searches_for_nothing(tab: Tab, listener: Listener) -> None:
    searches = tab.requests("/v1/search")
    show(tab, for_you=some(listener, 3))
    tab.by("shelf-track").nth(2).wait_for()
    tab.by("album-card").first.wait_for()
    assert searches == []
    assert tab.complaints == []


def test_what_is_not_for_somebody_goes_from_the_shelf_at_once(tab: Tab, shelved: list[str]) -> None:
    said = tab.requests("/v1/me/feedback")
    for track_id, kind in zip(shelved, ("hide", "report"), strict=False):
        say(tab, track_id, kind)
        assert said[-1].post_data_json == {"uri": f"spotify:track:{track_id}", "kind": kind}
    assert tab.by("shelf-track").locator("visible=true").count() == 1
    assert focused(tab) == shelved[2]
    assert tab.complaints == []


def test_what_was_hidden_by_mistake_is_taken_back(tab: Tab, shelved: list[str]) -> None:
    said = tab.requests("/v1/me/feedback")
    say(tab, shelved[0], "hide")
    tab.by("undo").click()
    card(tab, shelved[0]).wait_for()
    tab.by("undo").wait_for(state="detached")
    assert [one.post_data_json["kind"] for one in said] == ["hide", "unhide"]
    tab.until(lambda: focused(tab) == shelved[0])
    assert tab.complaints == []


def test_a_track_goes_from_every_shelf_and_the_way_back_outlives_the_page(
    tab: Tab, listener: Listener
) -> None:
    first, second, third = some(listener, 3)
    show(tab, for_you=[first, second], popular=[third, first])
    cards = card(tab, first["id"]).locator("visible=true")
    assert cards.count() == 2
    say(tab, first["id"], "hide")
    assert cards.count() == 0
    tab.by("undo").click()
    tab.until(lambda: cards.count() == 2)
    say(tab, first["id"], "hide")
    tab.page.evaluate("() => { location.hash = '#/search/elsewhere'; }")
    tab.by("shelf").first.wait_for(state="detached")
    tab.by("undo").click()
    tab.page.get_by_role("status").get_by_text("is back").first.wait_for()
    tab.until(lambda: bool(tab.page.evaluate("() => document.activeElement.id === 'main'")))
    assert tab.complaints == []


def test_a_track_is_back_when_it_could_not_be_hidden(tab: Tab, shelved: list[str]) -> None:
    refusal = json.dumps({"error": {"status": 503, "message": "Not in this test"}})
    tab.page.route(
        "**/v1/me/feedback",
        lambda route: route.fulfill(status=503, body=refusal, content_type="application/json"),
    )
    tab.by("feedback").first.focus()
    for key in ("Enter", "Tab", "Enter"):
        tab.page.keyboard.press(key)
    tab.by("error-toast").wait_for()
    assert tab.by("shelf-track").locator("visible=true").count() == len(shelved)


def test_each_shelf_stands_where_it_was_told_to_and_plays_as_itself(
    tab: Tab, listener: Listener
) -> None:
    """What was played last is one of them, and there only once."""
    first, second, third = some(listener, 3)
    told = tab.requests("/v1/events")
    show(tab, for_you=[first], recently_played=[second], popular=[third])
    tab.by("album-card").first.wait_for()
    shown = tab.by("shelf").evaluate_all("found => found.map(one => one.dataset.shelf)")
    assert shown == ["for-you", "recently-played", "popular"]
    assert tab.by("recent-track").count() == 1
    tab.by("recent-track").click()
    tab.until(lambda: any("segue:shelf:recently-played" in (one.post_data or "") for one in told))


# --- what comes next ----------------------------------------------------------------------------


def test_a_list_goes_on_past_what_cannot_be_heard(tab: Tab, whole_cloud: WholeCloud) -> None:
    names = ("Tail Lights", SILENT, "Remainder")
    tracks = [whole_cloud.find_track(name) for name in names]
    show(tab, for_you=[{**one, "reason": None} for one in tracks])
    cards = tab.by("shelf-track")
    cards.nth(1).click()  # whoever wants to hear it is told why not
    tab.by("error-toast").wait_for()
    assert "can’t be heard" in str(tab.by("error-toast").text_content())
    assert tab.state()["trackId"] == tracks[1]["id"]
    cards.nth(0).click()
    tab.until_playing(names[0])
    tab.by("next").click()
    tab.until_playing(names[2])
    assert tab.state()["trackId"] == tracks[2]["id"]


def test_a_radio_plays_as_itself_and_a_skip_changes_what_follows(
    tab: Tab, whole_cloud: WholeCloud
) -> None:
    first, second, third = (
        whole_cloud.find_track(name) for name in ("Tail Lights", "Remainder", "Overload")
    )
    answers = iter([[first, second], [third]])
    tab.page.route("**/v1/me/radio?*", lambda route: route.fulfill(json={"items": next(answers)}))
    tab.open_album(ALBUM).first.wait_for()
    with tab.page.expect_request(_tells_of_a_start) as told:
        tab.by("radio").click()
        tab.until_playing(first["name"])
    (play,) = _starts(told.value)
    assert play["context_uri"] == f"segue:radio:{first['album']['id']}"
    tab.by("next").click()
    tab.until_playing(second["name"])
    tab.until(lambda: tab.by("next").is_enabled())
    tab.by("queue").click()
    assert tab.page.locator(".queue-row").all_text_contents()[0].startswith(third["name"])
    assert tab.complaints == []


def _tells_of_a_start(request: Request) -> bool:
    return request.url.endswith("/v1/events") and bool(_starts(request))


def _starts(request: Request) -> list[dict[str, Any]]:
    events = (request.post_data_json or {})["events"]
    return [one for one in events if one["type"] == "play_started"]


def test_after_the_last_track_something_alike_is_played_where_that_is_wanted(
    tab: Tab, whole_cloud: WholeCloud
) -> None:
    silent, alike = whole_cloud.find_track(SILENT), whole_cloud.find_track("Remainder")
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(parse_qs(urlsplit(route.request.url).query)["context_uri"][0])
        route.fulfill(json={"tracks": [silent, alike]})

    tab.page.route("**/v1/me/autoplay?*", answer)
    last = tab.open_album(ALBUM).nth(2)
    last.click()
    tab.until_playing(ALBUM_TRACKS[2])
    tab.by("queue").click()
    tab.by("goes-on").uncheck()
    assert "silence" in str(tab.page.locator(".queue-empty").text_content())
    tab.page.keyboard.press("Escape")
    tab.page.evaluate(TO_THE_END)
    tab.until(lambda: tab.state()["status"] == "ended")
    tab.page.wait_for_timeout(500)
    assert asked == []

    tab.by("queue").click()
    tab.by("goes-on").check()
    tab.page.keyboard.press("Escape")
    last.click()
    tab.until_playing(ALBUM_TRACKS[2])
    tab.page.evaluate(TO_THE_END)
    tab.until_playing(alike["name"])
    album_id = tab.by("album-view").get_attribute("data-album-id")
    assert asked == [f"spotify:album:{album_id}"]
