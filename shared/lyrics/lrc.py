"""Reading LRC: timed lyrics as plain text. Pure.

    [la:en]                                 id tags; `offset` and the language count here
    [offset:+250]                           milliseconds by which all comes sooner
    [00:12.00]A line                        minutes, seconds, hundredths
    [00:20.00][01:20.00]Sung twice          one line at several times
    [00:12.00]<00:12.00>A <00:12.40>line    enhanced: each word with its own time
    [00:16.00]                              nothing is sung from here on

Fractions have one to three digits, after a point or a colon, or are left out. A time between
`<>` ends the word before it too, and one at a line's end the last word. Text in which no line has
a time is taken as lyrics without times; where some have one, all lines need one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from shared.lyrics.models import Line, Lyrics, Word
from shared.platform.errors import InvalidInput

MAX_LINES = 2_000  # with every repetition
MAX_CHARS = 200_000  # of text in all, repetitions too: 64 KB of LRC could ask for megabytes

_CLOCK = r"([0-9]{1,3}):([0-9]{1,2})(?:[.:]([0-9]{1,3}))?"
_TIME = re.compile(rf"\s*\[{_CLOCK}\]")
_WORD_TIME = re.compile(rf"<{_CLOCK}>")
_ID_TAG = re.compile(r"\s*\[([A-Za-z#][A-Za-z0-9_#]*)\s*:(.*)\]\s*")
_LOOKS_TIMED = re.compile(r"\s*\[\s*-?[0-9]+\s*[:.]")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*")
_LANGUAGE_TAGS = ("la", "lang", "language")
_ID_TAGS = frozenset(
    {"ti", "ar", "al", "au", "by", "re", "ve", "id", "tool", "length", "encoding", "offset", "#"}
    | set(_LANGUAGE_TAGS)
)


class _Fault(Exception):
    """What is wrong with a line."""


@dataclass(frozen=True, slots=True)
class _Timed:
    """A line at one of its times; `words` as (start, text), an empty text ending the one
    before."""

    start_ms: int
    text: str
    words: tuple[tuple[int, str], ...]


def parse(lrc: str, duration_ms: int) -> Lyrics:
    """The lyrics of a track of `duration_ms`.

    Raises InvalidInput, which names the line (from 1), for a time that is none, words out of
    order, text without a time among timed lines, or lyrics that are empty or too long.
    """
    timed: list[_Timed] = []
    plain: list[tuple[int, str]] = []  # line number, text
    headings: list[tuple[int, str]] = []  # tags that we do not know
    language, offset_ms = None, 0
    for number, raw in enumerate(_lines(lrc), 1):
        try:
            if tag := _ID_TAG.fullmatch(raw):
                name, value = tag[1].lower(), tag[2].strip()
                if name == "offset":
                    offset_ms = _offset(value)
                elif name in _LANGUAGE_TAGS and _LANGUAGE.fullmatch(value):
                    language = value
                elif name not in _ID_TAGS:
                    headings.append((number, raw.strip()))
            elif _TIME.match(raw) or _LOOKS_TIMED.match(raw):
                timed += _timed_line(raw)
            elif raw.strip():
                plain.append((number, raw.strip()))
        except _Fault as fault:
            raise InvalidInput(f"line {number}: {fault}") from None
        if len(timed) + len(plain) + len(headings) > MAX_LINES:
            raise InvalidInput(f"line {number}: more than {MAX_LINES} lines, repetitions counted")
    if timed and plain:
        raise InvalidInput(f"line {plain[0][0]}: text without a time among lines that have one")
    if sum(len(one.text) for one in timed) > MAX_CHARS:
        raise InvalidInput(f"more than {MAX_CHARS} characters, repetitions counted")
    if timed:
        return _synced(timed, language, offset_ms, duration_ms)
    if not plain:
        raise InvalidInput("no lyrics: there is no line of text")
    # "[Chorus: everybody]" is a tag to a player of timed lyrics, and a line of others.
    texts = [text for _, text in sorted(plain + headings)]
    lines = tuple(Line(start_ms=0, end_ms=0, text=text) for text in texts)
    return Lyrics(synced="none", lines=lines, language=language)


def _lines(lrc: str) -> Iterator[str]:
    return iter(lrc.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n"))


def _timed_line(raw: str) -> list[_Timed]:
    """The line at each of its times."""
    starts: list[int] = []
    rest = raw
    while found := _TIME.match(rest):
        starts.append(_milliseconds(found))
        rest = rest[found.end() :]
    if _LOOKS_TIMED.match(rest):
        raise _Fault(f"{rest.strip()[:20]!r} is no time; it has the form [mm:ss.xx]")
    first = starts[0]
    words = _words(rest, first)
    text = " ".join(_WORD_TIME.sub("", rest).split())
    return [
        _Timed(start, text, tuple((max(time + start - first, 0), word) for time, word in words))
        for start in starts
    ]


def _words(text: str, start_ms: int) -> list[tuple[int, str]]:
    """The words of an enhanced line by time, none where the line has no word times."""
    times = list(_WORD_TIME.finditer(text))
    if not times:
        return []
    words = [(start_ms, text[: times[0].start()])] if text[: times[0].start()].strip() else []
    ends = [one.start() for one in times[1:]] + [len(text)]
    words += [
        (_milliseconds(one), text[one.end() : end]) for one, end in zip(times, ends, strict=True)
    ]
    latest = start_ms
    for time, word in words:
        if time < latest:
            raise _Fault(f"the word {word.strip()[:20]!r} comes before what precedes it")
        latest = time
    return [(time, " ".join(word.split())) for time, word in words]


def _milliseconds(found: re.Match[str]) -> int:
    minutes, seconds, fraction = int(found[1]), int(found[2]), found[3] or "0"
    if seconds > 59:
        raise _Fault(f"{found[0].strip()!r} is no time: seconds are 00 to 59")
    return (minutes * 60 + seconds) * 1000 + int(fraction.ljust(3, "0"))


def _offset(value: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,7}", value):
        raise _Fault(f"the offset {value[:20]!r} is no number of milliseconds")
    return int(value)


def _synced(timed: list[_Timed], language: str | None, offset_ms: int, duration_ms: int) -> Lyrics:
    """The lines in order of time; each ends where the next begins, the last with the track."""
    timed = sorted(timed, key=lambda one: one.start_ms)  # stable: lines of one time keep order

    def shifted(time_ms: int) -> int:
        return max(time_ms - offset_ms, 0)

    lines = []
    for number, one in enumerate(timed):
        start = shifted(one.start_ms)
        is_last = number + 1 == len(timed)
        end = max(start, duration_ms if is_last else shifted(timed[number + 1].start_ms))
        times = [shifted(time) for time, _ in one.words]
        ends = [*times[1:], max(end, times[-1])] if times else []
        words = tuple(
            Word(start_ms=begin, end_ms=finish, text=text)
            for begin, finish, (_, text) in zip(times, ends, one.words, strict=True)
            if text
        )
        lines.append(Line(start_ms=start, end_ms=end, text=one.text, words=words))
    has_words = any(line.words for line in lines)
    return Lyrics(synced="word" if has_words else "line", lines=tuple(lines), language=language)
