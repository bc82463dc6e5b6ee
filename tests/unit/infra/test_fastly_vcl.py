"""`infra/edge/fastly.vcl`, run: its two subroutines are written in a part of the language that is
Python's but for the spelling, and are held to what the product signs and to AWS's document.

This proves the logic. That Fastly's compiler takes the text is not proved here.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import pytest

from emulators.edge_tokens import MediaRequest, verifier
from shared.delivery.signing.fastly import time_limited
from shared.delivery.signing.keys import HmacKey

VCL = (Path(__file__).parents[3] / "infra/edge/fastly.vcl").read_text()
CURRENT, PREVIOUS, OTHER = bytes(range(32)), bytes(range(1, 33)), bytes(range(2, 34))
KEYS = {"current": base64.b64encode(CURRENT).decode()}
NOW = 1_800_000_000
PREFIX = "/audio/track/version/"


class Refused(Exception):
    """An `error` statement."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def statements(subroutine: str) -> Iterator[str]:
    """The statements of a subroutine, one a line, with `{` and `}` on lines of their own."""
    found = re.search(rf"^sub {subroutine} \{{\n(.*?)^\}}", VCL, re.DOTALL | re.MULTILINE)
    assert found
    for line in found[1].splitlines():
        text = line.strip()
        if text and not text.startswith(("#", "declare local ")):
            yield text


def expression(text: str) -> str:
    """A VCL expression in Python."""
    text = re.sub(r'\{"(.*?)"\}', r'"\1"', text)
    text = re.sub(r"bereq\.http\.([\w-]+)", r'bereq_http["\1"]', text)
    text = re.sub(r'([\w.]+) ~ ("[^"]*")', r"matches(\1, \2)", text)
    text = text.replace("req.url.path", "req.url_path").replace("bereq.url.path", "bereq.url_path")
    return text.replace("&&", " and ").replace("!", " not ").replace("re.group.", "re_group_")


def run(subroutine: str, scope: dict[str, Any]) -> None:
    """Runs a subroutine: `set`, `if` of one level, and `error`."""
    holds = True
    for text in statements(subroutine):
        if condition := re.fullmatch(r"if \((.*)\) \{", text):
            holds = bool(eval(expression(condition[1]), scope))
        elif text == "}":
            holds = True
        elif not holds:
            continue
        elif refusal := re.fullmatch(r'error (\d{3}) ".*";', text):
            raise Refused(int(refusal[1]))
        elif assignment := re.fullmatch(r"set ([\w.-]+) = (.*);", text):
            value = eval(expression(assignment[2]), scope)
            exec(f"{expression(assignment[1])} = value", {**scope, "value": value})
        else:
            raise AssertionError(f"a statement that this test does not know: {text}")


def scope(url: str, tables: dict[str, dict[str, str]], now: int = NOW) -> dict[str, Any]:
    """What Fastly's library offers to a request for `url`."""
    found: dict[str, Any] = {}

    def matches(text: str, pattern: str) -> bool:
        match = re.search(pattern, text)
        for number, group in enumerate(match.groups() if match else (), start=1):
            found[f"re_group_{number}"] = group
        return match is not None

    def mac(key: str, text: str) -> str:
        return "0x" + hmac.digest(base64.b64decode(key), text.encode(), "sha256").hex()

    def aws(secret: str, *parts: str) -> str:
        key = f"AWS4{secret}".encode()
        for part in (*parts[:-1], "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        return "0x" + hmac.digest(key, parts[-1].encode(), "sha256").hex()

    path = urlsplit(url).path
    return found | {
        "found": found,
        "LF": "\n",
        "now": now,
        "matches": matches,
        "urldecode": lambda text: unquote(text or ""),
        "regsub": lambda text, pattern, by: re.sub(pattern, by, text, count=1),
        "strftime": lambda text, seconds: time.strftime(text, time.gmtime(seconds)),
        "req": SimpleNamespace(url=url, url_path=path),
        "bereq": SimpleNamespace(url=path, url_path=path),
        "bereq_http": {},
        "var": SimpleNamespace(),
        "querystring": SimpleNamespace(
            get=lambda url, name: quote(parse_qs(urlsplit(url).query).get(name, [""])[0])
        ),
        "table": SimpleNamespace(
            contains=lambda table, key: key in table,
            lookup=lambda table, key, default="": table.get(key, default),
        ),
        "std": SimpleNamespace(
            prefixof=str.startswith, atoi=int, integer2time=lambda seconds: seconds
        ),
        "time": SimpleNamespace(is_after=lambda one, other: one > other),
        "digest": SimpleNamespace(
            secure_is_equal=hmac.compare_digest,
            hmac_sha256_with_base64_key=mac,
            awsv4_hmac=aws,
            hash_sha256=lambda text: hashlib.sha256(text.encode()).hexdigest(),
        ),
        **tables,
    }


def answer(url: str, keys: dict[str, str] = KEYS, now: int = NOW) -> int:
    """The status with which the token is checked; 200 lets in."""
    names = scope(url, {"segue_keys": keys}, now)
    found = names["found"]

    class Names(dict[str, Any]):
        def __missing__(self, name: str) -> Any:
            return found[name]  # groups of the last match

    try:
        run("segue_check_token", Names(names))
    except Refused as refused:
        return refused.status
    return 200


def signed(prefix: str = PREFIX, expires: int = NOW + 60, key: bytes = CURRENT) -> str:
    return time_limited(prefix, expires, HmacKey(key))


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        (f"{PREFIX}init.mp4", signed(), 200),
        (f"{PREFIX}a/b/1.m4s", signed().replace("/", "%2F"), 200),
        (f"{PREFIX}init.mp4", signed(expires=NOW), 200),
        (f"{PREFIX}init.mp4", signed(expires=NOW - 1), 410),
        (f"{PREFIX}init.mp4", "", 403),
        (f"{PREFIX}init.mp4", signed(key=OTHER), 403),
        (f"{PREFIX}init.mp4", signed(key=b""), 403),
        (f"{PREFIX}init.mp4", signed().upper(), 403),
        (f"{PREFIX}init.mp4", signed()[:-1], 403),
        (f"{PREFIX}init.mp4", signed(expires=NOW - 1, key=OTHER), 403),
        (f"{PREFIX}init.mp4", f"{signed()[: -len(PREFIX)]}/audio/", 403),
        ("/audio/track/other/init.mp4", signed(), 403),
        (f"{PREFIX}../other/init.mp4", signed(), 403),
        (f"{PREFIX}%2e%2e/other/init.mp4", signed(), 403),
        ("/audio/init.mp4", signed(prefix=""), 403),
    ],
)
def test_tokens_of_the_product_are_checked(path: str, query: str, status: int) -> None:
    assert answer(f"{path}?{query}") == status


def test_the_edge_that_stands_for_fastly_here_agrees() -> None:
    local = verifier("fastly", {"token": CURRENT.hex()})
    for query in (signed(), signed(expires=NOW - 1), signed(key=OTHER), ""):
        request = MediaRequest("https://cdn.test", f"{PREFIX}init.mp4", query)
        assert answer(f"{request.path}?{query}") == local(request, NOW).status


def test_both_keys_hold_while_one_replaces_the_other() -> None:
    both = {**KEYS, "previous": base64.b64encode(PREVIOUS).decode()}
    url = f"{PREFIX}init.mp4?{signed(key=PREVIOUS)}"
    assert answer(url, both) == 200
    assert answer(url) == 403


def test_a_service_without_a_key_lets_nobody_in() -> None:
    assert answer(f"{PREFIX}init.mp4?{signed(key=b'')}", {}) == 503


def test_digests_are_compared_in_constant_time() -> None:
    assert "secure_is_equal" in VCL
    assert not re.search(r"var\.digest\s*[!=]=", VCL)


def test_requests_to_the_bucket_carry_a_version_4_signature() -> None:
    table = {"access_id": "GOOGEXAMPLE", "secret": "s3cr3t", "bucket": "segue-audio"}
    names = scope("/audio/track/version/init.mp4", {"segue_origin": table})
    run("segue_sign_origin_request", names)
    headers = names["bereq_http"]
    assert names["bereq"].url == "/track/version/init.mp4"
    assert headers["host"] == "segue-audio.storage.googleapis.com"
    assert headers["x-amz-date"] == "20270115T080000Z"
    canonical = "\n".join(
        (
            "GET",
            "/track/version/init.mp4",
            "",
            "host:segue-audio.storage.googleapis.com",
            "x-amz-content-sha256:UNSIGNED-PAYLOAD",
            "x-amz-date:20270115T080000Z",
            "",
            "host;x-amz-content-sha256;x-amz-date",
            "UNSIGNED-PAYLOAD",
        )
    )
    key = b"AWS4s3cr3t"
    for part in (b"20270115", b"auto", b"s3", b"aws4_request"):
        key = hmac.digest(key, part, "sha256")
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n20270115T080000Z\n20270115/auto/s3/aws4_request\n{digest}"
    assert headers["authorization"] == (
        "AWS4-HMAC-SHA256 Credential=GOOGEXAMPLE/20270115/auto/s3/aws4_request, "
        "SignedHeaders=host;x-amz-content-sha256;x-amz-date, "
        f"Signature={hmac.digest(key, text.encode(), 'sha256').hex()}"
    )
