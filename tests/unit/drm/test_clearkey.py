"""The Clear Key licence format, against the examples of the W3C document."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.drm import clearkey
from shared.drm.models import ContentKeys
from shared.platform.errors import InvalidInput

KID = "LwVHf8JLtPrv2GUXFW2v_A"  # the example of the specification


def test_a_request_yields_its_key_ids_in_order() -> None:
    other = clearkey.base64url(bytes(16))
    request = clearkey.parse_request(
        json.dumps({"kids": [KID, other], "type": "temporary"}).encode()
    )
    assert request.kids == ("2f05477fc24bb4faefd86517156daffc", "00" * 16)
    assert request.type == "temporary"


def test_the_session_type_defaults_to_temporary() -> None:
    assert clearkey.parse_request(json.dumps({"kids": [KID]}).encode()).type == "temporary"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b"{}",
        b'{"kids": []}',
        b'{"kids": "' + KID.encode() + b'"}',
        b'{"kids": [7]}',
        b'{"kids": [""]}',
        b'{"kids": ["a"]}',
        b'{"kids": ["LwVHf8JLtPrv2GUXFW2v+A"]}',
        b'{"kids": ["\xc3\xa4\xc3\xb6"]}',
        b'{"kids": ["' + KID.encode() + b'"], "type": "forever"}',
        b'{"kids": [' + b'"AAAA",' * 16 + b'"AAAA"]}',
        b"[" * 100_000,
    ],
)
def test_a_malformed_request_is_refused_with_what_is_wrong(body: bytes) -> None:
    with pytest.raises(InvalidInput):
        clearkey.parse_request(body)


@given(st.binary(max_size=400))
def test_whatever_arrives_is_parsed_or_refused(body: bytes) -> None:
    with contextlib.suppress(InvalidInput):
        assert clearkey.parse_request(body).kids


@given(st.dictionaries(st.binary(min_size=16, max_size=16), st.binary(min_size=1), max_size=4))
def test_a_licence_holds_each_key_under_its_id_without_padding(keys: dict[bytes, bytes]) -> None:
    licence = clearkey.render_response({kid.hex(): key for kid, key in keys.items()})
    assert licence["type"] == "temporary"
    assert [(key["kty"], key["kid"], key["k"]) for key in licence["keys"]] == [
        ("oct", clearkey.base64url(kid), clearkey.base64url(key)) for kid, key in keys.items()
    ]
    assert "=" not in json.dumps(licence)


def test_keys_stay_out_of_a_repr() -> None:
    keys = ContentKeys("aa" * 16, b"cmaf-secret", "bb" * 16, b"ogg-secret")
    assert "secret" not in repr(keys)
    assert keys.by_kid() == {"aa" * 16: b"cmaf-secret", "bb" * 16: b"ogg-secret"}
