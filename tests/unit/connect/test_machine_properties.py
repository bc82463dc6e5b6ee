"""Whatever is asked of a player, in whatever order and however long it was left alone."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from shared.connect import machine
from shared.connect.commands import (
    Command,
    Enqueue,
    Next,
    Pause,
    Play,
    Previous,
    Report,
    Resume,
    Seek,
    SetRepeat,
    SetShuffle,
    Transfer,
)
from shared.connect.models import Item, Player, QueueEntry, Shuffle
from shared.connect.ordering import order, playing_order
from shared.platform.errors import Forbidden
from tests.unit.connect.players import NOW_MS, an_item

DURATIONS = st.integers(1, 400_000)
ITEMS = st.lists(DURATIONS, min_size=1, max_size=12).map(
    lambda durations: tuple(an_item(n, ms) for n, ms in enumerate(durations))
)
SEEDS = st.integers(0, 2**32 - 1)


@st.composite
def plays(draw: st.DrawFn) -> Play:
    items = draw(ITEMS)
    start = draw(st.none() | st.integers(0, len(items) - 1))
    autoplay = draw(st.just(()) | ITEMS)
    return Play(items, None, draw(SEEDS), start, draw(st.integers(0, 500_000)), autoplay)


QUEUEING = st.builds(
    lambda number, ms: Enqueue(QueueEntry(f"e{number}", an_item(1000 + number, ms))),
    st.integers(0, 10_000),
    DURATIONS,
)
COMMANDS: st.SearchStrategy[Command] = st.one_of(
    plays(),
    QUEUEING,
    st.just(Pause()),
    st.just(Next()),
    st.just(Previous()),
    st.builds(Resume, st.none() | st.integers(0, 500_000)),
    st.builds(Seek, st.integers(0, 500_000)),
    st.builds(SetRepeat, st.sampled_from(["off", "context", "track"])),
    st.builds(SetShuffle, st.booleans(), SEEDS),
    st.builds(Transfer, st.sampled_from(["a", "b"]), st.booleans()),
    st.builds(Report, st.none(), st.integers(0, 500_000), st.booleans()),
)
STEPS = st.lists(st.tuples(COMMANDS, st.integers(0, 2_000_000)), max_size=25)


def run(steps: list[tuple[Command, int]]) -> list[Player]:
    """The stored state after each command that was not refused."""
    player, now_ms, states = Player(), NOW_MS, [Player()]
    for command, pause_ms in steps:
        now_ms += pause_ms
        try:
            player = machine.apply(player, command, now_ms)
        except Forbidden:
            continue
        states.append(player)
    return states


@given(STEPS, st.integers(0, 10_000_000))
def test_the_state_is_always_in_range(steps: list[tuple[Command, int]], later_ms: int) -> None:
    for state in run(steps):
        now = machine.settled(state, state.at_ms + later_ms)
        assert now.position_ms >= 0
        if now.current is None:
            assert not now.is_playing
        else:
            assert now.position_ms <= now.current.duration_ms
            assert now.from_queue or now.current == now.items[now.index]
        assert -1 <= now.index < max(len(now.items), 1)
        assert sorted(playing_order(now)) == list(range(len(now.items)))


@given(STEPS)
def test_versions_grow_by_one_with_each_change(steps: list[tuple[Command, int]]) -> None:
    states = run(steps)
    for before, after in pairwise(states):
        assert after.version == before.version + (after != before)
        assert after.at_ms >= before.at_ms


@given(STEPS, st.integers(0, 5_000_000), st.integers(0, 5_000_000))
def test_to_look_between_changes_nothing(
    steps: list[tuple[Command, int]], first_ms: int, second_ms: int
) -> None:
    """What is resolved lazily is the same in one step as in two."""
    state = run(steps)[-1]
    middle, end = state.at_ms + first_ms, state.at_ms + first_ms + second_ms
    assert machine.settled(machine.settled(state, middle), end) == machine.settled(state, end)


@given(STEPS, st.lists(DURATIONS, min_size=1, max_size=8), st.integers(0, 3_000_000))
def test_everything_queued_is_heard_in_its_order(
    steps: list[tuple[Command, int]], durations: list[int], left_ms: int
) -> None:
    state = run(steps)[-1]
    state = Player(items=state.items, index=state.index, current=state.current)
    entries = [QueueEntry(f"q{n}", an_item(5000 + n, ms)) for n, ms in enumerate(durations)]
    for entry in entries:
        state = machine.apply(state, Enqueue(entry), NOW_MS)
    if state.current is not None:  # what plays already comes first
        state = machine.apply(state, Next(), NOW_MS)
    else:
        state = machine.apply(state, Resume(), NOW_MS)
    heard: list[Item] = []
    while state.from_queue:
        assert state.current is not None
        heard.append(state.current)
        state = machine.apply(state, Next(), NOW_MS)
    assert heard == [entry.item for entry in entries]


@given(ITEMS, SEEDS, st.integers(0, 11))
def test_a_shuffled_round_plays_each_item_once(
    items: tuple[Item, ...], seed: int, first: int
) -> None:
    state = machine.apply(Player(), Play(items, None, seed, first % len(items)), NOW_MS)
    state = machine.apply(state, SetShuffle(True, seed), NOW_MS)
    state = machine.apply(state, SetRepeat("context"), NOW_MS)
    heard: Counter[str] = Counter()
    for _ in items:
        assert state.current is not None
        heard[state.current.uri] += 1
        state = machine.apply(state, Next(), NOW_MS)
    assert heard == Counter(item.uri for item in items)


@given(st.integers(0, 300), SEEDS, st.integers(-1, 299))
def test_an_order_is_a_permutation_with_the_first_first(count: int, seed: int, first: int) -> None:
    indices = order(count, Shuffle(seed, first))
    assert sorted(indices) == list(range(count))
    if 0 <= first < count:
        assert indices[0] == first
    assert indices == order(count, Shuffle(seed, first))
