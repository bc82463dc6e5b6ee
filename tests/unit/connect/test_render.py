from __future__ import annotations

import pytest

from shared.connect import render
from shared.connect.commands import Enqueue, Next, Pause, SetRepeat
from shared.connect.machine import apply
from shared.connect.models import Device, Player
from shared.connect.service import View
from tests.unit.connect.players import NOW_MS, a_player, an_entry, an_item

SPEAKER = Device("speaker", "Kitchen", "Speaker", 30, expires_at_ms=NOW_MS + 1)
DEAF = Device("tv", "Den", "TV", 80, supports_volume=False, expires_at_ms=NOW_MS + 1)


def test_the_queue_comes_first_then_the_context_and_twenty_at_most() -> None:
    player = apply(a_player(50), Enqueue(an_entry(1)), NOW_MS)
    ahead = render.next_items(player)
    assert ahead == [an_entry(1).item, *(an_item(number) for number in range(1, 20))]
    assert len(ahead) == render.QUEUE_SHOWN
    assert render.next_items(Player()) == []


def test_a_repeated_context_comes_round() -> None:
    player = apply(a_player(2), SetRepeat("context"), NOW_MS)
    assert render.next_items(player)[:3] == [an_item(1), an_item(0), an_item(1)]


@pytest.mark.parametrize(
    ("player", "disallowed"),
    [
        (a_player(), {"resuming", "skipping_prev"}),
        (apply(a_player(), Next(), NOW_MS), {"resuming"}),
        (apply(a_player(), Pause(), NOW_MS), {"pausing", "skipping_prev"}),
        (apply(a_player(), SetRepeat("context"), NOW_MS), {"resuming"}),
    ],
)
def test_actions_say_what_would_be_refused(player: Player, disallowed: set[str]) -> None:
    assert set(render._actions(player)["disallows"]) == disallowed


def test_devices_are_told_with_the_active_one_marked() -> None:
    view = View(a_player(), SPEAKER, (DEAF, SPEAKER), NOW_MS)
    den, kitchen = render.devices(view)["devices"]
    assert (den["is_active"], kitchen["is_active"]) == (False, True)
    assert (den["volume_percent"], kitchen["volume_percent"]) == (None, 30)


async def test_nothing_plays_where_no_device_is_active() -> None:
    reader = render.Reader("ada")
    assert await render.playback(View(a_player(), None, (), NOW_MS), reader) is None
    assert await render.currently_playing(View(Player(), SPEAKER, (), NOW_MS), reader) is None
