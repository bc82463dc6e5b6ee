"""Shows and episodes have what strict clients want."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import tekore.model as tk

from shared.podcasts import render
from shared.podcasts.documents import episode_document, show_document
from shared.podcasts.models import Episode, ResumePoint, Show
from tests import local_settings

SHOW = Show(
    id="s" * 22,
    name="Sånger",
    publisher="Radio",
    description="Songs <& more>",
    languages=("sv",),
    images=("i" * 22,),
    territories=("SE",),
    total_episodes=1,
)
EPISODE = Episode(
    id="e" * 22,
    show_id=SHOW.id,
    name="Premiär",
    duration_ms=60_000,
    release_date="2026-02-03",
    release_date_precision="day",
)
POINT = ResumePoint(user_id="ada", episode_id=EPISODE.id, position_ms=1234)


@pytest.fixture(autouse=True, scope="module")
def _settings() -> Iterator[None]:
    with local_settings.environment():
        yield


def test_a_show_has_its_first_episodes() -> None:
    shown = render.show_object(SHOW, [EPISODE], 1)
    parsed = tk.FullShow(**shown)
    assert parsed.episodes is not None
    assert parsed.episodes.items[0].name == "Premiär"
    assert shown["html_description"] == "Songs &lt;&amp; more&gt;"
    assert shown["available_markets"] == ["SE"]


def test_an_episode_takes_from_its_show_what_it_has_not_itself() -> None:
    shown = render.episode_object(EPISODE, SHOW)
    tk.FullEpisode(**shown)
    assert (shown["language"], shown["languages"]) == ("sv", ["sv"])
    assert shown["images"] == render.simplified_show(SHOW)["images"]
    assert shown["is_playable"] is True
    assert "resume_point" not in shown


def test_an_episode_is_restricted_where_its_show_is_not_released() -> None:
    shown = render.simplified_episode(EPISODE, SHOW, "DE")
    assert (shown["is_playable"], shown["restrictions"]) == (False, {"reason": "market"})


def test_a_resume_point_is_shown_when_it_is_given() -> None:
    shown = render.episode_object(EPISODE, SHOW, resume=POINT)
    assert shown["resume_point"] == {"fully_played": False, "resume_position_ms": 1234}
    page = render.episodes_page(SHOW, [EPISODE], 3, 1, 1, "SE", {EPISODE.id: POINT})
    assert page["items"][0]["resume_point"]["resume_position_ms"] == 1234
    assert page["next"] == f"{page['href'].partition('?')[0]}?market=SE&offset=2&limit=1"


def test_shows_and_episodes_are_found_by_name_show_and_publisher() -> None:
    show = show_document(SHOW)
    assert (show.name, show.artists) == (SHOW.name, (SHOW.publisher,))
    found = episode_document(EPISODE, SHOW)
    assert (found.name, found.album, found.artists) == (EPISODE.name, SHOW.name, (SHOW.publisher,))
    assert (found.key, found.territories) == (f"episode:{EPISODE.id}", ("SE",))
