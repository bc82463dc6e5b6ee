"""Listeners and browsers for the client tests."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, sync_playwright

from emulators import seed
from tests.clients.browsing import VIEWPORT, OpenTab, Tab, launch
from tests.clients.listening import Listener
from tests.whole_cloud import WholeCloud


@pytest.fixture(scope="session")
def web() -> Iterator[httpx.Client]:
    """HTTP without a token, as a player asks a CDN."""
    with httpx.Client(timeout=30, trust_env=False) as client:
        yield client


@pytest.fixture(scope="session")
def listener(whole_cloud: WholeCloud, web: httpx.Client) -> Iterator[Listener]:
    """The demo user, who has Premium."""
    with whole_cloud.client(seed.DEMO_USER) as api:
        yield Listener(api, web)


@pytest.fixture(scope="session")
def free_listener(whole_cloud: WholeCloud, web: httpx.Client) -> Iterator[Listener]:
    """A second user, without Premium."""
    with whole_cloud.client(seed.FREE_USER) as api:
        yield Listener(api, web)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture
def open_tab(browser: Browser, whole_cloud: WholeCloud) -> Iterator[OpenTab]:
    """Tabs, each with a profile of its own, closed after the test."""
    tabs: list[Tab] = []

    def new() -> Tab:
        context = browser.new_context(viewport=VIEWPORT)
        tabs.append(Tab.open(context, whole_cloud.url))
        return tabs[-1]

    yield new
    with whole_cloud.client() as api:
        for tab in tabs:
            # A tab says itself that it goes, unless all of Chromium's connections go with it.
            device = tab.page.evaluate("() => localStorage.getItem('segue.device')")
            tab.page.context.close()
            if device:
                gone = {"device_id": device, "stopped": True}
                api.post("/v1/playback/heartbeat", json=gone).raise_for_status()


@pytest.fixture
def tab(open_tab: OpenTab) -> Tab:
    """A tab in which the demo user is signed in."""
    tab = open_tab()
    tab.sign_in()
    return tab
