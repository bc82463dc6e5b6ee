from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.connect.models import Device, Devices, Player
from shared.connect.store import documents
from tests.unit.connect.players import an_item
from tests.unit.connect.test_machine_properties import STEPS, run


@given(STEPS)
def test_a_stored_player_is_read_back_as_it_was(steps: list) -> None:  # type: ignore[type-arg]
    for player in run(steps):
        context = documents.context_document(player.items)
        document = documents.player_document(player, context["key"])
        assert documents.player_of(document, documents.items_of(context)) == player


@given(st.integers(0, 100), st.booleans())
def test_devices_are_read_back_as_they_were(volume: int, flag: bool) -> None:
    device = Device("a", "Björn's", "TV", volume, flag, not flag, flag, 1_800_000_000_000)
    held = Devices({"a": device})
    assert documents.devices_of(documents.devices_document(held)) == held
    assert documents.devices_of(None) == Devices()


def test_the_same_items_have_the_same_key_and_no_items_none() -> None:
    items = (an_item(1), an_item(2))
    assert documents.context_document(items) == documents.context_document(items)
    assert documents.context_document(items)["key"] != documents.context_document(items[:1])["key"]
    assert documents.context_document(())["key"] == documents.NO_ITEMS
    assert documents.items_of(documents.context_document(())) == Player().items
