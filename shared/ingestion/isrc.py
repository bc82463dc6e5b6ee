"""ISRC (ISO 3901) and UPC/EAN check (F004, F005). Pure."""

from __future__ import annotations

import re

_ISRC = re.compile(r"[A-Z]{2}[A-Z0-9]{3}\d{7}")
_SEPARATORS = re.compile(r"[\s\-\u2010-\u2015]+")


def normalised_isrc(text: str) -> str:
    """Twelve characters without hyphens, upper case: "us-s1z-99-00001" is "USS1Z9900001".

    Raises ValueError that says what an ISRC looks like.
    """
    code = _SEPARATORS.sub("", text).upper().removeprefix("ISRC").removeprefix(":")
    if not (code.isascii() and _ISRC.fullmatch(code)):
        raise ValueError(
            f"{text[:40]!r} is not an ISRC: two letters, three letters or digits, seven digits, "
            "for example USS1Z9900001"
        )
    return code


def normalised_upc(text: str) -> str:
    """A UPC-A (12 digits) or EAN-13 whose check digit is right, without separators.

    Raises ValueError that says what is wrong.
    """
    code = _SEPARATORS.sub("", text)
    if not (code.isascii() and code.isdigit() and len(code) in (12, 13)):
        raise ValueError(f"{text[:40]!r} is not a UPC (12 digits) or EAN (13 digits)")
    expected = check_digit(code[:-1])
    if int(code[-1]) != expected:
        raise ValueError(f"{code} has the wrong check digit: the last digit should be {expected}")
    return code


def check_digit(digits: str) -> int:
    """GS1 check digit of `digits`: weights 3, 1, 3, … from the right."""
    total = sum(
        int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits))
    )
    return -total % 10
