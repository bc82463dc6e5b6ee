"""Fractional order keys: what makes an insert or a move the write of one item (F152). Pure.

A key is a string of base62 digits, read as a fraction; keys sort as strings, which is how
Firestore sorts them. Between any two there is room for more, so no other item is touched.

Keys begin with `HEAD_DIGITS` digits. At the open ends new keys are `STEP` apart in that head, so
appending or prepending never makes a key longer: there is room for 10^14 of either. Inserting at
one place again and again halves the room there, which costs one digit for every six inserts; when
a key would pass `LONGEST`, `respaced` gives the items around that place new keys instead. So a key
has `LONGEST` digits at most unless more than `WIDEST` neighbours are crowded together, which no
sequence of inserts achieves, as each respacing leaves every one of them with a short key.
"""

from __future__ import annotations

from collections.abc import Sequence

from shared.platform.ids import ALPHABET  # in ASCII order, so strings sort as numbers do

HEAD_DIGITS = 10
STEP = 62**2  # a dozen inserts between two appended items before a key gets longer
LONGEST = 40
SHORT = 20  # what respacing aims at
WIDEST = 360  # items that one commit may respace
_WINDOWS = (32, 64, 128, 256, WIDEST)

_BASE = len(ALPHABET)
_VALUE = {digit: value for value, digit in enumerate(ALPHABET)}
_CENTRE = _BASE**HEAD_DIGITS // 2
_END = _BASE**HEAD_DIGITS


def keys_between(after: str | None, before: str | None, count: int) -> list[str]:
    """`count` keys in ascending order, all greater than `after` and less than `before`.

    None is an open end. The keys are as short as the room allows and evenly spread, except at an
    open end, where they follow one another closely.
    """
    if count == 0:
        return []
    if after is not None and before is not None:
        return _spread(after, before, count)
    if after is not None:
        first = _floor(after, HEAD_DIGITS) + STEP
    elif before is not None:
        first = _ceiling(before, HEAD_DIGITS) - STEP * count
    else:
        first = _CENTRE
    if first < 1 or first + STEP * (count - 1) >= _END:
        return _spread(after, before, count)
    return [_text(first + STEP * index, HEAD_DIGITS) for index in range(count)]


def respaced(keys: Sequence[str], at: int, count: int) -> tuple[int, list[str]]:
    """New keys for the items around a crowded place, and for those that come there.

    `keys` are all present keys in order; `count` new items come before index `at`. Returns the
    index `start` of the first item that gets a new key, and the new keys for
    `keys[start:stop]` with the new items' among them, so `stop - start` is their number less
    `count`. The narrowest window that makes the keys short is taken.
    """
    start, found = at, keys_between(_at(keys, at - 1), _at(keys, at), count)
    for width in _WINDOWS:
        start = max(0, min(at - width // 2, len(keys) - width))
        stop = min(len(keys), start + width)
        found = keys_between(_at(keys, start - 1), _at(keys, stop), stop - start + count)
        if max(map(len, found)) <= SHORT:
            break
    return start, found


def is_crowded(keys: Sequence[str]) -> bool:
    """Whether `keys`, about to be given, have grown so long that their place needs respacing."""
    return any(len(key) > LONGEST for key in keys)


def _at(keys: Sequence[str], index: int) -> str | None:
    return keys[index] if 0 <= index < len(keys) else None


def _spread(after: str | None, before: str | None, count: int) -> list[str]:
    digits = HEAD_DIGITS
    while True:
        low = 0 if after is None else _floor(after, digits)
        high = _BASE**digits if before is None else _ceiling(before, digits)
        room = high - low  # of which the two ends themselves are taken
        if room > count:
            return [
                _text(low + room * index // (count + 1), digits) for index in range(1, count + 1)
            ]
        digits += 1


def _number(key: str) -> int:
    number = 0
    for digit in key:
        number = number * _BASE + _VALUE[digit]
    return number


def _floor(key: str, digits: int) -> int:
    """The greatest number of so many digits that is no greater than the fraction `key`."""
    if len(key) <= digits:
        return int(_number(key) * _BASE ** (digits - len(key)))
    return _number(key[:digits])


def _ceiling(key: str, digits: int) -> int:
    """The least number of so many digits that is no less than the fraction `key`."""
    more = len(key) > digits and key[digits:].strip(ALPHABET[0]) != ""
    return _floor(key, digits) + more


def _text(number: int, digits: int) -> str:
    found = []
    for _ in range(digits):
        number, digit = divmod(number, _BASE)
        found.append(ALPHABET[digit])
    return "".join(reversed(found))
