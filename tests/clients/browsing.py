"""A real browser with the web player in it, and what a person does there."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    BrowserContext,
    Locator,
    Page,
    Playwright,
    Request,
    Response,
    ViewportSize,
)

from emulators import prerequisites, seed

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_S = 20.0  # for anything that takes milliseconds on a machine of one's own
VIEWPORT: ViewportSize = {"width": 1280, "height": 800}
ALBUM, ALBUM_TRACKS = "Coastline After Dark", ("Neon Esplanade", "Tail Lights", "Glass Elevator")

# Samples the clock where it ticks: a busy test process cannot miss what happens between.
_SAMPLER = """() => {
  const audio = document.querySelector('audio');
  window.__samples = [];
  window.__sampler = setInterval(() => {
    const end = audio.buffered.length ? audio.buffered.end(audio.buffered.length - 1) : 0;
    window.__samples.push({
      at: performance.now() / 1000, clock: audio.currentTime, buffered: end,
      paused: audio.paused, cdn: window.__segue.state().cdn,
    });
  }, 100);
}"""
_COLLECT = "() => { clearInterval(window.__sampler); return window.__samples; }"


def launch(playwright: Playwright) -> Browser:
    """Chromium without a sandbox (tests run as root) and without traffic of its own."""
    return playwright.chromium.launch(
        executable_path=prerequisites.chromium(), args=list(FLAGS), timeout=60_000
    )


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at the audio element, times in seconds."""

    at: float
    clock: float
    buffered: float
    paused: bool
    cdn: str | None


@dataclass(slots=True)
class Tab:
    """A tab of a fresh browser profile, with all that went wrong in it."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)
    segments: list[Response] = field(default_factory=list)
    licences: list[Response] = field(default_factory=list)

    @classmethod
    def open(cls, context: BrowserContext, url: str) -> Tab:
        """A tab that notes errors, segments and licences from its first request on."""
        tab = cls(context.new_page(), url)
        page = tab.page
        page.set_default_timeout(PATIENCE_S * 1000)
        page.on("pageerror", lambda error: tab.complaints.append(f"page error: {error}"))
        page.on(
            "console",
            lambda message: (
                tab.complaints.append(f"{message.text} ({message.location.get('url', '')})")
                if message.type == "error"
                else None
            ),
        )
        page.on("response", lambda response: tab._note(response))
        return tab

    def _note(self, response: Response) -> None:
        path = urlsplit(response.url).path
        if path.startswith("/audio/") and response.request.method == "GET":
            self.segments.append(response)
        elif path == "/v1/playback/license":
            self.licences.append(response)

    def sign_in(self, password: str = seed.DEMO_PASSWORD) -> None:
        """Through the accounts page, up to the page with the search field."""
        self.page.goto(self.url)
        self.by("sign-in").click()
        self.fill_accounts_page(password)
        self.by("search-input").wait_for()
        self.until(lambda: bool(self.page.evaluate("() => window.__segue.engineReady")))

    def fill_accounts_page(self, password: str) -> None:
        """Username, password, and the button under them."""
        self.page.get_by_label("Username").fill(seed.DEMO_USER)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in and continue").click()

    def by(self, test_id: str) -> Locator:
        """Elements with this `data-testid`."""
        return self.page.get_by_test_id(test_id)

    def search(self, words: str) -> None:
        """Types into the search field, letter by letter."""
        self.by("search-input").click()
        self.by("search-input").press_sequentially(words, delay=15)

    def result(self, kind: str, name: str) -> Locator:
        """The search result of a kind (`track`, `album`) with this name."""
        return self.by(f"result-{kind}").filter(has_text=name).first

    def open_album(self, name: str) -> Locator:
        """Searches for an album and opens it; its track buttons."""
        self.search(name)
        self.result("album", name).click()
        self.by("album-view").get_by_role("heading", name=name).wait_for()
        return self.by("album-track")

    def state(self) -> dict[str, Any]:
        """What the player says of itself."""
        state: dict[str, Any] = self.page.evaluate("() => window.__segue.state()")
        return state

    @property
    def clock(self) -> float:
        """Position of the audio element in seconds."""
        return float(self.page.evaluate("() => document.querySelector('audio').currentTime"))

    def requests(self, part: str) -> list[Request]:
        """Those whose address contains `part`, as they are sent from now on."""
        sent: list[Request] = []
        self.page.on("request", lambda one: sent.append(one) if part in one.url else None)
        return sent

    def until(self, check: Callable[[], bool], seconds: float = PATIENCE_S) -> None:
        """Waits for `check()`; says what the player thinks when it does not come true."""
        deadline = time.monotonic() + seconds
        while not check():
            if time.monotonic() > deadline:
                handle = "() => window.__segue?.state() ?? document.body.innerText"
                state = self.page.evaluate(handle)
                raise AssertionError(f"not within {seconds:.0f} s: {state}; {self.complaints}")
            self.page.wait_for_timeout(50)

    def until_playing(self, title: str, beyond_s: float = 0.2) -> None:
        """Waits until `title` sounds and its clock has passed `beyond_s`."""
        self.until(lambda: self.by("now-playing-title").text_content() == title)
        self.until(lambda: self.state()["status"] == "playing" and self.clock > beyond_s)

    def start_sampling(self) -> None:
        """Notes clock and buffer every 100 ms from now on."""
        self.page.evaluate(_SAMPLER)

    def samples(self) -> list[Sample]:
        """What was noted; ends the sampling."""
        return [Sample(**one) for one in self.page.evaluate(_COLLECT)]

    def complaints_not_about(self, *hosts: str) -> list[str]:
        """Errors but those of requests to `hosts` (`127.0.0.1:8081`), which a test broke."""
        return [one for one in self.complaints if not any(host in one for host in hosts)]


OpenTab = Callable[[], Tab]


def lost_s(samples: list[Sample]) -> float:
    """Seconds by which the clock fell behind the time that passed, all stalls together."""
    first, last = samples[0], samples[-1]
    return (last.at - first.at) - (last.clock - first.clock)


def longest_standstill_s(samples: list[Sample]) -> float:
    """Longest time for which the clock did not move."""
    longest, since = 0.0, samples[0]
    for sample in samples[1:]:
        if sample.clock > since.clock:
            since = sample
        longest = max(longest, sample.at - since.at)
    return longest
