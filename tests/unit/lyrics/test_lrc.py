"""LRC is read as players read it, and faults are named by line."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.lyrics.lrc import MAX_LINES, parse
from shared.lyrics.models import Lyrics
from shared.platform.errors import InvalidInput

DURATION_MS = 240_000


def lines(lyrics: Lyrics) -> list[tuple[int, int, str]]:
    return [(one.start_ms, one.end_ms, one.text) for one in lyrics.lines]


def test_a_line_lasts_until_the_next_and_the_last_until_the_end() -> None:
    lyrics = parse("[ti:Song]\r\n[00:01.50]One\r\n[00:03]Two\r\n[01:00.123] Three ", DURATION_MS)
    assert lyrics.synced == "line"
    assert lines(lyrics) == [
        (1500, 3000, "One"),
        (3000, 60_123, "Two"),
        (60_123, DURATION_MS, "Three"),
    ]


def test_a_line_with_several_times_is_sung_at_each() -> None:
    lyrics = parse("[00:10.00][01:10.00]Chorus\n[00:20.00]\n[00:30.00]Verse", DURATION_MS)
    assert lines(lyrics) == [
        (10_000, 20_000, "Chorus"),
        (20_000, 30_000, ""),
        (30_000, 70_000, "Verse"),
        (70_000, DURATION_MS, "Chorus"),
    ]


def test_a_positive_offset_brings_everything_sooner_but_not_before_the_start() -> None:
    lyrics = parse("[00:00.20]a\n[00:02.00]<00:02.00>b\n[offset:+500]", DURATION_MS)
    assert [one.start_ms for one in lyrics.lines] == [0, 1500]
    assert lyrics.lines[1].words[0].start_ms == 1500
    later = parse("[offset:-500]\n[00:02.00]b", DURATION_MS)
    assert later.lines[0].start_ms == 2500


def test_words_have_their_own_times() -> None:
    lyrics = parse("[00:12.00] <00:12.04> When <00:12.16> the <00:12.82> truth <00:13.29>\n"
                   "[00:15.00]plain", DURATION_MS)  # fmt: skip
    first, second = lyrics.lines
    assert lyrics.synced == "word"
    assert (first.text, second.words) == ("When the truth", ())
    assert [(one.start_ms, one.end_ms, one.text) for one in first.words] == [
        (12_040, 12_160, "When"),
        (12_160, 12_820, "the"),
        (12_820, 13_290, "truth"),
    ]


def test_the_last_word_lasts_as_long_as_its_line() -> None:
    lyrics = parse("[00:01.00]la <00:01.50>la\n[00:03.00]x", DURATION_MS)
    assert [(one.start_ms, one.end_ms) for one in lyrics.lines[0].words] == [
        (1000, 1500),
        (1500, 3000),
    ]


def test_syllables_stay_one_word_of_the_line() -> None:
    (line,) = parse("[00:01.00]<00:01.00>Wa<00:01.20>ter", DURATION_MS).lines
    assert (line.text, [one.text for one in line.words]) == ("Water", ["Wa", "ter"])


def test_repeated_words_move_with_their_line() -> None:
    lyrics = parse("[00:10.00][00:20.00]<00:10.10>x", DURATION_MS)
    assert [one.words[0].start_ms for one in lyrics.lines] == [10_100, 20_100]


def test_text_without_any_time_is_unsynced() -> None:
    lyrics = parse("[la:en]\n[Chorus]\nHello\n\n [2x] Hello\n[Verse: all]", DURATION_MS)
    assert (lyrics.synced, lyrics.language) == ("none", "en")
    assert [one.text for one in lyrics.lines] == ["[Chorus]", "Hello", "[2x] Hello", "[Verse: all]"]


@pytest.mark.parametrize(
    ("lrc", "message"),
    [
        ("[00:01.00]a\nb", "line 2: text without a time"),
        ("[00:75.00]a", "line 1: '\\[00:75.00\\]' is no time: seconds are 00 to 59"),
        ("\n[1:2:3:4]a", "line 2: '\\[1:2:3:4\\]a' is no time"),
        ("[-1:00]a", "line 1: .* is no time"),
        ("[00:01.00][00:0x]a", "line 1: '\\[00:0x\\]a' is no time"),
        ("[00:05.00]<00:04.00>a", "line 1: the word 'a' comes before what precedes it"),
        ("[00:05.00]<00:06.00>a<00:05.50>b", "line 1: the word 'b' comes before"),
        ("[offset:soon]\n[00:05.00]a", "line 1: the offset 'soon' is no number"),
        ("[00:05.00]<00:99.00>a", "line 1: '<00:99.00>' is no time"),
        ("", "no lyrics"),
        ("[ti:x]\n\n", "no lyrics"),
        ("a\n" * (MAX_LINES + 1), f"line {MAX_LINES + 1}: more than {MAX_LINES} lines"),
        ("[00:01]" * 2001 + "a", "line 1: more than"),
        ("[00:01]" * 1900 + "a" * 2000, "more than 200000 characters"),
    ],
)
def test_a_fault_is_named_by_its_line(lrc: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        parse(lrc, DURATION_MS)


def clock(time_ms: int, digits: int) -> str:
    minutes, rest = divmod(time_ms, 60_000)
    fraction = f"{rest % 1000:03}"[:digits]
    return f"{minutes:02}:{rest // 1000:02}" + (f".{fraction}" if digits else "")


texts = st.text(
    st.characters(codec="utf-8", exclude_characters="[]<>", exclude_categories=["C", "Z"]),
    min_size=1,
    max_size=12,
)
centiseconds = st.integers(0, 20_000).map(lambda time: time * 10)


@given(st.dictionaries(centiseconds, st.lists(texts, max_size=5).map(" ".join), min_size=1))
def test_lines_that_are_written_are_read_again(written: dict[int, str]) -> None:
    lrc = "\n".join(f"[{clock(time, 2)}]{text}" for time, text in written.items())
    lyrics = parse(lrc, DURATION_MS)
    assert {one.start_ms: one.text for one in lyrics.lines} == written
    assert [one.start_ms for one in lyrics.lines] == sorted(written)
    assert all(one.start_ms <= one.end_ms for one in lyrics.lines)


@given(st.lists(st.tuples(st.integers(0, 5000), texts), min_size=1, max_size=20), centiseconds)
def test_words_that_are_written_are_read_again(gaps: list[tuple[int, str]], start: int) -> None:
    time, words = start, []
    for gap, text in gaps:
        time += gap
        words.append((time, text))
    lrc = f"[{clock(start, 2)}]" + " ".join(f"<{clock(t, 3)}>{text}" for t, text in words)
    (line,) = parse(lrc, DURATION_MS).lines
    assert [(one.start_ms, one.text) for one in line.words] == words
    assert line.text == " ".join(text for _, text in words)
    ends = [one.end_ms for one in line.words]
    assert ends[:-1] == [one.start_ms for one in line.words[1:]]


@given(st.text(st.sampled_from("[]<>:.0159-+ \nabloffset"), max_size=80))
def test_any_text_is_lyrics_or_a_fault_of_its_own(text: str) -> None:
    with suppress(InvalidInput):  # anything else is a crash
        lyrics = parse(text, DURATION_MS)
        assert lyrics.lines
        assert all(0 <= one.start_ms <= one.end_ms for one in lyrics.lines)
