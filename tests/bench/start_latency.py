"""Tap to first decoded audio in Chromium, as the player itself measures it."""

from __future__ import annotations

from itertools import cycle, islice

import httpx
from playwright.sync_api import Browser, sync_playwright

from emulators import demo
from emulators.cloud import LocalCloud
from tests.bench import local
from tests.bench.report import Report, percentile
from tests.clients.browsing import VIEWPORT, Tab, launch

STARTS = 30  # of each kind
REST_MS = 250  # a pointer that comes to a track and presses: it rests about so long
TARGETS = (("p50", 0.5, 150), ("p95", 0.95, 350), ("p99", 0.99, 500))
_TAP = "button => button.click()"  # no pointer came near: nothing was prepared


def run(cloud: LocalCloud) -> None:
    """One start per page load, so that each begins without a session, a licence or a segment."""
    places = _places(cloud)
    with sync_playwright() as playwright:
        browser = launch(playwright)
        tab = _signed_in(browser, cloud)
        for album_id, track_id in places:  # edges and functions warm, as in a running service
            _start(tab, album_id, track_id, hover=False)
        pointed = [_start(tab, *place, hover=True) for place in islice(cycle(places), STARTS)]
        tapped = [_start(tab, *place, hover=False) for place in islice(cycle(places), STARTS)]
        browser.close()
    report = Report(
        "start_latency",
        f"headless Chromium, demo catalogue, {STARTS} starts each, one per page load, warm edge",
    )
    for kind, values in (("pointed at, then pressed", pointed), ("tapped unforeseen", tapped)):
        for name, share, target in TARGETS:
            report.add(f"{kind}: {name}", percentile(values, share), "ms", f"≤ {target} ms")
    report.show()


def _places(cloud: LocalCloud) -> list[tuple[str, str]]:
    """Album id and track id of every demo track that an album's page does not prepare by itself,
    as it does its first one."""
    headers = {"Authorization": f"Bearer {local.access_token(cloud, 'streaming')}"}
    found = []
    with httpx.Client(base_url=cloud.url, headers=headers, timeout=30) as api:
        for album in demo.ALBUMS:
            query = {"q": album.title, "type": "album"}
            answer = api.get("/v1/search", params=query).raise_for_status().json()
            album_id = answer["albums"]["items"][0]["id"]
            tracks = api.get(f"/v1/albums/{album_id}/tracks").raise_for_status().json()["items"]
            found += [(album_id, track["id"]) for track in tracks[1:]]
    return found


def _signed_in(browser: Browser, cloud: LocalCloud) -> Tab:
    context = browser.new_context(viewport=VIEWPORT)  # type: ignore[arg-type]
    tab = Tab.open(context, cloud.url)
    tab.sign_in()
    return tab


def _start(tab: Tab, album_id: str, track_id: str, *, hover: bool) -> float:
    """Milliseconds from the press to the first audio of a track on its album's page."""
    page = tab.page
    page.mouse.move(0, 0)
    page.goto("about:blank")
    page.goto(f"{tab.url}/#/album/{album_id}")
    track = page.locator(f'[data-testid="album-track"][data-track-id="{track_id}"]')
    track.wait_for()
    tab.until(lambda: bool(page.evaluate("() => window.__segue.engineReady")))
    page.wait_for_timeout(400)  # covers and the album's first track have come in
    if hover:
        track.hover()
        page.wait_for_timeout(REST_MS)
        track.click()
    else:
        track.evaluate(_TAP)
    tab.until(lambda: len(page.evaluate("() => window.__segue.metrics")) > 0)
    return float(page.evaluate("() => window.__segue.metrics[0].timeToFirstAudioMs"))
