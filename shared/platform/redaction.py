"""Takes out of a log line what must not be kept (F305): what opens something (tokens, passwords,
keys, signatures of URLs) and what tells who somebody is (e-mail and IP addresses). Pure.

What is taken out leaves a word that tells what stood there, so that a line can still be read. An
identifier of ours stays: it says nothing outside our databases, and an incident is followed by it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

REDACTED = "[redacted]"

# Names whose value is secret wherever they stand: `name=value`, `"name": value`, a field of a line.
# The last of a compound name decides: `refresh_token`, `x-goog-signature`, `client_secret`.
_SECRET_NAMES = (
    "password|passwd|passphrase|secret|token|jwt|signature|credential|authorization|cookie"
    "|api[_-]?key|private[_-]?key|signing[_-]?key|code[_-]?verifier|hmac|hdnts|hdnea|policy"
)
_PERSONAL_NAMES = "email|e[_-]mail|phone|ip|ip[_-]address|remote[_-]addr|username|display[_-]name"
_COMPOUND = r"(?:[A-Za-z0-9]{1,32}[_-]){0,4}"

# A quoted value ends at its quote; a bare one where a URL's parameter or a list's entry would.
_BARE = r"[^\s\"'&,;<>)}\]]+"
_VALUE = rf"(?:\"[^\"\n]*\"?|'[^'\n]*'?|(?i:(?:bearer|basic|dpop)\s+)?{_BARE})"

# What else RFC 5322 lets stand before an address's @. It is read where it stands right before it:
# elsewhere these part an address from its name, as in `to=ada@example.com`.
_RARER = r"[!\#$&'*/=?^`{|}~]"
_RARE = r"[\w.+%!\#$&'*/=?^`{|}~-]"

_IPV4 = r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}"
_HEX = r"[0-9A-Fa-f]{1,4}"
_IPV6 = (  # whole; with its zeros left out in the middle, at the end, at the beginning
    rf"(?:{_HEX}:){{7}}{_HEX}"
    rf"|(?:{_HEX}:){{1,6}}(?::{_HEX}){{1,6}}"
    rf"|(?:{_HEX}:){{1,7}}:"
    rf"|::(?:{_HEX}:){{0,6}}(?:{_IPV4}|{_HEX})"
)

# Tried where a word begins and nowhere else, and no repetition can match a text in two ways: the
# time is linear in the text, whatever strangers send and exceptions quote.
_PATTERN = re.compile(
    rf"""(?<![\w-])(?:
      (?P<setting>{_COMPOUND}(?i:{_SECRET_NAMES})s?(?:\s?=\s?|["']\s?:\s?)){_VALUE}
    | (?<=[?&])(?P<parameter>(?:code|state|nonce|sig)=){_BARE}
    | (?P<header>(?i:authorization|(?:set-)?cookie):\s?)[^\r\n"']+
    | (?P<scheme>(?i:bearer|basic|dpop)\s)[\w.~+/=-]{{16,}}
    | (?P<key>-----BEGIN\ [A-Z\ ]{{0,20}}PRIVATE\ KEY-----(?:[^-]|-(?!----END))*
        (?:-----END[A-Z\ ]{{0,30}}-----)?)
    | (?P<token>eyJ[\w-]{{4,}}(?:\.[\w-]*){{1,4}}|[\w-]{{100,}})
    | (?P<email>(?:[\w.+%-]{{1,64}}|{_RARE}{{1,64}}(?<={_RARER}))@
        (?![\w.-]{{0,80}}\.gserviceaccount\.com)(?:[\w-]{{1,63}}\.){{1,8}}[\w-]{{2,63}})
    | (?P<ip>(?<!\.){_IPV4}(?![\w.]*[0-9])|(?<![.:])(?:{_IPV6})(?![\w:]))
    )""",
    re.VERBOSE,
)
_KEEPS_ITS_NAME = frozenset({"setting", "parameter", "header", "scheme"})
_SECRET_FIELD = re.compile(rf"{_COMPOUND}(?:{_SECRET_NAMES}|{_PERSONAL_NAMES})s?", re.IGNORECASE)


def redact(text: str) -> str:
    """`text` without what must not be kept."""
    return _PATTERN.sub(_word, text)


def redact_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """`fields` as JSON can hold them, without what must not be kept. Numbers stay: `tokens: 3` is a
    count. What JSON does not know becomes its text."""
    return {str(name): _redact_field(str(name), value) for name, value in fields.items()}


def _redact_field(name: str, value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if _SECRET_FIELD.fullmatch(name):
        return REDACTED
    return _redact_value(value)


def _redact_value(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return redact_fields(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [_redact_value(one) for one in value]
    return redact(str(value))


def _word(match: re.Match[str]) -> str:
    kind = match.lastgroup
    if kind in _KEEPS_ITS_NAME:
        return match[kind] + REDACTED
    return f"[{kind}]"
