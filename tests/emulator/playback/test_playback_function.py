"""`functions/playback` over HTTP, against Firestore, secrets, KMS, a bucket and three edges."""

from __future__ import annotations

import base64
import re
import time
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest
from google.cloud.firestore import FieldFilter

from shared import topology
from shared.platform import clients
from shared.playback import sessions, tokens
from tests.emulator.catalog.functions import function
from tests.emulator.playback.conftest import FLEET, OGG, Published, of_codec
from tests.local_settings import PUBLIC_URL

MANIFEST = "/v1/playback/manifest"
DASH = "{urn:mpeg:dash:schema:mpd:2011}"


async def manifest(
    published: Published, *, headers: dict[str, str] | None = None, **query: Any
) -> dict[str, Any]:
    async with function("playback") as client:
        answer = await client.get(
            MANIFEST, params={"track_id": published.track.id, **query}, headers=headers
        )
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "no-store"
        body: dict[str, Any] = answer.json()
        return body


async def playlist(url: str) -> httpx.Response:
    """`url` as a stock player asks for it: without any header of ours."""
    async with function("playback") as client:
        client.headers.pop("authorization")
        return await client.get(url)


async def on_edge(url: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.get(url)


def token_of(answer: dict[str, Any]) -> str:
    return parse_qs(urlsplit(answer["license_url"]).query)["session"][0]


async def license(
    session: str, kids: list[str] | bytes, *, device: str | None = None, **token: Any
) -> httpx.Response:
    async with function("playback", **token) as client:
        headers = {"x-device-id": device} if device else {}
        encoded = [] if isinstance(kids, bytes) else [base64url(bytes.fromhex(k)) for k in kids]
        body = {"content": kids} if isinstance(kids, bytes) else {"json": {"kids": encoded}}
        return await client.post(
            "/v1/playback/license", params={"session": session}, headers=headers, **body
        )


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def fault(answer: httpx.Response) -> tuple[int, str | None]:
    error = answer.json()["error"]
    assert error["status"] == answer.status_code
    assert error["message"]
    return error["status"], error.get("reason")


async def audit(session_id: str) -> list[dict[str, Any]]:
    query = clients.collection(topology.AUDIT_LEDGER).where(
        filter=FieldFilter("session_id", "==", session_id)
    )
    found = [snapshot.to_dict() or {} async for snapshot in query.stream()]
    return sorted(found, key=lambda one: one["decided_at"])


async def test_a_manifest_says_where_how_and_until_when(published: Published) -> None:
    answer = await manifest(published)
    assert answer["track_id"] == published.track.id
    assert (answer["codec"], answer["bitrate_kbps"], answer["protocol"]) == ("aac", 160, "dash")
    assert (answer["drm_scheme"], answer["encryption"]) == ("clearkey", "cbcs")
    assert answer["manifest_url"].startswith(f"{PUBLIC_URL}/v1/playback/streams/")
    assert answer["manifest_url"].endswith(f"/{answer['cdn']}/manifest.mpd")
    left = datetime.fromisoformat(answer["expires_at"]) - datetime.now(UTC)
    assert 2900 < left.total_seconds() <= 3600
    names = [one["cdn"] for one in answer["cdns"]]
    assert sorted(names) == sorted(FLEET)
    assert [answer["cdn"], *(one["cdn"] for one in answer["alternates"])] == names
    scores = [one["score"] for one in answer["cdns"]]
    assert scores == sorted(scores, reverse=True)
    assert answer["cdns"][0]["reasons"]["summary"]
    assert "files" not in answer


async def test_each_play_is_a_session_of_its_own(published: Published) -> None:
    one, two = await manifest(published), await manifest(published)
    assert one["session_id"] != two["session_id"]
    assert token_of(one) != token_of(two)
    # the signature is shared: one per asset, listener and CDN
    assert [cdn["query"] for cdn in one["cdns"]] == [cdn["query"] for cdn in two["cdns"]]


async def test_every_edge_serves_every_address_of_its_dash_manifest(published: Published) -> None:
    answer = await manifest(published, br=160)
    for url in (answer["manifest_url"], *(one["manifest_url"] for one in answer["alternates"])):
        stream = await playlist(url)
        assert stream.status_code == 200, stream.text
        assert stream.headers["content-type"] == "application/dash+xml"
        assert stream.headers["access-control-allow-origin"] == "*"
        assert re.fullmatch(r"private, max-age=\d+", stream.headers["cache-control"])
        root = ET.fromstring(stream.content)
        base = root.findtext(f"{DASH}BaseURL") or ""
        for template in root.iter(f"{DASH}SegmentTemplate"):
            first = template.attrib["media"].replace("$Number%09d$", "0" * 9)
            for name in (template.attrib["initialization"], first):
                assert (await on_edge(base + name)).status_code == 200
        laurl = next(root.iter("{https://dashif.org/CPS}Laurl"))
        assert laurl.text == answer["license_url"]


async def test_every_edge_serves_every_address_of_its_hls_playlists(published: Published) -> None:
    answer = await manifest(published, protocol="hls", br=64)
    for url in (answer["manifest_url"], *(one["manifest_url"] for one in answer["alternates"])):
        master = await playlist(url)
        assert master.headers["content-type"] == "application/vnd.apple.mpegurl"
        variants = [line for line in master.text.splitlines() if line[:1] not in ("#", "")]
        assert variants == ["aac_64.m3u8"]
        media = await playlist(urljoin(url, variants[0]))
        addresses = re.findall(r'^https?://.*|(?<=URI=")http[^"]*', media.text, re.MULTILINE)
        assert len(addresses) >= 3
        for address in addresses:
            assert (await on_edge(address)).status_code == 200


async def test_a_session_goes_no_higher_than_it_was_granted(published: Published) -> None:
    answer = await manifest(published, protocol="hls", br=64)
    refused = await playlist(urljoin(answer["manifest_url"], "aac_160.m3u8"))
    assert fault(refused)[0] == 403


async def test_a_preview_is_clear_hls_for_everyone(published: Published) -> None:
    answer = await manifest(published, preview="true")
    assert (answer["drm_scheme"], answer["encryption"]) == ("none", None)
    assert answer["license_url"] is None
    master = await playlist(answer["manifest_url"])
    assert master.status_code == 200
    media = await playlist(urljoin(answer["manifest_url"], "aac_64.m3u8"))
    assert "EXT-X-KEY" not in media.text
    segment = next(line for line in media.text.splitlines() if line.startswith("http"))
    assert "/preview/" in segment
    assert (await on_edge(segment)).status_code == 200
    whole = answer["manifest_url"].replace("preview/master.m3u8", "master.m3u8")
    assert (await playlist(whole)).status_code == 404


async def test_native_clients_get_signed_files_with_their_key_id_and_iv(
    published: Published,
) -> None:
    answer = await manifest(published, codec="vorbis", br=320)
    stored = of_codec(published.track, "vorbis", 320)
    assert (answer["encryption"], answer["protocol"]) == ("aes-256-ctr", "file")
    assert answer["manifest_url"] == answer["files"][0]["url"]
    assert [one["cdn"] for one in answer["files"]] == [one["cdn"] for one in answer["cdns"]]
    for file in answer["files"]:
        assert (file["bitrate_kbps"], file["iv"]) == (320, stored.iv)
        assert file["kid"] == published.keys.ogg_kid
        assert (await on_edge(file["url"])).content == OGG


@pytest.mark.parametrize(
    ("query", "token", "status", "reason"),
    [
        ({"track_id": "0" * 22}, {}, 404, None),
        ({"track_id": "x"}, {}, 400, None),
        ({}, {"country": "US"}, 403, "NOT_AVAILABLE_IN_MARKET"),
        ({"codec": "vorbis", "br": 320}, {"tier": "free"}, 403, "PREMIUM_REQUIRED"),
        ({"br": 161}, {}, 400, None),
        ({"codec": "opus"}, {}, 400, None),
        ({"protocol": "rtmp"}, {}, 400, None),
        ({"preview": "true", "protocol": "dash"}, {}, 400, None),
        ({"preview": "maybe"}, {}, 400, None),
        ({}, {"scope": "user-read-private"}, 403, None),
        ({}, {"user": "app"}, 401, None),
    ],
)
async def test_each_check_refuses_with_its_own_error(
    published: Published,
    query: dict[str, Any],
    token: dict[str, str],
    status: int,
    reason: str | None,
) -> None:
    async with function("playback", **token) as client:
        answer = await client.get(MANIFEST, params={"track_id": published.track.id, **query})
    assert fault(answer) == (status, reason)


async def test_free_listeners_get_the_web_tier(published: Published) -> None:
    async with function("playback", tier="free") as client:
        answer = await client.get(MANIFEST, params={"track_id": published.track.id, "br": 256})
    assert answer.json()["bitrate_kbps"] == 256


async def test_a_licence_holds_the_key_and_its_record_came_first(published: Published) -> None:
    answer = await manifest(published)
    granted = await license(token_of(answer), [published.keys.cmaf_kid])
    assert granted.status_code == 200, granted.text
    kid = base64url(bytes.fromhex(published.keys.cmaf_kid))
    key = base64url(published.keys.cmaf_key)
    assert granted.json() == {
        "keys": [{"kty": "oct", "kid": kid, "k": key}],
        "type": "temporary",
    }
    assert granted.headers["cache-control"] == "no-store"
    (entry,) = await audit(answer["session_id"])
    assert (entry["outcome"], entry["reason"]) == ("granted", "ENTITLED")
    assert (entry["user_id"], entry["track_id"]) == ("ada", published.track.id)
    assert entry["kids"] == [published.keys.cmaf_kid]
    assert key not in str(entry)


async def test_the_key_of_the_files_needs_a_session_for_them(published: Published) -> None:
    answer = await manifest(published, codec="vorbis", br=320)
    granted = await license(token_of(answer), [published.keys.ogg_kid])
    assert base64.urlsafe_b64decode(granted.json()["keys"][0]["k"] + "==")[:32] == (
        published.keys.ogg_key
    )
    assert fault(await license(token_of(answer), [published.keys.cmaf_kid])) == (403, "OTHER_KEY")
    # the subscription ended after the manifest
    ended = await license(token_of(answer), [published.keys.ogg_kid], tier="free")
    assert fault(ended) == (403, "PREMIUM_REQUIRED")
    outcomes = [one["reason"] for one in await audit(answer["session_id"])]
    assert outcomes == ["ENTITLED", "OTHER_KEY", "PREMIUM_REQUIRED"]


async def test_another_users_session_is_refused_and_recorded(published: Published) -> None:
    answer = await manifest(published)
    refused = await license(token_of(answer), [published.keys.cmaf_kid], user="eve")
    assert fault(refused) == (403, "OTHER_USER")
    (entry,) = await audit(answer["session_id"])
    assert (entry["user_id"], entry["outcome"]) == ("eve", "refused")


async def test_a_session_is_bound_to_its_device(published: Published) -> None:
    answer = await manifest(published, headers={"x-device-id": "phone"})
    kids = [published.keys.cmaf_kid]
    assert (await license(token_of(answer), kids, device="phone")).status_code == 200
    assert (await license(token_of(answer), kids)).status_code == 200
    assert fault(await license(token_of(answer), kids, device="tv")) == (403, "OTHER_DEVICE")


async def test_a_country_that_lost_the_track_loses_the_licence(published: Published) -> None:
    answer = await manifest(published)
    moved = await license(token_of(answer), [published.keys.cmaf_kid], country="US")
    assert fault(moved) == (403, "NOT_AVAILABLE_IN_MARKET")


async def test_an_expired_or_altered_session_opens_nothing(published: Published) -> None:
    answer = await manifest(published)
    token = token_of(answer)
    key = await sessions.token_key()
    session = tokens.read(key, token, time.time())
    old = tokens.issue(key, replace(session, expires_at_s=int(time.time()) - 1))
    altered = ("A" if token[40] != "A" else "B").join((token[:40], token[41:]))
    for bad, status in ((old, 410), (altered, 403), ("nonsense", 403)):
        assert fault(await license(bad, [published.keys.cmaf_kid]))[0] == status
        url = f"{PUBLIC_URL}/v1/playback/streams/{bad}/google/manifest.mpd"
        assert fault(await playlist(url))[0] == status


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"kids": []}', b'{"kids": ["*"]}', b"\xff", b"[" * 5000]
)
async def test_a_malformed_licence_request_is_the_callers_fault(
    published: Published, body: bytes
) -> None:
    answer = await manifest(published)
    assert fault(await license(token_of(answer), body)) == (400, None)


@pytest.mark.parametrize(
    ("tail", "status"),
    [
        ("google/none.mpd", 404),
        ("nowhere/manifest.mpd", 404),
        ("google/../manifest.mpd", 404),
        ("google/aac_1600000000000.m4s", 404),
        ("google/a/b/c.mpd", 404),
    ],
)
async def test_only_playlists_of_the_session_are_served(
    published: Published, tail: str, status: int
) -> None:
    answer = await manifest(published)
    url = f"{PUBLIC_URL}/v1/playback/streams/{token_of(answer)}/{tail}"
    assert fault(await playlist(url))[0] == status
