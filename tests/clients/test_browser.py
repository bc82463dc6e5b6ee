"""The web player in Chromium, as somebody uses it who never heard of an edge."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.sync_api import Page, Request, Route

from tests.clients import sound
from tests.clients.browsing import (
    ALBUM,
    ALBUM_TRACKS,
    PATIENCE_S,
    OpenTab,
    Tab,
    longest_standstill_s,
    lost_s,
)
from tests.clients.listening import Listener
from tests.whole_cloud import WholeCloud, eventually

CDNS = {"google", "cloudfront", "akamai"}
# Of a clock that is looked at every 100 ms, on a machine that does other things beside.
STANDSTILL_S = 0.35
LOST_S = 0.5
SILENCE_AFTER_JUMP_S = 2.0
LONGEST = "Moorings"
# --- sign in, search, play ----------------------------------------------------------------------


def test_somebody_signs_in_searches_and_hears_an_encrypted_track(
    tab: Tab, listener: Listener, tmp_path: Path
) -> None:
    page, manifests = tab.page, []
    page.on(
        "response",
        lambda answer: manifests.append(answer) if answer.url.endswith("/manifest.mpd") else None,
    )
    tab.search("moor")
    tab.result("track", LONGEST).click()
    tab.until_playing(LONGEST, beyond_s=6.5)  # past the first segment

    assert "<ContentProtection" in manifests[0].text()
    assert {answer.status for answer in tab.licences} == {200}
    assert page.evaluate("() => document.querySelector('audio').mediaKeys instanceof MediaKeys")
    assert tab.by("elapsed").text_content() in ("0:06", "0:07", "0:08", "0:09")
    assert tab.by("duration").text_content() == clock(listener.track(tab.state()["trackId"]))
    assert tab.complaints == []

    # What the edge served: Chromium had the key, nobody else can make sound of it.
    # (The page has also fetched the beginning of what was played last.)
    track_id = tab.state()["trackId"]
    urls = [answer.url for answer in tab.segments if answer.ok and track_id in answer.url]
    rendition = {urlsplit(url).path.rpartition("/")[2].partition("0000")[0] for url in urls[1:]}
    assert "aac_256" in rendition  # F046: the web player's own tier
    init = next(url for url in urls if "aac_256-init" in url)
    media = [url for url in urls if "aac_256" in url and url != init]
    served = tmp_path / "served.mp4"
    served.write_bytes(b"".join(listener.web.get(url).content for url in (init, *media)))
    with pytest.raises(sound.Undecodable):
        sound.decode(served)
    key = listener.key(listener.manifest(track_id, br=256), listener.cmaf_kid(track_id))
    assert sound.seconds(sound.decode(served, "-decryption_key", key.hex())) > 6


def clock(track: dict[str, Any]) -> str:
    """A track's length as the player shows it."""
    minutes, seconds = divmod(track["duration_ms"] // 1000, 60)
    return f"{minutes}:{seconds:02}"


def test_without_a_licence_a_track_stays_silent(open_tab: OpenTab) -> None:
    tab = open_tab()
    refusal = json.dumps({"error": {"status": 403, "message": "No licence in this test"}})
    # Before signing in: the first page prepares what was played last.
    tab.page.route("**/v1/playback/license**", lambda route: _refuse(route, refusal))
    tab.sign_in()
    tab.search("moor")
    tab.result("track", LONGEST).click()
    tab.by("error-toast").wait_for()
    assert tab.clock == 0
    assert tab.state()["status"] == "paused"
    assert tab.state()["timeToFirstAudioMs"] == []
    assert "available to you" in str(tab.by("error-toast").text_content())


def _refuse(route: Route, body: str) -> None:
    route.fulfill(status=403, body=body, content_type="application/json")


def test_a_start_tells_its_time_to_first_audio(tab: Tab) -> None:
    batches = tab.requests("/v1/events")

    def starts() -> list[dict[str, object]]:
        reported = [event for one in batches for event in one.post_data_json["events"]]
        return [event for event in reported if event["type"] == "play_started"]

    tab.search("tail")
    tab.result("track", "Tail Lights").click()
    tab.until_playing("Tail Lights")
    tab.until(lambda: bool(starts()))
    (start,) = tab.page.evaluate("() => window.__segue.metrics")
    assert 1 <= start["timeToFirstAudioMs"] < PATIENCE_S * 1000
    assert start["cdn"] in CDNS
    (event,) = starts()
    assert event["time_to_first_audio_ms"] == start["timeToFirstAudioMs"]
    assert event["track_id"] == start["trackId"] == tab.state()["trackId"]
    assert tab.complaints == []


# --- failover -----------------------------------------------------------------------------------


@contextmanager
def edge_killed(cloud: WholeCloud, name: str) -> Iterator[None]:
    """`name` is dead within; afterwards the manifests name it again."""
    cloud.cloud.kill_edge(name)
    try:
        yield
    finally:
        cloud.cloud.start_edge(name)
        cloud.cloud.run_job("probe_cdn_health")
        track_id = cloud.find_track(LONGEST)["id"]

        def named() -> bool:
            with cloud.client() as api:
                answer = api.get("/v1/playback/manifest", params={"track_id": track_id}).json()
            return {one["cdn"] for one in answer["cdns"]} == CDNS

        eventually(named, seconds=90)


def test_a_killed_edge_makes_the_player_go_on_from_the_next_without_stopping(
    tab: Tab, whole_cloud: WholeCloud
) -> None:
    tab.search("moor")
    tab.result("track", LONGEST).click()
    tab.until_playing(LONGEST, beyond_s=1)
    tab.until(lambda: tab.state()["bufferedEnd"] - tab.clock > 20)
    before = tab.state()
    tab.start_sampling()
    with edge_killed(whole_cloud, before["cdn"]):
        tab.until(lambda: tab.state()["cdn"] != before["cdn"])
        tab.until(lambda: tab.state()["bufferedEnd"] > before["bufferedEnd"] + 1)
        samples, after = tab.samples(), tab.state()

    assert after["cdn"] in CDNS - {before["cdn"]}
    assert samples[-1].clock - samples[0].clock > 1
    assert longest_standstill_s(samples) < STANDSTILL_S
    assert lost_s(samples) < LOST_S
    assert not any(sample.paused for sample in samples)
    assert after["errors"] == []
    killed = urlsplit(whole_cloud.edge_url(before["cdn"])).netloc
    assert tab.complaints_not_about(killed) == []


def test_a_jump_beyond_the_buffer_lands_on_the_next_cdn_when_the_edge_is_dead(
    tab: Tab, whole_cloud: WholeCloud
) -> None:
    tab.search("moor")
    tab.result("track", LONGEST).click()
    tab.until_playing(LONGEST, beyond_s=1)
    tab.until(lambda: tab.state()["bufferedEnd"] - tab.clock > 20)
    before = tab.state()
    # Beyond what is buffered and the two segments that may be fetched ahead of it.
    target = before["bufferedEnd"] + 15
    assert target < before["duration"] - 10
    with edge_killed(whole_cloud, before["cdn"]):
        tab.start_sampling()
        tab.page.evaluate("to => { document.querySelector('audio').currentTime = to; }", target)
        tab.until(lambda: tab.clock > target + 1)
        samples, after = tab.samples(), tab.state()

    silent = [sample for sample in samples if sample.clock < target + 0.05]
    assert silent[-1].at - samples[0].at < SILENCE_AFTER_JUMP_S
    assert after["cdn"] in CDNS - {before["cdn"]}
    assert after["errors"] == []


# --- controls -----------------------------------------------------------------------------------


def test_pause_seek_next_previous_and_volume_do_what_they_say(tab: Tab, listener: Listener) -> None:
    page = tab.page
    tracks = tab.open_album(ALBUM)
    assert tracks.all_text_contents() == list(ALBUM_TRACKS)
    tracks.first.click()
    tab.until_playing(ALBUM_TRACKS[0], beyond_s=0.5)

    tab.by("play-toggle").click()
    tab.until(lambda: tab.state()["paused"])
    stands = tab.clock
    page.wait_for_timeout(600)
    assert tab.clock == stands
    assert tab.by("play-toggle").get_attribute("aria-label") == "Play"
    tab.by("play-toggle").click()
    tab.until(lambda: tab.clock > stands + 0.3)
    assert tab.by("play-toggle").get_attribute("aria-label") == "Pause"

    duration = tab.state()["duration"]
    box = tab.by("seek").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tab.until(lambda: tab.clock > duration / 2 + 0.3)  # and goes on from there
    assert tab.clock < duration / 2 + 5
    tab.by("seek").press("ArrowLeft")
    tab.until(lambda: tab.clock < duration / 2)

    first = tab.state()["trackId"]
    tab.by("next").click()
    tab.until_playing(ALBUM_TRACKS[1])
    assert tab.clock < 10
    assert tab.state()["trackId"] != first
    second = listener.track(tab.state()["trackId"])
    assert second["name"] == ALBUM_TRACKS[1]
    assert tab.by("duration").text_content() == clock(second)
    tab.by("previous").click()
    tab.until_playing(ALBUM_TRACKS[0])
    assert tab.state()["trackId"] == first

    loud = _element_volume(page)
    tab.by("volume").fill("0.25")
    assert tab.state()["volume"] == 0.25
    assert 0 < _element_volume(page) < loud
    tab.by("mute").click()
    assert tab.state()["muted"]
    tab.by("mute").click()
    assert not tab.state()["muted"]
    assert tab.complaints == []


def _element_volume(page: Page) -> float:
    return float(page.evaluate("() => document.querySelector('audio').volume"))


def test_an_album_goes_on_to_its_next_track_by_itself(tab: Tab) -> None:
    tab.open_album(ALBUM).nth(1).click()
    tab.until_playing(ALBUM_TRACKS[1])
    tab.page.evaluate("() => { document.querySelector('audio').currentTime = 50.5; }")
    tab.until_playing(ALBUM_TRACKS[2], beyond_s=1)
    assert tab.state()["trackId"] != tab.page.evaluate("() => window.__segue.metrics[0].trackId")
    assert tab.by("next").is_disabled()  # that was the last one
    assert tab.complaints == []


def test_what_was_played_is_in_the_history(tab: Tab, listener: Listener) -> None:
    began = datetime.now(UTC)
    tab.search("remainder")
    tab.result("track", "Remainder").click()
    tab.until_playing("Remainder")
    tab.until(lambda: tab.state()["pendingEvents"] == 0)

    def told() -> bool:
        answer = listener.api.get("/v1/me/player/recently-played", params={"limit": 1}).json()
        newest = answer["items"][0] if answer["items"] else None
        return (
            newest is not None
            and newest["track"]["name"] == "Remainder"
            and datetime.fromisoformat(newest["played_at"]) > began
        )

    eventually(told, seconds=30)
    tab.page.goto(tab.url)
    tab.by("recent-track").first.wait_for()
    assert tab.by("recent-track").first.text_content() == "Remainder"


# --- the door -----------------------------------------------------------------------------------


def test_a_wrong_password_is_told_and_keeps_the_form(open_tab: OpenTab) -> None:
    tab = open_tab()
    page = tab.page
    page.goto(tab.url)
    tab.by("sign-in").click()
    tab.fill_accounts_page("not the password")
    page.get_by_role("alert").wait_for()
    assert page.get_by_label("Username").input_value() == "demo"
    assert page.get_by_label("Password").input_value() == ""
    assert "/accounts/authorize" in page.url
    # The same form still takes the right one.
    tab.fill_accounts_page("segue-demo")
    tab.by("search-input").wait_for()


@pytest.mark.parametrize("what", ["never asked for", "another state", "an unknown code"])
def test_a_callback_that_answers_no_question_of_this_tab_is_refused(
    open_tab: OpenTab, what: str
) -> None:
    tab = open_tab()
    page = tab.page
    page.goto(tab.url)
    state = "unheard-of"
    if what != "never asked for":
        tab.by("sign-in").click()
        page.get_by_label("Username").wait_for()
        asked = parse_qs(urlsplit(page.url).query)["state"][0]
        state = asked if what == "an unknown code" else asked[::-1]
    page.goto(f"{tab.url}/callback?code=made-up&state={state}")
    tab.by("error-toast").wait_for()
    assert tab.by("sign-in").is_visible()
    assert tab.by("search-input").count() == 0
    assert "code=" not in page.url
    stored = page.evaluate("() => JSON.stringify({...localStorage, ...sessionStorage})")
    assert "access_token" not in stored
    assert "refresh" not in stored


def gives_its_place_back(request: Request) -> bool:
    """Whether the next device need not wait for the lease to run out."""
    if not request.url.endswith("/v1/playback/heartbeat"):
        return False
    return bool((request.post_data_json or {})["stopped"])


def test_signing_out_closes_the_door_and_stops_the_music(tab: Tab) -> None:
    tab.search("carry")
    tab.result("track", "Carry the One").click()
    tab.until_playing("Carry the One")
    element = tab.page.evaluate_handle("() => document.querySelector('audio')")
    tab.page.get_by_label("Account").click()
    with tab.page.expect_response(lambda answer: gives_its_place_back(answer.request)) as told:
        tab.by("sign-out").click()
    assert told.value.ok
    tab.by("sign-in").wait_for()
    tab.until(lambda: bool(element.evaluate("audio => audio.paused")))
    tab.page.reload()
    tab.by("sign-in").wait_for()


def test_the_page_is_served_with_a_policy_that_keeps_foreign_scripts_out(
    whole_cloud: WholeCloud, web: httpx.Client
) -> None:
    policy = web.get(whole_cloud.url).headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
